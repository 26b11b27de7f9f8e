"""How much longer an invocation takes with less memory: Lambda gives processor time in proportion to memory.

What part of a duration is processor time is not told by Lambda. Without history at several sizes only the two
ends are known: all of it (twice the memory, half the time) or none of it (waiting: no change). Where a
function ran at several sizes, `fit` finds the part: duration = waiting + work / memory, and how sure that is.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (1,769 MB is one vCPU)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ONE_VCPU_MB = 1769.0
"""Above it there is more than one processor, which only parallel work can use."""

ENOUGH = 50
"""Records at a size, fewer of which say nothing of it."""

DAYS_DIFFER = 0.05
"""Two sizes ran on different days: so much their typical durations differ with the same code and memory, as
one standard error. Supposed, and stated wherever a fit is shown."""

SURE = 1.96
"""Standard errors to either side of a 95 % band."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A duration over what it was: `likely` is None where only the ends are known."""

    low: float
    high: float
    likely: float | None = None

    def within(self, other: Ratio) -> Ratio:
        """No further out than `other`: physics holds whatever was fitted."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        likely = self.likely if self.likely is None else min(max(self.likely, low), high)
        return Ratio(min(low, high), max(low, high), likely)


UNCHANGED = Ratio(1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class AtMemory:
    """Warm invocations at one size: how many, and mean and deviation of the logarithm of their duration."""

    memory_mb: float
    records: float
    log_mean: float
    log_sd: float


def ends(before_mb: float, after_mb: float) -> Ratio:
    """From none of it processor time to all of it."""
    ratio = before_mb / after_mb
    return Ratio(min(1.0, ratio), max(1.0, ratio), 1.0 if ratio == 1 else None)


@dataclass(frozen=True, slots=True)
class Fit:
    """duration = `waiting_ms` + `work` / memory, of typical (geometric mean) durations, with its covariance.
    `cap_mb` is the size beyond which more memory brings nothing (infinite: none)."""

    waiting_ms: float
    work: float
    covariance: npt.NDArray[np.float64]
    cap_mb: float
    sizes: tuple[float, ...]

    def share(self, memory_mb: float) -> float:
        """The part of a duration at this size that is processor time, 0..1."""
        busy = self.work / min(memory_mb, self.cap_mb)
        return busy / (busy + self.waiting_ms)

    def ratio(self, before_mb: float, after_mb: float) -> Ratio:
        """With a 95 % band of the fit."""
        at = 1 / min(before_mb, self.cap_mb), 1 / min(after_mb, self.cap_mb)
        was, will = (self.waiting_ms + self.work * x for x in at)
        ratio = will / was
        slope = np.array([(1 - ratio) / was, (at[1] - ratio * at[0]) / was])
        error = SURE * math.sqrt(max(0.0, float(slope @ self.covariance @ slope)))
        return Ratio(ratio - error, ratio + error, ratio)


def fits(seen: Sequence[AtMemory]) -> list[Fit]:
    """Fits of durations against memory; none unless two sizes have ENOUGH records. Two (with and without
    use for more than one processor) where a size is above ONE_VCPU_MB."""
    known = [one for one in seen if one.records >= ENOUGH]
    if len({one.memory_mb for one in known}) < 2:
        return []
    caps = [math.inf, ONE_VCPU_MB] if any(one.memory_mb > ONE_VCPU_MB for one in known) else [math.inf]
    found = [_fit(known, cap) for cap in caps]
    return [one for one in found if one is not None]


def _fit(known: Sequence[AtMemory], cap_mb: float) -> Fit | None:
    """Weighted least squares; neither part of a duration is negative."""
    x = np.array([1 / min(one.memory_mb, cap_mb) for one in known])
    if np.ptp(x) == 0:
        return None
    y = np.array([math.exp(one.log_mean) for one in known])
    error = np.array([math.hypot(one.log_sd / math.sqrt(one.records), DAYS_DIFFER) for one in known]) * y
    rows = np.stack([np.ones_like(x), x], axis=1) / error[:, None]
    covariance = np.linalg.inv(rows.T @ rows)
    waiting, work = covariance @ rows.T @ (y / error)
    if waiting < 0:
        waiting, work = 0.0, float((x * y / error**2).sum() / (x * x / error**2).sum())
    if work < 0:
        waiting, work = float((y / error**2).sum() / (1 / error**2).sum()), 0.0
    left = ((waiting + work * x - y) / error) ** 2
    worse = max(1.0, float(left.sum()) / max(1, len(known) - 2))
    sizes = tuple(sorted({one.memory_mb for one in known}))
    return Fit(float(waiting), float(work), covariance * worse, cap_mb, sizes)


def slowdown(seen: Sequence[AtMemory], before_mb: float, after_mb: float) -> Ratio:
    """How durations change from one size to another: fitted where history has both ends of a comparison,
    else from not at all to in proportion. Where fits differ, all that any of them allows."""
    physics = ends(before_mb, after_mb)
    found = [fit.ratio(before_mb, after_mb).within(physics) for fit in fits(seen)]
    if not found or physics.low == physics.high:
        return physics
    likely = [one.likely for one in found if one.likely is not None]
    return Ratio(min(one.low for one in found), max(one.high for one in found), sum(likely) / len(likely))
