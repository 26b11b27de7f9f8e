"""One function: its series, errors, slow invocations, versions, changes and wiring."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from store.store import Store


def function_series(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> pd.DataFrame:
    """Per `chart_step(window)`: ts, invocations, errors, error_rate, throttles, duration_p50_ms, duration_p95_ms, duration_p99_ms,
    duration_max_ms, concurrent_max, cold_starts, cold_start_rate, init_p95_ms, max_memory_mb, async_age_max_ms, iterator_age_max_ms,
    provisional (bool). NaN: silent or not collected (`collected` False tells which)."""
    raise NotImplementedError


def errors_by_signature(store: Store, target: Target, function: str, window: Window) -> pd.DataFrame:
    """signature, count, first_seen, last_seen, level, example (masked message), request_id of the example, versions (list). Most first."""
    raise NotImplementedError


def invocations(
    store: Store, target: Target, function: str, window: Window, *, order: str = "slowest", limit: int = 50
) -> pd.DataFrame:
    """Invocation records (columns of InvocationRecord); `order` is slowest, newest, failed or cold."""
    raise NotImplementedError


def log_lines(store: Store, target: Target, function: str, request_id: str, window: Window) -> pd.DataFrame:
    """Kept log events of one request: ts, level, message, signature."""
    raise NotImplementedError


def versions(store: Store, target: Target, function: str, window: Window) -> pd.DataFrame:
    """Per version seen or published: version, published, aliases (list), share (0..1 of records), invocations, errors (from records), error_rate,
    duration_p95_ms, cold_start_rate."""
    raise NotImplementedError


def changes(
    store: Store, window: Window, *, target: Target | None = None, function: str | None = None
) -> pd.DataFrame:
    """What changed, newest first: ts, account, region, function, kind (deploy, alias, configuration, concurrency, mapping, appeared, gone),
    what (a sentence such as `Deploy v214 → v215`, `Timeout 15 s → 30 s`), field, old, new, version (for deploys).
    A published version is a deploy dated when it was published."""
    raise NotImplementedError


def triggers(store: Store, target: Target, function: str) -> pd.DataFrame:
    """kind (sqs, kinesis, dynamodb, ...), source, state, last_result, qualifier, batch_size, enabled (bool), detail."""
    raise NotImplementedError


def traces(
    store: Store, target: Target, window: Window, *, function: str | None = None, limit: int = 100
) -> pd.DataFrame:
    """Columns of TraceRecord, newest first."""
    raise NotImplementedError
