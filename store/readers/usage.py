"""What AWS bills functions for: requests, billed time, provisioned capacity and log volume, before any price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.readers.frames import STEP_SQL, milliseconds, rows
from store.readers.records import COLD, FUNCTION_POINTS, INIT_BILLED_MS
from store.readers.things import Place, Thing, Things, sql_where
from store.store import Filter, Snapshot

ROUNDING_MS = 0.5
"""Every invocation is billed to the next whole millisecond: half of one on average."""

WHOLE_MS = 10**15
"""Longer than any window: with this step everything falls into step 0."""

Intervals = Mapping[Place, Sequence[Window]]
"""What of a window each function's log was read for: there cost comes from records, elsewhere from metrics."""

_READ = """(SELECT unnest($accounts) AS account, unnest($regions) AS region, unnest($functions) AS "function",
    unnest($starts) AS read_from, unnest($ends) AS read_to) AS read
    ON read.account = facts.account AND read.region = facts.region AND read."function" = facts."function"
    AND facts.ts >= read_from AND facts.ts < read_to"""


def compute(
    snapshot: Snapshot, window: Window, read: Intervals, *, where: Filter, step: timedelta | None = None
) -> pd.DataFrame:
    """Requests and billed time by account, region, function, step, version, memory_mb, init_type and cold.

    requests, billed_ms, init_ms (the part of billed_ms that is initialization), unbilled (records without a
    Billed Duration), estimated (from metrics: the log of that stretch was not read; memory_mb is then null).
    """
    wanted, params = sql_where(where)
    params = _parameters(window, step, params) | _intervals(read)
    inside = f"ts >= $start AND ts < $end AND {wanted}"
    records = f"""
        SELECT account, region, "function", {STEP_SQL} AS step, version, memory_mb, init_type, {COLD} AS cold,
            count(*)::DOUBLE AS requests, sum(billed_ms) AS billed_ms, sum({INIT_BILLED_MS}) AS init_ms,
            count(*) FILTER (billed_ms IS NULL) AS unbilled, false AS estimated
        FROM (SELECT * FROM invocations WHERE {inside}) AS facts SEMI JOIN {_READ} GROUP BY ALL"""
    metrics = f"""
        SELECT account, region, "function", {STEP_SQL} AS step, NULL::VARCHAR AS version, NULL::DOUBLE AS memory_mb,
            NULL::VARCHAR AS init_type, false AS cold, sum(invocations) AS requests,
            sum(duration_sum_ms) + {ROUNDING_MS} * sum(invocations) AS billed_ms, 0.0 AS init_ms,
            0 AS unbilled, true AS estimated
        FROM (SELECT * FROM metrics WHERE {FUNCTION_POINTS} AND invocations > 0 AND {inside}) AS facts
        ANTI JOIN {_READ} GROUP BY ALL"""
    return snapshot.frame(f"{records} UNION ALL {metrics}", params)


def log_volume(
    snapshot: Snapshot, window: Window, *, where: Filter, step: timedelta | None = None
) -> pd.DataFrame:
    """account, region, function, step, log_bytes (NaN where no volume is known), invocations."""
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(log_bytes) AS log_bytes,
            coalesce(sum(invocations), 0) AS invocations
        FROM metrics WHERE {FUNCTION_POINTS} AND ts >= $start AND ts < $end AND {wanted} GROUP BY ALL""",
        _parameters(window, step, params),
    )


def _parameters(window: Window, step: timedelta | None, params: Mapping[str, Any]) -> dict[str, Any]:
    step_ms = WHOLE_MS if step is None else milliseconds(step)
    return {"start": window.start, "end": window.end, "step_ms": step_ms, **params}


def _intervals(read: Intervals) -> dict[str, list[Any]]:
    spans = [(*place, part.start, part.end) for place, parts in read.items() for part in parts]
    names = ("accounts", "regions", "functions", "starts", "ends")
    return {name: [span[i] for span in spans] for i, name in enumerate(names)}


# --- provisioned concurrency -------------------------------------------------------------------------------------


def provisioned_versions(things: Things) -> dict[Place, set[str]]:
    """Per function: the versions that have provisioned concurrency, directly or through an alias."""
    targets = _alias_targets(things)
    found: dict[Place, set[str]] = {}
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        found.setdefault(thing.place, set()).update(targets.get((thing.place, qualifier), {qualifier}))
    return found


def _alias_targets(things: Things) -> dict[tuple[Place, str], set[str]]:
    return {
        (t.place, str(t.body["alias"])): {str(t.body["version"]), *(t.body.get("weights") or {})}
        for t in things.of("alias", gone=True)
    }


def capacity(
    snapshot: Snapshot, things: Things, window: Window, *, now: datetime, step: timedelta | None = None
) -> list[tuple[Place, int, str, float]]:
    """Provisioned capacity over time: function, step, version that it is for, environment-milliseconds.

    Billed is what was asked for from the time it was configured, whether it was used or not.
    """
    until = Window(window.start, max(window.start, min(window.end, now)))
    targets, found = _alias_targets(things), []
    past = _past_requests(snapshot)
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        version = min(targets.get((thing.place, qualifier), {qualifier}))
        for span, count in _spans(thing, past.get((thing.account, thing.region, thing.name), [])):
            inside = span.overlap(until)
            for part in _cut(inside, step):
                start = 0 if step is None else round(part.start.timestamp() * 1000)
                start -= start % milliseconds(step) if step else 0
                found.append((thing.place, start, version, count * float(milliseconds(part.duration))))
    return found


def _cut(span: Window | None, step: timedelta | None) -> Iterator[Window]:
    if span is not None:
        yield from [span] if step is None else span.chunks(step)


def _past_requests(snapshot: Snapshot) -> dict[tuple[str, str, str], list[tuple[datetime, int]]]:
    """Per configuration: when its size changed, and what it was before; oldest first."""
    change = schema.change
    query = sa.select(change).where(change.c.kind == "provisioned", change.c.field == "requested")
    found: dict[tuple[str, str, str], list[tuple[datetime, int]]] = {}
    for row in rows(snapshot.state(query.order_by(change.c.ts))):
        if row.old is not None:
            found.setdefault((row.account, row.region, row.name), []).append(
                (row.ts.to_pydatetime(), int(row.old))
            )
    return found


def _spans(thing: Thing, past: Sequence[tuple[datetime, int]]) -> Iterator[tuple[Window, int]]:
    """When how many environments were asked for. Before the first change that we saw, as long as we know of it."""
    modified = thing.body.get("last_modified")
    since = thing.first_seen
    if modified is not None and not past:
        since = min(since, datetime.fromisoformat(str(modified)))
    for ts, count in past:
        if ts > since:
            yield Window(since, ts), count
        since = max(since, ts)
    end = thing.gone_at or datetime.max.replace(tzinfo=since.tzinfo)
    if end > since:
        yield Window(since, end), int(thing.body["requested"])
