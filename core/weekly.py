"""How many units of provisioned concurrency pay for themselves in each hour of the week, from replayed
arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core.prices import Prices
from core.provisioned import MONTH
from core.replay import Times
from core.windows import Window

HOURS = 168
HOUR_MS = 3_600_000
WEEK = timedelta(days=7)
MONDAY_MS = 4 * 24 * HOUR_MS
"""1970-01-05, the first Monday of the epoch."""

MOST_UNITS = 1_000

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """From this hour of the week on (0: Monday 00:00 UTC) so many units."""

    hour: int
    units: int


@dataclass(frozen=True, slots=True)
class Week:
    """Per hour of the week (rows): `saved_usd` of 0, 1, 2 ... units (columns; float) against on demand, and
    `seen_h`, how many of that hour were seen."""

    saved_usd: Numbers
    seen_h: Numbers

    @property
    def units(self) -> npt.NDArray[np.int64]:
        """That save most, per hour."""
        most: npt.NDArray[np.int64] = self.saved_usd.argmax(axis=1)
        return most

    @property
    def is_whole(self) -> bool:
        return bool((self.seen_h >= 0.99).all())

    @property
    def usd_month(self) -> Decimal:
        """Saved in a month by following `units`."""
        return _a_month(self.saved_usd.max(axis=1))

    def always_usd_month(self, units: int) -> Decimal:
        """Saved (negative: spent more) in a month by the same units all the time."""
        most = self.saved_usd.shape[1] - 1
        idle = units - most if units > most else 0
        beyond = idle * (self.saved_usd[:, -1] - self.saved_usd[:, -2]) if idle and most else 0.0
        return _a_month(self.saved_usd[:, min(units, most)] + beyond)

    def turns(self) -> list[Turn]:
        """Where the number of units changes, in order; one at Monday 00:00 where it never does."""
        before = np.roll(self.units, 1)
        changed = np.flatnonzero(self.units != before)
        hours = changed.tolist() or [0]
        return [Turn(hour, int(self.units[hour])) for hour in hours]


def hour_of_week(ms: Times) -> npt.NDArray[np.int64]:
    return ((ms - MONDAY_MS) // HOUR_MS) % HOURS


def week(
    number: Times, start_ms: Times, end_ms: Times, *, window: Window, memory_mb: float, prices: Prices
) -> Week | None:
    """From the environment of each arrival (`core.replay.Placed.number`). None: a price is not known."""
    known = prices.duration, prices.provisioned_duration, prices.provisioned_capacity
    if any(price is None for price in known):
        return None
    on_demand, provisioned, capacity = (float(price or 0) for price in known)
    busy_ms, seen_h = busy(number, start_ms, end_ms, window), _seen(window)
    gb = memory_mb / 1024
    with np.errstate(divide="ignore", invalid="ignore"):
        busy_s = np.where(seen_h[:, None] > 0, busy_ms / 1000 / seen_h[:, None], 0.0)
    idle = np.zeros((HOURS, 1))  # one more unit than were ever at work: what a useless one costs
    each = np.hstack([busy_s, idle]) * gb * (on_demand - provisioned) - 3600 * gb * capacity
    return Week(np.hstack([idle, np.cumsum(each, axis=1)]), seen_h)


def _a_month(per_hour: Numbers) -> Decimal:
    return Decimal(str(round(float(per_hour.sum()) * (MONTH / WEEK), 6)))


def busy(number: Times, start_ms: Times, end_ms: Times, window: Window) -> Numbers:
    """Milliseconds of work by hour of the week and environment, within the window."""
    first, last = _ms(window.start), _ms(window.end)
    inside = number < MOST_UNITS
    count = int(number[inside].max()) + 1 if inside.any() else 0
    found = np.zeros(HOURS * count)
    for since, until in _by_hour(np.maximum(start_ms[inside], first), np.minimum(end_ms[inside], last)):
        length = np.maximum(until - since, 0)
        at = hour_of_week(since) * count + number[inside]
        found += np.bincount(at, weights=length, minlength=len(found))[: len(found)] if count else 0
    return found.reshape(HOURS, count)


def _by_hour(since: Times, until: Times) -> Iterator[tuple[Times, Times]]:
    """Spans cut at hours. An invocation lasts 15 minutes at most, with what it waited: two parts."""
    cut = (since // HOUR_MS + 1) * HOUR_MS
    yield since, np.minimum(until, cut)
    yield cut, until


def _seen(window: Window) -> Numbers:
    """How many of each hour of the week are in the window, parts of hours included."""
    first, last = _ms(window.start), _ms(window.end)
    hours = np.arange(first // HOUR_MS, -(-last // HOUR_MS), dtype=np.int64) * HOUR_MS
    length = np.minimum(hours + HOUR_MS, last) - np.maximum(hours, first)
    return np.bincount(hour_of_week(hours), weights=length / HOUR_MS, minlength=HOURS).astype(np.float64)


def _ms(ts: datetime) -> int:
    return round(ts.astimezone(UTC).timestamp() * 1000)
