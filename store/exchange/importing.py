"""An exported table read back: what the store has already stays as it is, what it lacks is added."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.windows import Window
from store import columns, entities, hot, rolling, rollup, tiers
from store.exchange import formats, tables
from store.schema import coverage, entity
from store.store import Store
from store.telemetry import KEYS, SCHEMAS
from store.tiers import COLLECTOR

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows of the file, and how many of them were new."""

    rows: int
    added: int


def read_in(store: Store, name: str, path: Path) -> Imported:
    """Add the rows of an exported file that the store does not have.

    The whole file is read and checked before the first row is written; each hour is then one transaction, so
    a kill in the middle leaves whole hours, and the same import completes it. Raises StoreError.
    """
    schema = tables.schema_of(name)
    checked = sum(_checked(path, name, batch) for batch in formats.read(path, schema))
    add = _add_telemetry if name in SCHEMAS else _add_state
    batches = formats.read(path, schema)
    if name in COLLECTOR:
        batches = _whole_hours(_in_order(batches, schema, store.path / "tmp" / uuid.uuid4().hex))
    return Imported(checked, sum(add(store, name, batch) for batch in batches))


def _checked(path: Path, name: str, batch: pa.RecordBatch) -> int:
    key = KEYS[name] if name in SCHEMAS else tuple(c.name for c in _key(tables.STATE[name]))
    for column in key:
        if (
            column in batch.schema.names
            and batch.column(column).null_count
            and not _may_be_null(name, column)
        ):
            raise StoreError(f"{path}: {column} is empty in some row, and {name} are told apart by it")
    return int(batch.num_rows)


def _may_be_null(name: str, column: str) -> bool:
    return name not in SCHEMAS and bool(tables.STATE[name].columns[column].nullable)


def _add_telemetry(store: Store, name: str, batch: pa.RecordBatch) -> int:
    table = columns.newest(name, pa.Table.from_batches([batch], schema=SCHEMAS[name]))
    return sum(_add_hour(store, name, target, table) for target, table in _by_target_and_hour(table))


def _by_target_and_hour(table: pa.Table) -> Iterator[tuple[Target, pa.Table]]:
    targets = table.select(["account", "region"]).group_by(["account", "region"]).aggregate([]).to_pylist()
    for row in targets:
        mine = pa.compute.and_(
            pa.compute.equal(table["account"], row["account"]),
            pa.compute.equal(table["region"], row["region"]),
        )
        for _, hour in columns.by_hour(table.filter(mine)):
            yield Target(row["account"], row["region"]), hour


def _in_order(batches: Iterator[pa.RecordBatch], schema: pa.Schema, spill: Path) -> Iterator[pa.RecordBatch]:
    """The same rows, oldest first."""
    spill.parent.mkdir(exist_ok=True)  # DuckDB makes no parents
    with duckdb.connect(config={"temp_directory": str(spill), "memory_limit": "1GB"}) as duck:
        duck.execute("SET TimeZone='UTC'")
        duck.register("incoming", pa.RecordBatchReader.from_batches(schema, batches))
        ordered = duck.sql("SELECT * FROM incoming ORDER BY ts").to_arrow_reader(tables.ROWS_A_BATCH)
        yield from (batch.cast(schema) for batch in ordered)


def _whole_hours(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows in the order of time, cut between hours: part of an hour must not stand for it."""
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        hours = np.asarray(batch.column("ts").cast(pa.int64())) // HOUR_MS
        cut = int(np.searchsorted(hours, hours[-1])) if len(hours) else 0
        if cut:
            yield pa.concat_batches([*kept, batch.slice(0, cut)])
            kept = []
        kept.append(batch.slice(cut))
    if kept:
        yield pa.concat_batches(kept)


def _add_hour(store: Store, name: str, target: Target, table: pa.Table) -> int:
    """Rows of one hour, brought to the period that the hour is kept at; anew if that changed meanwhile."""
    low, _ = tables.span(table)
    start = low.replace(minute=0, second=0, microsecond=0)
    while True:
        with store.engine.connect() as connection:
            period_s = tiers.reached_of(connection, name, target).period_s(start)
        coarse = rollup.at_period(name, table, period_s) if period_s else table
        with store.snapshot(Window(start, start + timedelta(hours=1)), (name,)) as snapshot:
            new = snapshot.lacking(name, coarse)
        if not len(new):
            return 0
        with store.transaction() as connection:
            if tiers.reached_of(connection, name, target).period_s(start) == period_s:
                hot.write(connection, name, target, new)
                return len(new)


def _add_state(store: Store, name: str, batch: pa.RecordBatch) -> int:
    table = tables.STATE[name]
    key, rows = _key(table), tables.to_rows(batch, table)
    with store.transaction() as connection:
        known = {
            _identity(row._mapping, key) for row in connection.execute(sa.select(*tables.exported(table)))
        }
        new = {_identity(row, key): row for row in rows if _identity(row, key) not in known}
        if new:
            connection.execute(sa.insert(table), list(new.values()))
        if table is coverage:
            rolling.align(connection)
        if table is entity:
            entities.revise_all(connection, new.values())
    return len(new)


def _key(table: sa.Table) -> list[sa.Column[Any]]:
    """What tells rows apart: the primary key, or all columns where that is only a number of this store's."""
    own = [c for c in table.primary_key.columns if c.autoincrement is not True]
    return own or tables.exported(table)


def _identity(row: Any, key: Sequence[sa.Column[Any]]) -> tuple[str, ...]:
    return tuple(json.dumps(row[column.name], default=_moment, sort_keys=True) for column in key)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()
