"""Answers what people ask the logs in AWS: takes questions from the store, reads, and bills what it took."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from collectors import live
from collectors.aws import Aws
from collectors.budget import Hold, StoreBank, cap_usd
from collectors.insights import Pause
from collectors.live import Found
from collectors.log_modes import group_of
from core.entities import Function
from core.errors import AwsError, QuarterdeckError
from core.facts import Target, Usage
from core.live import Question
from store import live as questions
from store.commit import count
from store.live import DONE, FAILED, Answer
from store.store import Store

log = logging.getLogger("quarterdeck.live")

NAME = "live"
"""What the bill calls it."""


def answer(
    store: Store,
    asked: Answer,
    aws: Aws,
    *,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool],
    pause: Pause = time.sleep,
) -> None:
    """Answer one question that was taken. Whatever happens is told to who asked, and billed."""
    bill = _Bill(store, asked, aws, clock)
    aws.take_usage()  # what this thread did before is not this question's
    found, state, said = Found(), DONE, ""

    def wanted() -> bool:
        return not stopping() and questions.is_wanted(store, asked.id, now=clock())

    try:
        with bill.held():
            owners = owners_of(store.inventory(aws.target).functions, asked.question)
            for found in live.read(aws, asked.question, owners, now=clock, wanted=wanted, pause=pause):
                bill.tell(found)
            said = found.said
    except QuarterdeckError as error:
        state, said = FAILED, str(error)
    bill.tell(found, state=state, said=said)
    log.info("live search in %s: %s, %d lines", aws.where, state, len(found.lines))


def owners_of(functions: Sequence[Function], question: Question) -> Mapping[str, str | None]:
    """Log groups to read with the function that writes there, None where several do.

    Raises AwsError when none of the functions is known.
    """
    writers = Counter(group_of(function) for function in functions)
    chosen = [function for function in functions if function.name in question.functions]
    if not chosen:
        raise AwsError("none of these functions is known any more")
    return {group_of(f): f.name if writers[group_of(f)] == 1 else None for f in chosen}


class _Bill:
    """What one question took: told with every step, and kept in the usage table."""

    def __init__(self, store: Store, asked: Answer, aws: Aws, clock: Callable[[], datetime]) -> None:
        self._store, self._asked, self._aws, self._clock = store, asked, aws, clock
        self._calls = 0
        self._usd: Decimal | None = Decimal(0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, paid calls are held to the month's budget."""
        cap = cap_usd(self._aws)
        if cap is None:
            yield
            return
        hold = Hold(StoreBank(self._store, self._aws.target, NAME, cap, self._clock()), cap)
        with self._aws.spending(hold):
            try:
                yield
            finally:
                self.tell(None)
                hold.release()

    def tell(self, found: Found | None, *, state: str = questions.RUNNING, said: str = "") -> None:
        usage = self._aws.take_usage()
        self._add(usage)
        with self._store.transaction() as connection:
            count(connection, self._aws.target, NAME, usage, now=self._clock())
            if found is not None:
                questions.tell(
                    connection,
                    self._asked.id,
                    lines=found.lines,
                    read_from=found.read_from,
                    calls=self._calls,
                    cost_usd=self._usd,
                    state=state,
                    said=said,
                )

    def _add(self, usage: Sequence[Usage]) -> None:
        self._calls += sum(item.calls for item in usage)
        for item in usage:
            known = self._usd is not None and item.cost_usd is not None
            self._usd = self._usd + Decimal(item.cost_usd) if known else None  # type: ignore[operator,arg-type]


class Desk:
    """Takes questions about targets that are watched here, and answers a few at a time."""

    def __init__(
        self,
        store: Store,
        submit: Callable[[Callable[[], None]], object],
        *,
        clock: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._store, self._submit, self._clock, self._stopping = store, submit, clock, stopping

    def take(self, watched: Mapping[Target, Aws]) -> None:
        for asked in questions.take(self._store, list(watched), now=self._clock()):
            self._submit(self._job(asked, watched[asked.question.target]))

    def _job(self, asked: Answer, aws: Aws) -> Callable[[], None]:
        return lambda: answer(self._store, asked, aws, clock=self._clock, stopping=self._stopping)
