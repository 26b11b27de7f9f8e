"""Answers are worked out before pages ask: their present moves on once those of the next one are known.

A minute makes every window a new one, and all viewers would ask all questions anew at once. So one thread
asks of the present that comes what was asked of the one that is shown; pages wait for it `PATIENCE` at most.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from core.errors import QuarterdeckError
from core.windows import MINUTE, Window, chart_step, floor, newest_end

LOOK_EVERY = timedelta(seconds=15)
PATIENCE = timedelta(seconds=20)
SHOWN = MINUTE + LOOK_EVERY + PATIENCE
"""How long a present is shown: what was answered for it is good as long, or it would be asked again while the
next one's answers are worked out."""
STUCK = timedelta(minutes=2)
"""After which pages go on by themselves, though the thread is still at work."""
DAY = timedelta(days=1)

_IS_AHEAD: ContextVar[bool] = ContextVar("is_ahead", default=False)


@dataclass(frozen=True, slots=True)
class Present:
    """What pages take for now, and up to when metrics were read for every target (None before the first)."""

    now: datetime
    fresh: datetime | None

    @property
    def end(self) -> datetime:
        return newest_end(self.fresh, now=self.now)


class Asking(NamedTuple):
    """A question with all that is asked; to be hashed, if that can be."""

    question: Callable[..., object]
    args: tuple[Any, ...]
    words: tuple[tuple[str, Any], ...] = ()

    @property
    def is_hashable(self) -> bool:
        try:
            hash(self)
        except TypeError:
            return False
        return True

    def moved(self, old: Present, new: Present) -> Asking:
        """The same question about another present."""
        args = tuple(_moved(arg, old, new) for arg in self.args)
        return self._replace(
            args=args, words=tuple((name, _moved(arg, old, new)) for name, arg in self.words)
        )


def _moved(arg: Any, old: Present, new: Present) -> Any:
    """Windows that end with the newest data, or whole days before, go along."""
    if arg == old.now:
        return new.now
    if not isinstance(arg, Window):
        return arg
    for step in (chart_step(arg), MINUTE):
        ended, ends = floor(old.end, step), floor(new.end, step)
        if arg.end <= ended and not (ended - arg.end) % DAY:
            return Window(arg.start + (ends - ended), arg.end + (ends - ended))
    return arg


class Asked:
    """What was asked since the present moved last, and before that since it moved the time before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[Asking, None] = {}
        self._before: dict[Asking, None] = {}

    def note(self, asking: Asking) -> None:
        """Keep what a page asks; not what is asked ahead, or it would be asked for ever, nor what cannot be
        hashed (a question about an alert's whole row): that is asked when a page asks it."""
        if not _IS_AHEAD.get() and asking.is_hashable:
            with self._lock:
                self._now[asking] = None

    def turn(self) -> None:
        with self._lock:
            self._before, self._now = self._now, {}

    def of(self, old: Present, new: Present) -> list[Asking]:
        """What will be asked of the new present, in the order in which it was asked of the old one."""
        with self._lock:
            known = {**self._before, **self._now}
        coming = {asking.moved(old, new): None for asking in known}
        return [asking for asking in coming if asking not in known]


class Seen(NamedTuple):
    """A present, and when it was looked up."""

    present: Present
    at: datetime


class Ahead:
    """The present of all pages of this process. `look` says what it is by now."""

    def __init__(
        self,
        look: Callable[[datetime], Present],
        asked: Asked,
        *,
        start: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._look, self._asked, self._start = look, asked, start or _start
        self._lock, self._is_busy = threading.Lock(), False
        self._shown: Seen | None = None
        self._coming: Seen | None = None

    def present(self, clock: datetime) -> Present:
        """What pages show at `clock`. May have the next one prepared beside."""
        with self._lock:
            if self._coming and clock - self._coming.at > PATIENCE:
                self._show(self._coming)
            most = STUCK if self._is_busy else LOOK_EVERY + PATIENCE
            if self._shown is None or clock - self._shown.at > most:
                self._show(Seen(self._look(clock), clock))
            shown = self._shown
            assert shown is not None
            if clock - shown.at >= LOOK_EVERY and not self._is_busy:
                self._is_busy = True
                self._start(lambda: self._prepare(shown.present, clock))
            return shown.present

    def _show(self, seen: Seen) -> None:
        """Move on, never back; the lock is held."""
        if self._shown is None or seen.at > self._shown.at:
            if self._shown and self._shown.present != seen.present:
                self._asked.turn()
            self._shown = seen
        self._coming = None

    def _prepare(self, old: Present, clock: datetime) -> None:
        try:
            coming = Seen(self._look(clock), clock)
            with self._lock:
                self._coming = coming
            with _ahead():
                self._ask_all(old, coming.present)
            with self._lock:
                self._show(coming)
        finally:
            self._is_busy = False

    def _ask_all(self, old: Present, coming: Present) -> None:
        """Also what pages begin to ask of the old present meanwhile."""
        asked: set[Asking] = set()
        while more := [asking for asking in self._asked.of(old, coming) if asking not in asked]:
            for asking in more:
                with suppress(QuarterdeckError):  # the page that asks it says so
                    asking.question(*asking.args, **dict(asking.words))
            asked.update(more)


@contextmanager
def _ahead() -> Iterator[None]:
    before = _IS_AHEAD.set(True)
    try:
        yield
    finally:
        _IS_AHEAD.reset(before)


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="ahead", daemon=True).start()
