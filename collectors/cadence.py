"""How often each function's metrics are read: firing ones fastest, quiet ones slowest, within the cap.

Pure: from activity, money and time to a pace per function, with why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from core.entities import Cadence
from core.facts import ACCOUNT, Target
from core.settings import CollectSettings

DAY = timedelta(days=1)
SLOWEST = timedelta(hours=6)
"""No function is read less often than this before everything stops."""

FIRING_SLOWEST = timedelta(hours=1)
SLACK = Decimal("0.95")
"""A faster pace is taken up again only when it needs no more of the cap than this, so that none flutters."""

Activity = Literal["firing", "active", "quiet"]
ACTIVITIES: tuple[Activity, ...] = ("firing", "active", "quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A function (or ACCOUNT: what belongs to none), what it does, and what one read of its metrics costs."""

    target: Target
    name: str
    activity: Activity
    read_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The money: `spent_usd` of `cap_usd` (None: no cap) until `end`; `others_usd_a_day` is what all else
    costs at its full pace, `fixed_usd_a_day` what costs the same at any pace."""

    now: datetime
    end: datetime
    cap_usd: Decimal | None
    spent_usd: Decimal
    others_usd_a_day: Decimal = Decimal(0)
    fixed_usd_a_day: Decimal = Decimal(0)

    @property
    def days_left(self) -> Decimal:
        return Decimal(str(max(timedelta(0), self.end - self.now) / DAY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A pace for each activity; `others` is how many times slower all else runs."""

    firing: timedelta
    active: timedelta
    quiet: timedelta
    others: int = 1

    def every(self, activity: Activity) -> timedelta:
        return {"firing": self.firing, "active": self.active, "quiet": self.quiet}[activity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The pace of everything. `step` 0 is full pace; `runs_out` is when the cap would stop all paid reading
    at this pace, None when the month ends before."""

    step: int
    pace: Step
    usd_a_day: Decimal
    projected_usd: Decimal
    runs_out: datetime | None
    slowed: Mapping[Activity, int]


def activity(
    last_invoked: datetime | None,
    read_since: datetime | None,
    *,
    is_firing: bool,
    now: datetime,
    quiet_after: timedelta,
) -> Activity:
    """Quiet is what was not invoked for `quiet_after`, if all of that time was read: else it is not known.

    `read_since` is when its unbroken reading begins, None before the first.
    """
    if is_firing:
        return "firing"
    before = now - quiet_after
    seen = last_invoked is not None and last_invoked > before
    known = read_since is not None and read_since <= before
    return "active" if seen or not known else "quiet"


def steps(settings: CollectSettings) -> list[Step]:
    """From full pace to the slowest: quiet functions give way first, then active ones and all else, and
    firing ones last."""
    full, firing = settings.metrics_every, min(settings.firing_every, settings.metrics_every)
    quiet = max(full, settings.quiet_every)
    found = [Step(firing=firing, active=full, quiet=full), Step(firing=firing, active=full, quiet=quiet)]
    factor = 2
    while full * factor <= SLOWEST:
        active = full * factor
        found.append(Step(firing=firing, active=active, quiet=max(quiet, active), others=factor))
        factor *= 2
    slowest = found[-1]
    found.append(Step(firing=firing, active=max(SLOWEST, full), quiet=max(SLOWEST, quiet), others=factor))
    slowest, pace = found[-1], max(full, 2 * firing)
    while pace < min(FIRING_SLOWEST, slowest.active):
        found.append(Step(firing=pace, active=slowest.active, quiet=slowest.quiet, others=slowest.others))
        pace *= 2
    found.append(
        Step(
            firing=max(firing, min(FIRING_SLOWEST, slowest.active)),
            active=slowest.active,
            quiet=slowest.quiet,
            others=slowest.others,
        )
    )
    return found


def usd_a_day(step: Step, read_usd: Mapping[Activity, Decimal], others_usd_a_day: Decimal) -> Decimal:
    """What a day costs at a pace; `read_usd` is what reading all functions of an activity once costs."""
    reads = sum(
        (read_usd.get(kind, Decimal(0)) * Decimal(str(DAY / step.every(kind))) for kind in ACTIVITIES),
        Decimal(0),
    )
    return reads + others_usd_a_day / step.others


def decide(
    watched: Sequence[Watched], month: Month, settings: CollectSettings, *, current: int = 0
) -> Decision:
    """The fastest step that lasts until the month ends, else the slowest. `current` is the step in force."""
    ladder = steps(settings)
    read_usd = {
        kind: sum((w.read_usd for w in watched if w.activity == kind), Decimal(0)) for kind in ACTIVITIES
    }
    a_day = [usd_a_day(step, read_usd, month.others_usd_a_day) + month.fixed_usd_a_day for step in ladder]
    chosen = _chosen([month.spent_usd + usd * month.days_left for usd in a_day], month.cap_usd, current)
    pace = ladder[chosen]
    projected = month.spent_usd + a_day[chosen] * month.days_left
    slowed = {
        kind: sum(w.activity == kind and w.name != ACCOUNT for w in watched)
        for kind in ACTIVITIES
        if pace.every(kind) > ladder[0].every(kind)
    }
    return Decision(
        step=chosen,
        pace=pace,
        usd_a_day=a_day[chosen],
        projected_usd=projected,
        runs_out=_runs_out(month, a_day[chosen]),
        slowed=slowed,
    )


def _chosen(projected: Sequence[Decimal], cap_usd: Decimal | None, current: int) -> int:
    if cap_usd is None:
        return 0
    for number, usd in enumerate(projected):
        if usd <= (cap_usd * SLACK if number < current else cap_usd):
            return number
    return len(projected) - 1


def _runs_out(month: Month, usd_per_day: Decimal) -> datetime | None:
    if month.cap_usd is None or usd_per_day == 0:
        return None
    left_usd = max(Decimal(0), month.cap_usd - month.spent_usd)
    days = left_usd / usd_per_day
    return None if days >= month.days_left else month.now + DAY * float(days)


def cadences(watched: Sequence[Watched], decision: Decision, settings: CollectSettings) -> list[Cadence]:
    """The pace of each of `watched`, in their order, with why."""
    return [
        Cadence(
            name=each.name,
            every_s=round(decision.pace.every(each.activity).total_seconds()),
            why=_why(each.activity, decision, settings),
        )
        for each in watched
    ]


def _why(kind: Activity, decision: Decision, settings: CollectSettings) -> str:
    every = spoken(decision.pace.every(kind))
    if kind in decision.slowed:
        what = f"not invoked for {spoken(settings.quiet_after)}, so " if kind == "quiet" else ""
        usual = steps(settings)[0].every(kind)
        return f"{what}read every {every} instead of {spoken(usual)} to stay within the budget"
    if kind == "firing":
        return f"an incident is open, so read every {every}"
    return f"read every {every}"


def spoken(length: timedelta) -> str:
    """A length of time as a person says it: `90 s`, `5 min`, `6 h`, `1 d`."""
    seconds = round(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
