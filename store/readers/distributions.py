"""How durations and memory spread, against the timeout and the memory that functions have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from core.buckets import DURATION_MS, SHARES, sql_bucket
from core.facts import Target
from core.windows import Window, lines_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, share, touched, with_none
from store.readers.portions import by_function
from store.readers.things import EVERYTHING, Place, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

ONE = 'account = $account AND region = $region AND "function" = $function'
TIMEOUT = "timeout"


@reader
def duration_histogram(store: Store, target: Target, function: str, window: Window) -> pd.DataFrame:
    """Invocation records by duration, a row per bucket from the shortest to the longest that holds any:
    from_ms, to_ms, records, failed (status other than success), timeouts, cold, timeout_ms (of $LATEST as it
    is now; NaN: not known), beyond_share (0..1 of all records that are in this bucket or a longer one). Empty
    without records."""
    with store.snapshot(window, ("invocations",), place=_place(target, function)) as snapshot:
        found = snapshot.frame(
            f"""SELECT {sql_bucket("duration_ms", DURATION_MS)} AS bucket, count(*)::DOUBLE AS records,
                count(*) FILTER (status <> 'success')::DOUBLE AS failed,
                count(*) FILTER (status = '{TIMEOUT}')::DOUBLE AS timeouts,
                count(*) FILTER (init_ms IS NOT NULL OR restore_ms IS NOT NULL)::DOUBLE AS cold
            FROM invocations WHERE {ONE} GROUP BY ALL""",
            _parameters(target, function),
        )
        limit = _limits(snapshot, target, function)
    frame = _full(found, DURATION_MS, ["records", "failed", "timeouts", "cold"])
    frame.insert(0, "from_ms", _edges(DURATION_MS, frame["bucket"]))
    frame.insert(1, "to_ms", _edges(DURATION_MS, frame["bucket"] + 1))
    frame["timeout_ms"] = limit["timeout_ms"]
    frame["beyond_share"] = frame["records"][::-1].cumsum()[::-1] / (frame["records"].sum() or np.nan)
    return frame.drop(columns="bucket")


def _full(found: pd.DataFrame, edges: tuple[float, ...], counts: list[str]) -> pd.DataFrame:
    """Every bucket from the first to the last that holds any; the others of them hold 0."""
    filled = range(int(found["bucket"].min()), int(found["bucket"].max()) + 1) if len(found) else range(0)
    frame = found.set_index("bucket").reindex(pd.Index(list(filled), name="bucket", dtype="int64"))
    frame[counts] = frame[counts].astype(float).fillna(0.0)
    return frame.reset_index()


def _edges(edges: tuple[float, ...], at: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series([edges[i] for i in at], index=at.index, dtype=float)


def _limits(snapshot: Snapshot, target: Target, function: str) -> dict[str, float]:
    here = Filter(target.account, target.region)
    things = Things.read(snapshot, "function", where=here).of("function", gone=True)
    body: Any = next((t.body for t in things if t.name == function), {})
    timeout_s, memory_mb = body.get("timeout_s"), body.get("memory_mb")
    return {
        "timeout_ms": np.nan if timeout_s is None else timeout_s * 1000.0,
        "memory_mb": np.nan if memory_mb is None else float(memory_mb),
    }


@reader
def duration_heatmap(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> pd.DataFrame:
    """Invocation records by step and duration, whole steps only, no more than 1,500 cells: ts, from_ms,
    to_ms, records (0: none; NaN: the log was not read by record then), step_share (0..1 of the step's).
    Buckets from the shortest to the longest that hold any; by ts, then from_ms."""
    with store.snapshot(window, ("invocations",), place=_place(target, function)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
        params = _parameters(target, function)
        bucket = sql_bucket("duration_ms", DURATION_MS)
        ends = snapshot.frame(
            f"""SELECT min({bucket}) AS least, max({bucket}) AS most FROM invocations WHERE {ONE}""", params
        ).iloc[0]
        buckets = [] if pd.isna(ends["least"]) else list(range(int(ends["least"]), int(ends["most"]) + 1))
        grid = Grid(window, lines_step(window, max(1, len(buckets))))
        found = snapshot.frame(
            f"""SELECT {bucket} AS bucket, {STEP_SQL} AS step, count(*)::DOUBLE AS records
            FROM invocations WHERE {ONE} GROUP BY ALL""",
            {**params, "step_ms": grid.step_ms},
        )
    place = _place(target, function)
    read = inside(coverage.covered("logs", *place), grid.starts_ms, grid.step)
    read &= ~touched(coverage.aggregated(*place), grid.starts_ms, grid.step)
    wide = found.pivot(index="step", columns="bucket", values="records")
    wide = wide.reindex(index=grid.starts_ms, columns=buckets).astype(float).fillna(0.0)
    wide[~read] = np.nan
    return _cells(wide, buckets, grid)


def _cells(wide: pd.DataFrame, buckets: list[int], grid: Grid) -> pd.DataFrame:
    steps, count = len(grid), len(buckets)
    records = wide.to_numpy(dtype=float).reshape(-1)
    whole = np.repeat(wide.sum(axis="columns", min_count=1).to_numpy(dtype=float), count)
    frame = pd.DataFrame(
        {
            "ts": grid.ts.repeat(count).reset_index(drop=True),
            "from_ms": np.tile([DURATION_MS[i] for i in buckets], steps).astype(float),
            "to_ms": np.tile([DURATION_MS[i + 1] for i in buckets], steps).astype(float),
            "records": records,
        }
    )
    frame["step_share"] = share(frame["records"], pd.Series(whole, index=frame.index, dtype=float))
    return frame


@reader
def memory_histogram(store: Store, target: Target, function: str, window: Window) -> pd.DataFrame:
    """Invocation records by the share of their memory that their environment used at most: from_share,
    to_share (0..1, twentieths), records, out_of_memory. Max Memory Used is the environment's high-water mark,
    not the invocation's own. Records that lack it are left out. Empty without records."""
    used = "max_memory_mb / memory_mb"
    with store.snapshot(window, ("invocations",), place=_place(target, function)) as snapshot:
        found = snapshot.frame(
            f"""SELECT {sql_bucket(used, SHARES)} AS bucket, count(*)::DOUBLE AS records,
                count(*) FILTER (out_of_memory)::DOUBLE AS out_of_memory
            FROM invocations WHERE {ONE} AND max_memory_mb IS NOT NULL AND memory_mb > 0 GROUP BY ALL""",
            _parameters(target, function),
        )
    frame = _full(found, SHARES, ["records", "out_of_memory"])
    frame.insert(0, "from_share", _edges(SHARES, frame["bucket"]))
    frame.insert(1, "to_share", _edges(SHARES, frame["bucket"] + 1))
    return frame.drop(columns="bucket")


MEMORY = [
    *("account", "region", "function", "memory_mb", "configured_mb", "records", "used_p50_mb"),
    *("used_p95_mb", "used_max_mb", "used_share", "spare_mb", "out_of_memory", "state"),
]


@reader
def memory_use(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function and memory size that it ran with: account, region, function, memory_mb (as it ran),
    configured_mb (of $LATEST, now; NaN: not known), records, used_p50_mb, used_p95_mb, used_max_mb (Max
    Memory Used), used_share (0..1: the maximum of the size), spare_mb, out_of_memory, state (of its log;
    None: settled numbers). The fullest first."""
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
        things = Things.read(snapshot, "function", where=where).of("function", gone=True)
        configured = {t.place: t.body.get("memory_mb") for t in things if matches(where, *t.place)}
        found = by_function(
            snapshot,
            window,
            f"""SELECT account, region, "function", memory_mb, count(*)::DOUBLE AS records,
                quantile_cont(max_memory_mb, [0.5, 0.95])[1] AS used_p50_mb,
                quantile_cont(max_memory_mb, [0.5, 0.95])[2] AS used_p95_mb,
                max(max_memory_mb) AS used_max_mb,
                count(*) FILTER (out_of_memory)::DOUBLE AS out_of_memory
            FROM invocations WHERE max_memory_mb IS NOT NULL AND {{some}} AND {wanted} GROUP BY ALL""",
            params,
        )
    places = list(zip(found["account"], found["region"], found["function"], strict=True))
    found["configured_mb"] = pd.Series([configured.get(p) for p in places], dtype=float, index=found.index)
    found["used_share"] = share(found["used_max_mb"], found["memory_mb"])
    found["spare_mb"] = found["memory_mb"] - found["used_max_mb"]
    found["state"] = pd.Series([coverage.seen("logs", *p).state() for p in places], dtype=object)
    found["state"] = with_none(found["state"])
    order = found.sort_values(["used_share", "function", "memory_mb"], ascending=[False, True, True])
    return order[MEMORY].reset_index(drop=True)


def _parameters(target: Target, function: str) -> dict[str, Any]:
    return {"account": target.account, "region": target.region, "function": function}


def _place(target: Target, function: str) -> Place:
    return target.account, target.region, function
