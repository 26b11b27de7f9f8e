"""When concurrency runs out: by its trend, and by how fast Lambda lets a function grow.

Source: https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

SCALES_BY = 1000
SCALES_EVERY = timedelta(seconds=10)
"""A function gains at most so many environments per so long, whatever is asked of it."""

LEAST_POINTS = 6
FARTHEST = timedelta(hours=24)
"""A trend of minutes says nothing about what lies further off."""

CLEAR = 0.4
"""Below this `confidence` use goes up and down, and its slope is no trend."""

FULL, GROWING, STEADY, UNKNOWN = "full", "growing", "steady", "unknown"


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """How a pool stands. `per_minute` is the trend's growth (None: too few points), `at` when it is full if
    that goes on (None: it does not grow clearly, or not within `FARTHEST`), `soonest_s` how long it takes at
    least, with one function growing as fast as Lambda lets it. `confidence` is how many more pairs of
    minutes rise than fall, as a share of all (Kendall's tau, -1..1); None: too few points."""

    state: str
    headroom: float | None
    per_minute: float | None
    at: datetime | None
    soonest_s: float | None
    says: str
    confidence: float | None = None


def exhaustion(
    points: Sequence[tuple[datetime, float]], limit: float | None, *, growers: int = 1
) -> Exhaustion:
    """Judge a pool by its newest maxima (`points`, any order; NaN: not told), from which `growers` functions
    draw. The trend is the median of the slopes between all pairs of points (Theil and Sen): single peaks do
    not bend it. However steep it is, Lambda lets a function grow by `SCALES_BY` per `SCALES_EVERY` only."""
    told = sorted((ts, used) for ts, used in points if not math.isnan(used))
    if not told or limit is None:
        what = "what it holds" if limit is None else "what is in use"
        return Exhaustion(UNKNOWN, None, None, None, None, f"{what} is not known")
    now, used = told[-1]
    left = limit - used
    if left <= 0:
        return Exhaustion(FULL, left, None, now, 0.0, f"all {limit:,.0f} are in use")
    soonest = left / SCALES_BY * SCALES_EVERY.total_seconds()
    slope, sure = _trend(told)
    at = None
    if slope is not None and slope > 0 and sure is not None and sure >= CLEAR:
        lasts = timedelta(minutes=min(left / slope, 2 * FARTHEST / timedelta(minutes=1)))
        lasts = max(lasts, timedelta(seconds=soonest / max(1, growers)))
        at = now + lasts if lasts <= FARTHEST else None
    state = UNKNOWN if slope is None else GROWING if at else STEADY
    says = f"{left:,.0f} of {limit:,.0f} are left; {_outlook(now, at, slope, sure)}"
    return Exhaustion(state, left, slope, at, soonest, says, sure)


def _outlook(now: datetime, at: datetime | None, slope: float | None, sure: float | None) -> str:
    if slope is None or sure is None:
        return "too few minutes for a trend"
    if at:
        lasts = (at - now) / timedelta(minutes=1)
        return f"at {slope:,.1f} more a minute they are gone in {_long(lasts)}"
    grows = (
        "use does not grow" if slope <= 0 else "use goes up and down" if sure < CLEAR else "use grows slowly"
    )
    return f"{grows}: not within {FARTHEST // timedelta(hours=1)} h"


def _trend(told: Sequence[tuple[datetime, float]]) -> tuple[float | None, float | None]:
    """Growth a minute, and how many more pairs of points rise than fall; None with too few points."""
    if len(told) < LEAST_POINTS:
        return None, None
    x = np.array([ts.timestamp() / 60 for ts, _ in told])
    y = np.array([used for _, used in told])
    first, second = np.triu_indices(len(told), k=1)
    apart = x[second] - x[first]
    slopes = (y[second] - y[first])[apart > 0] / apart[apart > 0]
    return (float(np.median(slopes)), float(np.sign(slopes).mean())) if len(slopes) else (None, None)


def _long(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
