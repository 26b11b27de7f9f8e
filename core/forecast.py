"""What a month will cost by its end, from its days and those before: by weekday, with a band, or unknown."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import fmean, pstdev

LEAST_DAYS, WEEKDAY_DAYS, LEVEL_DAYS, MOST_DAYS = 7, 14, 14, 42
BAND_Z = 1.2816
"""Of a normal distribution: eight months in ten end within the band, if the days to come are like those."""

LEAST_WORTH = 0.05
"""Weekdays that cost next to nothing tell nothing of the others."""

SUNDAY, DAY = 6, timedelta(days=1)

METHOD = (
    "The days that are left are expected at the mean of the last 14 days, each divided by what its weekday"
    " is worth in the last six weeks; holidays count as Sundays. The band is where eight months in ten end,"
    " if days differ from what is expected as they did. Under 14 days weekdays are not told apart, under 7"
    " nothing is said."
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """USD of the whole month; all None with `why` when too little is known. `days` is what it rests on."""

    low_usd: Decimal | None
    usd: Decimal | None
    high_usd: Decimal | None
    days: int
    why: str | None = None


def unknown(days: int) -> Forecast:
    have = f"{days} {'is' if days == 1 else 'are'} known"
    return Forecast(None, None, None, days, f"{LEAST_DAYS} whole days are needed, {have}")


def forecast(
    days: Mapping[date, Decimal], so_far_usd: Decimal, *, now: datetime, holidays: Set[date] = frozenset()
) -> Forecast:
    """The month of `now` (UTC). `days` are whole days that are known, also of months before; `so_far_usd` is
    what this month cost up to now."""
    today = now.date()
    known = {d: float(usd) for d, usd in days.items() if today - MOST_DAYS * DAY <= d < today}
    if len(known) < LEAST_DAYS:
        return unknown(len(known))
    worth = weekday_worth(known, holidays)
    of_day = {d: worth[kind_of(d, holidays)] for d in known}
    flat = {d: usd / of_day[d] for d, usd in known.items() if of_day[d] >= LEAST_WORTH}
    newest = [flat[d] for d in sorted(flat)[-LEVEL_DAYS:]]
    level, spread = fmean(newest), pstdev(flat.values())
    left = list(_left(now, holidays, worth))
    rest = level * sum(left)
    error = spread * math.sqrt(sum(part * part for part in left) + sum(left) ** 2 / len(newest)) * BAND_Z
    low, middle, high = (_usd(max(0.0, rest + sign * error)) for sign in (-1, 0, 1))
    return Forecast(so_far_usd + low, so_far_usd + middle, so_far_usd + high, len(known))


def kind_of(day: date, holidays: Set[date]) -> int:
    """The weekday (Monday is 0) that a day is like: a holiday is like a Sunday."""
    return SUNDAY if day in holidays else day.weekday()


def weekday_worth(known: Mapping[date, float], holidays: Set[date]) -> dict[int, float]:
    """What a weekday costs in ratio to the mean; 1 where that is not known. One of which few are known is
    drawn to 1."""
    mean = fmean(known.values())
    if len(known) < WEEKDAY_DAYS or mean <= 0:
        return dict.fromkeys(range(7), 1.0)
    found = {kind: [usd for d, usd in known.items() if kind_of(d, holidays) == kind] for kind in range(7)}
    return {kind: _worth(mine, mean) for kind, mine in found.items()}


def _worth(mine: Iterable[float], mean: float) -> float:
    ratios = [usd / mean for usd in mine]
    return fmean(ratios) if len(ratios) > 1 else (sum(ratios) + 1) / (len(ratios) + 1)


def _left(now: datetime, holidays: Set[date], worth: Mapping[int, float]) -> Iterable[float]:
    """The worth of each day that is left of the month, of today the part that is."""
    today = now.date()
    passed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / DAY
    yield (1 - passed) * worth[kind_of(today, holidays)]
    for number in range(today.day + 1, calendar.monthrange(today.year, today.month)[1] + 1):
        yield worth[kind_of(today.replace(day=number), holidays)]


def _usd(value: float) -> Decimal:
    """A forecast is no exact money: to a millionth."""
    return Decimal(f"{value:.6f}")
