"""Every table that can be exported, telemetry and state alike, as Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from core.errors import StoreError
from core.windows import Window
from store import schema
from store.lake import literal
from store.schema import UtcTime
from store.store import Filter, Snapshot, Store
from store.telemetry import SCHEMAS

ROWS_A_BATCH = 50_000

PRIVATE = frozenset({"meta", "hot", "file", "trimmed", "rolled", "revision", "live_search", "imported_bill"})
"""How this store keeps its rows: nothing that another store could use."""

DATED: Mapping[str, tuple[str, str]] = {
    "change": ("ts", "ts"),
    "run": ("finished_at", "finished_at"),
    "coverage": ("start", "end"),
    "gap": ("start", "end"),
    "usage": ("hour", "hour"),
    "incident": ("opened_at", "opened_at"),
    "incident_event": ("ts", "ts"),
    "outbox": ("created_at", "created_at"),
    "audit": ("ts", "ts"),
}
"""Columns that place a row of state in time: its first and its last moment. Other tables go whole."""

_ARROW: tuple[tuple[type[sa.types.TypeEngine[Any]], pa.DataType], ...] = (
    (UtcTime, pa.timestamp("ms", tz="UTC")),
    (sa.JSON, pa.string()),
    (sa.Boolean, pa.bool_()),
    (sa.BigInteger, pa.int64()),
    (sa.Integer, pa.int64()),
    (sa.Float, pa.float64()),
    (sa.String, pa.string()),
)

STATE: Mapping[str, sa.Table] = {t.name: t for t in schema.metadata.sorted_tables if t.name not in PRIVATE}


def names() -> list[str]:
    """Tables that can be exported."""
    return [*SCHEMAS, *STATE]


def schema_of(name: str) -> pa.Schema:
    """The table's columns. Raises StoreError when there is no such table."""
    if name in SCHEMAS:
        return SCHEMAS[name]
    if name not in STATE:
        raise StoreError(f"there is no table {name!r} to export; there are {', '.join(names())}")
    return pa.schema([pa.field(c.name, _arrow(c.type)) for c in exported(STATE[name])])


def exported(table: sa.Table) -> list[sa.Column[Any]]:
    """Columns but for a number that only counts this store's rows."""
    return [c for c in table.columns if c.autoincrement is not True]


def _arrow(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    return next(arrow for sql, arrow in _ARROW if isinstance(kind, sql))


def batches(store: Store, name: str, window: Window, where: Filter) -> Iterator[pa.RecordBatch]:
    """Rows of one instant that fall into the window, some at a time."""
    wanted = schema_of(name)
    with store.snapshot(window, (name,) if name in SCHEMAS else ()) as snapshot:
        if name in SCHEMAS:
            yield from _telemetry(snapshot, name, wanted, where)
        else:
            yield from _state(snapshot, STATE[name], wanted, window, where)


def _telemetry(snapshot: Snapshot, name: str, wanted: pa.Schema, where: Filter) -> Iterator[pa.RecordBatch]:
    conditions, params = [], {}
    for column, value in (("account", where.account), ("region", where.region), ("function", where.function)):
        if value is not None and column in wanted.names:
            conditions.append(f"{column} = ${column}")
            params[column] = value
    some = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    for batch in snapshot.batches(f"SELECT * FROM {name}{some} ORDER BY ts", params, rows=ROWS_A_BATCH):
        yield pa.RecordBatch.from_arrays(
            [batch.column(field.name).cast(field.type) for field in wanted], schema=wanted
        )


def _state(
    snapshot: Snapshot, table: sa.Table, wanted: pa.Schema, window: Window, where: Filter
) -> Iterator[pa.RecordBatch]:
    query = sa.select(*exported(table)).where(*_inside(table, window))
    for column, value in (("account", where.account), ("region", where.region), ("function", where.function)):
        if value is not None and column in table.columns:
            query = query.where(table.columns[column] == value)
    for rows in snapshot.rows(query, rows=ROWS_A_BATCH):
        yield _to_batch(rows, wanted, table)


def _inside(table: sa.Table, window: Window) -> list[sa.ColumnElement[bool]]:
    if table.name not in DATED:
        return []
    first, last = (table.columns[name] for name in DATED[table.name])
    return [first < window.end, last >= window.start if first is last else last > window.start]


def _to_batch(rows: Sequence[sa.Row[Any]], wanted: pa.Schema, table: sa.Table) -> pa.RecordBatch:
    columns = []
    for at, field in enumerate(wanted):
        values = [row[at] for row in rows]
        if isinstance(table.columns[field.name].type, sa.JSON):
            values = [None if v is None else json.dumps(v, sort_keys=True) for v in values]
        columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def to_rows(batch: pa.RecordBatch, table: sa.Table) -> list[dict[str, Any]]:
    """Rows of a state table as they are inserted."""
    texts = {c.name for c in table.columns if isinstance(c.type, sa.JSON)}
    return [
        {k: json.loads(v) if k in texts and v is not None else v for k, v in row.items()}
        for row in batch.to_pylist()
    ]


def span(batch: pa.RecordBatch) -> tuple[datetime, datetime]:
    """The first and the last moment of telemetry rows."""
    low, high = pc.min_max(batch.column("ts")).values()
    return low.as_py(), high.as_py()


__all__ = ["STATE", "batches", "exported", "literal", "names", "schema_of", "span", "to_rows"]
