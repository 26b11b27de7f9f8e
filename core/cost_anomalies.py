"""Days on which a function cost far more than days like it, with the component and the likely cause."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from core.forecast import kind_of

LEAST_DAYS, LEAST_ALIKE = 7, 3
SPREADS, SHARE, LEAST_USD = 4.0, 0.3, 0.1
MAD = 1.4826
"""Median absolute deviations in a standard deviation of a normal distribution."""

METHOD = (
    f"A day is held against the median of earlier days of its weekday (holidays count as Sundays; where fewer"
    f" than {LEAST_ALIKE} of them are known, against all), and is an anomaly when it is above by {SPREADS:g}"
    f" times their usual deviation, by {SHARE:.0%} and by {LEAST_USD} USD. Under {LEAST_DAYS} earlier days"
    " nothing is said. The cause is what grew most of what the component's cost is made of: invocations, or"
    " cost per invocation."
)

Cause = Literal["traffic", "duration", "memory", "logs", "retries", "deploy", "configuration"]

HELD = frozenset({"provisioned", "log storage", "snapstart", "instances", "pollers"})
"""Components that cost by what is set up, however often a function is invoked."""

RETRIED = 0.2
"""Errors must have become so much more of a share of invocations for traffic to be called retries."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """A day of one function, in floats: this finds, it does not account. `errors` None: not known."""

    day: date
    components: Mapping[str, float]
    invocations: float
    errors: float | None = None

    @property
    def usd(self) -> float:
        return sum(self.components.values())


@dataclass(frozen=True, slots=True)
class Changes:
    """When code and settings of the function changed, on the day or the one before."""

    deploys: Sequence[datetime] = ()
    memory: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class CostAnomaly:
    """A day that cost `usd` where `expected_usd` was usual. `component` rose most, `cause` is the likely
    reason and `says` tells it; `since` is when a change was made that fits."""

    day: date
    usd: float
    expected_usd: float
    component: str
    cause: Cause
    says: str
    since: datetime | None = None

    @property
    def excess_usd(self) -> float:
        return self.usd - self.expected_usd


@dataclass(frozen=True, slots=True)
class _Usual:
    usd: float
    deviation: float
    days: list[DayCost] = field(default_factory=list)


def anomaly(
    earlier: Sequence[DayCost],
    day: DayCost,
    *,
    holidays: Set[date] = frozenset(),
    changes: Changes | None = None,
    least_usd: float = LEAST_USD,
) -> CostAnomaly | None:
    """None: the day is as usual, or too few earlier days are known."""
    usual = _usual(earlier, day, holidays)
    if usual is None:
        return None
    excess = day.usd - usual.usd
    if excess < max(SPREADS * usual.deviation, SHARE * usual.usd, least_usd):
        return None
    before = {name: median(d.components.get(name, 0.0) for d in usual.days) for name in day.components}
    component = max(day.components, key=lambda name: day.components[name] - before[name])
    return _told(day, usual, component, changes or Changes())


def _usual(earlier: Sequence[DayCost], day: DayCost, holidays: Set[date]) -> _Usual | None:
    before = [d for d in earlier if d.day < day.day]
    if len(before) < LEAST_DAYS:
        return None
    alike = [d for d in before if kind_of(d.day, holidays) == kind_of(day.day, holidays)]
    days = alike if len(alike) >= LEAST_ALIKE else before
    middle = median(d.usd for d in days)
    return _Usual(middle, MAD * median(abs(d.usd - middle) for d in days), days)


# --- why ----------------------------------------------------------------------------------------------------


def _told(day: DayCost, usual: _Usual, component: str, changes: Changes) -> CostAnomaly:
    cause, said, since = _cause(day, usual.days, component, changes)
    return CostAnomaly(day.day, day.usd, usual.usd, component, cause, said, since)


def _cause(
    day: DayCost, days: Sequence[DayCost], component: str, changes: Changes
) -> tuple[Cause, str, datetime | None]:
    if component in HELD:
        return _held(component, changes)
    invocations = median(d.invocations for d in days)
    traffic = _growth(day.invocations, invocations)
    each = _growth(_each(day, component), median(_each(d, component) for d in days))
    if traffic >= each:
        return _traffic(day, days, traffic, invocations)
    grown = f"{component} cost {_times(each)} per invocation"
    if changes.memory:
        return "memory", f"{grown}, since its memory was changed", changes.memory[-1]
    if changes.deploys:
        return "deploy", f"{grown}, since a deploy", changes.deploys[-1]
    if component == "logs":
        return "logs", f"{_times(each)} the log volume per invocation", None
    return "duration", f"{grown}: invocations run longer", None


def _held(component: str, changes: Changes) -> tuple[Cause, str, datetime | None]:
    since = max((*changes.deploys, *changes.memory), default=None)
    return "configuration", f"{component} costs by what is set up: more of it is configured", since


def _traffic(
    day: DayCost, days: Sequence[DayCost], traffic: float, usual: float
) -> tuple[Cause, str, datetime | None]:
    said = f"{_times(traffic)} the invocations ({day.invocations:,.0f} for {usual:,.0f})"
    shares = [d.errors / d.invocations for d in days if d.errors is not None and d.invocations]
    if day.errors is not None and day.invocations and shares:
        share = day.errors / day.invocations
        if share - median(shares) >= RETRIED:
            return "retries", f"{said}, of which {share:.0%} fail: failed events are tried again", None
    return "traffic", said, None


def _each(day: DayCost, component: str) -> float:
    return day.components.get(component, 0.0) / day.invocations if day.invocations else 0.0


def _growth(now: float, before: float) -> float:
    """Growth as a logarithm, so that factors of one product compare."""
    if now <= 0:
        return -math.inf
    return math.inf if before <= 0 else math.log(now / before)


def _times(growth: float) -> str:
    return "for the first time" if growth == math.inf else f"{math.exp(growth):.1f} times"


def around(day: date) -> tuple[date, date]:
    """The days of which changes may explain a day."""
    return day - timedelta(days=1), day
