"""Bills that were imported: a payer's month is kept or replaced as a whole, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

import pyarrow as pa
import sqlalchemy as sa

from core.billed import Bill, Billed, What, kept
from store.bill_files import Gathered, Key
from store.schema import imported_bill as table
from store.store import Store

_MONEY = pa.decimal128(38, 15)
SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        *((name, pa.string()) for name in ("account", "region", "service", "usage_type", "resource", "kind")),
        ("quantity", _MONEY),
        ("list_usd", _MONEY),
        ("cost_usd", _MONEY),
        ("net_usd", _MONEY),
    ]
)
WHOLE = len(What._fields)

Did = Literal["imported", "replaced", "the same as before", "older than what is held"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A payer's month in the store. `read` lines, `repeated` of them found twice and counted once;
    `last_day` is up to when there is use, ISO 8601."""

    source: str
    payer: str
    month: str
    files: tuple[str, ...]
    read: int
    repeated: int
    last_day: str
    imported_at: datetime


def keep(
    store: Store, found: Mapping[Key, Gathered], *, now: datetime, force: bool = False
) -> dict[Key, Did]:
    """Keep all of it or nothing. A month that ends earlier than the one held, or as late with fewer lines, is
    an older version or a part of one: it is left out unless `force`. Raises StoreError."""
    rows = {key: _row(key, one, now) for key, one in found.items()}
    with store.transaction() as connection:
        done = {key: _decided(connection, key, one, force=force) for key, one in found.items()}
        for key, did in done.items():
            if did in ("imported", "replaced"):
                connection.execute(sa.delete(table).where(_is(key)))
                connection.execute(sa.insert(table).values(rows[key]))
    return done


def _decided(connection: sa.Connection, key: Key, one: Gathered, *, force: bool) -> Did:
    held = connection.execute(
        sa.select(table.c.files, table.c.read, table.c.last_day).where(_is(key))
    ).first()
    if held is None:
        return "imported"
    if {each["sha256"] for each in held.files} == set(one.files.values()):
        return "the same as before"
    is_older = (one.last_day, one.read) < (held.last_day, held.read)
    return "older than what is held" if is_older and not force else "replaced"


def _row(key: Key, one: Gathered, now: datetime) -> dict[str, object]:
    files = [{"name": name, "sha256": digest} for name, digest in sorted(one.files.items())]
    counts = {"read": one.read, "repeated": one.repeated, "last_day": one.last_day}
    return {**key._asdict(), "files": files, **counts, "imported_at": now, "payload": _encoded(one.bill)}


def _is(key: Key) -> sa.ColumnElement[bool]:
    c = table.c
    return sa.and_(c.source == key.source, c.payer == key.payer, c.month == key.month)


def imported(store: Store) -> list[Imported]:
    """All that were imported, the newest month first."""
    c = table.c
    columns = c.source, c.payer, c.month, c.files, c.read, c.repeated, c.last_day, c.imported_at
    query = sa.select(*columns).order_by(c.month.desc(), c.payer, c.source)
    with store.engine.connect() as connection:
        return [
            Imported(s, p, m, tuple(each["name"] for each in files), *rest)
            for s, p, m, files, *rest in connection.execute(query)
        ]


def bill(store: Store, source: str, payer: str, month: str) -> Bill:
    """The lines of one; empty if there is none."""
    query = sa.select(table.c.payload).where(_is(Key(source, payer, month)))
    with store.engine.connect() as connection:
        payload = connection.execute(query).scalar_one_or_none()
    return {} if payload is None else _decoded(payload)


def forget(store: Store, month: str) -> int:
    """Remove what was imported of a month; how many there were."""
    with store.transaction() as connection:
        return connection.execute(sa.delete(table).where(table.c.month == month)).rowcount


def _encoded(lines: Bill) -> bytes:
    rows = [(*what, *_money(one)) for what, one in sorted(lines.items())]
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _money(one: Billed) -> tuple[Decimal | None, ...]:
    listed = None if one.list_usd is None else kept(one.list_usd)
    return kept(one.quantity), listed, kept(one.cost_usd), kept(one.net_usd)


def _decoded(payload: bytes) -> Bill:
    with pa.ipc.open_stream(payload) as reader:
        columns = [column.to_pylist() for column in reader.read_all().columns]
    return {What(*row[:WHOLE]): Billed(*row[WHOLE:]) for row in zip(*columns, strict=True)}
