"""Usage of functions of which every record has the same price: the sums of their records tell all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from store.readers.things import PLACE, Place
from store.readers.usage import Sizes


def plain_of(records: Mapping[Place, Any], sizes: Sizes) -> dict[Place, Any]:
    """Sums of records (`records.BILLED`) of functions that ran at one size, none of it provisioned."""
    return {
        place: row
        for place, row in records.items()
        if not row.has_provisioned and _has_one_size(row) and sizes.is_plain(place)
    }


def _has_one_size(row: Any) -> bool:
    return row.sized == 0 or bool(row.sized == row.records and row.memory_min_mb == row.memory_max_mb)


def plain_used(plain: Mapping[Place, Any], sizes: Sizes) -> pd.DataFrame:
    """What `usage.used` tells of them, the finer answer, over the whole window and all versions."""
    found = pd.DataFrame(list(plain), columns=pd.Index(PLACE))
    rows = list(plain.values())
    own = [row.memory_min_mb if row.sized else sizes.memory_mb(place, "") for place, row in plain.items()]
    return found.assign(
        step=0,
        version="",
        estimated=False,
        has_provisioned=False,
        provisioned=False,
        architecture=[sizes.architecture(place, "") for place in plain],
        memory_mb=pd.Series(own, dtype=float),
        ephemeral_mb=[sizes.ephemeral_mb(place) for place in plain],
        **{name: [getattr(row, name) for row in rows] for name in SUMMED},
    )


SUMMED = ("records", "started", "restored", "billed_ms", "init_ms", "unbilled")
