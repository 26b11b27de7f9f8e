"""A consistent view of telemetry and state at one instant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from core.errors import AskAgainError, StoreError
from core.price_book import Price
from core.windows import Window
from store import hot, hours, schema, state
from store.columns import said
from store.hot import HotCache
from store.lake import Lake, during, has_columns, read_files
from store.losses import NOT_OF_A_FILE, Loss, Losses, damaged, sift, still, torn_footers
from store.narrow import Place
from store.state import FILE
from store.telemetry import KEYS
from store.tiers import COLLECTOR
from store.views import Held, Views

Answer = TypeVar("Answer")

UNREAD = (duckdb.Error, pa.ArrowException, OSError)
TORN = "rows of the newest hours are torn"
AGAIN_S = 0.02
"""Between two attempts to stop a query."""


class Snapshot:
    """A consistent view of some telemetry kinds over one window, and of the state tables, at one instant.

    Each kind is a DuckDB view of the same name (columns of `telemetry.SCHEMAS`, one row per key, newest fact
    wins, `ts` within the window), empty when nothing is stored; with a place, it has that function's rows.
    What cannot be read is left out and named in `lost`. `prices` are one's own. A file that turns out to be
    unreadable, or gone, after something was answered raises AskAgainError: answers with and without it do not
    go together (`store.asking.reader` asks again).
    """

    def __init__(
        self,
        engine: sa.Engine,
        lake: Lake,
        cache: HotCache,
        losses: Losses,
        window: Window,
        kinds: Sequence[str],
        place: Place | None,
        *,
        prices: tuple[Price, ...] = (),
    ) -> None:
        self.prices = prices
        self._engine, self._lake, self._cache, self._losses = engine, lake, cache, losses
        self._window, self._kinds, self._place = window, tuple(dict.fromkeys(kinds)), place
        self._connection: sa.Connection | None = None
        self._held = Held()
        self._views: Views | None = None
        self._hourly: tuple[Window, datetime] | None = None
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
            yield from self._duck(sql).sql(sql, params=dict(params or {})).to_arrow_reader(rows)
        except UNREAD as error:
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
            duck = self._duck(sql)
            duck.register(f"{kind}_incoming", table)
            return duck.sql(sql).to_arrow_table()

        return self._answered(ask).select(table.schema.names).cast(table.schema)

    def filed(self, kind: str) -> list[tuple[str, str, Window]]:
        """Account, region and window of the files of a kind that can be read."""
        return [(f.account, f.region, Window(f.start, f.end)) for f in self._files(kind)]

    def rows_in(self, kind: str, window: Window) -> int:
        """About how many rows of a kind a window has: of what is cut, its share of the time."""
        held: list[tuple[Window, int]] = [(Window(f.start, f.end), f.rows) for f in self._files(kind)]
        held += [(Window(b.start, b.end), table.num_rows) for b, table in self._held.hot.get(kind, ())]
        cut = ((part.overlap(window), part, rows) for part, rows in held)
        return round(sum(rows * (both.duration / part.duration) for both, part, rows in cut if both))

    def per_file(self, kind: str, sql: str, window: Window) -> list[pa.Table]:
        """What a query of `{source}` says of every file of a kind, of its rows in `window`: columns in which
        something is said; hot rows are not asked. Answers are kept in this process, as files never change:
        ask for little."""
        return self._answered(lambda: [self._of_file(file, sql, window) for file in self._files(kind)])

    @property
    def where(self) -> str:
        """The store that it shows, as a name."""
        return f"{self._engine.url} {self._lake.shelf.where}"

    def mark(self, window: Window) -> int:
        """A number that stays the same as long as no row of its kinds in a window changes."""
        files = {f.path for f in self._held.files if f.start < window.end and f.end > window.start}
        batches = (batch for each in self._held.hot.values() for batch, _ in each)
        hot = {b.seq for b in batches if b.start < window.end and b.end > window.start}
        return hash((frozenset(files & self._held.local.keys()), frozenset(hot)))

    def _files(self, kind: str) -> list[sa.Row[Any]]:
        return [f for f in self._held.files if f.kind == kind and f.path in self._held.local]

    def _of_file(self, file: sa.Row[Any], sql: str, window: Window) -> pa.Table:
        local, part = self._held.local[file.path], Window(file.start, file.end)
        cut = part.overlap(window) or Window(part.start, part.start)
        key = local, sql, cut
        found = self._lake.answers.get(key)
        if found is None:
            rows = read_files([local])
            source = rows if cut == part else f"(SELECT * FROM {rows} WHERE {during(cut)})"
            found = said(self._duck().sql(sql.format(source=source)).to_arrow_table())
            self._lake.answers.keep(key, found)
        return found

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
        """Have the view `metrics_by_hour` of a part of the snapshot's window, for what is added up over hours
        and more: `metrics` less percentiles, with `newest` (when something was last invoked); a row may stand
        for a whole hour (`period_s` 3600) that ends by `until`."""
        self._hourly = (window, until or window.end)
        if self._views is not None:
            self._views.forget(hours.VIEW)

    def _answered(self, ask: Callable[[], Answer]) -> Answer:
        try:
            answer = ask()
        except UNREAD as error:
            self._recover(error)
            with self._readable():
                answer = ask()
        self._has_answered = True
        return answer

    def _recover(self, error: Exception) -> None:
        """Start anew without the files that made a query fail; raises its error if none did."""
        if isinstance(error, NOT_OF_A_FILE):
            raise error
        found = damaged(self._lake, self._held.local, self._held.files)
        if not found and not isinstance(error, (duckdb.IOException, OSError)):
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
        is_over, is_answered = threading.Event(), threading.Event()

        def stop() -> None:
            if is_answered.wait(within_s):
                return
            is_over.set()
            while not is_answered.wait(AGAIN_S):  # an attempt has no effect on a query that is to begin
                if (views := self._views) is not None:
                    views.duck.interrupt()

        watch = threading.Thread(target=stop, daemon=True)
        watch.start()
        try:
            yield
        except (duckdb.Error, RuntimeError) as error:  # which of them depends on where it was stopped
            if not is_over.is_set():
                raise
            raise StoreError(f"stopped after {within_s:g} s: ask for a shorter time, or for less") from error
        finally:
            is_answered.set()
            watch.join()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UNREAD as error:
            raise StoreError(f"cannot read telemetry in {self._lake.shelf.where}: {error}") from error

    def _take(self) -> dict[str, str]:
        """Answers what cannot be read and nobody knew of."""
        self.close()
        self._has_answered = False
        connection = self._transaction()
        with state.explained(self._engine, self._lake.folder):
            batches, files = self._stored(connection)
            tables = self._cache.tables(connection, batches)
        sifted = sift(self._lake, self._losses, files)
        if unopened := {path: file for path, file in sifted.local.items() if not has_columns(file)}:
            sifted.lose(still(torn_footers(self._lake, unopened)))
        torn = {b.seq: _torn(b) for b in batches if b.seq not in tables}
        self._losses.meet(torn)
        self.lost = [*sifted.lost(), *torn.values()]
        rows = {
            k: [(b, tables[b.seq]) for b in batches if b.kind == k and b.seq in tables] for k in self._kinds
        }
        self._held = Held(files, sifted.local, rows)
        return {p: why for p, why in sifted.whys.items() if not self._losses.is_told(p, sifted.marks[p])}

    def close(self) -> None:
        if self._views is not None:
            self._views.close()
            self._views = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transaction(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _duck(self, sql: str = "") -> duckdb.DuckDBPyConnection:
        """Where the views are that a question names."""
        if self._views is None:
            self._views = Views(self._lake, self._window, self._held, self._place)
        self._views.make(sql, self._hourly)
        return self._views.duck

    def _run(self, sql: str, params: Mapping[str, Any] | None) -> pd.DataFrame:
        return to_frame(self._duck(sql).sql(sql, params=dict(params or {})).to_arrow_table())

    def _stored(self, connection: sa.Connection) -> tuple[list[hot.Batch], Sequence[sa.Row[Any]]]:
        """Hot batches and files that may hold rows of the window."""
        if not self._kinds:
            return [], []
        wanted = {"kinds": self._kinds, "start": self._window.start, "end": self._window.end}
        if self._place is not None:
            wanted |= {"account": self._place[0], "region": self._place[1]}
        files = connection.execute(_FILES[self._place is not None], wanted).all()
        return hot.listed(connection, _BATCHES[self._place is not None], wanted), files


def _asked(table: sa.Table, *, of_place: bool) -> sa.ColumnElement[bool]:
    """Whether a batch or file may hold rows that are asked for; as parameters, so that SQL is made once."""
    asked, columns = sa.bindparam, table.c
    mine: sa.ColumnElement[bool] = (columns.start < asked("end")) & (columns.end > asked("start"))
    if of_place:
        mine &= (columns.account == asked("account")) & (columns.region == asked("region"))
    mine &= columns.kind.in_(asked("kinds", expanding=True))
    return mine


_FILES = {
    of_place: sa.select(schema.file).where(
        schema.file.c.replaced_at.is_(None), _asked(schema.file, of_place=of_place)
    )
    for of_place in (False, True)
}
_BATCHES = {of_place: hot.listing(_asked(schema.hot, of_place=of_place)) for of_place in (False, True)}


def _torn(batch: hot.Batch) -> Loss:
    return Loss(batch.kind, batch.target, Window(batch.start, batch.end), FILE, TORN)


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
    engine: sa.Engine,
    lake: Lake,
    cache: HotCache,
    losses: Losses,
    window: Window,
    kinds: Sequence[str],
    place: Place | None = None,
    *,
    prices: tuple[Price, ...] = (),
) -> Iterator[Snapshot]:
    """A snapshot of this instant, given back at the end of the block."""
    snapshot = Snapshot(engine, lake, cache, losses, window, kinds, place, prices=prices)
    try:
        snapshot.refresh()
        yield snapshot
    finally:
        snapshot.close()
