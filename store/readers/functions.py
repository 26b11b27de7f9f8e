"""One function: its series, errors, slow invocations, versions, changes and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from core.facts import Target
from core.telemetry import KEPT
from core.windows import Window
from store.asking import reader
from store.readers.changes import changes
from store.readers.coverage import Coverage
from store.readers.records import COLD, WAITED_MS
from store.readers.series import function_steps
from store.readers.things import Things
from store.readers.triggers import triggers
from store.readers.wiring import source_name
from store.store import Filter, Store

__all__ = [
    "changes",
    "errors_by_signature",
    "function_series",
    "invocations",
    "log_lines",
    "source_name",
    "traces",
    "triggers",
    "versions",
]

ORDERS: Mapping[str, tuple[str, str]] = {
    "slowest": ("true", "duration_ms DESC"),
    "newest": ("true", "ts DESC"),
    "failed": ("status <> 'success'", "ts DESC"),
    "cold": (COLD, f"{WAITED_MS} DESC"),
}
"""Per order of invocations: which ones, and what comes first."""

ONE_FUNCTION = 'account = $account AND region = $region AND "function" = $function'


@reader
def function_series(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> pd.DataFrame:
    """Per `chart_step(window)` (five minutes at least over five-minute history), whole steps only.

    Columns: ts, invocations, errors, error_rate, throttles, duration_p50_ms, duration_p95_ms, duration_p99_ms
    (of invocation records), duration_max_ms, concurrent_max, cold_starts, cold_start_rate, init_p95_ms,
    max_memory_mb, async_age_max_ms, iterator_age_max_ms, provisional (bool), collected (bool: metrics were
    read), records_collected (bool: the log was read). NaN: silent, or not collected where `collected` is
    False.
    """
    return function_steps(store, target, function, window, now=now)


@reader
def errors_by_signature(store: Store, target: Target, function: str, window: Window) -> pd.DataFrame:
    """signature, count, first_seen, last_seen, level, example (masked message), request_id of the example,
    versions (list). Most first. Lines that are kept though they are no errors are left out."""
    return _frame(
        store,
        window,
        "log_events",
        f"""SELECT signature, count(*) AS count, min(ts) AS first_seen, max(ts) AS last_seen,
            arg_max(level, ts) AS level, arg_max(message, ts) AS example,
            arg_max(request_id, ts) AS request_id,
            coalesce(list_sort(list(DISTINCT version) FILTER (version IS NOT NULL)), []) AS versions
        FROM log_events WHERE {ONE_FUNCTION} AND level <> '{KEPT}'
        GROUP BY signature ORDER BY count DESC, last_seen DESC""",
        _parameters(target, function),
    )


@reader
def invocations(
    store: Store, target: Target, function: str, window: Window, *, order: str = "slowest", limit: int = 50
) -> pd.DataFrame:
    """Invocation records (columns of InvocationRecord); `order` is slowest, newest, failed or cold."""
    which, first = ORDERS[order]
    return _frame(
        store,
        window,
        "invocations",
        f"SELECT * FROM invocations WHERE {ONE_FUNCTION} AND {which} ORDER BY {first}, event_id LIMIT $limit",
        {**_parameters(target, function), "limit": limit},
    )


@reader
def log_lines(store: Store, target: Target, function: str, request_id: str, window: Window) -> pd.DataFrame:
    """Kept log events of one request, oldest first: ts, level, message, signature."""
    return _frame(
        store,
        window,
        "log_events",
        f"""SELECT ts, level, message, signature FROM log_events
        WHERE {ONE_FUNCTION} AND request_id = $request_id ORDER BY ts, event_id""",
        {**_parameters(target, function), "request_id": request_id},
    )


@reader
def traces(
    store: Store, target: Target, window: Window, *, function: str | None = None, limit: int = 100
) -> pd.DataFrame:
    """Columns of TraceRecord, newest first."""
    params: dict[str, Any] = {"account": target.account, "region": target.region, "limit": limit}
    passes = "true"
    if function is not None:
        passes, params["function"] = "list_contains(functions, $function)", function
    return _frame(
        store,
        window,
        "traces",
        f"""SELECT * FROM traces WHERE account = $account AND region = $region AND {passes}
        ORDER BY ts DESC, trace_id LIMIT $limit""",
        params,
    )


@reader
def versions(store: Store, target: Target, function: str, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per version seen or published, newest first ($LATEST before all): version, published, aliases
    (list), share (0..1 of records), invocations, errors (from records; NaN: none was read, and the log was
    not read in full or as sums only), error_rate, duration_p95_ms, cold_start_rate."""
    where, place = Filter(target.account, target.region, function), (target.account, target.region, function)
    with store.snapshot(window, ("invocations",), place=place) as snapshot:
        seen = snapshot.frame(
            f"""SELECT coalesce(version, '') AS version, count(*)::DOUBLE AS invocations,
                count(*) FILTER (status <> 'success')::DOUBLE AS errors,
                quantile_cont(duration_ms, 0.95) AS duration_p95_ms,
                count(*) FILTER ({COLD}) / count(*) AS cold_start_rate
            FROM invocations WHERE {ONE_FUNCTION} GROUP BY ALL""",
            _parameters(target, function),
        )
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
        is_whole = coverage.seen("logs", *place).complete and not coverage.aggregated(*place)
        things = Things.read(snapshot, "version", "alias", where=where)
    frame = _published(things, function).merge(seen, on="version", how="outer")
    aliases = _aliases(things, function)
    frame["aliases"] = [aliases.get(version, []) for version in frame["version"]]
    if is_whole:
        frame[["invocations", "errors"]] = frame[["invocations", "errors"]].fillna(0.0)
    total = frame["invocations"].sum()
    frame["share"] = frame["invocations"] / (total or float("nan"))
    frame["error_rate"] = frame["errors"] / frame["invocations"].where(frame["invocations"] > 0)
    order = frame["version"].map(_age).sort_values(ascending=False, kind="stable").index
    return frame.loc[order, list(_VERSION)].reset_index(drop=True)


_VERSION = (
    "version",
    "published",
    "aliases",
    "share",
    "invocations",
    "errors",
    "error_rate",
    "duration_p95_ms",
    "cold_start_rate",
)


def _published(things: Things, function: str) -> pd.DataFrame:
    known = [t for t in things.of("version") if t.function == function]
    frame = pd.DataFrame(
        {
            "version": [str(t.body["version"]) for t in known],
            "published": [t.body.get("published") for t in known],
        }
    ).astype({"version": "str"})
    frame["published"] = pd.to_datetime(frame["published"], utc=True, format="ISO8601").dt.as_unit("us")
    return frame


def _aliases(things: Things, function: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for thing in things.of("alias"):
        if thing.function == function:
            for version in (thing.body["version"], *(thing.body.get("weights") or {})):
                found.setdefault(str(version), []).append(str(thing.body["alias"]))
    return {version: sorted(names) for version, names in found.items()}


def _age(version: str) -> float:
    """Higher is newer; $LATEST is the newest."""
    return float(version) if version.isdecimal() else float("inf")


def _frame(store: Store, window: Window, kind: str, sql: str, params: Mapping[str, Any]) -> pd.DataFrame:
    with store.snapshot(window, (kind,)) as snapshot:
        return snapshot.frame(sql, params)


def _parameters(target: Target, function: str) -> dict[str, Any]:
    return {"account": target.account, "region": target.region, "function": function}
