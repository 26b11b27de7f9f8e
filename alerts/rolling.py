"""Sums, maxima and counts over the last so many minutes, at the end of every minute; NaN is nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alerts.grid import Bools, Floats


def summed(column: Floats, over: int) -> Floats:
    """NaN counts as nothing, but a stretch of nothing else stays NaN."""
    if over == 1:
        return column
    silent = np.isnan(column)
    total = np.cumsum(np.where(silent, 0.0, column), axis=1)
    total[:, over:] -= total[:, :-over].copy()
    total[_all(silent | (column == 0), over)] = 0.0  # differences of long sums leave a grain
    total[_all(silent, over)] = np.nan
    return total


def largest(column: Floats, over: int) -> Floats:
    """NaN only where nothing else is."""
    most, length = column, 1
    while length < over:  # of twice as many minutes at each step
        step = min(length, over - length)
        wider = most.copy()
        np.fmax(most[:, step:], most[:, :-step], out=wider[:, step:])
        most, length = wider, length + step
    return most


def counted(flag: Bools, over: int) -> NDArray[np.int32]:
    """How many of the last `over` minutes are True."""
    counts = np.cumsum(flag, axis=1, dtype=np.int32)
    counts[:, over:] -= counts[:, :-over].copy()
    return counts


def every(flag: Bools, over: int) -> Bools:
    """Whether all of the last `over` minutes are True; False where the matrix does not reach back so far."""
    whole = _all(flag, over)
    whole[:, : over - 1] = False
    return whole


def _all(flag: Bools, over: int) -> Bools:
    """Whether all of the last `over` minutes that the matrix has are True."""
    whole, length = flag.copy(), 1
    while length < over:  # of twice as many minutes at each step
        step = min(length, over - length)
        whole[:, step:] &= whole[:, :-step]
        length += step
    return whole
