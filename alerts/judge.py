"""Is a rule's condition met, minute by minute? Pure arithmetic over a grid, all subjects at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts import burning
from alerts.grid import Bools, Floats, Grid
from alerts.rolling import counted, every, largest, summed
from alerts.rule import Rule

UNKNOWN, SILENT, CLEAR, BETWEEN, BREACH = range(5)
"""A verdict on one minute: not collected; nothing to say; good; in between, or too few samples; bad."""

Verdicts = NDArray[np.int8]


@dataclass(frozen=True)
class Judgement:
    """One rule over a grid. `value` is NaN where unknown or silent; a `provisional` one may still change.
    `limit` is what it was compared with: NaN where what is normal is not known. `fires` and `clears` are what
    the machine in `outages.py` runs on; both may be False."""

    rule: Rule
    grid: Grid
    value: Floats
    verdict: Verdicts
    provisional: Bools
    fires: Bools
    clears: Bools
    limit: Floats


@dataclass(frozen=True)
class Measured:
    """A rule's number at every minute: `value` (NaN: silent), what it is compared with, how many samples it
    rests on, whether it is known, and whether it may still change."""

    value: Floats
    limit: Floats
    samples: Floats | None
    known: Bools
    provisional: Bools


def judge(
    rule: Rule, grid: Grid, *, limit: Floats | None = None, hours: burning.Hours | None = None
) -> Judgement:
    """Judge `rule` at the end of every minute of `grid`. `limit` is what a seasonal rule is compared with,
    `hours` what lies before the grid for an objective whose windows are longer.

    It fires at m bad minutes of the newest n. It clears when the newest n are settled, none of them is bad,
    between or unknown, and at least one is good: what is not known, or may still change, proves nothing.
    """
    grid = _only_collected(grid, grid.flags[rule.spec.known], rule.spec.columns)
    found = _burnt(rule, grid, hours) if rule.slo is not None else _measured(rule, grid, limit)
    return decided(rule, grid, found, _verdict(rule, found))


def decided(rule: Rule, grid: Grid, found: Measured, verdict: Verdicts) -> Judgement:
    """From a verdict on every minute to what fires and clears."""
    n = rule.for_.minutes
    fires = counted(verdict == BREACH, n) >= rule.for_.hits
    good = ((verdict == CLEAR) | (verdict == SILENT)) & ~found.provisional
    clears = every(good, n) & (counted(verdict == CLEAR, n) > 0)
    return Judgement(rule, grid, found.value, verdict, found.provisional, fires, clears, found.limit)


def _only_collected(grid: Grid, collected: Bools, columns: frozenset[str]) -> Grid:
    values = {name: np.where(collected, grid.values[name], np.nan) for name in columns}
    return Grid(grid.subjects, grid.ends, values, grid.flags)


def _measured(rule: Rule, grid: Grid, limit: Floats | None) -> Measured:
    over = rule.over_minutes
    value = rolled(rule, grid)
    compared = _limit(rule, value, limit)
    known = every(grid.flags[rule.spec.known], over)
    if rule.spec.grows and rule.upward:
        known = known | (value > compared)
    known = known & ~np.isnan(compared)
    provisional = ~every(~grid.flags["provisional"], over)
    samples = summed(grid.values[rule.spec.samples], over) if rule.spec.samples else None
    if rule.is_seasonal:
        return Measured(
            value, compared, samples, known, provisional
        )  # what it is shows, though not what it means
    return Measured(np.where(known, value, np.nan), compared, samples, known, provisional)


def _limit(rule: Rule, value: Floats, limit: Floats | None) -> Floats:
    if not rule.is_seasonal:
        return np.full(value.shape, rule.threshold)
    return np.full(value.shape, np.nan) if limit is None else limit


def _burnt(rule: Rule, grid: Grid, hours: burning.Hours | None) -> Measured:
    assert rule.slo is not None
    assert rule.spec.per is not None
    collected = grid.flags[rule.spec.known]
    bad, total = grid.values[rule.spec.column], grid.values[rule.spec.per]
    found = burning.burnt(bad, total, collected, slo=rule.slo, windows=rule.windows, hours=hours)
    # The newest minutes decide whether it goes on: with them the long windows may still change.
    provisional = ~every(~grid.flags["provisional"], min(burning.shortest(rule.windows), len(grid.ends)))
    return Measured(found.value, found.limit, found.samples, found.known, provisional)


def _verdict(rule: Rule, found: Measured) -> Verdicts:
    value, limit = found.value, found.limit
    resolve_at = limit if rule.resolve_at == rule.threshold else np.full(value.shape, rule.resolve_at)
    bad = value > limit if rule.upward else value < limit
    good = value <= resolve_at if rule.upward else value >= resolve_at
    verdict = np.full(value.shape, BETWEEN, dtype=np.int8)
    verdict[good] = CLEAR
    if found.samples is not None and rule.minimum_samples:
        bad = bad & (np.nan_to_num(found.samples) >= rule.minimum_samples)
    verdict[bad] = BREACH
    verdict[np.isnan(value)] = {"hold": SILENT, "ok": CLEAR, "firing": BREACH}[rule.silence_means]
    verdict[~found.known] = UNKNOWN
    if rule.spec.grows and not rule.upward:
        verdict[found.provisional & (verdict == BREACH)] = BETWEEN
    return verdict


def rolled(rule: Rule, grid: Grid) -> Floats:
    """The signal over the last `over` minutes, at the end of every minute; NaN when silent."""
    spec, over = rule.spec, rule.over_minutes
    column = grid.values[spec.column]
    if spec.combine == "max":
        return largest(column, over)
    if spec.combine == "min":
        return -largest(-column, over)
    total = summed(column, over)
    if spec.per_hour:
        return total * (60 / over)
    if spec.per is None:
        return total
    of = summed(grid.values[spec.per], over)
    return np.divide(total, of, out=np.full_like(total, np.nan), where=of > 0)
