"""Telemetry facts as Arrow tables: made by column, cut by hour, one row per key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.facts import Target
from core.telemetry import Rows, Telemetry
from core.windows import Window
from store.telemetry import HUNDREDTHS, KEYS, SCHEMAS

MOST_MS = 1e12
"""No duration is longer: thirty years."""
FEW_ROWS = 12
"""Up to here a batch is about as small as it is as compressed."""


def to_table(kind: str, facts: Sequence[Telemetry], target: Target) -> pa.Table:
    """One row per fact, in their order. Raises ValueError when a fact's time is naive."""
    schema = SCHEMAS[kind]
    if any(fact.ts.tzinfo is None for fact in facts):
        raise ValueError(f"a naive time reached the store in {kind}")
    columns = [pa.repeat(target.account, len(facts)), pa.repeat(target.region, len(facts))]
    for field in list(schema)[2:]:
        values = list(map(attrgetter(field.name), facts))
        columns.append(_array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def from_rows(rows: Rows, target: Target) -> pa.Table:
    """The same of facts that come by column. A field left out is its default: null for what is unknown."""
    schema, count = SCHEMAS[rows.kind.KIND], len(rows)
    columns = [pa.repeat(target.account, count), pa.repeat(target.region, count)]
    nulls: dict[pa.DataType, pa.Array] = {}  # one array for all the columns without a value
    defaults = {field.name: field.default for field in dataclasses.fields(rows.kind)}
    for field in list(schema)[2:]:
        if field.name in rows.columns:
            columns.append(_column(rows.columns[field.name], field.type))
        elif isinstance(defaults[field.name], str):
            columns.append(pa.repeat(defaults[field.name], count))
        else:
            columns.append(nulls.setdefault(field.type, pa.nulls(count, field.type)))
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: Any, type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_):
        return pa.array(values, pa.int64()).cast(type_)
    return pa.array(values, type_, from_pandas=True)


def _array(values: list[Any], type_: pa.DataType) -> pa.Array:
    """NaN is unknown. Log text may hold halves of surrogate pairs, which no encoding takes."""
    try:
        return pa.array(values, type_, from_pandas=True)
    except UnicodeEncodeError:
        return pa.array([v and v.encode("utf-8", "replace").decode() for v in values], type_)


def inside(table: pa.Table, window: Window) -> pa.Table:
    """The rows of a window."""
    ts = table["ts"]
    start, end = (pa.scalar(edge, ts.type) for edge in (window.start, window.end))
    return table.filter(pc.and_(pc.greater_equal(ts, start), pc.less(ts, end)))


def said(table: pa.Table) -> pa.Table:
    """The columns in which any row says something: most of a kind's are null."""
    return table.select([name for name in table.schema.names if table[name].null_count < len(table)])


def by_hour(table: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """Cut at whole UTC hours, oldest first; rows keep their order."""
    return cut(table, timedelta(hours=1))


def cut(table: pa.Table, step: timedelta) -> Iterator[tuple[datetime, pa.Table]]:
    """Cut at whole steps of UTC, oldest first; rows keep their order."""
    step_ms = step // timedelta(milliseconds=1)
    steps = np.asarray(table["ts"].cast(pa.int64())) // step_ms
    if len(steps) and steps.min() < steps.max():
        order = np.argsort(steps, kind="stable")
        table, steps = table.take(pa.array(order)), steps[order]
    starts: list[int] = np.flatnonzero(np.diff(steps, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        ts = datetime.fromtimestamp(int(steps[start]) * step_ms / 1000, UTC)
        yield ts, table.slice(start, end - start)


def newest(kind: str, table: pa.Table) -> pa.Table:
    """Keep the last row of each key. The table holds one target."""
    keys = list(KEYS[kind][2:])
    numbered = table.select(keys).append_column("row", pa.array(np.arange(len(table))))
    last = numbered.group_by(keys, use_threads=False).aggregate([("row", "max")])["row_max"]
    return table if len(last) == len(table) else table.take(last.sort())


def rounded(kind: str, table: pa.Table) -> pa.Table:
    """The same with `telemetry.HUNDREDTHS` rounded: a number is the same before and after it is filed.

    What cannot be a duration (infinite, or longer than MOST_MS) is unknown.
    """
    for name in HUNDREDTHS.get(kind, ()):
        column = table[name]
        if column.null_count < len(column):
            # not `round(column, 2)`: it leaves the number next to a hundredth as it is
            hundredths = pc.divide(pc.round(pc.multiply(column, 100.0)), 100.0)
            possible = pc.if_else(pc.less(pc.abs(column), MOST_MS), hundredths, None)
            table = table.set_column(table.schema.get_field_index(name), table.field(name), possible)
    return table


def encode(table: pa.Table) -> bytes:
    """A table as bytes. Few rows are left as they are: compressing every column of them takes a hundred times
    as long and saves nothing; nor is anything gained by threads, of which readers have their own."""
    compression = "zstd" if len(table) > FEW_ROWS else None
    options = pa.ipc.IpcWriteOptions(compression=compression, use_threads=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table.combine_chunks())
    payload: bytes = sink.getvalue().to_pybytes()
    return payload


TORN = (pa.ArrowException, OSError)
"""What `decode` raises of a payload that is not as it was written."""


def decode(kind: str, payload: bytes) -> pa.Table:
    """Read what `encode` wrote, possibly by an older release: columns added since are null."""
    table = pa.ipc.open_stream(payload, options=pa.ipc.IpcReadOptions(use_threads=False)).read_all()
    table.validate(full=True)  # damaged offsets would be followed anywhere
    schema = SCHEMAS[kind]
    if table.schema.equals(schema):
        return table
    known = set(table.schema.names)
    columns = [
        table[field.name].cast(field.type) if field.name in known else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
