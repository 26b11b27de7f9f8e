"""Has a function stopped that used to run? What its schedule or its habit expects, and what broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from core.schedules import Cron, Rate, last_due, next_due

GRACE = timedelta(minutes=20)
"""A run this late is not missing: data of the newest minutes may still come."""

LEAST_RUNS = 8
"""Fewer runs make no habit."""
LEAST_KNOWN = timedelta(days=2)
"""A shorter life makes none: it may be a job that was run once, or a test."""
RESTS = timedelta(hours=2)
"""What pauses longer than this may rest at night, and so at the weekend too."""
LEAST_KNOWN_OF_RESTING = timedelta(days=8)
"""As much as has seen a weekend, whatever day it began."""
TIMES, TIMES_IF_UNEVEN = 2, 3
"""A pause that is so many times the longest of its habit is no habit."""
EVEN = 2
"""The longest pause of an even habit is at most so many times its middle one."""
LEAST_PAUSE = timedelta(minutes=30)

EAST, WEST = timedelta(hours=14), timedelta(hours=12)
"""How far clocks are ahead of UTC, and behind it, at most."""

SCHEDULE, HABIT = "schedule", "habit"
RUNS, STOPPED, UNKNOWN, UNJUDGED, DELETED = "runs", "stopped", "unknown", "not judged", "deleted"


@dataclass(frozen=True, slots=True)
class Habit:
    """What the starts of steps with invocations teach: how many there are, the first, the last, and the
    longest and the middle one of the pauses between them."""

    runs: int
    first: datetime
    last: datetime
    longest: timedelta
    middle: timedelta

    @classmethod
    def of(cls, active: Sequence[datetime]) -> Habit | None:
        """From the starts in order; None for fewer than two."""
        pauses = sorted(later - earlier for earlier, later in pairwise(active))
        if not pauses:
            return None
        return cls(len(active), active[0], active[-1], pauses[-1], median_low(pauses))

    @property
    def is_known(self) -> bool:
        """Whether it says something: enough runs over long enough, none of the pauses as long as all there
        is."""
        known = self.last - self.first
        needed = LEAST_KNOWN_OF_RESTING if self.longest > RESTS else LEAST_KNOWN
        return self.runs >= LEAST_RUNS and known >= needed and self.longest * 4 <= known

    @property
    def confidence(self) -> float:
        """How sure a pause longer than all of these is none of the habit's: if pauses come in any order, the
        next one is the longest with a chance of 1 in all of them."""
        return (self.runs - 1) / self.runs


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a function. `by` is schedule or habit, `due` when it should have run last, `every`
    the longest pause that is usual. `confidence` (0..1) is a habit's; None: AWS states the schedule. One that
    `is_off` invokes nothing now. `schedule` is what it was read from, if its time zone is known too."""

    by: str
    due: datetime
    every: timedelta | None
    says: str
    confidence: float | None = None
    is_off: bool = False
    schedule: Rate | Cron | None = None


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
    """`state` is runs, stopped, unknown (what it did was not read) or not judged (nothing is expected of it);
    `broken` are the links that explain it, the newest first."""

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
    is_off: bool = False,
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
    every = schedule.every if isinstance(schedule, Rate) else None
    return Expected(SCHEDULE, due, every, text, is_off=is_off, schedule=schedule if zone_known else None)


def ran_by(
    schedule: Rate | Cron,
    habit: Habit | None,
    last: datetime | None,
    *,
    step: timedelta,
    zone_known: bool = True,
) -> bool:
    """Whether a schedule is likely to be what invoked a function until its `last` run: nothing else did so
    more often, and that run was when it was due. `step` is as far as times may be off. Without a run that is
    known it is taken for it."""
    if last is None:
        return True
    if isinstance(schedule, Rate):
        return habit is None or schedule.every <= habit.middle + step
    if not zone_known:
        return True
    due = last_due(schedule, last + step)
    before = last_due(schedule, due - step) if due else None
    if due is None or due < last - step:
        return False
    return habit is None or before is None or due - before <= habit.middle + 2 * step


def by_habit(habit: Habit | None, *, step: timedelta) -> Expected | None:
    """When a function of this habit must have run again, at the latest; None if the habit says nothing.
    `step` is as far as a time of the habit may be off."""
    if habit is None or not habit.is_known:
        return None
    times = TIMES if habit.longest <= EVEN * habit.middle else TIMES_IF_UNEVEN
    due = habit.last + max(times * habit.longest, LEAST_PAUSE) + step
    says = f"it never paused longer than {_long(habit.longest)} in {_long(habit.last - habit.first)}"
    return Expected(HABIT, due, habit.longest, says, confidence=habit.confidence)


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

    A schedule is missed when nothing ran since it was due; a habit when its patience is over. A schedule that
    is off is waited for only where nothing else is expected that is met. Broken links explain a stop, but do
    not make one: something else may invoke the function.
    """
    broken = _newest_first([link for link in links if link.is_broken])
    if not expected:
        return _nothing_expected(last, broken)
    on = [one for one in expected if not one.is_off] or list(expected)
    missed = [one for one in expected if is_missed(one, last, now=now)]
    if not missed or (len(on) < len(expected) and not any(one in missed for one in on)):
        return Verdict(RUNS, on[0], broken, f"it runs as expected: {on[0].says}")
    first = next((one for one in on if one in missed), missed[0])
    if unread is not None:
        return Verdict(UNKNOWN, first, broken, f"it is not known whether it ran: {unread}")
    why = broken[0].says if broken else "nothing between its sources and it is seen to be broken"
    return Verdict(STOPPED, first, broken, why)


def _nothing_expected(last: datetime | None, broken: tuple[Link, ...]) -> Verdict:
    """Only what stops a function by itself tells of one that is known to have run."""
    stops = tuple(link for link in broken if link.stops)
    if last is not None and stops:
        return Verdict(STOPPED, None, stops, stops[0].says)
    if last is None:
        return Verdict(UNJUDGED, None, broken, "nothing is known that it should do")
    return Verdict(UNJUDGED, None, broken, "it has no schedule, and runs too seldom or too new for a habit")


def is_missed(expected: Expected, last: datetime | None, *, now: datetime) -> bool:
    if expected.by == SCHEDULE:
        return last is None or last < expected.due - timedelta(minutes=1)
    return now >= expected.due


def missed_at(expected: Expected, last: datetime | None) -> datetime:
    """When the first run that it missed after its `last` was due."""
    if last is None or expected.schedule is None:
        return expected.due
    if isinstance(expected.schedule, Rate):
        return min(expected.due, last + expected.schedule.every)
    return next_due(expected.schedule, last + timedelta(minutes=1)) or expected.due


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
