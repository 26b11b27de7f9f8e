"""Columns that are computed from stored ones, minute by minute; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.prices import ListPrices
from store.readers.minutes import Minutes, Numbers

MS_PER_GB_S = 1000 * 1024
"""Milliseconds at a size in MB that make a GB-second: `core.prices.gb_seconds`."""


@dataclass(frozen=True, slots=True)
class Derived:
    """`needs` are the stored columns that `compute` uses, beside what things cost."""

    needs: Sequence[str]
    compute: Callable[[Minutes, ListPrices], Numbers]


def _of_each(minutes: Minutes, name: str) -> Numbers:
    """A number per thing, as a column to compute with; NaN where it is not known."""
    known = [about.get(name) for about in minutes.about]
    return np.array([np.nan if v is None else float(v) for v in known], dtype=float).reshape(-1, 1)


def _timeout_share(minutes: Minutes, _: ListPrices) -> Numbers:
    return minutes.values["duration_p95_ms"] / (_of_each(minutes, "timeout_s") * 1000)


def _cost(minutes: Minutes, listed: ListPrices) -> Numbers:
    """Requests and duration at list price, before free amounts and tiers: what a minute's invocations cost.
    Logs, /tmp beyond the free size and provisioned concurrency are not in it."""
    day = minutes.window.end.date()
    known = [
        listed.of(region, str(about.get("architecture") or "x86_64"), on=day)
        for (_, region, _), about in zip(minutes.places, minutes.about, strict=True)
    ]
    each = np.array([[float(p.request or np.nan), float(p.duration or np.nan)] for p in known]).reshape(-1, 2)
    gb_s = minutes.values["duration_sum_ms"] * _of_each(minutes, "memory_mb") / MS_PER_GB_S
    cost: Numbers = minutes.values["invocations"] * each[:, :1] + gb_s * each[:, 1:]
    return cost


def _headroom(column: str, limit: str) -> Callable[[Minutes, ListPrices], Numbers]:
    """What is left of a pool as a share of it, -1 to 1: AWS may count more than the limit for a moment."""

    def compute(minutes: Minutes, _: ListPrices) -> Numbers:
        size = _of_each(minutes, limit)
        left = np.full(minutes.values[column].shape, np.nan)
        np.divide(size - minutes.values[column], size, out=left, where=size > 0)
        return left

    return compute


DERIVED: Mapping[str, Derived] = {
    "timeout_share": Derived(["duration_p95_ms"], _timeout_share),
    "cost_usd": Derived(["invocations", "duration_sum_ms"], _cost),
    "reserved_headroom": Derived(["concurrent_max"], _headroom("concurrent_max", "reserved")),
    "provisioned_headroom": Derived(
        ["provisioned_utilization_max"], lambda minutes, _: 1 - minutes.values["provisioned_utilization_max"]
    ),
    "headroom_share": Derived(["claimed_max"], _headroom("claimed_max", "limit")),
    "unreserved_headroom": Derived(["unreserved_max"], _headroom("unreserved_max", "unreserved_limit")),
}
