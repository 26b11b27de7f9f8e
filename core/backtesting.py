"""Whether predictions would have held: where a function's memory was really changed, what was predicted from
the records before is set beside what came after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.cpu_model import DAYS_DIFFER, ENOUGH, SURE, ends
from core.whatif import P95, Recorded


@dataclass(frozen=True, slots=True)
class Backtest:
    """One change of memory. Durations in ms: the p95 that was predicted (from the records before alone, so
    from not at all to in proportion) and the one that came."""

    before_mb: float
    after_mb: float
    low_ms: float
    high_ms: float
    came_ms: float
    records: int

    @property
    def held(self) -> bool:
        return self.low_ms <= self.came_ms <= self.high_ms


def backtests(told: Recorded) -> Iterator[Backtest]:
    """A row per change between stretches of enough warm records each, in order of time."""
    plain = np.isnan(told.waited_ms) & ~told.timed_out
    memory, duration = told.memory_mb[plain], told.duration_ms[plain]
    cuts = np.flatnonzero(np.diff(memory)) + 1
    runs = [part for part in np.split(np.arange(len(memory)), cuts) if len(part) >= ENOUGH]
    for before, after in pairwise(runs):
        was, will = float(memory[before[0]]), float(memory[after[0]])
        if was == will:
            continue
        ratio = ends(was, will)
        error = SURE * DAYS_DIFFER
        low, high = _p95_band(duration[before])
        low_after, high_after = _p95_band(duration[after])
        came = float(np.quantile(duration[after], P95))
        yield Backtest(
            was,
            will,
            low * ratio.low * (1 - error) * min(1.0, low_after / came),
            high * ratio.high * (1 + error) * max(1.0, high_after / came),
            came,
            len(after),
        )


def _p95_band(durations: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    n = len(durations)
    step = SURE * (P95 * (1 - P95) / n) ** 0.5
    low, high = np.quantile(durations, [max(0.0, P95 - step), min(1.0, P95 + step)])
    return float(low), float(high)
