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
FARTHEST = timedelta(days=7)
"""A trend of minutes says nothing about what lies further off."""

FULL, GROWING, STEADY, UNKNOWN = "full", "growing", "steady", "unknown"


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """How a pool stands. `per_minute` is the trend's growth (None: too few points), `at` when it is full if
    that goes on (None: it does not grow, or not within `FARTHEST`), `soonest_s` how long it takes at least,
    with one function growing as fast as Lambda lets it."""

    state: str
    headroom: float | None
    per_minute: float | None
    at: datetime | None
    soonest_s: float | None
    says: str


def exhaustion(points: Sequence[tuple[datetime, float]], limit: float | None) -> Exhaustion:
    """Judge a pool by its newest maxima (`points`, any order; NaN: not told). The trend is the median of the
    slopes between all pairs of points (Theil and Sen): single peaks do not bend it."""
    told = sorted((ts, used) for ts, used in points if not math.isnan(used))
    if not told or limit is None:
        what = "what it holds" if limit is None else "what is in use"
        return Exhaustion(UNKNOWN, None, None, None, None, f"{what} is not known")
    now, used = told[-1]
    left = limit - used
    if left <= 0:
        return Exhaustion(FULL, left, None, now, 0.0, f"all {limit:,.0f} are in use")
    soonest = left / SCALES_BY * SCALES_EVERY.total_seconds()
    slope = _slope(told)
    if slope is None or slope <= 0:
        says = (
            f"{left:,.0f} of {limit:,.0f} are left, and use does not grow"
            if slope is not None
            else (f"{left:,.0f} of {limit:,.0f} are left; too few minutes for a trend")
        )
        return Exhaustion(STEADY if slope is not None else UNKNOWN, left, slope, None, soonest, says)
    lasts = left / slope
    if lasts > FARTHEST / timedelta(minutes=1):
        says = f"{left:,.0f} of {limit:,.0f} are left, and use grows slowly"
        return Exhaustion(STEADY, left, slope, None, soonest, says)
    at = now + timedelta(minutes=lasts)
    says = (
        f"{left:,.0f} of {limit:,.0f} are left; at {slope:,.1f} more a minute they are gone in {_long(lasts)}"
    )
    return Exhaustion(GROWING, left, slope, at, soonest, says)


def _slope(told: Sequence[tuple[datetime, float]]) -> float | None:
    """Growth a minute; None with too few points."""
    if len(told) < LEAST_POINTS:
        return None
    x = np.array([ts.timestamp() / 60 for ts, _ in told])
    y = np.array([used for _, used in told])
    first, second = np.triu_indices(len(told), k=1)
    apart = x[second] - x[first]
    slopes = (y[second] - y[first])[apart > 0] / apart[apart > 0]
    return float(np.median(slopes)) if len(slopes) else None


def _long(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes:,.0f} min"
    return f"{minutes / 60:,.0f} h" if minutes < 2880 else f"{minutes / 1440:,.0f} days"
