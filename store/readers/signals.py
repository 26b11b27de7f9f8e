"""Minute rows for rules: every function at once, with what was and was not collected."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.windows import Window
from store.store import Store


def function_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per known function and minute of the window: account, region, function, tags (dict), ts, collected (bool), provisional (bool),
    invocations, errors, throttles (0 when collected and CloudWatch says nothing), duration_p95_ms, concurrent_max, async_dropped, iterator_age_max_ms (NaN when silent),
    records, cold_starts, records_collected (bool), timeouts, out_of_memory."""
    raise NotImplementedError


def queue_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per known queue and minute: account, region, queue (ARN), role, functions (list), ts, collected, provisional, depth, oldest_age_s, arrivals."""
    raise NotImplementedError


def account_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per target and minute: account, region, ts, collected, provisional, limit, claimed, headroom, utilization, throttles."""
    raise NotImplementedError


def collection_state(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per collector and target: collector, account, region, outcome, data_until, age_s, error, permission, failing_since (first failed run after the last ok one)."""
    raise NotImplementedError
