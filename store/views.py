"""The DuckDB views of a snapshot: a kind's rows wherever they are, made when a question names them, with the
columns that it names: DuckDB looks at every column of a view twice, longer than most questions take."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from core.windows import Window
from store import columns, hot, hours, narrow
from store.hours import HOUR_S, Filed
from store.lake import Lake, during, newest_sql, read_files
from store.telemetry import KEYS, SCHEMAS

_ALL = re.compile(r"(?:\bselect(?:\s+distinct)?|,)\s*\*|\.\*|\bcolumns\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """What a snapshot found: files of the catalogue, where those are that can be read, and hot batches."""

    files: Sequence[sa.Row[Any]] = ()
    local: Mapping[str, Path] = field(default_factory=dict)
    hot: Mapping[str, Sequence[tuple[hot.Batch, pa.Table]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sources:
    """The hot tail; its rows that are late; files that are read as they are, and those of which late rows
    replace some."""

    hot: Sequence[pa.Table]
    late: Sequence[pa.Table]
    clean: Sequence[sa.Row[Any]]
    touched: Sequence[sa.Row[Any]]


class Views:
    """Made on a DuckDB connection of their own, anew when a question names columns that they lack."""

    def __init__(self, lake: Lake, window: Window, held: Held, place: narrow.Place | None) -> None:
        self._lake, self._window, self._held, self._place = lake, window, held, place
        self.duck: duckdb.DuckDBPyConnection = lake.cursor()
        self._made: dict[str, frozenset[str]] = {}
        self._tables = 0

    def close(self) -> None:
        self.duck.close()

    def make(self, sql: str, hourly: tuple[Window, datetime] | None) -> None:
        """Make what a question names; `metrics_by_hour` of a part of the window, whole hours until a time."""
        for kind in self._held.hot:
            if re.search(rf"\b{kind}\b", sql):
                self._lack(kind, sql, SCHEMAS[kind].names, partial(self._make, kind))
        if hourly is not None and re.search(rf"\b{hours.VIEW}\b", sql):
            self._lack(hours.VIEW, sql, hours.EMPTY.schema.names, lambda names: self._add_up(names, *hourly))

    def forget(self, view: str) -> None:
        """Make a view anew the next time that it is named."""
        self._made.pop(view, None)

    def _lack(self, view: str, sql: str, all_: Sequence[str], make: Callable[[list[str]], None]) -> None:
        wanted = self._made.get(view, frozenset()) | columns_of(sql, all_)
        if wanted != self._made.get(view):
            make([name for name in all_ if name in wanted])
            self._made[view] = wanted

    def _make(self, kind: str, names: Sequence[str]) -> None:
        sources = self._sources(kind)
        clean = [self._held.local[f.path] for f in sources.clean]
        if self._place is not None and not sources.touched:
            there = [self._hot(kind, sources.hot, names), self._narrow(kind, clean, names)]
            self.duck.register(kind, columns.inside(pa.concat_tables(there), self._window))
            return
        touched = [self._held.local[f.path] for f in sources.touched]
        self.duck.register(f"{kind}_hot", self._hot(kind, sources.hot, _with_keys(kind, names)))
        self._register_late(kind, sources)
        filed, replaced = (self._read(kind, files, _with_keys(kind, names)) for files in (clean, touched))
        rows = newest_sql(kind, [f"{kind}_hot", *([filed] if filed else [])], replaced)
        listed = ", ".join(f'"{name}"' for name in names)
        query = f"SELECT {listed} FROM ({rows}) WHERE {during(self._window)}"
        self.duck.execute(f"CREATE OR REPLACE TEMP VIEW {kind} AS {query}")

    def _add_up(self, names: Sequence[str], window: Window, until: datetime) -> None:
        sources = self._sources(hours.KIND)
        filed = [
            Filed(self._held.local[f.path], Window(f.start, f.end), is_clean, f.period_s >= HOUR_S)
            for is_clean, files in ((True, sources.clean), (False, sources.touched))
            for f in files
        ]
        points = hours.needed(names)
        rows = self._hot(hours.KIND, sources.hot, points)
        self._register_late(hours.KIND, sources)

        def read(files: Sequence[Path]) -> str | None:
            return self._read(hours.KIND, files, _with_keys(hours.KIND, points))

        whole = hours.whole(window, until)
        hours.create(self._lake, self.duck, read, rows, filed, window, whole, names, self._place)

    def _read(self, kind: str, files: Sequence[Path], names: Sequence[str]) -> str | None:
        """A SQL table over files; of one function, its rows."""
        if not files:
            return None
        if self._place is None:
            return read_files(files)
        self._tables += 1
        table = f"{kind}_read_{self._tables}"
        self.duck.register(table, self._narrow(kind, files, names))
        return table

    def _narrow(self, kind: str, files: Sequence[Path], names: Sequence[str]) -> pa.Table:
        assert self._place is not None
        return narrow.rows(self._lake.narrow, kind, files, self._place, names)

    def _sources(self, kind: str) -> Sources:
        rows = self._held.hot[kind]
        files = [f for f in self._held.files if f.kind == kind and f.path in self._held.local]
        of_target = defaultdict(list)
        for file in files:
            of_target[file.account, file.region].append(file)
        late, touched = [], set[str]()
        for batch, table in rows:
            here = of_target.get((batch.target.account, batch.target.region), ())
            if over := {f.path for f in here if batch.start < f.end and batch.end > f.start}:
                late.append(table)
                touched |= over
        clean, old = ([f for f in files if (f.path in touched) is is_old] for is_old in (False, True))
        return Sources([table for _, table in rows], late, clean, old)

    def _register_late(self, kind: str, sources: Sources) -> None:
        """Have the keys of rows that replace some of files at hand as `KIND_late`."""
        if sources.touched:
            self.duck.register(f"{kind}_late", self._hot(kind, sources.late, KEYS[kind]))

    def _hot(self, kind: str, tables: Sequence[pa.Table], names: Sequence[str]) -> pa.Table:
        place, empty, wanted = self._place, _empty(SCHEMAS[kind]).select(list(names)), frozenset(names)
        if place is not None:
            mine = (narrow.of(table, place, names) for table in tables)
        else:
            mine = (table.select([n for n in table.schema.names if n in wanted]) for table in tables)
        # One piece of each column: what DuckDB and Arrow do with thousands of small ones takes far longer.
        return pa.concat_tables([empty, *mine], promote_options="default").combine_chunks()


@lru_cache(maxsize=64)
def _empty(schema: pa.Schema) -> pa.Table:
    """Making one takes longer than reading an hour."""
    return schema.empty_table()


def columns_of(sql: str, names: Sequence[str]) -> frozenset[str]:
    """Which of a view's columns a question may need: the time, and those whose names it has, or all where it
    has a star."""
    if _ALL.search(sql):
        return frozenset(names)
    return frozenset(names) & {"ts", *re.findall(r"\w+", sql)}


def _with_keys(kind: str, names: Sequence[str]) -> list[str]:
    return [name for name in SCHEMAS[kind].names if name in {*names, *KEYS[kind]}]
