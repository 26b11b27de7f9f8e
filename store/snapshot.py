"""A consistent view of telemetry and state at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from core.errors import StoreError
from core.windows import Window
from store import hot, schema, state
from store.hot import HotCache
from store.lake import Lake, literal, newest_sql
from store.telemetry import KEYS, SCHEMAS


class Snapshot:
    """A consistent view of some telemetry kinds over one window, and of the state tables, at one instant.

    Each kind is a DuckDB view of the same name (columns of `telemetry.SCHEMAS`, one row per key, newest fact
    wins, `ts` within the window), empty when nothing is stored.
    """

    def __init__(
        self,
        engine: sa.Engine,
        lake: Lake,
        cache: HotCache,
        window: Window,
        kinds: Sequence[str],
    ) -> None:
        self._engine, self._lake, self._cache = engine, lake, cache
        self._window, self._kinds = window, tuple(dict.fromkeys(kinds))
        self._connection: sa.Connection | None = None
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Run DuckDB SQL (named parameters `$name`) over the views; returns a frame, times aware UTC."""
        try:
            return self._run(sql, params)
        except duckdb.IOException:
            self.refresh()  # a file was replaced, and its grace time is over
        with self._readable(duckdb.IOException):
            return self._run(sql, params)

    def state(self, query: sa.Select[Any]) -> pd.DataFrame:
        """Run a SQLAlchemy select over the state tables in the snapshot's own transaction."""
        with state.explained(self._engine, self._lake.folder):
            result = self._transaction().execute(query)
            names, rows = list(result.keys()), result.all()
        frame = pd.DataFrame(rows, columns=pd.Index(names))
        for name, column in zip(names, query.selected_columns, strict=True):
            if isinstance(column.type, schema.UtcTime):
                frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        return frame

    def batches(
        self, sql: str, params: Mapping[str, Any] | None = None, *, rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Run DuckDB SQL like `frame`; its answer some rows at a time, for more than fits in memory."""
        with self._readable(duckdb.IOException):
            yield from self._duck().sql(sql, params=dict(params or {})).to_arrow_reader(rows)

    def lacking(self, kind: str, table: pa.Table) -> pa.Table:
        """The rows of `table` whose key the kind's view does not have."""
        duck = self._duck()
        duck.register(f"{kind}_incoming", table)
        sql = f"SELECT * FROM {kind}_incoming ANTI JOIN {kind} USING ({', '.join(KEYS[kind])})"
        with self._readable(duckdb.IOException):
            return duck.sql(sql).to_arrow_table().select(table.schema.names).cast(table.schema)

    def rows(self, query: sa.Select[Any], *, rows: int) -> Iterator[Sequence[sa.Row[Any]]]:
        """Run a select like `state`; its answer some rows at a time."""
        with state.explained(self._engine, self._lake.folder):
            streamed = self._transaction().execution_options(yield_per=rows).execute(query)
            yield from streamed.partitions(rows)

    def refresh(self) -> None:
        """Start anew, at this instant."""
        try:
            self._take()
        except (
            duckdb.Error
        ):  # a file went between the catalogue and its opening: the next catalogue has another
            with self._readable(duckdb.Error):
                self._take()

    @contextmanager
    def _readable(self, failure: type[duckdb.Error]) -> Iterator[None]:
        try:
            yield
        except failure as error:
            raise StoreError(f"cannot read telemetry in {self._lake.shelf.where}: {error}") from error

    def _take(self) -> None:
        self.close()
        connection = self._transaction()
        with state.explained(self._engine, self._lake.folder):
            batches, files = self._stored(connection)
            tables = self._cache.tables(connection, batches)
        fetched = self._lake.shelf.fetch([f.path for f in files])
        if fetched.lacking:
            raise duckdb.IOException(next(iter(fetched.lacking.values())))
        for kind in self._kinds:
            mine = [b for b in batches if b.kind == kind]
            self._view(kind, mine, tables, [f for f in files if f.kind == kind], fetched.files)

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transaction(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _duck(self) -> duckdb.DuckDBPyConnection:
        if self._cursor is None:
            self._cursor = self._lake.cursor()
        return self._cursor

    def _run(self, sql: str, params: Mapping[str, Any] | None) -> pd.DataFrame:
        return to_frame(self._duck().sql(sql, params=dict(params or {})).to_arrow_table())

    def _stored(self, connection: sa.Connection) -> tuple[list[hot.Batch], Sequence[sa.Row[Any]]]:
        """Hot batches and files that may hold rows of the window."""
        if not self._kinds:
            return [], []
        batches, files = schema.hot.c, schema.file
        overlap = (batches.start < self._window.end) & (batches.end > self._window.start)
        query = (
            sa.select(files)
            .where(files.c.kind.in_(self._kinds), files.c.replaced_at.is_(None))
            .where(files.c.start < self._window.end, files.c.end > self._window.start)
        )
        return hot.listed(connection, overlap & batches.kind.in_(self._kinds)), connection.execute(
            query
        ).all()

    def _view(
        self,
        kind: str,
        batches: Sequence[hot.Batch],
        tables: Mapping[int, pa.Table],
        files: Sequence[sa.Row[Any]],
        local: Mapping[str, Path],
    ) -> None:
        empty, duck = SCHEMAS[kind].empty_table(), self._duck()
        late = [b for b in batches if any(_overlap(b, f) for f in files)]
        duck.register(f"{kind}_hot", pa.concat_tables([empty, *(tables[b.seq] for b in batches)]))
        duck.register(f"{kind}_late", pa.concat_tables([empty, *(tables[b.seq] for b in late)]))
        touched = {f.path for f in files if any(_overlap(b, f) for b in late)}
        clean = [local[f.path] for f in files if f.path not in touched]
        source = newest_sql(kind, clean, [local[f.path] for f in files if f.path in touched])
        names = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
        inside = f"ts >= {literal(self._window.start)} AND ts < {literal(self._window.end)}"
        duck.execute(f"CREATE OR REPLACE TEMP VIEW {kind} AS SELECT {names} FROM ({source}) WHERE {inside}")


def _overlap(batch: hot.Batch, file: sa.Row[Any]) -> bool:
    same = (batch.target.account, batch.target.region) == (file.account, file.region)
    return same and batch.start < file.end and batch.end > file.start


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A frame whose times are aware UTC and whose whole sums (DuckDB's HUGEINT) are numbers."""
    fields = []
    for field in table.schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            field = field.with_type(pa.timestamp("us", tz="UTC"))
        elif pa.types.is_decimal(field.type) and field.type.precision == 38 and field.type.scale == 0:
            field = field.with_type(pa.float64() if table[field.name].null_count else pa.int64())
        fields.append(field)
    frame: pd.DataFrame = table.cast(pa.schema(fields)).to_pandas()
    return frame


@contextmanager
def taken(
    engine: sa.Engine, lake: Lake, cache: HotCache, window: Window, kinds: Sequence[str]
) -> Iterator[Snapshot]:
    """A snapshot of this instant, given back at the end of the block."""
    snapshot = Snapshot(engine, lake, cache, window, kinds)
    try:
        snapshot.refresh()
        yield snapshot
    finally:
        snapshot.close()
