"""Stretches of time, their grid, and when what they hold is settled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)

LATENESS = timedelta(minutes=18)
"""Lambda stamps a metric with the start of an invocation (up to 15 minutes long) and CloudWatch may lag a
few minutes more: a minute younger than this may still change."""

FRESH_ENOUGH = timedelta(minutes=20)
"""Data this young is what "now" means to a reader; older data is late, and that must show as a hole."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def floor(ts: datetime, step: timedelta) -> datetime:
    """Round down to a multiple of `step` since the epoch, in UTC."""
    seconds = int(ts.timestamp() // step.total_seconds() * step.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)


def ceil(ts: datetime, step: timedelta) -> datetime:
    down = floor(ts, step)
    return down if down == ts else down + step


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `5m`, `3h`, `14d` or `2w`. Raises ValueError, naming the text, for anything else."""
    match = re.fullmatch(r"\s*(\d+)\s*([smhdw])\s*", text)
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 3h, 14d or 2w")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """A stretch of time, start included, end not; both aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a Window needs aware times")
        if self.end < self.start:
            raise ValueError(f"a Window ends before it starts: {self.start} .. {self.end}")

    @classmethod
    def last(cls, length: timedelta, *, now: datetime, step: timedelta = MINUTE) -> Window:
        """The newest `length` that ends on a whole `step`: the unfinished step is left out."""
        end = floor(now, step)
        return cls(end - length, end)

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, ts: datetime) -> bool:
        return self.start <= ts < self.end

    def overlap(self, other: Window) -> Window | None:
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Window(start, end) if start < end else None

    def chunks(self, step: timedelta) -> Iterator[Window]:
        """Cut at multiples of `step` since the epoch, oldest first."""
        start = self.start
        while start < self.end:
            end = min(self.end, floor(start, step) + step)
            yield Window(start, end)
            start = end


def newest_end(fresh: datetime | None, *, now: datetime) -> datetime:
    """Where a window of the newest data ends: where the data does (`fresh`) if that is young, else now."""
    return fresh if fresh and timedelta(0) <= now - fresh <= FRESH_ENOUGH else now


def settled_until(now: datetime) -> datetime:
    """Minutes before this no longer change."""
    return floor(now - LATENESS, MINUTE)


def merge(windows: Iterable[Window]) -> list[Window]:
    """Join windows that touch or overlap; the answer is sorted."""
    merged: list[Window] = []
    for window in sorted(windows):
        if window.start == window.end:
            continue
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def subtract(whole: Window, parts: Iterable[Window]) -> list[Window]:
    """What of `whole` no part covers, sorted."""
    left: list[Window] = []
    at = whole.start
    for part in merge(parts):
        if part.end <= at or part.start >= whole.end:
            continue
        if part.start > at:
            left.append(Window(at, part.start))
        at = max(at, part.end)
    if at < whole.end:
        left.append(Window(at, whole.end))
    return left


def total(windows: Iterable[Window]) -> timedelta:
    return sum((w.duration for w in merge(windows)), timedelta())


CHART_STEPS = (
    (timedelta(hours=3), timedelta(minutes=1)),
    (timedelta(hours=6), timedelta(minutes=2)),
    (timedelta(hours=24), timedelta(minutes=5)),
    (timedelta(days=7), timedelta(minutes=30)),
    (timedelta(days=31), timedelta(hours=2)),
)


def chart_step(window: Window) -> timedelta:
    """The step of a chart over `window`: at most 372 points up to a month, then one a day."""
    for length, step in CHART_STEPS:
        if window.duration <= length:
            return step
    return timedelta(days=1)


MOST_POINTS = 1500
"""What a chart draws at most, all its lines together."""

_STEPS = (
    *(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=h) for h in (1, 2, 3, 6, 12)),
    *(timedelta(days=d) for d in (1, 2, 7, 14, 28)),
)


def lines_step(window: Window, lines: int, least: timedelta = MINUTE) -> timedelta:
    """The step of a chart of several lines: `chart_step` (or `least`, if that is longer), or what keeps all
    of them together within MOST_POINTS."""
    finest = max(chart_step(window), least)
    fits = (s for s in _STEPS if s >= finest and -(-window.duration // s) * lines <= MOST_POINTS)
    return next(fits, max(finest, _STEPS[-1]))
