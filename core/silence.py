"""Has a function stopped that used to run? What its schedule or its habit expects, and what broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.schedules import Cron, Rate, last_due

GRACE = timedelta(minutes=20)
"""A run this late is not missing: data of the newest minutes may still come."""

LEAST_RUNS = 8
"""Fewer runs make no habit."""
TIMES = 2
"""A pause that is so many times the longest of its habit is no habit."""
LEAST_PAUSE = timedelta(minutes=30)

EAST, WEST = timedelta(hours=14), timedelta(hours=12)
"""How far clocks are ahead of UTC, and behind it, at most."""

SCHEDULE, HABIT = "schedule", "habit"
RUNS, STOPPED, UNKNOWN = "runs", "stopped", "unknown"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a function. `by` is schedule or habit, `due` when it should have run last (None:
    nothing is expected yet), `every` the longest pause that is usual."""

    by: str
    due: datetime
    every: timedelta | None
    says: str


@dataclass(frozen=True, slots=True)
class Link:
    """One thing between a source and a function. `is_broken` None: not known; `since`: when it was seen to
    break (None: not while we watched). A link that `stops` stops the function by itself, whatever else
    works."""

    says: str
    is_broken: bool | None
    since: datetime | None = None
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is runs, stopped or unknown; `broken` are the links that explain it, the newest first."""

    state: str
    expected: Expected | None
    broken: tuple[Link, ...]
    says: str


def by_schedule(
    schedule: Rate | Cron,
    text: str,
    *,
    now: datetime,
    since: datetime | None = None,
    zone_known: bool = True,
) -> Expected | None:
    """When a schedule should have run last, `GRACE` ago or before; None before it was due for the first time
    `since` it was seen (None: for ever).

    The hours of a schedule whose time zone is not known may be any zone's: it is late when it is so in all.
    """
    until = now - GRACE
    if isinstance(schedule, Rate):
        due: datetime | None = until - schedule.every
    elif zone_known:
        due = last_due(schedule, until)
    else:
        due = last_due(schedule, until - WEST)
        due = due and due - EAST
    if due is None or (since is not None and due < since):
        return None
    return Expected(SCHEDULE, due, schedule.every if isinstance(schedule, Rate) else None, text)


def by_habit(active: Sequence[datetime], *, now: datetime, step: timedelta) -> Expected | None:
    """What the starts of steps with invocations (`active`, in order) teach: the longest pause between two of
    them. None for fewer than `LEAST_RUNS`, or when the pauses say nothing: the longest is as long as all
    there is."""
    if len(active) < LEAST_RUNS:
        return None
    pauses = [later - earlier for earlier, later in pairwise(active)]
    longest = max(pauses)
    known = active[-1] - active[0]
    if longest * 4 > known:
        return None
    patience = max(TIMES * longest, LEAST_PAUSE) + step
    says = f"it never paused longer than {_long(longest)} in {_long(known)}"
    return Expected(HABIT, active[-1] + patience, longest, says)


def verdict(
    expected: Sequence[Expected],
    last: datetime | None,
    links: Sequence[Link],
    *,
    now: datetime,
    unread: str | None = None,
) -> Verdict:
    """Judge a function. `last` is its last known invocation, `unread` why it is not known whether it ran
    since (None: it is).

    A schedule is missed when nothing ran since it was due; a habit when its patience is over. Broken links
    explain a stop, but do not make one: something else may invoke the function.
    """
    broken = _newest_first([link for link in links if link.is_broken])
    missed = next((one for one in expected if is_missed(one, last, now=now)), None)
    if missed is None:
        told = next(iter(expected), None)
        if told is None and last is None:
            return Verdict(UNKNOWN, None, broken, "nothing is known that it should do")
        if told is None:
            stops = tuple(link for link in broken if link.stops)
            if stops:
                return Verdict(STOPPED, None, stops, stops[0].says)
            return Verdict(UNKNOWN, None, broken, "it has neither a schedule nor a habit")
        return Verdict(RUNS, told, broken, f"it runs as expected: {told.says}")
    if unread is not None:
        return Verdict(UNKNOWN, missed, broken, f"it is not known whether it ran: {unread}")
    why = broken[0].says if broken else "nothing between its sources and it is seen to be broken"
    return Verdict(STOPPED, missed, broken, why)


def is_missed(expected: Expected, last: datetime | None, *, now: datetime) -> bool:
    if expected.by == SCHEDULE:
        return last is None or last < expected.due - timedelta(minutes=1)
    return now >= expected.due


def _newest_first(links: Sequence[Link]) -> tuple[Link, ...]:
    """Those that stop it by themselves first, then by when they were seen to break."""
    return tuple(
        sorted(links, key=lambda link: (not link.stops, -(link.since.timestamp() if link.since else 0.0)))
    )


def _long(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(length / timedelta(hours=1))
    return f"{hours} h" if hours < 48 else f"{round(length / timedelta(days=1))} days"
