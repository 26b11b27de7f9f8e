"""Traces of a window as numbers: how many, how many failed, how long callers waited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.states import Seen
from store.readers.tracing import OUTCOME, wanted_traces, worst_seen
from store.store import Filter, Store

SHOWN_MS = "coalesce(response_ms, duration_ms)"
"""How long the caller waited; of a trace without a response, how long it took in all."""


@reader
@reader
def trace_totals(
    store: Store, window: Window, *, where: Filter, now: datetime, **wanted: Any
) -> tuple[Mapping[str, float | None], Seen | None]:
    """traces, fault, error, throttle, running (each trace counts once, by its worst), read_in_full, p50_ms,
    p95_ms, max_ms (None without an ended trace); and how well the window was read. `wanted` is as of
    `traces`."""
    test, params = wanted_traces(where, **wanted)
    counts = ", ".join(
        f"count(*) FILTER (outcome = '{word}') AS {word}"
        for word in ("fault", "error", "throttle", "running")
    )
    sql = f"""SELECT count(*) AS traces, {counts}, count(document) AS read_in_full,
            quantile_cont({SHOWN_MS}, 0.5) AS p50_ms, quantile_cont({SHOWN_MS}, 0.95) AS p95_ms,
            max({SHOWN_MS}) AS max_ms
        FROM (SELECT *, {OUTCOME} AS outcome FROM traces) WHERE {test}"""
    with store.snapshot(window, ("traces",)) as snapshot:
        row = snapshot.frame(sql, params).iloc[0]
        seen = worst_seen(snapshot, Coverage.read(snapshot, window, now=now, only="traces"), where)
    return {str(name): None if pd.isna(row[name]) else float(row[name]) for name in row.index}, seen


@reader
@reader
def trace_roots(store: Store, window: Window, *, where: Filter) -> pd.DataFrame:
    """Where traces enter, most first: root, traces, failed."""
    test, params = wanted_traces(where)
    sql = f"""SELECT root, count(*) AS traces,
            count(*) FILTER (has_fault OR has_error OR has_throttle) AS failed
        FROM traces WHERE root IS NOT NULL AND {test} GROUP BY root ORDER BY traces DESC, root"""
    with store.snapshot(window, ("traces",)) as snapshot:
        return snapshot.frame(sql, params)
