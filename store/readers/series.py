"""Series over time: what was counted and measured per step, and whether it was collected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from core.facts import Target
from core.windows import Window, subtract
from store.asking import reader
from store.readers.billing import KINDS, spend
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Flags, Grid, inside, share, touched
from store.readers.lines import laid, read_of
from store.readers.portions import by_step
from store.readers.records import COLD, FUNCTION_POINTS, INIT_PERCENTILES, PERCENTILES
from store.readers.summaries import summary_steps
from store.readers.things import PLACE, Place, Things, matches, sql_where
from store.readers.usage import Question
from store.store import Filter, Snapshot, Store

HOUR = timedelta(hours=1)
COUNTS = ["invocations", "errors", "throttles"]
TIMES = ["duration_p50_ms", "duration_p95_ms", "duration_p99_ms"]


@reader
def fleet_steps(store: Store, window: Window, *, now: datetime, where: Filter) -> pd.DataFrame:
    """See `fleet.fleet_series`."""
    with store.snapshot(window, ("metrics", "invocations", "invocation_summaries")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        grid = Grid(window, coverage.step("metrics"))
        summed = summary_steps(snapshot, grid, where)
        things = Things.read(snapshot, *KINDS, where=where)
        points = points_of(snapshot, grid)
        frame = grid.lay(_counts(snapshot, points, grid, where))
        frame[["concurrent_max"]] = grid.lay(_concurrency(snapshot, points, grid, where))[["concurrent_max"]]
        frame[[*TIMES, "cold_starts"]] = grid.lay(record_steps(snapshot, grid, where))[
            [*TIMES, "cold_starts"]
        ]
        usd = spend(snapshot, things, coverage, Question(grid.window, where, now, grid.step))
    by_step = usd.groupby("step")["usd"].sum().rename("cost_usd").reset_index()
    frame["cost_usd"] = grid.lay(by_step)["cost_usd"]
    metrics, logs = metrics_read(coverage, grid, where), logs_read(coverage, grid, where)
    records = logs_read(coverage, grid, where, records_only=True)
    add(frame, summed, ["cold_starts"])
    fill(frame, metrics, counts=COUNTS, measures=["concurrent_max"])
    fill(frame, records if summed is None else logs, counts=["cold_starts"])
    fill(frame, logs, counts=[], measures=TIMES)
    fill(frame, metrics | logs, counts=["cost_usd"])
    frame["error_rate"] = share(frame["errors"], frame["invocations"])
    frame["collected"] = metrics
    frame["provisional"] = _unsettled(coverage, grid, where)
    return frame


def fill(frame: pd.DataFrame, read: Flags, *, counts: list[str], measures: Sequence[str] = ()) -> None:
    """Where a step was read and nothing was said, counts are 0; where it was not read, nothing is known."""
    frame[counts] = frame[counts].astype(float).fillna(0.0)
    frame.loc[~read, [*counts, *measures]] = np.nan


def add(frame: pd.DataFrame, summed: pd.DataFrame | None, counts: list[str]) -> None:
    """Add what sums of aggregated logs count beside the records."""
    if summed is None:
        return
    for name in counts:
        frame[name] = frame[name].astype(float).add(summed[name].astype(float), fill_value=0.0)


def points_of(snapshot: Snapshot, grid: Grid) -> str:
    """The view that sums and maxima of a grid's steps are asked of: by the hour where steps are that long."""
    if grid.step % HOUR:
        return "metrics"
    snapshot.by_hour(grid.window)
    return "metrics_by_hour"


def _counts(snapshot: Snapshot, points: str, grid: Grid, where: Filter) -> pd.DataFrame:
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""SELECT {STEP_SQL} AS step, sum(invocations) AS invocations, sum(errors) AS errors,
            sum(throttles) AS throttles
        FROM {points} WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )


def _concurrency(snapshot: Snapshot, points: str, grid: Grid, where: Filter) -> pd.DataFrame:
    """The claimed concurrency of all accounts and regions; of one function, its own."""
    one = where.function is not None
    scope, value = ("function", "concurrent_max") if one else ("account", "claimed_max")
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""SELECT step, sum(most) AS concurrent_max FROM (
            SELECT {STEP_SQL} AS step, account, region, max({value}) AS most
            FROM {points} WHERE scope = '{scope}' AND {wanted} GROUP BY ALL
        ) GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )


def record_steps(snapshot: Snapshot, grid: Grid, where: Filter) -> pd.DataFrame:
    """step, records, percentiles of duration, cold_starts, init_p50_ms, init_p95_ms, max_memory_mb."""
    wanted, params = sql_where(where)
    return by_step(
        snapshot,
        grid,
        f"""SELECT {STEP_SQL} AS step, count(*) AS records, {PERCENTILES},
            count(*) FILTER ({COLD}) AS cold_starts,
            {INIT_PERCENTILES}, max(max_memory_mb) AS max_memory_mb
        FROM invocations WHERE {{some}} AND {wanted} GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )


# --- what was read of each step -----------------------------------------------------------------------------


def metrics_read(coverage: Coverage, grid: Grid, where: Filter) -> Flags:
    """Steps that were read for every target of which anything was read."""
    places = [(*target, where.function or "") for target in coverage.targets("metrics")]
    return all_read(coverage, grid, "metrics", (p for p in places if matches(where, *p[:2])))


def logs_read(coverage: Coverage, grid: Grid, where: Filter, *, records_only: bool = False) -> Flags:
    """Steps that were read for every function of whose log anything was read; with `records_only`, not as
    sums."""
    places = [p for p in coverage.scopes("logs") if matches(where, *p)]
    read = all_read(coverage, grid, "logs", places)
    sums = [part for place in places for part in coverage.aggregated(*place)] if records_only else []
    return read & ~touched(sums, grid.starts_ms, grid.step) if sums else read


def all_read(coverage: Coverage, grid: Grid, collector: str, places: Iterable[Place]) -> Flags:
    covered = {tuple(coverage.covered(collector, *place)) for place in places}
    missing = [left for parts in covered for left in subtract(coverage.window, parts)]
    return ~touched(missing, grid.starts_ms, grid.step) if covered else np.zeros(len(grid), dtype=bool)


def _unsettled(coverage: Coverage, grid: Grid, where: Filter) -> Flags:
    targets = (t for t in coverage.targets("metrics") if matches(where, *t))
    young = [part for target in targets for part in coverage.unsettled("metrics", *target)]
    return touched(young, grid.starts_ms, grid.step)


# --- a small series per function ----------------------------------------------------------------------------


@reader
def function_counts(
    store: Store, window: Window, step: timedelta, *, now: datetime, where: Filter
) -> pd.DataFrame:
    """See `fleet.sparklines`."""
    wanted, params = sql_where(where)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        grid = Grid(window, max(step, coverage.coarsest("metrics")))
        known = (t.place for t in Things.read(snapshot, "function", where=where).of("function"))
        places = sorted(place for place in known if matches(where, *place))
        counted = snapshot.frame(
            f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(invocations) AS invocations,
                sum(errors) AS errors
            FROM metrics WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
            {"step_ms": grid.step_ms, **params},
        )
    lines = laid(counted, places, grid, ["invocations", "errors"])
    read = read_of(coverage, places, grid)
    frame = pd.DataFrame(places, columns=pd.Index(PLACE))
    return frame.assign(**{name: list(np.where(read, line, np.nan)) for name, line in lines.items()})


# --- one function -------------------------------------------------------------------------------------------


@reader
def function_steps(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> pd.DataFrame:
    """See `functions.function_series`."""
    where, place = Filter(target.account, target.region, function), (target.account, target.region, function)
    with store.snapshot(window, ("metrics", "invocations", "invocation_summaries"), place=place) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        grid = Grid(window, coverage.step("metrics"))
        summed = summary_steps(snapshot, grid, where)
        metrics = grid.lay(_function_points(snapshot, grid, where))
        records = grid.lay(record_steps(snapshot, grid, where)).drop(columns=["ts", "init_p50_ms"])
    frame = pd.concat([metrics, records], axis="columns")
    read = inside(coverage.covered("metrics", *place), grid.starts_ms, grid.step)
    read_log = inside(coverage.covered("logs", *place), grid.starts_ms, grid.step)
    fill(frame, read, counts=COUNTS, measures=MEASURES)
    records_only = read_log & ~touched(coverage.aggregated(*place), grid.starts_ms, grid.step)
    add(frame, summed, ["cold_starts", "records"])
    fill(frame, records_only if summed is None else read_log, counts=["cold_starts", "records"])
    fill(frame, records_only, counts=[], measures=[*TIMES, "init_p95_ms", "max_memory_mb"])
    frame["error_rate"] = share(frame["errors"], frame["invocations"])
    frame["cold_start_rate"] = share(frame["cold_starts"], frame["records"])
    young = [*coverage.unsettled("metrics", *place), *coverage.unsettled("logs", *place)]
    frame["provisional"] = touched(young, grid.starts_ms, grid.step)
    frame["collected"], frame["records_collected"] = read, read_log
    return frame


MEASURES = ["duration_max_ms", "concurrent_max", "async_age_max_ms", "iterator_age_max_ms"]


def _function_points(snapshot: Snapshot, grid: Grid, where: Filter) -> pd.DataFrame:
    wanted, params = sql_where(where)
    sums = ", ".join(f"sum({name}) AS {name}" for name in COUNTS)
    most = ", ".join(f"max({name}) AS {name}" for name in MEASURES)
    points = points_of(snapshot, grid)
    return snapshot.frame(
        f"""SELECT {STEP_SQL} AS step, {sums}, {most}
        FROM {points} WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )
