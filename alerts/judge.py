"""Is a rule's condition met, minute by minute? Pure arithmetic over a grid, all subjects at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from alerts.grid import Bools, Floats, Grid
from alerts.rule import Rule

UNKNOWN, SILENT, CLEAR, BETWEEN, BREACH = range(5)
"""A verdict on one minute: not collected; nothing to say; good; in between, or too few samples; bad."""


@dataclass(frozen=True)
class Judgement:
    """One rule over a grid. `value` is NaN where unknown or silent; a `provisional` one may still change.
    `fires` and `clears` are what the machine in `outages.py` runs on; both may be False."""

    rule: Rule
    grid: Grid
    value: Floats
    verdict: NDArray[np.int8]
    provisional: Bools
    fires: Bools
    clears: Bools


def judge(rule: Rule, grid: Grid) -> Judgement:
    """Judge `rule` at the end of every minute of `grid`.

    It fires at m bad minutes of the newest n. It clears when the newest n are settled, none of them is bad,
    between or unknown, and at least one is good: what is not known, or may still change, proves nothing.
    """
    grid = _only_collected(grid, grid.flags[rule.spec.known])
    known = _all(grid.flags[rule.spec.known], rule.over_minutes)
    provisional = ~_all(~grid.flags["provisional"], rule.over_minutes)
    value = rolled(rule, grid)
    if rule.spec.grows and rule.upward:
        known |= value > rule.threshold
    value = np.where(known, value, np.nan)
    verdict = _verdict(rule, value, _samples(rule, grid), known)
    if rule.spec.grows and not rule.upward:
        verdict[provisional & (verdict == BREACH)] = BETWEEN
    n = rule.for_.minutes
    fires = _counted(verdict == BREACH, n) >= rule.for_.hits
    good = ((verdict == CLEAR) | (verdict == SILENT)) & ~provisional
    clears = _all(good, n) & (_counted(verdict == CLEAR, n) > 0)
    return Judgement(rule, grid, value, verdict, provisional, fires, clears)


def _only_collected(grid: Grid, collected: Bools) -> Grid:
    values = {name: np.where(collected, column, np.nan) for name, column in grid.values.items()}
    return Grid(grid.subjects, grid.ends, values, grid.flags)


def _verdict(rule: Rule, value: Floats, samples: Floats | None, known: Bools) -> NDArray[np.int8]:
    bad = value > rule.threshold if rule.upward else value < rule.threshold
    good = value <= rule.resolve_at if rule.upward else value >= rule.resolve_at
    verdict = np.full(value.shape, BETWEEN, dtype=np.int8)
    verdict[good] = CLEAR
    enough = np.ones_like(bad) if samples is None else samples >= rule.minimum_samples
    verdict[bad & enough] = BREACH
    verdict[np.isnan(value)] = {"hold": SILENT, "ok": CLEAR, "firing": BREACH}[rule.silence_means]
    verdict[~known] = UNKNOWN
    return verdict


def rolled(rule: Rule, grid: Grid) -> Floats:
    """The signal over the last `over` minutes, at the end of every minute; NaN when silent."""
    spec, over = rule.spec, rule.over_minutes
    column = grid.values[spec.column]
    if spec.combine == "sum":
        total = _sum(column, over)
        if spec.per is None:
            return total
        of = _sum(grid.values[spec.per], over)
        return np.divide(total, of, out=np.full_like(total, np.nan), where=of > 0)
    return _largest(column, over) if spec.combine == "max" else -_largest(-column, over)


def _samples(rule: Rule, grid: Grid) -> Floats | None:
    if rule.spec.samples is None or not rule.minimum_samples:
        return None
    return np.nan_to_num(_sum(grid.values[rule.spec.samples], rule.over_minutes))


def _sum(column: Floats, over: int) -> Floats:
    """Rolling sum; NaN counts as nothing, but a stretch of nothing else stays NaN."""
    total = _counted_floats(np.nan_to_num(column), over)
    return np.where(_counted(~np.isnan(column), over) > 0, total, np.nan)


def _largest(column: Floats, over: int) -> Floats:
    """Rolling maximum; NaN only where nothing else is."""
    padded = np.pad(column, ((0, 0), (over - 1, 0)), constant_values=np.nan)
    filled = np.where(np.isnan(padded), -np.inf, padded)
    largest = sliding_window_view(filled, over, axis=1).max(axis=2)
    return np.where(np.isneginf(largest), np.nan, largest)


def _counted_floats(column: Floats, over: int) -> Floats:
    sums = np.cumsum(np.pad(column, ((0, 0), (over, 0))), axis=1)
    return sums[:, over:] - sums[:, :-over]


def _counted(flag: Bools, over: int) -> Floats:
    return _counted_floats(flag.astype(float), over)


def _all(flag: Bools, over: int) -> Bools:
    """Whether all of the last `over` minutes are True; False where the grid does not reach back so far."""
    return _counted(flag, over) >= over
