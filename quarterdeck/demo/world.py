"""The demo's world at a moment: simulated days on demand, kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.environments import Limits, simulate
from quarterdeck.demo.history import HISTORY_DAYS, Timeline, timeline
from quarterdeck.demo.model import DAY_MS, Day, Plan
from quarterdeck.demo.specs import Company, Spec
from quarterdeck.demo.stories import DAY, to_ms

Clock = Callable[[], datetime]

DAYS_KEPT = 320
"""Simulated days in memory: two weeks of the functions of one account and region, some 200 MB when full."""

MINUTE_DAYS_KEPT = 1500
"""Days of values per minute in memory, some 35 kB each."""

HOURS_OF_LINES_KEPT = 24
"""Hours of written log lines in memory, mostly below 1 MB each."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Shelf:
    """A small cache of things that are dear to compute and never change; safe for threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            made = self._kept[key] = make()
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
            return made

    def drop(self, which: Callable[[Hashable], bool]) -> None:
        with self._lock:
            for key in [key for key in self._kept if which(key)]:
                del self._kept[key]


class World:
    """Two accounts and their past: the same seed and starts give the same world, whatever the clock says."""

    def __init__(self, plan: Plan, clock: Clock = wall_clock, company: Company = MERIDIAN) -> None:
        self.plan = plan
        self.company = company
        self.clock = clock
        self._days = Shelf(DAYS_KEPT)
        self._limits: dict[tuple[str, str, str], Limits] = {}
        self._changing = threading.Lock()
        self.shelf = Shelf(MINUTE_DAYS_KEPT)
        self.lines = Shelf(HOURS_OF_LINES_KEPT)

    def now(self) -> datetime:
        return self.clock()

    def reserve(self, spec: Spec, reserved: int | None) -> None:
        """From now on so many requests of a function run at once; what was simulated of it is forgotten."""
        with self._changing:
            self._limits[spec.key] = (*self.limits(spec), (self.now_ms(), reserved))
            self._days.drop(lambda key: isinstance(key, tuple) and key[0] == spec.key)
            self.shelf.drop(lambda key: True)
            self.lines.drop(lambda key: True)

    def limits(self, spec: Spec) -> Limits:
        return self._limits.get(spec.key, ())

    def now_ms(self) -> int:
        return to_ms(self.clock())

    @property
    def begin_ms(self) -> int:
        """Where history begins: a UTC midnight."""
        return to_ms(self.plan.start - HISTORY_DAYS * DAY) // DAY_MS * DAY_MS

    def day(self, spec: Spec, number: int) -> Day:
        """The invocations of UTC day `number`; those after now are in it, too."""
        source = spec.source_spec
        limits = self.limits(source)
        made: Day = self._days.get(
            (source.key, number, len(limits)), lambda: simulate(source, number, self.plan, limits)
        )
        return made if spec.like is None else replace(made, spec=spec)

    def days(self, from_ms: int, until_ms: int) -> range:
        """The numbers of the days that overlap a stretch of time and the history."""
        first = max(from_ms, self.begin_ms) // DAY_MS
        return range(first, max(first, -(-min(until_ms, self.now_ms()) // DAY_MS)))

    def days_since_start(self) -> int:
        return max((self.now() - self.plan.start) // DAY, 0)

    def timeline(self, spec: Spec) -> Timeline:
        known = timeline(spec.source_spec, seed=self.plan.seed, start=self.plan.start, now=self.now())
        return known if spec.like is None else Timeline(spec, known.changes)
