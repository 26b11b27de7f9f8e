"""Usage as the lines of one function's bill, each with the meter that prices it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from core.prices import FREE_EPHEMERAL_MB
from store.readers.things import Place, matches
from store.readers.usage import Capacity, Sizes
from store.store import Filter


class Line(NamedTuple):
    """Usage of one component that has one price; NaN is not known."""

    region: str
    architecture: str
    component: str
    meter: str
    quantity: float


def volume_lines(metrics: Mapping[Place, Any], sizes: Sizes) -> Iterator[tuple[Place, Line]]:
    """Requests (if metrics count them) and log volume (NaN: invoked, but no volume is known)."""
    for place, row in metrics.items():
        invocations, log_bytes = _known(row.invocations), _known(row.log_bytes)
        if log_bytes is None:
            log_bytes = np.nan if invocations else 0.0
        requests = invocations or 0.0 if place in sizes.counted else 0.0
        yield place, Line(place[1], "", "requests", "request", requests)
        yield place, Line(place[1], "", "logs", "log_ingest", log_bytes)


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def plain_of(records: Mapping[Place, Any], sizes: Sizes) -> dict[Place, Any]:
    """Records of functions of which every one has the same price: the sums of the fleet's scan tell all."""
    return {
        place: row
        for place, row in records.items()
        if not row.has_provisioned and _has_one_size(row) and sizes.is_plain(place)
    }


def _has_one_size(row: Any) -> bool:
    return row.sized == 0 or bool(row.sized == row.records and row.memory_min_mb == row.memory_max_mb)


def plain_lines(place: Place, row: Any, sizes: Sizes) -> Iterator[tuple[Place, Line]]:
    """The same lines as `billing._compute_lines`, of one function."""
    architecture = sizes.architecture(place, "")
    size = row.memory_min_mb if row.sized else sizes.memory_mb(place, "")
    memory_mb = np.nan if size is None else float(size)
    billed = float(row.billed_ms) if not row.unbilled else np.nan
    init = float(row.init_ms)
    storage = billed * (sizes.ephemeral_mb(place) - FREE_EPHEMERAL_MB)
    requests = 0.0 if place in sizes.counted else float(row.records)
    waited = np.nan if np.isnan(billed) else init * memory_mb
    for component, meter, quantity in (
        ("requests", "request", requests),
        ("duration", "duration", (billed - init) * memory_mb),
        ("init", "duration", waited),
        ("ephemeral", "ephemeral", storage),
    ):
        yield place, Line(place[1], architecture, component, meter, quantity)


def capacity_lines(held: Iterable[Capacity], sizes: Sizes, where: Filter) -> Iterator[tuple[Place, Line]]:
    for one in held:
        if matches(where, *one.place):
            architecture = sizes.architecture(one.place, one.version)
            memory_mb = sizes.memory_mb(one.place, one.version) or np.nan
            quantity = float(one.milliseconds * memory_mb)
            line = Line(one.place[1], architecture, "provisioned", "provisioned_capacity", quantity)
            yield one.place, line
