"""A consistent view of telemetry and state at one instant."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from core.errors import AskAgainError, StoreError
from core.windows import Window
from store import hot, hours, schema, state
from store.hot import HotCache
from store.hours import HOUR_S, Filed
from store.lake import Lake, during, has_columns, newest_sql
from store.losses import NOT_OF_A_FILE, Loss, Losses, damaged, sift, still, torn_footers
from store.state import FILE
from store.telemetry import KEYS, SCHEMAS
from store.tiers import COLLECTOR

Answer = TypeVar("Answer")

TORN = "rows of the newest hours are torn"


class Snapshot:
    """A consistent view of some telemetry kinds over one window, and of the state tables, at one instant.

    Each kind is a DuckDB view of the same name (columns of `telemetry.SCHEMAS`, one row per key, newest fact
    wins, `ts` within the window), empty when nothing is stored. What cannot be read is left out and named in
    `lost`. A file that turns out to be unreadable, or gone, after something was answered raises
    AskAgainError: answers with and without it do not go together (`store.asking.reader` asks again).
    """

    def __init__(
        self,
        engine: sa.Engine,
        lake: Lake,
        cache: HotCache,
        losses: Losses,
        window: Window,
        kinds: Sequence[str],
    ) -> None:
        self._engine, self._lake, self._cache, self._losses = engine, lake, cache, losses
        self._window, self._kinds = window, tuple(dict.fromkeys(kinds))
        self._connection: sa.Connection | None = None
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._local: dict[str, Path] = {}
        self._files: Sequence[sa.Row[Any]] = []
        self._hot: dict[str, list[tuple[hot.Batch, pa.Table]]] = {}
        self._at_hand: dict[str, Sources] = {}
        self._made: set[str] = set()
        self._has_answered = False
        self.lost: list[Loss] = []

    def frame(
        self, sql: str, params: Mapping[str, Any] | None = None, *, within_s: float | None = None
    ) -> pd.DataFrame:
        """Run DuckDB SQL (named parameters `$name`) over the views; returns a frame, times aware UTC. What
        takes longer than `within_s` is stopped: StoreError."""
        with self._stopped_after(within_s):
            return self._answered(lambda: self._run(sql, params))

    def state(self, query: sa.Select[Any]) -> pd.DataFrame:
        """Run a SQLAlchemy select over the state tables in the snapshot's own transaction."""
        with state.explained(self._engine, self._lake.folder):
            result = self._transaction().execute(query)
            names, rows = list(result.keys()), result.all()
        self._has_answered = True
        frame = pd.DataFrame(rows, columns=pd.Index(names))
        for name, column in zip(names, query.selected_columns, strict=True):
            if isinstance(column.type, schema.UtcTime):
                frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        return frame

    def batches(
        self, sql: str, params: Mapping[str, Any] | None = None, *, rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Run DuckDB SQL like `frame`; its answer some rows at a time, for more than fits in memory."""
        self._has_answered = True
        try:
            self._make(sql)
            yield from self._duck().sql(sql, params=dict(params or {})).to_arrow_reader(rows)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            self._recover(error)

    def lacking(self, kind: str, table: pa.Table) -> pa.Table:
        """The rows of `table` whose key the kind's view does not have; of kinds that are kept at one period,
        not those of a thing that the view has at another."""
        sql = f"SELECT * FROM {kind}_incoming ANTI JOIN {kind} USING ({', '.join(KEYS[kind])})"
        if kind in COLLECTOR:
            same = " AND ".join(
                f"new.{key} = old.{key}" for key in KEYS[kind] if key not in ("ts", "period_s")
            )
            sql = f"SELECT new.* FROM ({sql}) AS new ANTI JOIN {kind} AS old ON {same}"
            sql += " AND new.period_s <> old.period_s"

        def ask() -> pa.Table:
            self._make(kind)
            self._duck().register(f"{kind}_incoming", table)
            return self._duck().sql(sql).to_arrow_table()

        return self._answered(ask).select(table.schema.names).cast(table.schema)

    def rows(self, query: sa.Select[Any], *, rows: int) -> Iterator[Sequence[sa.Row[Any]]]:
        """Run a select like `state`; its answer some rows at a time."""
        with state.explained(self._engine, self._lake.folder):
            streamed = self._transaction().execution_options(yield_per=rows).execute(query)
            yield from streamed.partitions(rows)

    def refresh(self) -> None:
        """Start anew, at this instant."""
        if self._take():  # or it was replaced and removed since: then the next catalogue has another
            self._losses.note(self._take())

    def by_hour(self, window: Window, *, until: datetime | None = None) -> None:
        """Make the view `metrics_by_hour` of a part of the snapshot's window, for what is added up over hours
        and more: `metrics` less percentiles, with `newest` (when something was last invoked); a row may stand
        for a whole hour (`period_s` 3600) that ends by `until`."""
        whole = hours.whole(window, until or window.end)
        self._answered(lambda: hours.create(self._lake, self._duck(), self._filed(), window, whole))

    def _filed(self) -> list[Filed]:
        sources = self._sources(hours.KIND)
        return [
            Filed(self._local[f.path], Window(f.start, f.end), is_clean, f.period_s >= HOUR_S)
            for is_clean, files in ((True, sources.clean), (False, sources.touched))
            for f in files
        ]

    def _answered(self, ask: Callable[[], Answer]) -> Answer:
        try:
            answer = ask()
        except duckdb.Error as error:
            self._recover(error)
            with self._readable():
                answer = ask()
        self._has_answered = True
        return answer

    def _recover(self, error: Exception) -> None:
        """Start anew without the files that made a query fail; raises its error if none did."""
        if isinstance(error, NOT_OF_A_FILE):
            raise error
        found = damaged(self._lake, self._local, self._files)
        if not found and not isinstance(error, duckdb.IOException):
            raise error
        self._losses.note(still(found))
        if self._has_answered:
            raise AskAgainError(f"telemetry in {self._lake.shelf.where} changed while it was read") from error
        self.refresh()

    @contextmanager
    def _stopped_after(self, within_s: float | None) -> Iterator[None]:
        if within_s is None:
            yield
            return
        is_over = threading.Event()

        def stop() -> None:
            is_over.set()
            self._duck().interrupt()

        timer = threading.Timer(within_s, stop)
        timer.start()
        try:
            yield
        except (duckdb.Error, RuntimeError) as error:  # which of them depends on where it was stopped
            if not is_over.is_set():
                raise
            raise StoreError(f"stopped after {within_s:g} s: ask for a shorter time, or for less") from error
        finally:
            timer.cancel()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise StoreError(f"cannot read telemetry in {self._lake.shelf.where}: {error}") from error

    def _take(self) -> dict[str, str]:
        """Answers what cannot be read and nobody knew of."""
        self.close()
        self._has_answered, self._made, self._at_hand = False, set(), {}
        connection = self._transaction()
        with state.explained(self._engine, self._lake.folder):
            batches, files = self._stored(connection)
            tables = self._cache.tables(connection, batches)
        sifted = sift(self._lake, self._losses, files)
        if unopened := {path: file for path, file in sifted.local.items() if not has_columns(file)}:
            sifted.lose(still(torn_footers(self._lake, unopened)))
        torn = {b.seq: _torn(b) for b in batches if b.seq not in tables}
        self._losses.meet(torn)
        self._files, self._local, self.lost = files, sifted.local, [*sifted.lost(), *torn.values()]
        self._hot = {
            k: [(b, tables[b.seq]) for b in batches if b.kind == k and b.seq in tables] for k in self._kinds
        }
        return {p: why for p, why in sifted.whys.items() if not self._losses.is_told(p, sifted.marks[p])}

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
        self._make(sql)
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

    def _make(self, sql: str) -> None:
        """Make the views that SQL names: DuckDB looks at all their columns, which takes longer than most
        questions need."""
        for kind in self._kinds:
            if kind not in self._made and re.search(rf"\b{kind}\b", sql):
                sources, duck = self._sources(kind), self._duck()
                clean, touched = (
                    [self._local[f.path] for f in files] for files in (sources.clean, sources.touched)
                )
                names = ", ".join(f'"{name}"' for name in SCHEMAS[kind].names)
                query = (
                    f"SELECT {names} FROM ({newest_sql(kind, clean, touched)}) WHERE {during(self._window)}"
                )
                duck.execute(f"CREATE OR REPLACE TEMP VIEW {kind} AS {query}")
                self._made.add(kind)

    def _sources(self, kind: str) -> Sources:
        """What a kind's rows come from; the hot ones are then at hand as `KIND_hot` and `KIND_late`."""
        if kind not in self._at_hand:
            hot_rows, duck = self._hot[kind], self._duck()
            files = [f for f in self._files if f.kind == kind and f.path in self._local]
            late = [(b, table) for b, table in hot_rows if any(_overlap(b, f) for f in files)]
            for name, those in (("hot", hot_rows), ("late", late)):
                rows = pa.concat_tables([SCHEMAS[kind].empty_table(), *(table for _, table in those)])
                duck.register(f"{kind}_{name}", rows)
            touched = [f for f in files if any(_overlap(b, f) for b, _ in late)]
            self._at_hand[kind] = Sources([f for f in files if f not in touched], touched)
        return self._at_hand[kind]


@dataclass(frozen=True, slots=True)
class Sources:
    """Files that are read as they are, and those of which late rows of the hot tail replace some."""

    clean: Sequence[sa.Row[Any]]
    touched: Sequence[sa.Row[Any]]


def _torn(batch: hot.Batch) -> Loss:
    return Loss(batch.kind, batch.target, Window(batch.start, batch.end), FILE, TORN)


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
    engine: sa.Engine, lake: Lake, cache: HotCache, losses: Losses, window: Window, kinds: Sequence[str]
) -> Iterator[Snapshot]:
    """A snapshot of this instant, given back at the end of the block."""
    snapshot = Snapshot(engine, lake, cache, losses, window, kinds)
    try:
        snapshot.refresh()
        yield snapshot
    finally:
        snapshot.close()
