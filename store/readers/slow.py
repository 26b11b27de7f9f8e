"""Single invocations over a function or the fleet: the slowest, the failed, the newest, the cold ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import share, with_none
from store.readers.proactive import proactive_starts
from store.readers.records import COLD, WAITED_MS
from store.readers.things import EVERYTHING, Things, sql_where
from store.store import Filter, Snapshot, Store

ORDERS: Mapping[str, tuple[str, str]] = {
    "slowest": ("true", "duration_ms DESC"),
    "nearest timeout": ("true", "duration_ms / nullif(timeout_ms, 0) DESC NULLS LAST"),
    "failed": ("status <> 'success'", "ts DESC"),
    "cold": (COLD, f"{WAITED_MS} DESC"),
    "newest": ("true", "ts DESC"),
}
"""Per order: which records, and what comes first."""

COLUMNS = [
    *("account", "region", "function", "ts", "status", "error_type", "duration_ms", "billed_ms", "init_ms"),
    *("restore_ms", "waited_ms", "waited_for", "init_type", "memory_mb", "max_memory_mb", "out_of_memory"),
    *("timeout_ms", "timeout_share", "version", "request_id", "stream", "trace_id", "event_id", "lines"),
]

_WAITED_FOR = f"""CASE WHEN NOT {COLD} THEN NULL
    WHEN restore_ms IS NOT NULL THEN 'restore of its snapshot' ELSE 'initialization' END"""

TIMES = """times AS (SELECT unnest($accounts::VARCHAR[]) AS account, unnest($regions::VARCHAR[]) AS region,
    unnest($functions::VARCHAR[]) AS "function", unnest($versions::VARCHAR[]) AS version,
    unnest($times_ms::DOUBLE[]) AS ms)"""
_TIMED = """SELECT facts.*, coalesce(own.ms, latest.ms) AS timeout_ms FROM {} AS facts
    LEFT JOIN times AS own ON own.account = facts.account AND own.region = facts.region
        AND own."function" = facts."function" AND own.version = facts.version
    LEFT JOIN times AS latest ON latest.account = facts.account AND latest.region = facts.region
        AND latest."function" = facts."function" AND latest.version = ''"""
"""With the timeout of its version, else the function's."""

_NEAR = f"""longest AS (SELECT account, region, "function", version, max(duration_ms, {{limit}}) AS longest_ms
        FROM invocations WHERE {{wanted}} GROUP BY ALL),
    most AS (SELECT * EXCLUDE (longest_ms), unnest(longest_ms) AS duration_ms FROM longest),
    near AS ({_TIMED.format("most")} ORDER BY {{first}} LIMIT {{limit}}),
    floors AS (SELECT account, region, "function", version, timeout_ms, min(duration_ms) AS floor_ms
        FROM near GROUP BY ALL),
    timed AS (SELECT facts.*, timeout_ms FROM invocations AS facts JOIN floors
        ON floors.account = facts.account AND floors.region = facts.region
            AND floors."function" = facts."function" AND floors.version IS NOT DISTINCT FROM facts.version
            AND facts.duration_ms >= floor_ms)"""
"""Of each version the longest, to know from which duration on a record may be one of the nearest: so most
records are only looked at for their duration."""


@reader
def slow_invocations(
    store: Store, window: Window, *, where: Filter = EVERYTHING, order: str = "slowest", limit: int = 50
) -> pd.DataFrame:
    """Invocation records: account, region, function, ts (the end, about), status, error_type, duration_ms,
    billed_ms, init_ms, restore_ms, waited_ms and waited_for (how long the caller waited for an environment,
    and for what; None: for none, or one that was ready long before), init_type, memory_mb, max_memory_mb,
    out_of_memory, timeout_ms (of the function or version as it is now; NaN: not known), timeout_share
    (duration of the timeout, 0..1), version, request_id, stream, trace_id, event_id (all to go on with),
    lines (kept log lines of that request).

    `order` is slowest, nearest timeout, failed (newest first), cold (longest wait first) or newest. Only what
    was read of logs is there: `reading` says what that is."""
    which, first = ORDERS[order]
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations", "log_events")) as snapshot:
        times = _timeouts(snapshot, where)
        best = f"SELECT * FROM {{}} WHERE {which} AND {wanted} ORDER BY {first}, event_id LIMIT $limit"
        timed = f"timed AS ({best.format('invocations')}), found AS ({_TIMED.format('timed')})"
        if "timeout_ms" in first:
            near = _NEAR.format(wanted=wanted, limit=int(limit), first=first)
            timed = f"{near}, found AS ({best.format('timed')})"
        found = snapshot.frame(
            f"""WITH {TIMES}, {timed}
            SELECT found.*, {WAITED_MS} AS waited_ms, {_WAITED_FOR} AS waited_for,
                (SELECT count(*) FROM log_events AS l WHERE l.account = found.account
                    AND l.region = found.region AND l."function" = found."function"
                    AND l.request_id = found.request_id) AS lines
            FROM found ORDER BY {first}, event_id""",
            params | times | {"limit": limit},
        )
    if found["waited_for"].notna().any():
        ahead = set(proactive_starts(store, window, where=where)["event_id"])
        found["waited_for"] = found["waited_for"].mask(found["event_id"].isin(ahead))
    found["waited_ms"] = found["waited_ms"].where(found["waited_for"].notna())
    if order == "cold":
        found = found.sort_values("waited_ms", ascending=False, kind="stable", ignore_index=True)
    found["timeout_share"] = share(found["duration_ms"], found["timeout_ms"])
    found["waited_for"] = with_none(found["waited_for"])
    return found[COLUMNS]


def _timeouts(snapshot: Snapshot, where: Filter) -> dict[str, list[Any]]:
    """Timeouts in ms as the parameters of `TIMES`: by place and version, "" of the function itself."""
    things = Things.read(snapshot, "function", "version", where=where)
    found = {
        (*thing.place, str(thing.body.get("version", "") if kind == "version" else "")): timeout_s * 1000.0
        for kind in ("function", "version")
        for thing in things.of(kind, gone=True)
        if (timeout_s := thing.body.get("timeout_s"))
    }
    names = ("accounts", "regions", "functions", "versions")
    keys = {name: [key[at] for key in found] for at, name in enumerate(names)}
    return keys | {"times_ms": list(found.values())}


@reader
def reading(store: Store, window: Window, *, now: datetime, where: Filter) -> str | None:
    """How well one function's log was read in the window, in words: None when in full; else `provisional` or
    `not collected: WHY`. `where` names the function."""
    with store.snapshot(window, ("invocations", "log_events")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
    return coverage.seen("logs", str(where.account), str(where.region), str(where.function)).state()
