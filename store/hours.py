"""Metric points added up by the hour, once per file and process: a file never changes.

Questions about days and months then go over a row per function and hour; only hours that the window cuts, and
those that got late rows, are read point by point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from core.windows import Window, ceil, floor, subtract
from store import rollup
from store.columns import inside, said
from store.lake import Lake, during, newest_sql, read_files
from store.narrow import Place, of
from store.telemetry import SCHEMAS

KIND, VIEW = "metrics", "metrics_by_hour"
HOUR = timedelta(hours=1)
HOUR_S = 3600
_COMBINED = {name: how for name, how in rollup.statistics(KIND).items() if how != "percentile"}
_NAMES = ("account", "region", "scope", "function", "resource")
_NEWEST = "CASE WHEN invocations > 0 THEN ts END"

EMPTY = pa.schema(
    [
        *(SCHEMAS[KIND].field(name) for name in (*_NAMES, "ts", "period_s", *_COMBINED)),
        pa.field("newest", SCHEMAS[KIND].field("ts").type),
    ]
).empty_table()
"""Columns of the view: those of `metrics` but percentiles, and when something was last invoked."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A file of points that a snapshot reads; it is clean if the hot tail has no newer rows of its time."""

    local: Path
    window: Window
    is_clean: bool
    is_hourly: bool


def of_file(lake: Lake, duck: duckdb.DuckDBPyConnection, file: Path) -> pa.Table:
    """One file's points by thing and hour, columns in which something is said."""
    found = lake.hours.get(file)
    if found is None:
        found = _add_up(duck, file)
        lake.hours.keep(file, found)
    return found


def _add_up(duck: duckdb.DuckDBPyConnection, file: Path) -> pa.Table:
    sums = ", ".join(
        f'CAST({rollup.COMBINE[how].format(name)} AS DOUBLE) AS "{name}"' for name, how in _COMBINED.items()
    )
    start = f"make_timestamptz(epoch_ms(ts) // {HOUR_S * 1000} * {HOUR_S * 1_000_000})"
    names = ", ".join(f'"{name}"' for name in _NAMES)
    found = duck.sql(
        f"""SELECT {names}, {start} AS ts, CAST({HOUR_S} AS INTEGER) AS period_s, {sums},
            max({_NEWEST}) AS newest
        FROM {read_files([file])} GROUP BY ALL"""
    ).to_arrow_table()
    told = said(found)
    return told.cast(pa.schema([EMPTY.schema.field(name) for name in told.schema.names]))


def whole(window: Window, until: datetime) -> Window:
    """The hours that lie in a window and end by `until`; nothing is a window without length."""
    first, last = ceil(window.start, HOUR), floor(min(window.end, until), HOUR)
    return Window(first, max(first, last))


def create(
    lake: Lake,
    duck: duckdb.DuckDBPyConnection,
    read: Callable[[Sequence[Path]], str | None],
    hot: pa.Table,
    files: Sequence[Filed],
    window: Window,
    hours: Window,
    names: Sequence[str],
    place: Place | None,
) -> None:
    """Make the view of `window` with some columns, its whole `hours` from what files add up to. `read` makes
    a SQL table of files; where rows of the hot tail replace some of them, these are at hand as
    `metrics_late`. With a place, only of that function."""
    summed = [f for f in files if f.is_clean and not f.is_hourly and f.window.overlap(hours)]
    cut = [f for f in files if f.is_clean and not f.is_hourly and f not in summed] + [
        f for f in summed if subtract(f.window, [hours])
    ]
    tables = (of_file(lake, duck, f.local) for f in summed)
    added = pa.concat_tables([within(tables, hours, names, place), _hot(hot, window, names)])
    parts = []
    if rows := _rest(files, read):
        parts.append(_points(rows, [window], names))
    if cut and (edges := subtract(window, [hours])):
        parts.append(_points(f"SELECT * FROM {read([f.local for f in cut])}", edges, names))
    if not parts:
        duck.execute(f"DROP VIEW IF EXISTS {VIEW}")  # what a statement made cannot be registered anew
        duck.register(VIEW, added)
        return
    duck.register(f"{VIEW}_added", added)
    parts.insert(0, f"SELECT * FROM {VIEW}_added")
    duck.execute(f"CREATE OR REPLACE TEMP VIEW {VIEW} AS {' UNION ALL BY NAME '.join(parts)}")


def needed(names: Sequence[str]) -> list[str]:
    """The columns of points that columns of the view come from."""
    wanted = {*names, "ts", "invocations"}
    return [name for name in SCHEMAS[KIND].names if name in wanted]


def _hot(rows: pa.Table, window: Window, names: Sequence[str]) -> pa.Table:
    """Points as rows of the view."""
    rows = inside(rows, window)
    if "newest" in names:
        was_invoked = pc.greater(rows["invocations"], 0)
        newest = pc.if_else(was_invoked, rows["ts"], pa.scalar(None, rows["ts"].type))
        rows = rows.append_column(EMPTY.schema.field("newest"), newest)
    return rows.select(list(names)).cast(EMPTY.select(list(names)).schema)


def _rest(files: Sequence[Filed], read: Callable[[Sequence[Path]], str | None]) -> str:
    """Rows of files that stand for themselves: of hourly ones, and what the hot tail does not replace."""
    hourly = read([f.local for f in files if f.is_clean and f.is_hourly])
    touched = read([f.local for f in files if not f.is_clean])
    return newest_sql(KIND, [hourly] if hourly else [], touched)


def _points(source: str, windows: Sequence[Window], names: Sequence[str]) -> str:
    when = " OR ".join(during(window) for window in windows)
    listed = ", ".join(f"{_NEWEST} AS newest" if name == "newest" else f'"{name}"' for name in names)
    return f"SELECT {listed} FROM ({source}) WHERE {when}"


def within(tables: Iterable[pa.Table], window: Window, names: Sequence[str], place: Place | None) -> pa.Table:
    """Some columns of the rows of whole hours inside a window, as one table."""
    timed = [name for name in EMPTY.schema.names if name in {*names, "ts"}]
    parts = []
    for table in tables:
        there = [name for name in timed if name in table.schema.names]
        mine = inside(table.select(there) if place is None else of(table, place, there), window)
        parts.append(mine.select([name for name in names if name in there]))
    return pa.concat_tables([EMPTY.select(list(names)), *parts], promote_options="default")
