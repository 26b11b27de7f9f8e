"""Single invocations over a function or the fleet: the slowest, the failed, the newest, the cold ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.frames import share, with_none
from store.readers.records import COLD, WAITED_MS
from store.readers.states import Coverage
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

_TIMED = """SELECT facts.*, coalesce(own.ms, latest.ms) AS timeout_ms FROM {} AS facts
    LEFT JOIN times AS own ON own.key = concat_ws(' ', account, region, "function", version)
    LEFT JOIN times AS latest ON latest.key = concat_ws(' ', account, region, "function")"""
"""With the timeout of its version, else the function's."""


@reader
def slow_invocations(
    store: Store, window: Window, *, where: Filter = EVERYTHING, order: str = "slowest", limit: int = 50
) -> pd.DataFrame:
    """Invocation records: account, region, function, ts (the end, about), status, error_type, duration_ms,
    billed_ms, init_ms, restore_ms, waited_ms and waited_for (how long the caller waited for an environment,
    and for what; None: for none), init_type, memory_mb, max_memory_mb, out_of_memory, timeout_ms (of the
    function or version as it is now; NaN: not known), timeout_share (duration of the timeout, 0..1), version,
    request_id, stream, trace_id, event_id (all to go on with), lines (kept log lines of that request).

    `order` is slowest, nearest timeout, failed (newest first), cold (longest wait first) or newest. Only what
    was read of logs is there: `reading` says what that is."""
    which, first = ORDERS[order]
    wanted, params = sql_where(where)
    best = f"SELECT * FROM {{}} WHERE {which} AND {wanted} ORDER BY {first}, event_id LIMIT $limit"
    timed = f"timed AS ({best.format('invocations')}), found AS ({_TIMED.format('timed')})"
    if "timeout_ms" in first:
        timed = f"timed AS ({_TIMED.format('invocations')}), found AS ({best.format('timed')})"
    with store.snapshot(window, ("invocations", "log_events")) as snapshot:
        times = _timeouts(snapshot, where)
        found = snapshot.frame(
            f"""WITH times AS (SELECT unnest($keys::VARCHAR[]) AS key, unnest($times_ms::DOUBLE[]) AS ms),
            {timed}
            SELECT found.*, {WAITED_MS} AS waited_ms, {_WAITED_FOR} AS waited_for,
                (SELECT count(*) FROM log_events AS l WHERE l.account = found.account
                    AND l.region = found.region AND l."function" = found."function"
                    AND l.request_id = found.request_id) AS lines
            FROM found ORDER BY {first}, event_id""",
            {**params, "limit": limit, "keys": list(times), "times_ms": list(times.values())},
        )
    found["waited_ms"] = found["waited_ms"].where(found["waited_for"].notna())
    found["timeout_share"] = share(found["duration_ms"], found["timeout_ms"])
    found["waited_for"] = with_none(found["waited_for"])
    return found[COLUMNS]


def _timeouts(snapshot: Snapshot, where: Filter) -> dict[str, float]:
    """Timeouts in ms, by place, and by place and version."""
    found: dict[str, float] = {}
    things = Things.read(snapshot, "function", "version", where=where)
    for thing in things.of("function", gone=True):
        if thing.body.get("timeout_s"):
            found[" ".join(thing.place)] = thing.body["timeout_s"] * 1000.0
    for thing in things.of("version", gone=True):
        if thing.body.get("timeout_s"):
            found[f"{' '.join(thing.place)} {thing.body['version']}"] = thing.body["timeout_s"] * 1000.0
    return found


@reader
def reading(store: Store, window: Window, *, now: datetime, where: Filter) -> str | None:
    """How well one function's log was read in the window, in words: None when in full; else `provisional` or
    `not collected: WHY`. `where` names the function."""
    with store.snapshot(window, ("invocations", "log_events")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
    return coverage.seen("logs", str(where.account), str(where.region), str(where.function)).state()
