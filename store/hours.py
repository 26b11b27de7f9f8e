"""Metric points added up by the hour, once per file and process: a file never changes.

Questions about days and months then go over a row per function and hour; only hours that the window cuts, and
those that got late rows, are read point by point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from core.windows import Window, ceil, floor, subtract
from store import rollup
from store.lake import Lake, during, newest_sql, read_files
from store.telemetry import SCHEMAS

KIND, VIEW = "metrics", "metrics_by_hour"
HOUR = timedelta(hours=1)
HOUR_S = 3600
_COMBINED = {name: how for name, how in rollup.statistics(KIND).items() if how != "percentile"}
_NAMES = ("account", "region", "scope", "function", "resource")
_NEWEST = "CASE WHEN invocations > 0 THEN ts END"
_LISTED = ", ".join(f'"{name}"' for name in (*_NAMES, "ts", "period_s", *_COMBINED))

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
    said = [name for name in found.schema.names if found[name].null_count < len(found)]
    return found.select(said).cast(pa.schema([EMPTY.schema.field(name) for name in said]))


def whole(window: Window, until: datetime) -> Window:
    """The hours that lie in a window and end by `until`; nothing is a window without length."""
    first, last = ceil(window.start, HOUR), floor(min(window.end, until), HOUR)
    return Window(first, max(first, last))


def create(
    lake: Lake, duck: duckdb.DuckDBPyConnection, files: Sequence[Filed], window: Window, hours: Window
) -> None:
    """Make the view of `window`, its whole `hours` from what files add up to."""
    summed = [f for f in files if f.is_clean and not f.is_hourly and f.window.overlap(hours)]
    cut = [f for f in files if f.is_clean and not f.is_hourly and f not in summed] + [
        f for f in summed if subtract(f.window, [hours])
    ]
    duck.register(f"{VIEW}_summed", within((of_file(lake, duck, f.local) for f in summed), hours))
    parts = [f"SELECT * FROM {VIEW}_summed", _points(_rest(files), [window])]
    if cut and (edges := subtract(window, [hours])):
        parts.append(_points(f"SELECT * FROM {read_files([f.local for f in cut])}", edges))
    duck.execute(f"CREATE OR REPLACE TEMP VIEW {VIEW} AS {' UNION ALL BY NAME '.join(parts)}")


def _rest(files: Sequence[Filed]) -> str:
    """Rows that stand for themselves: of the hot tail, of files that it replaces some of, of hourly ones."""
    hourly = [f.local for f in files if f.is_clean and f.is_hourly]
    return newest_sql(KIND, hourly, [f.local for f in files if not f.is_clean])


def _points(source: str, windows: Sequence[Window]) -> str:
    inside = " OR ".join(during(window) for window in windows)
    return f"SELECT {_LISTED}, {_NEWEST} AS newest FROM ({source}) WHERE {inside}"


def within(tables: Iterable[pa.Table], window: Window) -> pa.Table:
    """Rows of whole hours inside a window, as one table."""
    parts = []
    for table in tables:
        ts = table["ts"]
        start, end = (pa.scalar(edge, ts.type) for edge in (window.start, window.end))
        parts.append(table.filter(pc.and_(pc.greater_equal(ts, start), pc.less(ts, end))))
    return pa.concat_tables([EMPTY, *parts], promote_options="default")
