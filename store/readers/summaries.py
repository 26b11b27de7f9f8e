"""What sums of aggregated logs add to invocation records: counts and maxima, never percentiles."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.windows import Window
from store.readers.frames import STEP_SQL, Grid, rows
from store.readers.records import COLD
from store.readers.states import NOT_COLLECTED
from store.readers.things import Place, sql_where
from store.store import Filter, Snapshot

KIND = "invocation_summaries"
BIN_MS = 300_000

AGGREGATED = f"{NOT_COLLECTED}: logs are aggregated; percentiles are per 5 minutes"

_SAME = 'told.account = bins.account AND told.region = bins.region AND told."function" = bins."function"'

_EXCESS = f"""
    WITH bins AS (SELECT * FROM {KIND} WHERE ts >= $start AND ts < $end AND {{wanted}}),
    told AS (SELECT account, region, "function", ts, init_ms, restore_ms, init_type, status, out_of_memory,
            billed_ms FROM invocations
        WHERE "function" IN (SELECT "function" FROM bins) AND ts >= $start AND {{wanted}}),
    pairs AS (SELECT bins.account, bins.region, bins."function", bins.ts, count(told.ts) AS told_records,
            count(told.ts) FILTER ({COLD}) AS told_cold,
            count(told.ts) FILTER (status = 'timeout') AS told_timeouts,
            count(told.ts) FILTER (told.out_of_memory) AS told_killed
        FROM bins LEFT JOIN told ON {_SAME}
            AND told.ts >= bins.ts AND told.ts < bins.ts + to_seconds(bins.period_s) GROUP BY ALL)
    SELECT {{keys}}, sum(reports - told_records) AS records, sum(cold_starts - told_cold) AS cold_starts,
        sum(timeouts - told_timeouts) AS timeouts, sum(out_of_memory - told_killed) AS out_of_memory,
        max(duration_max_ms) AS duration_max_ms, max(init_max_ms) AS init_max_ms,
        sum(init_sum_ms) / 1000 AS waited_s, max(max_memory_mb) AS max_memory_used_mb, max(ts) AS newest
    FROM bins JOIN pairs USING (account, region, "function", ts)
    WHERE reports > told_records GROUP BY ALL"""
"""A bin of which as many records are kept counts for nothing: the records do. Of the others it counts what
the records lack, so that nothing counts twice."""


def has_summaries(snapshot: Snapshot) -> bool:
    """Whether any log was aggregated in the snapshot's window; as a rule none was, and no more is asked."""
    return len(snapshot.frame(f"SELECT 1 AS found FROM {KIND} LIMIT 1")) > 0


def summary_sums(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, Any]:
    """Per function: what sums of its log add to its records. A bin belongs to the window it begins in."""
    if not has_summaries(snapshot):
        return {}
    frame = _excess(snapshot, window, where, keys='account, region, "function"')
    return {(row.account, row.region, row.function): row for row in rows(frame)}


def billed_places(snapshot: Snapshot, window: Window, where: Filter) -> set[Place]:
    """Functions all of whose sums say how long they were billed for."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function" FROM {KIND}
        WHERE reports > 0 AND ts >= $start AND ts < $end AND {wanted}
        GROUP BY ALL HAVING count(*) = count(billed_sum_ms)""",
        {"start": window.start, "end": window.end, **params},
    )
    return set(frame.itertuples(index=False, name=None))


def summary_totals(snapshot: Snapshot, window: Window, where: Filter) -> Any:
    """The same over all functions; None when there is nothing to add."""
    if not has_summaries(snapshot):
        return None
    frame = _excess(snapshot, window, where, keys="1 AS one")
    return next(rows(frame), None)


def summary_steps(snapshot: Snapshot, grid: Grid, where: Filter) -> pd.DataFrame | None:
    """Per step: records and cold_starts to add; None when there are none, or a step is shorter than a bin."""
    if grid.step_ms % BIN_MS or not has_summaries(snapshot):
        return None
    keys = f"{STEP_SQL} AS step"
    found = _excess(snapshot, grid.window, where, keys=keys, step_ms=grid.step_ms)
    return grid.lay(found[["step", "records", "cold_starts"]])


def summary_hours(snapshot: Snapshot, window: Window, where: Filter, *, keys: str) -> pd.DataFrame | None:
    """records and cold_starts to add, by the SQL columns `keys` of `ts`; None when there are none."""
    if not has_summaries(snapshot):
        return None
    return _excess(snapshot, window, where, keys=keys).drop(columns=["newest"])


def _excess(snapshot: Snapshot, window: Window, where: Filter, *, keys: str, **more: int) -> pd.DataFrame:
    wanted, params = sql_where(where)
    sql = _EXCESS.format(keys=keys, wanted=wanted)
    return snapshot.frame(sql, {"start": window.start, "end": window.end, **params, **more})


def plus(value: Any, more: Any) -> Any:
    """A sum of which either part may be unknown or absent."""
    if value is None or pd.isna(value):
        return more
    return value if more is None or pd.isna(more) else value + more


def larger(value: Any, other: Any) -> Any:
    """The larger of two that may be unknown or absent."""
    known = [v for v in (value, other) if v is not None and not pd.isna(v)]
    return max(known, default=value)
