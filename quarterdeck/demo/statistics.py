"""CloudWatch's statistics over buckets of time, exactly as from the raw samples."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.model import Floats, Ints

_RANKED = re.compile(r"(p|tm)(\d{1,3}(?:\.\d{1,10})?)")


@dataclass(frozen=True, slots=True)
class Buckets:
    """Samples sorted into buckets: `filled` are the numbers of buckets that have any; `values` are in order
    of bucket and size; those of bucket `filled[i]` begin at `first[i]` and are `sizes[i]` many.
    """

    filled: Ints
    first: Ints
    sizes: Ints
    values: Floats

    @classmethod
    def of(cls, bucket: Ints, value: Floats) -> Buckets:
        order = np.lexsort((value, bucket))
        filled, first, sizes = np.unique(bucket[order], return_index=True, return_counts=True)
        return cls(filled, first.astype(np.int64), sizes.astype(np.int64), value[order])

    def statistic(self, name: str) -> Floats:
        """One value per filled bucket.

        `pNN` interpolates linearly between ranks like numpy.percentile; `tmNN` is the mean up to it.
        """
        if not len(self.filled):
            return np.empty(0)
        if name in _PLAIN:
            return _PLAIN[name](self)
        ranked = _RANKED.fullmatch(name)
        assert ranked is not None, name
        percentile = self._percentile(float(ranked[2]) / 100)
        return percentile if ranked[1] == "p" else self._mean_up_to(percentile)

    def _sum(self) -> Floats:
        return np.asarray(np.add.reduceat(self.values, self.first), dtype=np.float64)

    def _percentile(self, share: float) -> Floats:
        rank = share * (self.sizes - 1)
        below = np.floor(rank).astype(np.int64)
        above = np.minimum(below + 1, self.sizes - 1)
        low, high = self.values[self.first + below], self.values[self.first + above]
        part = rank - below
        between = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
        return np.asarray(between, dtype=np.float64)

    def _mean_up_to(self, limit: Floats) -> Floats:
        kept = self.values <= np.repeat(limit, self.sizes)
        sums = np.add.reduceat(np.where(kept, self.values, 0.0), self.first)
        return np.asarray(sums / np.add.reduceat(kept.astype(np.float64), self.first), dtype=np.float64)


_PLAIN: dict[str, Callable[[Buckets], Floats]] = {
    "SampleCount": lambda buckets: buckets.sizes.astype(np.float64),
    "Sum": lambda buckets: buckets._sum(),
    "Average": lambda buckets: buckets._sum() / buckets.sizes,
    "Minimum": lambda buckets: buckets.values[buckets.first],
    "Maximum": lambda buckets: buckets.values[buckets.first + buckets.sizes - 1],
}


def is_known(statistic: str) -> bool:
    ranked = _RANKED.fullmatch(statistic)
    return statistic in _PLAIN or bool(ranked and float(ranked[2]) <= 100)
