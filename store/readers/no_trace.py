"""Why a function, or one of its requests, has no trace: the evidence in the store, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.entities import TraceSettings
from core.facts import Target
from core.tracing import KEPT, Evidence, Reason, own_tracer, started
from core.tracing import why_no_trace as reasons_for
from core.windows import MINUTE, Window
from store import schema
from store.asking import reader
from store.bodies import from_body
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.lost import lacking
from store.readers.states import NOT_COLLECTED, Seen
from store.readers.things import EVERYTHING, Things
from store.store import Filter, Snapshot, Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(hours=8)
"""An event may wait six hours in Lambda's queue; its last attempt ends within this after the trace began."""

STAGES = (DAY, 7 * DAY, KEPT + DAY)
"""How far back a request's record is looked for."""


def trace_settings(snapshot: Snapshot, where: Filter = EVERYTHING) -> dict[Target, TraceSettings]:
    """Where each target's spans go."""
    found = Things.read(snapshot, "trace_settings", where=where).of("trace_settings")
    return {Target(t.account, t.region): from_body(TraceSettings, t.name, dict(t.body)) for t in found}


@dataclass(frozen=True, slots=True)
class NoTrace:
    """Why a function, or one of its requests, has no trace. No reasons: there is one. `evidence` is what they
    rest on; of a request it names the trace."""

    evidence: Evidence
    reasons: tuple[Reason, ...]


@reader
def why_no_trace(
    store: Store,
    target: Target,
    function: str,
    request_id: str | None = None,
    *,
    now: datetime,
    within: timedelta = DAY,
) -> NoTrace:
    """Of one request, which is looked for as far back as X-Ray keeps traces; else of all within a time."""
    evidence = (
        _of_window(store, target, function, Window(now - within, now + MINUTE), now=now)
        if request_id is None
        else _of_request(store, target, function, request_id, now=now)
    )
    return NoTrace(evidence, tuple(reasons_for(evidence)))


_MINE = 'account = $account AND region = $region AND "function" = $function'


def _parameters(target: Target, function: str) -> dict[str, Any]:
    return {"account": target.account, "region": target.region, "function": function}


def _of_window(store: Store, target: Target, function: str, window: Window, *, now: datetime) -> Evidence:
    mine = _parameters(target, function)
    with store.snapshot(window, ("invocations", "traces", "metrics")) as snapshot:
        counted = snapshot.frame(
            f"""SELECT count(*) AS records, count(*) FILTER (sampled) AS sampled,
                count(*) FILTER (NOT sampled) AS unsampled FROM invocations WHERE {_MINE}""",
            mine,
        )
        found = snapshot.frame(
            """SELECT count(*) AS traces FROM traces
            WHERE account = $account AND region = $region AND list_contains(functions, $function)""",
            mine,
        )
        about = _about(snapshot, target, function, Window(window.start, now), now=now)
    numbers = {name: int(counted[name].iloc[0]) for name in ("records", "sampled", "unsampled")}
    return Evidence(now=now, **{**about, **numbers}, traces=int(found["traces"].iloc[0]))


def _of_request(store: Store, target: Target, function: str, request_id: str, *, now: datetime) -> Evidence:
    record = _find(store, target, function, request_id, now=now)
    if record is None:
        window = Window(now - DAY, now)
        with store.snapshot(window, ("invocations", "traces", "metrics")) as snapshot:
            about = _about(snapshot, target, function, window, now=now)
        sought = Window(now - STAGES[-1], now + HOUR)
        here = Filter(target.account, target.region)
        about["log_unread"] = about["log_unread"] or lacking(store, sought, ("invocations",), where=here)
        return Evidence(now=now, request_id=request_id, **about)
    trace_id = record.trace_id if isinstance(record.trace_id, str) else None
    sampled = None if pd.isna(record.sampled) else bool(record.sampled)
    at = record.ts.to_pydatetime().astimezone(UTC)
    began = (started(trace_id) if trace_id else None) or at
    with store.snapshot(Window(began - HOUR, at + LONGEST), ("invocations", "traces", "metrics")) as snapshot:
        traces = 0 if trace_id is None else _stored(snapshot, target, trace_id)
        about = _about(snapshot, target, function, Window(began, began + MINUTE), now=now)
    return Evidence(
        now=now,
        request_id=request_id,
        at=at,
        trace_id=trace_id,
        records=1,
        sampled=int(sampled is True),
        unsampled=int(sampled is False),
        traces=traces,
        **about,
    )


def _find(store: Store, target: Target, function: str, request_id: str, *, now: datetime) -> Any:
    """The newest record of a request, None if there is none."""
    for reach in STAGES:
        with store.snapshot(Window(now - reach, now + HOUR), ("invocations",)) as snapshot:
            found = snapshot.frame(
                f"""SELECT ts, trace_id, sampled FROM invocations
                WHERE {_MINE} AND request_id = $request_id ORDER BY ts DESC LIMIT 1""",
                {**_parameters(target, function), "request_id": request_id},
            )
        if len(found):
            return next(rows(found))
    return None


def _stored(snapshot: Snapshot, target: Target, trace_id: str) -> int:
    found = snapshot.frame(
        "SELECT 1 FROM traces WHERE account = $account AND region = $region AND trace_id = $trace_id",
        {"account": target.account, "region": target.region, "trace_id": trace_id},
    )
    return len(found)


def _about(
    snapshot: Snapshot, target: Target, function: str, window: Window, *, now: datetime
) -> dict[str, Any]:
    """What configuration, collection and metrics say of a function around a window."""
    coverage = Coverage.read(snapshot, window, now=now)
    traces = coverage.seen("traces", target.account, target.region)
    log = coverage.seen("logs", target.account, target.region, function)
    mine = Filter(target.account, target.region)
    things = Things.read(snapshot, "function", "mapping", where=mine)
    body = next((t.body for t in things.of("function") if t.name == function), {})
    sources = {str(t.body.get("source_kind")) for t in things.of("mapping") if t.function == function}
    throttled = snapshot.frame(
        f"SELECT sum(throttles) AS throttles FROM metrics WHERE scope = 'function' AND {_MINE}",
        _parameters(target, function),
    )["throttles"].iloc[0]
    return {
        "tracing_mode": body.get("tracing_mode"),
        "own_tracer": own_tracer(body.get("layers") or ()),
        "sources": tuple(sorted(sources)),
        "throttles": None if pd.isna(throttled) else float(throttled),
        "traced_since": _traced_since(snapshot, target, function),
        "unread": _unread(traces),
        "permission": None if traces.complete else traces.permission,
        "log_unread": _unread(log),
        "settings": trace_settings(snapshot, mine).get(target),
    }


def _unread(seen: Seen) -> str | None:
    """How much was not read and why; None when all was."""
    state = None if seen.complete else seen.state()
    return state and state.removeprefix(f"{NOT_COLLECTED}: ")


def _traced_since(snapshot: Snapshot, target: Target, function: str) -> datetime | None:
    """When tracing was switched on, as far as the change was seen."""
    c = schema.change.c
    here = c.account == target.account, c.region == target.region, c.function == function
    query = (
        sa.select(c.ts, c.new).where(*here, c.kind == "function", c.field == "tracing_mode").order_by(c.ts)
    )
    found = snapshot.state(query)
    if found.empty or found["new"].iloc[-1] != "Active":
        return None
    ts: datetime = found["ts"].iloc[-1].to_pydatetime()
    return ts
