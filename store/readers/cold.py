"""Cold starts, from invocation records."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.windows import Window
from store.readers.fleet import EVERYTHING
from store.store import Filter, Store


def cold_starts(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function: account, region, function, runtime, architecture, memory_mb, records, cold_starts, cold_start_rate,
    init_p50_ms, init_p95_ms, init_max_ms, waited_s (sum of init and restore that callers waited for), init_cost_usd (Decimal), on_demand, provisioned, snap_start
    (cold starts by initialization type; unknown type counts as on-demand when Init Duration is present), state. Worst first (waited_s)."""
    raise NotImplementedError


def cold_series(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per `chart_step`: ts, records, cold_starts, cold_start_rate, init_p50_ms, init_p95_ms."""
    raise NotImplementedError


def cold_by_hour(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """weekday (0 Monday), hour (UTC), records, cold_starts, cold_start_rate."""
    raise NotImplementedError
