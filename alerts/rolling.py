"""Sums, maxima and counts over the last so many minutes, at the end of every minute; NaN is nothing."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from alerts.grid import Bools, Floats


def summed(column: Floats, over: int) -> Floats:
    """NaN counts as nothing, but a stretch of nothing else stays NaN."""
    if over == 1:
        return column
    said = ~np.isnan(column)
    total = _added(np.where(said, column, 0.0), over)
    total[counted(said & (column != 0), over) == 0] = 0.0  # differences of long sums leave a grain
    total[counted(said, over) == 0] = np.nan
    return total


def largest(column: Floats, over: int) -> Floats:
    """NaN only where nothing else is."""
    if over == 1:
        return column
    filled = np.where(np.isnan(column), -np.inf, column)
    padded = np.pad(filled, ((0, 0), (over - 1, 0)), constant_values=-np.inf)
    most = sliding_window_view(padded, over, axis=1).max(axis=2)
    return np.where(np.isneginf(most), np.nan, most)


def counted(flag: Bools, over: int) -> Floats:
    """How many of the last `over` minutes are True."""
    return _added(flag.astype(float), over)


def every(flag: Bools, over: int) -> Bools:
    """Whether all of the last `over` minutes are True; False where the matrix does not reach back so far."""
    return flag if over == 1 else counted(flag, over) >= over


def _added(column: Floats, over: int) -> Floats:
    if over == 1:
        return column.copy()
    sums = np.cumsum(np.pad(column, ((0, 0), (over, 0))), axis=1)
    return sums[:, over:] - sums[:, :-over]
