"""Questions to the logs in AWS: pages ask here, a service that reaches the target answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from core.facts import Target
from core.live import UNSEEN, Line, Question
from core.windows import Window
from store.schema import live_search
from store.store import Store

ASKED, RUNNING, DONE, FAILED, CANCELLED = "asked", "running", "done", "failed", "cancelled"
OPEN = (ASKED, RUNNING)
KEPT = timedelta(hours=1)
"""Questions are forgotten with their lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question and how far it is answered. `read_from`: every line since then was looked at; `cost_usd` is
    None while it is not known."""

    id: str
    question: Question
    state: str
    said: str
    asked_at: datetime
    read_from: datetime | None
    lines: tuple[Line, ...]
    calls: int
    cost_usd: Decimal | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def ask(store: Store, question: Question, *, now: datetime) -> str:
    """Put a question; returns its id."""
    id = uuid.uuid4().hex
    values = {
        "id": id,
        "account": question.target.account,
        "region": question.target.region,
        "how": question.how,
        "functions": list(question.functions),
        "text": question.text,
        "start": question.window.start,
        "end": question.window.end,
        "asked_at": now,
        "seen_at": now,
        "state": ASKED,
        "said": "",
        "lines": [],
        "calls": 0,
    }
    with store.transaction() as connection:
        connection.execute(sa.insert(live_search).values(**values))
    return id


def look(store: Store, id: str, *, now: datetime) -> Answer | None:
    """How far a question is answered, and a note that somebody looks; None when it is forgotten."""
    mine = live_search.c.id == id
    with store.transaction() as connection:
        connection.execute(sa.update(live_search).where(mine).values(seen_at=now))
        row = connection.execute(sa.select(live_search).where(mine)).one_or_none()
    return None if row is None else _answer(row)


def cancel(store: Store, id: str) -> None:
    """Nobody wants the rest. Safe to repeat; an answer that is complete stays so."""
    c = live_search.c
    with store.transaction() as connection:
        connection.execute(
            sa.update(live_search)
            .where(c.id == id, c.state.in_(OPEN))
            .values(state=CANCELLED, said="stopped on request")
        )


def take(store: Store, targets: Sequence[Target], *, now: datetime) -> Iterator[Answer]:
    """Questions about `targets` that nobody has taken: each is given to one service only.

    A question that nobody looks at any more is left, and old ones are forgotten.
    """
    c = live_search.c
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(c.id, c.account, c.region, c.state, c.asked_at)).all()
    if any(row.asked_at < now - KEPT for row in rows):
        with store.transaction() as connection:
            connection.execute(sa.delete(live_search).where(c.asked_at < now - KEPT))
    for row in rows:
        if row.state == ASKED and Target(row.account, row.region) in targets:
            taken = _take(store, row.id, now=now)
            if taken is not None:
                yield taken


def _take(store: Store, id: str, *, now: datetime) -> Answer | None:
    c = live_search.c
    with store.transaction() as connection:
        here = sa.and_(c.id == id, c.state == ASKED, c.seen_at >= now - UNSEEN)
        taken = connection.execute(sa.update(live_search).where(here).values(state=RUNNING))
        if taken.rowcount == 0:
            return None
        return _answer(connection.execute(sa.select(live_search).where(c.id == id)).one())


def is_wanted(store: Store, id: str, *, now: datetime) -> bool:
    """Whether a question that is being answered still is: not cancelled, and somebody looks."""
    c = live_search.c
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(c.state, c.seen_at).where(c.id == id)).one_or_none()
    return row is not None and row.state == RUNNING and row.seen_at >= now - UNSEEN


def tell(
    connection: sa.Connection,
    id: str,
    *,
    lines: Sequence[Line],
    read_from: datetime | None,
    calls: int,
    cost_usd: Decimal | None,
    state: str = RUNNING,
    said: str = "",
) -> None:
    """Write how far the answer is; within a write transaction. What was cancelled meanwhile stays so."""
    values: dict[str, Any] = {
        "lines": [
            [round(x.ts.timestamp() * 1000), x.function, x.stream, x.message, x.event_id] for x in lines
        ],
        "read_from": read_from,
        "calls": calls,
        "cost_usd": None if cost_usd is None else f"{cost_usd:f}",
    }
    c = live_search.c
    connection.execute(sa.update(live_search).where(c.id == id).values(**values))
    ended = sa.update(live_search).where(c.id == id, c.state == RUNNING)
    connection.execute(ended.values(state=state, said=said))


def _answer(row: sa.Row[Any]) -> Answer:
    return Answer(
        id=row.id,
        question=Question(
            target=Target(row.account, row.region),
            functions=tuple(row.functions),
            text=row.text,
            window=Window(row.start, row.end),
            how=row.how,
        ),
        state=row.state,
        said=row.said,
        asked_at=row.asked_at,
        read_from=row.read_from,
        lines=tuple(
            Line(ts=datetime.fromtimestamp(ms / 1000, UTC), function=f, stream=s, message=m, event_id=e)
            for ms, f, s, m, e in row.lines
        ),
        calls=row.calls,
        cost_usd=None if row.cost_usd is None else Decimal(row.cost_usd),
    )
