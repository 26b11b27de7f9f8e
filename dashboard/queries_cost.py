"""Cached questions of the Cost page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store, targets
from store.readers import cost
from store.store import Filter


@cached()
def costs(window: Window, where: Filter, _at: datetime, by: str) -> pd.DataFrame:
    return cost.costs(store(), window, now=_at, by=(by,), where=where)


@cached()
def cost_series(window: Window, where: Filter, _at: datetime, by: str) -> pd.DataFrame:
    return cost.cost_series(store(), window, now=_at, by=by, where=where)


@cached(ttl_s=300, entries=2)
def tag_names() -> list[str]:
    """Every tag that some function carries, the most used first."""
    known = [Target(row["account"], row["region"]) for row in targets().to_dict("records")]
    tags = pd.Series(
        [tag for t in known for f in store().inventory(t).functions for tag in f.tags], dtype="object"
    )
    return [str(tag) for tag in tags.value_counts().index]
