"""The fleet table: a row per function over a window, as `quarterdeck fleet` prints it."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.windows import Window
from store.store import Filter, Store

EVERYTHING = Filter()


def fleet(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """One row per known function (gone ones included when they have facts in the window), sorted by account, region, function.

    Columns: account, region, function, runtime, architecture, memory_mb, timeout_s, tags (dict), reserved,
    invocations, errors, error_rate, throttles, duration_p50_ms, duration_p95_ms, duration_p99_ms,
    duration_max_ms, max_concurrency, cold_starts, cold_start_rate, init_p50_ms, init_p95_ms,
    max_memory_used_mb, timeouts, out_of_memory, dead_letters, cost_usd (Decimal), last_invocation, states (dict).
    Rates are 0..1. NaN/None is not known, and `states` says why: `silent`, `not collected: WHY`; a known number
    over a window that may still change is `provisional`; one over a window with holes is
    `not collected: 40 of 180 minutes ...` beside the part that is known (None when that part is zero).
    """
    raise NotImplementedError


def fleet_series(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Sums over all functions per `chart_step(window)`: ts, invocations, errors, throttles, error_rate, duration_p50_ms,
    duration_p95_ms, duration_p99_ms (over all invocation records), concurrent_max (highest claimed concurrency, summed over accounts), cold_starts, cost_usd.
    A step that was not collected is NaN."""
    raise NotImplementedError


def sparklines(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function, and lists of about 30 points: invocations, errors."""
    raise NotImplementedError
