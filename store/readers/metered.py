"""Usage over any window: what `store.metering` has filed, and the rest counted on the spot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from core.metering import COUNTS, hours_of
from core.telemetry import Metered
from core.windows import Window, ceil, floor, merge
from store import schema
from store.lake import quoted
from store.readers.billing import ESTIMATED
from store.readers.coverage import Coverage
from store.readers.frames import milliseconds, rows
from store.readers.measured import QUANTITIES, READS, Told, measured
from store.readers.things import Place, Things, matches, sql_where
from store.readers.usage import Question
from store.store import Filter, Snapshot
from store.tiers import DAY, month_of, months

__all__ = ["KEPT", "Metering", "meter_usage"]

KIND = Metered.KIND
KEPT = (*READS, KIND)
"""Telemetry that a snapshot must have."""

HOUR = timedelta(hours=1)
NEWEST = DAY + HOUR
"""So young, all is counted at once in less time than what files leave out at either end; no retention is
shorter."""
_BY_MONTH = frozenset(name for name, count in COUNTS.items() if count.is_by_month)
_NAMES = ("account", "region", "function", "version", "architecture")
_WORDS = pa.schema([*((name, pa.string()) for name in _NAMES), ("month", pa.int64()), ("step", pa.int64())])
_TOLD = pa.schema([*_WORDS, ("estimated", pa.bool_()), ("unknown", pa.string())])


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """What there is to say of one function's usage: whether metrics stood in for records, and what of it is
    not known (component to reason)."""

    is_estimated: bool
    unknown: Mapping[str, str]


class Metering:
    """Usage as one table: a row per function, version, architecture, month (its first day, epoch ms) and
    `step`, with those of `QUANTITIES` of which there is any. GB-months are divided by the month's hours."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.columns = [name for name in COUNTS if name in table.schema.names]

    @cached_property
    def _duck(self) -> duckdb.DuckDBPyConnection:
        duck = duckdb.connect()  # one for all questions: opening it takes longer than most of them
        duck.execute("SET TimeZone='UTC'")
        duck.register("used", self.table)
        return duck

    def ask(self, sql: str, **tables: pa.Table) -> pa.Table:
        """DuckDB SQL over the table `used`, and others."""
        for name, table in tables.items():
            self._duck.register(name, table)
        return self._duck.sql(sql).to_arrow_table()

    @cached_property
    def places(self) -> dict[Place, PlaceUse]:
        """Every function that was used, or held something."""
        found = self.ask(
            """SELECT account, region, "function", bool_or(estimated) AS estimated,
                string_agg(DISTINCT unknown, '; ') AS unknown FROM used GROUP BY ALL"""
        )
        columns = [found[name].to_pylist() for name in found.schema.names]
        return {
            (account, region, function): PlaceUse(bool(estimated), parse_unknown(unknown))
            for account, region, function, estimated, unknown in zip(*columns, strict=True)
        }

    def places_of(self, account: str, region: str, architecture: str, column: str) -> list[Place]:
        """Functions that used some of a column there."""
        own = f"""account = {quoted(account)} AND region = {quoted(region)}
            AND architecture = {quoted(architecture)}"""
        sql = f'SELECT DISTINCT account, region, "function" FROM used WHERE {own} AND "{column}" <> 0'
        found = self.ask(sql)
        return [(row["account"], row["region"], row["function"]) for row in found.to_pylist()]


@lru_cache(maxsize=256)
def parse_unknown(text: str | None) -> Mapping[str, str]:
    """`core.telemetry.Metered.unknown`: reasons by component."""
    parts = (part.partition(": ") for part in (text or "").split("; ") if part)
    return {component: why for component, _, why in parts}


def meter_usage(
    snapshot: Snapshot,
    things: Things,
    window: Window,
    where: Filter,
    *,
    now: datetime,
    step: timedelta | None = None,
    by_version: bool = False,
    coverage: Coverage | None = None,
    told: Told | None = None,
) -> Metering:
    """The usage of a window. `snapshot` is of `KEPT` and holds it; `coverage` and `told`, of that very
    window, spare reading them again. What is filed is by the hour: shorter steps are counted on the spot."""
    is_newest = step is None and now - window.start <= NEWEST
    filed = Window(window.start, window.start) if is_newest else _filed_window(snapshot, window, where, step)
    sql = _sql(where, step, by_version=by_version)
    tables = [t for t in snapshot.per_file(KIND, sql, filed) if len(t)] if filed.duration else []
    for part in _parts(window, filed):
        read = coverage if coverage is not None and part == window else None
        read = read or Coverage.read(snapshot, part, now=now)
        counted = measured(
            snapshot,
            things,
            read,
            Question(part, where, now, step),
            by_version=by_version,
            told=told if part == window else None,
        )
        tables.append(_to_table(counted, part, step, by_version=by_version))
    return Metering(pa.concat_tables([_TOLD.empty_table(), *map(_said, tables)], promote_options="default"))


def _parts(window: Window, filed: Window) -> Iterator[Window]:
    """What is counted on the spot: a month at a time, since prices and tiers go by the month."""
    ends = [Window(window.start, filed.start), Window(filed.end, window.end)] if filed.duration else [window]
    for end in ends:
        yield from months(end)


# --- what is filed ------------------------------------------------------------------------------------------


def _filed_window(snapshot: Snapshot, window: Window, where: Filter, step: timedelta | None) -> Window:
    """The part of a window that files of every target tell, to the hour; none is a window without length.

    A target does not count before it was first read, nor after it was last read.
    """
    nothing = Window(window.start, window.start)
    if step is not None and step < HOUR:
        return nothing
    files: dict[tuple[str, str], list[Window]] = {}
    for account, region, span in snapshot.filed(KIND):
        files.setdefault((account, region), []).append(span)
    start, end = window.start, window.end
    for (account, region), first, last in _read_targets(snapshot, window):
        if not matches(where, account, region):
            continue
        runs = merge(files.get((account, region), ()))
        if not runs:
            return nothing
        start = max(start, runs[-1].start if runs[-1].start > floor(first, DAY) else start)
        end = min(end, runs[-1].end if runs[-1].end < last else end)
    daily = merge(span for spans in files.values() for span in spans if span.duration > DAY)
    return _whole(Window(start, max(start, end)), daily, step)


def _whole(window: Window, daily: Sequence[Window], step: timedelta | None) -> Window:
    """Cut to whole hours, or to days where files hold days; steps of hours need hours."""
    start, end = ceil(window.start, HOUR), floor(window.end, HOUR)
    for span in daily:
        if step is not None and step % DAY:
            start = max(start, span.end)
        start = ceil(start, DAY) if start in span else start
        end = floor(end, DAY) if span.start < end < span.end else end
    return Window(start, max(start, end))


def _read_targets(snapshot: Snapshot, window: Window) -> Iterator[tuple[tuple[str, str], datetime, datetime]]:
    """Targets of which something was read before the window's end: since when, and until when."""
    c = schema.coverage.c
    first, last = sa.func.min(c.start, type_=schema.UtcTime), sa.func.max(c.end, type_=schema.UtcTime)
    query = sa.select(c.account, c.region, first.label("first"), last.label("last"))
    query = query.where(c.collector.in_(("metrics", "logs"))).group_by(c.account, c.region)
    for row in rows(snapshot.state(query)):
        if row.first < window.end and row.last > window.start:
            yield (row.account, row.region), row.first.to_pydatetime(), row.last.to_pydatetime()


def _sql(where: Filter, step: timedelta | None, *, by_version: bool) -> str:
    month = "epoch_ms(date_trunc('month', ts))"
    at = "0" if step is None else f"(epoch_ms(ts) // {milliseconds(step)}) * {milliseconds(step)}"
    hours = "(24 * date_part('day', last_day(ts::DATE)))"
    sums = ", ".join(
        f'round(sum("{name}"{f" / {hours}" if name in _BY_MONTH else ""}), 3) AS "{name}"'
        for name in QUANTITIES
    )
    given = sql_where(where)[1].items()
    wanted = " AND ".join(f'"{name}" = {quoted(value)}' for name, value in given)
    wanted = wanted.replace("{", "{{").replace("}", "}}")
    version = "version" if by_version else "'' AS version"
    return f"""SELECT account, region, "function", {version}, architecture, {month} AS month, {at} AS step,
        basis = '{ESTIMATED}' AS estimated, unknown, {sums}
        FROM {{source}} WHERE {wanted or "true"} GROUP BY ALL"""


def _to_table(counted: pd.DataFrame, part: Window, step: timedelta | None, *, by_version: bool) -> pa.Table:
    month = month_of(part.start).start
    counted = counted.assign(
        month=round(month.timestamp() * 1000),
        step=0 if step is None else counted["step"].astype("int64"),
        estimated=counted["basis"] == ESTIMATED,
    )
    if not by_version:
        counted["version"] = ""
    for name in _BY_MONTH:
        counted[name] = (counted[name] / hours_of(month.date())).round(3)
    amounts = {
        name: pa.array(counted[name].astype(float).replace(0.0, np.nan), from_pandas=True)
        for name in QUANTITIES
    }
    words = {field.name: pa.array(counted[field.name], field.type, from_pandas=True) for field in _TOLD}
    return pa.table({**words, **amounts})


def _said(table: pa.Table) -> pa.Table:
    """Only the columns of which there is any."""
    named = [name for name in table.schema.names if name in _TOLD.names]
    there = [name for name in QUANTITIES if name in table.schema.names]
    said = [name for name in there if table[name].null_count < len(table)]
    amounts = pa.schema([(name, pa.float64()) for name in said])
    return table.select([*named, *said]).cast(pa.schema([*(_TOLD.field(n) for n in named), *amounts]))
