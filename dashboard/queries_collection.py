"""Cached questions of the Collection health page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.windows import Window
from dashboard.queries import cached, store
from store.readers import collection


@cached(ttl_s=30)
def runs(window: Window) -> pd.DataFrame:
    return collection.runs(store(), window)


@cached(ttl_s=30)
def gaps(window: Window, at: datetime) -> pd.DataFrame:
    return collection.gaps(store(), window, now=at)


@cached(ttl_s=60, entries=2)
def spend(at: datetime) -> pd.DataFrame:
    return collection.spend(store(), now=at)


@cached(ttl_s=60, entries=2)
def size(at: datetime) -> pd.DataFrame:
    """As of `at`, which only keys the cache."""
    return collection.size(store())
