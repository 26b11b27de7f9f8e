"""Aliases, versions, and the versions behind a weighted alias: what each was asked for and how it did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from core.facts import Target
from core.windows import Window, lines_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, rows, share, with_none
from store.readers.series import fill
from store.readers.states import Seen
from store.store import Snapshot, Store

ALIAS, VERSION, WEIGHTED = "alias", "version", "weighted"
COUNTS = ["invocations", "errors", "throttles", "provisioned_invocations", "provisioned_spillover"]
MAXIMA = ["duration_max_ms", "concurrent_max", "provisioned_max", "provisioned_utilization_max"]
MEASURES = ["duration_avg_ms", *MAXIMA]
LINES = 6
"""As many aliases and versions a chart shows: the busiest."""

ABOUT = ["resource", "kind", "alias", "version"]
COLUMNS = [*ABOUT, *COUNTS, *MEASURES, "error_rate", "share", "state"]

_SUMS = ", ".join(
    [
        *(f"sum({name}) AS {name}" for name in COUNTS),
        "sum(duration_sum_ms) / nullif(sum(invocations) FILTER (duration_sum_ms IS NOT NULL), 0)"
        " AS duration_avg_ms",
        *(f"max({name}) AS {name}" for name in MAXIMA),
    ]
)
_MINE = """scope IN ('resource', 'executed') AND account = $account AND region = $region
    AND "function" = $function"""


@reader
def resources(store: Store, target: Target, function: str, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per alias, version that is invoked by its number, and version behind a weighted alias: resource
    (`live`, `12`, `live@12`), kind (alias, version, weighted), alias and version (None where it is not said),
    invocations, errors, throttles, provisioned_invocations, provisioned_spillover, duration_avg_ms,
    duration_max_ms, concurrent_max, provisioned_max, provisioned_utilization_max (0..1), error_rate (0..1),
    share (0..1 of its kind; of a weighted alias, of that alias), state (None: settled numbers). Counts are
    zero where CloudWatch told nothing of a window that was read, and NaN where it was not. Aliases first,
    each with its versions; the busiest first."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        found = snapshot.frame(
            f"SELECT resource, {_SUMS} FROM metrics WHERE {_MINE} GROUP BY ALL", _parameters(target, function)
        )
    lines = [_line(row, _seen(coverage, target, function, row.resource)) for row in rows(found)]
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    numbers = [*COUNTS, *MEASURES]
    frame[numbers] = frame[numbers].astype(float)
    frame["error_rate"] = share(frame["errors"], frame["invocations"])
    whole = frame.groupby([frame["kind"], frame["alias"].where(frame["kind"] == WEIGHTED, "")])
    frame["share"] = share(frame["invocations"], whole["invocations"].transform("sum"))
    for name in ("alias", "version", "state"):
        frame[name] = with_none(frame[name])
    return _ordered(frame)


def _line(row: Any, seen: Seen) -> dict[str, Any]:
    counts = {name: _count(getattr(row, name), seen) for name in COUNTS}
    measures = {name: getattr(row, name) for name in MEASURES}
    return {**_about(row.resource), **counts, **measures, "state": seen.state()}


def _count(value: Any, seen: Seen) -> float | None:
    """No datapoint is zero where all was read."""
    if pd.isna(value):
        value = 0.0
    return None if value == 0 and not seen.complete else float(value)


def _about(resource: str) -> dict[str, str | None]:
    alias, at, version = resource.partition("@")
    if at:
        return {"resource": resource, "kind": WEIGHTED, "alias": alias, "version": version}
    if resource.isdecimal():
        return {"resource": resource, "kind": VERSION, "alias": None, "version": resource}
    return {"resource": resource, "kind": ALIAS, "alias": resource, "version": None}


def _seen(coverage: Coverage, target: Target, function: str, resource: str) -> Seen:
    return coverage.seen("metrics", target.account, target.region, _scope(function, resource))


def _scope(function: str, resource: str) -> str:
    """What CloudWatch is asked about: a weighted alias and its versions at once."""
    return f"{function}:{resource.partition('@')[0]}"


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    rank = frame["kind"].map({ALIAS: 0, WEIGHTED: 0, VERSION: 1})
    keys = frame.assign(rank=rank, part=frame["kind"] == WEIGHTED, group=frame["alias"].fillna(""))
    order = keys.sort_values(
        ["rank", "group", "part", "invocations", "resource"], ascending=[True, True, True, False, True]
    )
    return frame.loc[order.index].reset_index(drop=True)


@reader
def resource_series(
    store: Store, target: Target, function: str, window: Window, *, now: datetime, most: int = LINES
) -> pd.DataFrame:
    """Long frame of the `most` busiest of `resources`, whole steps only: ts, resource, kind, alias, version,
    the counts and measures of `resources`, error_rate, collected (bool). Counts are 0 where it was silent;
    all is NaN where it was not collected. Busiest first, then by ts."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        names = _busiest(snapshot, target, function, most)
        grid = Grid(window, lines_step(window, max(1, len(names)), coverage.coarsest("metrics")))
        found = snapshot.frame(
            f"""SELECT resource, {STEP_SQL} AS step, {_SUMS} FROM metrics
            WHERE {_MINE} AND list_contains($names::VARCHAR[], resource) GROUP BY ALL""",
            {**_parameters(target, function), "names": names, "step_ms": grid.step_ms},
        )
    parts = [_series(name, found, coverage, target, function, grid) for name in names]
    columns = ["ts", *ABOUT, *COUNTS, *MEASURES, "error_rate", "collected"]
    return pd.concat(parts or [_series("", found, coverage, target, function, grid).iloc[:0]])[
        columns
    ].reset_index(drop=True)


def _busiest(snapshot: Snapshot, target: Target, function: str, most: int) -> list[str]:
    found = snapshot.frame(
        f"""SELECT resource FROM metrics WHERE {_MINE} GROUP BY resource
        ORDER BY sum(invocations) DESC NULLS LAST, resource LIMIT $most""",
        {**_parameters(target, function), "most": most},
    )
    return [str(name) for name in found["resource"]]


def _series(
    name: str, found: pd.DataFrame, coverage: Coverage, target: Target, function: str, grid: Grid
) -> pd.DataFrame:
    line = grid.lay(found[found["resource"] == name].drop(columns="resource"))
    covered = coverage.covered("metrics", target.account, target.region, _scope(function, name))
    line["collected"] = inside(covered, grid.starts_ms, grid.step)
    line[MEASURES] = line[MEASURES].astype(float)
    fill(line, line["collected"].to_numpy(), counts=COUNTS, measures=MEASURES)
    line["error_rate"] = share(line["errors"], line["invocations"])
    return line.assign(**_about(name))


def _parameters(target: Target, function: str) -> dict[str, Any]:
    return {"account": target.account, "region": target.region, "function": function}
