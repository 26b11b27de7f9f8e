"""CloudWatch's statistics over buckets of time, exactly as from the raw samples."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quarterdeck.demo.simulate import Floats, Ints

_RANKED = re.compile(r"(p|tm)(\d{1,3}(?:\.\d{1,10})?)")

Reduce = Callable[[Ints, Floats, int], Floats]


def _sum(bucket: Ints, value: Floats, count: int) -> Floats:
    return np.bincount(bucket, weights=value, minlength=count)


def _sizes(bucket: Ints, value: Floats, count: int) -> Floats:
    return np.bincount(bucket, minlength=count).astype(np.float64)


def _average(bucket: Ints, value: Floats, count: int) -> Floats:
    sizes = _sizes(bucket, value, count)
    return np.divide(_sum(bucket, value, count), sizes, out=np.zeros(count), where=sizes > 0)


def _minimum(bucket: Ints, value: Floats, count: int) -> Floats:
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, bucket, value)
    return lowest


def _maximum(bucket: Ints, value: Floats, count: int) -> Floats:
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, bucket, value)
    return highest


_PLAIN: dict[str, Reduce] = {
    "SampleCount": _sizes,
    "Sum": _sum,
    "Average": _average,
    "Minimum": _minimum,
    "Maximum": _maximum,
}


def is_known(statistic: str) -> bool:
    ranked = _RANKED.fullmatch(statistic)
    return statistic in _PLAIN or bool(ranked and float(ranked[2]) <= 100)


def bucketed(bucket: Ints, value: Floats, count: int, statistic: str) -> tuple[NDArray[np.int64], Floats]:
    """The numbers of the buckets that hold samples, and the statistic of each.

    `pNN` interpolates linearly between ranks like numpy.percentile; `tmNN` is the mean of what is not above pNN.
    """
    sizes = np.bincount(bucket, minlength=count)
    filled = np.flatnonzero(sizes)
    if statistic in _PLAIN:
        return filled, _PLAIN[statistic](bucket, value, count)[filled]
    ranked = _RANKED.fullmatch(statistic)
    assert ranked is not None, statistic
    percentile = _percentile(bucket, value, sizes, float(ranked[2]) / 100)
    if ranked[1] == "p":
        return filled, percentile[filled]
    kept = value <= percentile[bucket]
    return filled, _average(bucket[kept], value[kept], count)[filled]


def _percentile(bucket: Ints, value: Floats, sizes: NDArray[np.int64], share: float) -> Floats:
    ordered = value[np.lexsort((value, bucket))]
    first = np.cumsum(sizes) - sizes
    answer = np.full(len(sizes), np.nan)
    filled = sizes > 0
    rank = share * (sizes[filled] - 1)
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, sizes[filled] - 1)
    low, high = ordered[first[filled] + below], ordered[first[filled] + above]
    part = rank - below
    answer[filled] = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return answer
