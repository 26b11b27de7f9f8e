"""Cached questions of the Silent stops page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from dashboard.queries import cached, store
from store.readers import silence
from store.store import Filter


@cached(ttl_s=300, entries=16)
def silent_stops(where: Filter, _at: datetime) -> pd.DataFrame:
    """Every function, judged as of now."""
    return silence.silent_stops(store(), now=_at, where=where, all_functions=True)
