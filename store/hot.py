"""The hot tail: a batch per kind, target and ten minutes (of history: an hour) in the state database, until a
file has its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from core.facts import Target
from core.windows import Window
from store import columns
from store.recent import Recent
from store.schema import hot

SLICE = timedelta(minutes=10)
"""Of a batch. Short: each pass reads the newest twenty minutes again, and what gets rows is written anew."""
HOUR = timedelta(hours=1)
"""Of a batch of history, which is not read again: readers have a sixth as many to decode."""
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """One row of the hot tail, without its payload."""

    seq: int
    kind: str
    target: Target
    start: datetime
    end: datetime


def write(
    connection: sa.Connection, kind: str, target: Target, table: pa.Table, *, step: timedelta = SLICE
) -> None:
    """Add rows to the batches of their minutes, each of a `step`; a row replaces the one with the same key. A
    batch that gets rows gets a new seq.

    A torn batch stays beside the new one, so that readers and the check can say what is lost."""
    for start, part in columns.cut(columns.rounded(kind, table), step):
        _write(connection, kind, target, Window(start, start + step), part)


def _write(connection: sa.Connection, kind: str, target: Target, at: Window, table: pa.Table) -> None:
    here = {"kind": kind, "account": target.account, "region": target.region}
    payloads = connection.execute(_HERE, here | {"start": at.start, "end": at.end}).all()
    before = readable(kind, {row.seq: row.payload for row in payloads})
    table = columns.newest(kind, pa.concat_tables([*before.values(), table]))
    if before:
        connection.execute(sa.delete(hot).where(hot.c.seq.in_(list(before))))
    for start, rows in columns.cut(table, at.duration):  # one, but where there was a batch of an hour
        values = {"start": start, "end": start + at.duration, "rows": len(rows)}
        connection.execute(_ADD, here | values | {"payload": columns.encode(rows)})


_ADD, _PAYLOAD = sa.insert(hot), sa.select(hot.c.payload).where(hot.c.seq == sa.bindparam("seq"))
_HERE = sa.select(hot.c.seq, hot.c.payload).where(
    hot.c.kind == sa.bindparam("kind"),
    hot.c.account == sa.bindparam("account"),
    hot.c.region == sa.bindparam("region"),
    hot.c.start < sa.bindparam("end"),
    hot.c.end > sa.bindparam("start"),
)


def readable(kind: str, payloads: Mapping[int, bytes]) -> dict[int, pa.Table]:
    """Decoded batches by seq; torn ones are not in it."""
    found = {}
    for seq, payload in payloads.items():
        with suppress(*columns.TORN):
            found[seq] = columns.decode(kind, payload)
    return found


def listing(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The question for `listed`."""
    query = sa.select(hot.c.seq, hot.c.kind, hot.c.account, hot.c.region, hot.c.start, hot.c.end)
    return query.where(where).order_by(hot.c.seq)


def listed(
    connection: sa.Connection, query: sa.Select[Any], wanted: Mapping[str, Any] | None = None
) -> list[Batch]:
    """Batches without their rows, oldest first; `wanted` fills the parameters of the `listing`."""
    return [
        Batch(row.seq, row.kind, Target(row.account, row.region), row.start, row.end)
        for row in connection.execute(query, dict(wanted or {}))
    ]


class HotCache:
    """Decoded batches of this process, by seq, with the columns in which something is said. A batch never
    changes. Safe to share by threads."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._recent = Recent[int](limit_bytes)

    def tables(self, connection: sa.Connection, batches: Iterable[Batch]) -> dict[int, pa.Table]:
        """Decoded batches by seq, read in the connection's transaction where they are not at hand. Torn ones
        are not in it."""
        found = {}
        for batch in batches:
            table = self._recent.get(batch.seq)
            if table is None:
                payload = connection.execute(_PAYLOAD, {"seq": batch.seq}).scalar_one()
                table = readable(batch.kind, {batch.seq: payload}).get(batch.seq)
                if table is None:
                    continue
                table = columns.said(table)
                self._recent.keep(batch.seq, table)
            found[batch.seq] = table
        return found
