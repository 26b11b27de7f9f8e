"""Minute rows for rules: every subject at once, with what was and was not collected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.windows import MINUTE, Window
from store import schema
from store.asking import reader
from store.readers.collection import collectors
from store.readers.frames import STEP_SQL, Flags, Grid, inside, rows, touched
from store.readers.letters import LOOK_BACK, queue_roles, role_and_functions, samples
from store.readers.records import COLD, FUNCTION_POINTS
from store.readers.states import Coverage
from store.readers.things import Things
from store.store import Snapshot, Store

FINEST_S = 60
"""Rules judge minutes: a stretch read at a longer period only is not collected for them."""

COUNTS = ["invocations", "errors", "throttles", "async_dropped"]
MEASURES = ["duration_p95_ms", "concurrent_max", "iterator_age_max_ms"]
RECORDS = ["records", "cold_starts", "timeouts", "out_of_memory"]


@reader
def function_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per known function and minute of the window: account, region, function, tags (dict), ts,
    collected (bool), provisional (bool), invocations, errors, throttles, async_dropped (0 when collected and
    CloudWatch says nothing), duration_p95_ms, concurrent_max, iterator_age_max_ms (NaN when silent), records,
    cold_starts, timeouts, out_of_memory, records_collected (bool). What was not collected is NaN."""
    with store.snapshot(window, ("metrics", "invocations")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=FINEST_S)
        grid = Grid(window, MINUTE)
        things = sorted(Things.read(snapshot, "function").of("function"), key=lambda t: t.place)
        points, records = _points(snapshot), _records(snapshot)
    places = [thing.place for thing in things]
    frame = _minutes(places, ("account", "region", "function"), grid)
    frame.insert(3, "tags", _spread([dict(t.body.get("tags") or {}) for t in things], grid))
    keys = ["account", "region", "function", "step"]
    frame = frame.merge(points, on=keys, how="left").merge(records, on=keys, how="left")
    flags = _Flags(coverage, grid)
    frame["collected"] = flags.read("metrics", places)
    frame["records_collected"] = flags.read("logs", places)
    frame["provisional"] = flags.young("metrics", places) | flags.young("logs", places)
    _fill(frame, "collected", COUNTS, MEASURES)
    _fill(frame, "records_collected", RECORDS)
    return frame.drop(columns="step")


def _points(snapshot: Snapshot) -> pd.DataFrame:
    sums = ", ".join(f"sum({name}) AS {name}" for name in COUNTS)
    most = ", ".join(f"max({name}) AS {name}" for name in MEASURES)
    return snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, {sums}, {most}
        FROM metrics WHERE {FUNCTION_POINTS} GROUP BY ALL""",
        {"step_ms": 60_000},
    )


def _records(snapshot: Snapshot) -> pd.DataFrame:
    return snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, count(*) AS records,
            count(*) FILTER ({COLD}) AS cold_starts, count(*) FILTER (status = 'timeout') AS timeouts,
            count(*) FILTER (out_of_memory) AS out_of_memory
        FROM invocations GROUP BY ALL""",
        {"step_ms": 60_000},
    )


@reader
def queue_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per known queue and minute: account, region, queue (ARN), role, functions (list), ts,
    collected, provisional, depth, oldest_age_s (NaN when silent), arrivals (0 when collected and silent).
    What was not collected is NaN."""
    reach = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(reach, ("queue_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, reach, now=now, finest_s=FINEST_S)
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
        found = samples(snapshot, coverage)
    grid, roles = Grid(window, MINUTE), queue_roles(things)
    queues = sorted(things.of("queue"), key=lambda t: (t.account, t.region, t.name))
    places = [(t.account, t.region, t.name) for t in queues]
    described = [role_and_functions(roles, t.name) for t in queues]
    frame = _minutes(places, ("account", "region", "queue"), grid)
    frame.insert(3, "role", _spread([role for role, _ in described], grid))
    frame.insert(4, "functions", _spread([functions for _, functions in described], grid))
    found["step"] = found["ts"].astype("int64") // 60_000_000 * 60_000
    found = found.rename(columns={"oldest_age_max_s": "oldest_age_s"})
    keys = ["account", "region", "queue", "step"]
    values = found.groupby(keys, as_index=False).agg(
        {"depth": "max", "oldest_age_s": "max", "arrivals": "sum"}
    )
    frame = frame.merge(values, on=keys, how="left")
    flags = _Flags(coverage, grid)
    frame["collected"] = flags.read("queues", places)
    frame["provisional"] = flags.young("queues", places)
    _fill(frame, "collected", ["arrivals"], ["depth", "oldest_age_s"])
    return frame.drop(columns="step")


@reader
def account_minutes(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """One row per target and minute: account, region, ts, collected, provisional, limit (NaN when not known),
    claimed (NaN when silent), headroom (limit - claimed), utilization (0..1), throttles (0 when collected and
    silent). What was not collected is NaN."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=FINEST_S)
        limits = {
            (t.account, t.region): float(t.body["concurrent_limit"])
            for t in Things.read(snapshot, "account_limits").of("account_limits")
        }
        targets = _targets(snapshot)
        points = snapshot.frame(
            f"""SELECT account, region, {STEP_SQL} AS step, max(claimed_max) AS claimed,
                sum(throttles) AS throttles
            FROM metrics WHERE scope = 'account' GROUP BY ALL""",
            {"step_ms": 60_000},
        )
    grid, flags = Grid(window, MINUTE), _Flags(coverage, Grid(window, MINUTE))
    frame = _minutes(targets, ("account", "region"), grid)
    frame = frame.merge(points, on=["account", "region", "step"], how="left")
    places = [(*target, "") for target in targets]
    frame["collected"], frame["provisional"] = flags.read("metrics", places), flags.young("metrics", places)
    _fill(frame, "collected", ["throttles"], ["claimed"])
    frame["limit"] = _spread([limits.get(target, np.nan) for target in targets], grid)
    frame["limit"] = frame["limit"].astype(float)
    frame["headroom"] = frame["limit"] - frame["claimed"]
    frame["utilization"] = frame["claimed"] / frame["limit"]
    return frame.drop(columns="step")


@reader
def collection_state(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per collector and target: collector, account, region, outcome, data_until, age_s, error, permission,
    failing_since (first failed run after the last that went well; NaT when it works)."""
    columns = ["collector", "account", "region", "outcome", "data_until", "age_s", "error", "permission"]
    return collectors(store, now=now)[[*columns, "failing_since"]]


# --- the grid of subjects and minutes -----------------------------------------------------------------------


def _targets(snapshot: Snapshot) -> list[tuple[str, str]]:
    target = schema.target
    query = sa.select(target.c.account, target.c.region).order_by(target.c.account, target.c.region)
    return [(row.account, row.region) for row in rows(snapshot.state(query))]


def _minutes(places: Sequence[tuple[str, ...]], names: Sequence[str], grid: Grid) -> pd.DataFrame:
    """A row per place and minute, with `ts` and `step` (its epoch milliseconds)."""
    frame = pd.DataFrame({name: _spread([p[i] for p in places], grid) for i, name in enumerate(names)})
    frame = frame.astype(dict.fromkeys(names, "str"))
    frame["ts"] = pd.concat([grid.ts] * len(places), ignore_index=True) if places else grid.ts[:0]
    frame["step"] = np.tile(grid.starts_ms, len(places))
    return frame


def _spread(values: Sequence[Any], grid: Grid) -> pd.Series[Any]:
    """Each value once per minute."""
    return pd.Series([value for value in values for _ in range(len(grid))], dtype=object)


class _Flags:
    """Per place and minute: whether it was read, and whether it may still change."""

    def __init__(self, coverage: Coverage, grid: Grid) -> None:
        self._coverage, self._grid = coverage, grid
        self._known: dict[tuple[str, ...], Flags] = {}

    def read(self, collector: str, places: Sequence[tuple[str, str, str]]) -> Flags:
        return self._each(collector, places, self._coverage.covered, inside)

    def young(self, collector: str, places: Sequence[tuple[str, str, str]]) -> Flags:
        return self._each(collector, places, self._coverage.unsettled, touched)

    def _each(
        self,
        collector: str,
        places: Sequence[tuple[str, str, str]],
        windows: Callable[..., list[Window]],
        mark: Callable[..., Flags],
    ) -> Flags:
        marked = [mark(windows(collector, *place), self._grid.starts_ms, MINUTE) for place in places]
        return np.concatenate(marked) if marked else np.zeros(0, dtype=bool)


def _fill(frame: pd.DataFrame, flag: str, counts: list[str], measures: Sequence[str] = ()) -> None:
    """0 where it was read and nothing was said; nothing where it was not read."""
    frame[counts] = frame[counts].astype(float).fillna(0.0)
    frame.loc[~frame[flag].astype(bool), [*counts, *measures]] = np.nan
