"""Is a stream stuck? What the age of its oldest record tells, minute by minute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_POINTS, LEAST_TIME = 5, timedelta(minutes=10)
"""A shorter growth is a slow batch."""
AS_FAST_AS_TIME = (0.8, 1.25)
"""How fast the age grows while the same record stays at the front: as fast as time, as far as maxima tell."""
GROWING = 0.1
"""Growth in seconds a second below which a stream is not falling behind."""
STAYS = 0.6
"""The share of minutes that must tell of errors for these to stay."""

POISON_PILL, BLOCKED = "poison pill", "blocked"
HELD_UP, FALLING_BEHIND = "held up by failures", "falling behind"


@dataclass(frozen=True, slots=True)
class Moment:
    """One period: the age of the oldest record, and what was invoked and failed. None: not told."""

    ts: datetime
    age_ms: float | None
    invocations: float | None = None
    errors: float | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """What a growing age looks like, since when, and how many seconds it grows a second."""

    kind: str
    since: datetime
    growth: float
    says: str


def stuck(moments: Sequence[Moment]) -> Stuck | None:
    """Read the newest growth of the age, `moments` in order of time; None when it does not grow.

    - as fast as time while errors stay and there are invocations: one record fails again and again;
    - as fast as time without errors: the record at the front is not handed over;
    - more slowly while errors stay: batches that fail are tried again before new ones are read;
    - more slowly without: records come in faster than they are worked on.
    """
    rise = _newest_rise([m for m in moments if m.age_ms is not None and not math.isnan(m.age_ms)])
    if len(rise) < LEAST_POINTS or rise[-1].ts - rise[0].ts < LEAST_TIME:
        return None
    growth = _growth(rise[0], rise[-1])
    if growth < GROWING:
        return None
    lasting = [m for m in moments if rise[0].ts <= m.ts]
    return _named(growth, lasting, rise)


def _newest_rise(told: Sequence[Moment]) -> list[Moment]:
    """The last moments, back to where the age was last seen to fall."""
    start = len(told) - 1
    while start > 0 and (told[start].age_ms or 0) > (told[start - 1].age_ms or 0):
        start -= 1
    return list(told[max(0, start) :])


def _growth(first: Moment, last: Moment) -> float:
    return ((last.age_ms or 0) - (first.age_ms or 0)) / 1000 / (last.ts - first.ts).total_seconds()


def _named(growth: float, lasting: Sequence[Moment], rise: Sequence[Moment]) -> Stuck:
    since, age = rise[0].ts, _minutes(rise[-1].age_ms or 0)
    fails = _keeps_failing(lasting)
    least, most = AS_FAST_AS_TIME
    if least <= growth <= most:
        front = f"the oldest record has been at the front since {since:%H:%M} UTC and is {age} old"
        if fails:
            says = f"{front}, while invocations keep failing: one record (a poison pill) blocks its shard"
            return Stuck(POISON_PILL, since, growth, says)
        idle = not any(m.invocations for m in lasting)
        what = "nothing is invoked" if idle else "one shard is not read, or its batch still runs"
        return Stuck(BLOCKED, since, growth, f"{front}, without lasting errors: {what}")
    grows = f"the oldest record is {age} old and ages {growth:.1f} s a second since {since:%H:%M} UTC"
    if fails:
        says = f"{grows}: batches that fail are tried again before new ones are read"
        return Stuck(HELD_UP, since, growth, says)
    return Stuck(FALLING_BEHIND, since, growth, f"{grows}: more comes in than is done")


def _keeps_failing(lasting: Sequence[Moment]) -> bool:
    """Whether errors stay among the minutes in which something was invoked."""
    active = [m for m in lasting if (m.invocations or 0) > 0]
    failing = [m for m in active if (m.errors or 0) > 0]
    return bool(active) and len(failing) >= STAYS * len(active)


def _minutes(age_ms: float) -> str:
    minutes = round(age_ms / 60_000)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
