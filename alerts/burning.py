"""The arithmetic of error budgets: how many times as fast as allowed they burn, over pairs of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.burn import ENOUGH, MINUTE_WINDOWS, BurnWindow
from alerts.grid import Bools, Floats
from alerts.rolling import counted, summed
from alerts.written import minutes

HOUR = 60
Late = NDArray[np.int64]


@dataclass(frozen=True)
class Hours:
    """Whole hours up to minute `end` of the grid (by number), a column each: what was bad, of what total (NaN
    where an hour was not wholly collected)."""

    end: int
    bad: Floats
    total: Floats


@dataclass(frozen=True)
class Burnt:
    """Of the pair of windows that is nearest to its limit, or furthest beyond: the slower of both burns."""

    value: Floats
    limit: Floats
    known: Bools
    samples: Floats


@dataclass(frozen=True)
class _Window:
    """Bad ones, all, and minutes collected, over one window."""

    bad: Floats
    total: Floats
    share: Floats

    def burn(self, slo: float) -> Floats:
        rate = np.divide(self.bad, self.total, out=np.full_like(self.bad, np.nan), where=self.total > 0)
        return rate / (1 - slo)


def shortest(windows: Sequence[BurnWindow]) -> int:
    return min(minutes(window.short) for window in windows)


def burnt(
    bad: Floats,
    total: Floats,
    collected: Bools,
    *,
    slo: float,
    windows: Sequence[BurnWindow],
    hours: Hours | None,
) -> Burnt:
    """The condition holds where `value` is above `limit`. A window counts when `ENOUGH` of it was collected,
    and the newest minute; where no pair of windows does, nothing is known."""
    shape = bad.shape
    value, limit = np.full(shape, np.nan), np.full(shape, windows[0].above)
    known, nearest, samples = np.zeros(shape, dtype=bool), np.full(shape, -np.inf), np.zeros(shape)
    for window in windows:
        long = _over(bad, total, collected, minutes(window.long), hours)
        short = _over(bad, total, collected, minutes(window.short), None)
        seen = collected & (long.share >= ENOUGH) & (short.share >= ENOUGH)
        burn = np.minimum(long.burn(slo), short.burn(slo))
        ratio = np.where(np.isnan(burn), -1.0, burn / window.above)
        better = seen & (ratio > nearest)
        value[better], limit[better] = burn[better], window.above
        nearest[better], samples[better] = ratio[better], np.nan_to_num(long.total)[better]
        known |= seen
    return Burnt(value, limit, known, samples)


def _over(bad: Floats, total: Floats, collected: Bools, length: int, hours: Hours | None) -> _Window:
    if length > minutes(MINUTE_WINDOWS):
        return _over_hours(bad, total, collected, length // HOUR, hours)
    share = counted(collected, length) / length
    return _Window(summed(bad, length), summed(total, length), share)


def _over_hours(bad: Floats, total: Floats, collected: Bools, count: int, hours: Hours | None) -> _Window:
    """Whole hours, and the minutes of the grid since the last of them. The oldest hours that the window only
    touches are left out as the minutes go on."""
    nothing = np.full(bad.shape, np.nan)
    if hours is None:
        return _Window(nothing, nothing, np.zeros(bad.shape))
    since = np.arange(bad.shape[1]) - hours.end  # minutes after the hours' end, less one
    late = np.clip(-(-(since + 1) // HOUR), 0, None)  # hours that have left the window by then
    whole = _from_newest(hours.bad, hours.total, count, late)
    recent = since >= 0
    added = [np.cumsum(np.where(recent, np.nan_to_num(column), 0.0), axis=1) for column in (bad, total)]
    read = np.cumsum(np.where(recent, collected, False), axis=1)
    kept = np.maximum(count - late, 0)
    share = (whole[2] + read / HOUR) / (kept + np.maximum(since + 1, 0) / HOUR).clip(min=1e-9)
    at_hand = np.where(recent | (since == -1), share, 0.0)
    return _Window(whole[0] + added[0], whole[1] + added[1], at_hand)


def _from_newest(bad: Floats, total: Floats, count: int, late: Late) -> tuple[Floats, Floats, Floats]:
    """Sums over the newest `count` hours less the `late` oldest of them, and how many of these were read."""
    at = np.clip(count - late, 0, count)
    read = (~np.isnan(total)).astype(float)
    sums = [_sums_back(column, count)[:, at] for column in (bad, total, read)]
    return sums[0], sums[1], sums[2]


def _sums_back(column: Floats, count: int) -> Floats:
    """The sum of the newest 0, 1, ... `count` hours."""
    newest = np.nan_to_num(column[:, ::-1][:, :count])
    sums = np.cumsum(np.pad(newest, ((0, 0), (1, 0))), axis=1)
    return np.pad(sums, ((0, 0), (0, count + 1 - sums.shape[1])), mode="edge")
