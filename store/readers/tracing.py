"""Traces: a list, the service map, one trace from top to bottom, and why there is none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.facts import Target
from core.graph import Graph, graph
from core.telemetry import TraceRecord
from core.tracing import KEPT, started, transaction_search
from core.waterfall import Bar, began, waterfall
from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.lost import lacking, why_lacking
from store.readers.no_trace import DAY, HOUR, LONGEST, trace_settings, why_no_trace
from store.readers.states import Seen
from store.readers.things import EVERYTHING, matches, sql_where
from store.store import Filter, Snapshot, Store

__all__ = ["ServiceMap", "TraceView", "held", "service_map", "trace", "traces", "why_no_trace"]

OUTCOME = """CASE WHEN has_fault THEN 'fault' WHEN has_throttle THEN 'throttle' WHEN has_error THEN 'error'
    WHEN partial THEN 'running' ELSE 'ok' END"""
"""A trace's worst: what its services did wrong, then what was refused, then what the caller did wrong."""

_SLOWEST = "coalesce(response_ms, duration_ms) DESC NULLS LAST"
ORDERS: Mapping[str, str] = {
    "newest": "ts DESC",
    "slowest": _SLOWEST,
    "failed": f"has_fault DESC, has_throttle DESC, has_error DESC, {_SLOWEST}",
}


@reader
def traces(
    store: Store,
    window: Window,
    *,
    where: Filter = EVERYTHING,
    outcome: str | None = None,
    failed: bool | None = None,
    slower_than_ms: float | None = None,
    root: str | None = None,
    order: str = "newest",
    limit: int = 100,
) -> pd.DataFrame:
    """account, region, trace_id, ts, duration_ms, response_ms, outcome (fault, throttle, error, running, ok),
    http_status, root, functions (list), has_segments (bool: read in full). `order` is newest, slowest
    or failed (those first, the worst outcome first, the slowest of each first); `failed` False wants only
    those without a fault, throttle or error."""
    wanted, params = wanted_traces(
        where, outcome=outcome, failed=failed, slower_than_ms=slower_than_ms, root=root
    )
    sql = f"""SELECT account, region, trace_id, ts, duration_ms, response_ms, outcome, http_status, root,
            functions, document IS NOT NULL AS has_segments
        FROM (SELECT *, {OUTCOME} AS outcome FROM traces) WHERE {wanted}
        ORDER BY {ORDERS[order]}, trace_id LIMIT $limit"""
    with store.snapshot(window, ("traces",)) as snapshot:
        return snapshot.frame(sql, {**params, "limit": limit})


def wanted_traces(
    where: Filter,
    *,
    outcome: str | None = None,
    failed: bool | None = None,
    slower_than_ms: float | None = None,
    root: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Which traces, as SQL over them with their `OUTCOME`, and its parameters."""
    wanted, params = _wanted(where)
    tests = {
        "outcome = $outcome": ("outcome", outcome),
        "(has_fault OR has_error OR has_throttle) = $failed": ("failed", failed),
        "coalesce(response_ms, duration_ms) > $slower_than_ms": ("slower_than_ms", slower_than_ms),
        "root = $root": ("root", root),
    }
    for test, (name, value) in tests.items():
        if value is not None:
            wanted, params[name] = f"{wanted} AND {test}", value
    return wanted, params


def _wanted(where: Filter) -> tuple[str, dict[str, Any]]:
    """The filter as SQL over traces, which name several functions."""
    wanted, params = sql_where(Filter(where.account, where.region))
    if where.function is None:
        return wanted, dict(params)
    return f"{wanted} AND list_contains(functions, $function)", {**params, "function": where.function}


# --- the service map ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Who calls whom, in the `read` of `listed` traces whose segments were read. `seen` is how well the
    window was read (None: of no target), `search` what Transaction Search leaves out."""

    graph: Graph
    read: int
    listed: int
    seen: Seen | None = None
    search: str | None = None

    @property
    def says(self) -> str:
        """What the map rests on, as a sentence."""
        if not self.listed:
            return "no traces"
        if self.read == self.listed:
            return f"all {self.listed} traces"
        return (
            f"{self.read} of {self.listed} traces: failing and slow ones are read in full first, so shares of"
            " errors are higher here than among all"
        )


@reader
def service_map(
    store: Store, window: Window, *, where: Filter = EVERYTHING, now: datetime, most: int = 2000
) -> ServiceMap:
    """The service graph of a window, of its newest `most` traces that were read in full."""
    wanted, params = _wanted(where)
    with store.snapshot(window, ("traces",)) as snapshot:
        listed = snapshot.frame(f"SELECT count(*) AS traces FROM traces WHERE {wanted}", params)
        found = snapshot.frame(
            f"""SELECT document FROM traces WHERE document IS NOT NULL AND {wanted}
            ORDER BY ts DESC, trace_id LIMIT $most""",
            {**params, "most": most},
        )
        coverage = Coverage.read(snapshot, window, now=now, only="traces")
        seen = worst_seen(snapshot, coverage, where)
        search = _search(snapshot, where)
    documents = [_parsed(text) for text in found["document"]]
    return ServiceMap(graph(documents), len(documents), int(listed["traces"].iloc[0]), seen, search)


def worst_seen(snapshot: Snapshot, coverage: Coverage, where: Filter) -> Seen | None:
    """Of the targets asked about, the one least read; None when no target is known."""
    target = schema.target
    known = snapshot.state(sa.select(target.c.account, target.c.region))
    targets = [(row.account, row.region) for row in rows(known) if matches(where, row.account, row.region)]
    if where.account and where.region:
        targets = [(where.account, where.region)]
    seen = [coverage.seen("traces", *target) for target in targets]
    return max(seen, key=lambda one: (not one.complete, one.provisional), default=None)


def _search(snapshot: Snapshot, where: Filter) -> str | None:
    told = [transaction_search(settings) for settings in trace_settings(snapshot, where).values()]
    return next((text for text in told if text), None)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return []  # a document that is no JSON tells nothing


# --- one trace ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TraceView:
    """One trace: its record, its spans (columns of `core.waterfall.Bar`), the invocation records of it
    (columns of InvocationRecord, oldest first), what is missing ("" if nothing), and when its first span
    began, which offsets of spans count from (None: no span tells)."""

    record: TraceRecord
    spans: pd.DataFrame
    invocations: pd.DataFrame
    note: str
    began: datetime | None = None


@reader
def trace(store: Store, target: Target, trace_id: str, *, now: datetime) -> TraceView | None:
    """One trace; None when it is not stored (`why_no_trace` says why)."""
    mine = "account = $account AND region = $region AND trace_id = $trace_id"
    params = {"account": target.account, "region": target.region, "trace_id": trace_id}
    with store.snapshot(_around(trace_id, now), ("traces", "invocations")) as snapshot:
        found = snapshot.frame(f"SELECT * FROM traces WHERE {mine}", params)
        records = snapshot.frame(f"SELECT * FROM invocations WHERE {mine} ORDER BY ts, event_id", params)
        search = transaction_search(trace_settings(snapshot).get(target))
        lacks = why_lacking(snapshot.lost, Filter(target.account, target.region))
    if found.empty:
        return None
    record = _record(next(rows(found)))
    document = _parsed(record.document) if record.document else []
    notes = [
        "" if record.document else _unread(search),
        f"not all of its time is read: {lacks}" if lacks else "",
    ]
    note = "; ".join(filter(None, notes))
    return TraceView(record, _spans(waterfall(document)), records, note, began(document))


@reader
def trace_lacks(store: Store, target: Target, trace_id: str, *, now: datetime) -> str | None:
    """Why a trace that was not found may be stored all the same; None when nothing speaks for that."""
    where = Filter(target.account, target.region)
    return lacking(store, _around(trace_id, now), ("traces",), where=where)


def _around(trace_id: str, now: datetime) -> Window:
    """When a trace and its invocations were: near the time in its id, else anywhere."""
    at = started(trace_id)
    return Window(now - KEPT - DAY, now + DAY) if at is None else Window(at - HOUR, at + LONGEST)


def _spans(bars: list[Bar]) -> pd.DataFrame:
    names = [field.name for field in dataclasses.fields(Bar)]
    return pd.DataFrame([dataclasses.asdict(bar) for bar in bars], columns=pd.Index(names))


def _unread(search: str | None) -> str:
    text = "only its summary was read: failing and slow traces come first (collect.max_traces_per_run)"
    return f"{text}; {search}" if search else text


def _record(row: Any) -> TraceRecord:
    values: dict[str, Any] = {f.name: _known(getattr(row, f.name)) for f in dataclasses.fields(TraceRecord)}
    for name, kind in _KINDS.items():
        values[name] = None if values[name] is None else kind(values[name])
    values["functions"] = tuple(str(name) for name in values["functions"])
    values["ts"] = values["ts"].to_pydatetime().astimezone(UTC)
    return TraceRecord(**values)


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("has_error", "has_fault", "has_throttle", "partial"), bool),
    **dict.fromkeys(("revision", "http_status"), int),
}
"""Types that a frame with missing values does not keep."""


def _known(value: Any) -> Any:
    """None for what a frame has for it."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


@reader
def held(store: Store, target: Target, window: Window) -> dict[str, TraceRecord]:
    """Traces kept of a target and window, by id."""
    with store.snapshot(Window(window.start - HOUR, window.end + HOUR), ("traces",)) as snapshot:
        found = snapshot.frame(
            "SELECT * FROM traces WHERE account = $account AND region = $region",
            {"account": target.account, "region": target.region},
        )
    return {row.trace_id: _record(row) for row in rows(found)}
