"""The hot tail: a batch per kind, target and UTC hour in the state database, until a file takes it over."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa

from core.facts import Target
from store import columns
from store.schema import hot

HOUR = timedelta(hours=1)
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Batch:
    """One row of the hot tail, without its payload."""

    seq: int
    kind: str
    target: Target
    start: datetime
    end: datetime


def write(connection: sa.Connection, kind: str, target: Target, hour: datetime, table: pa.Table) -> None:
    """Add rows to an hour's batch; a row replaces the one with the same key. The batch gets a new seq."""
    here = (
        (hot.c.kind == kind)
        & (hot.c.account == target.account)
        & (hot.c.region == target.region)
        & (hot.c.start == hour)
    )
    before = connection.execute(sa.select(hot.c.payload).where(here)).scalars().all()
    table = columns.newest(kind, pa.concat_tables([*(columns.decode(kind, p) for p in before), table]))
    connection.execute(sa.delete(hot).where(here))
    connection.execute(
        sa.insert(hot).values(
            kind=kind,
            account=target.account,
            region=target.region,
            start=hour,
            end=hour + HOUR,
            rows=len(table),
            payload=columns.encode(table),
        )
    )


def listed(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Batch]:
    query = sa.select(hot.c.seq, hot.c.kind, hot.c.account, hot.c.region, hot.c.start, hot.c.end)
    return [
        Batch(row.seq, row.kind, Target(row.account, row.region), row.start, row.end)
        for row in connection.execute(query.where(where).order_by(hot.c.seq))
    ]


class HotCache:
    """Decoded batches of this process, by seq: a batch never changes. Safe to share by threads."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit, self._size = limit_bytes, 0
        self._tables: OrderedDict[int, pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def tables(self, connection: sa.Connection, batches: Iterable[Batch]) -> dict[int, pa.Table]:
        """Decoded batches by seq, read in the connection's transaction where they are not at hand."""
        batches = list(batches)
        with self._lock:
            found = {b.seq: self._tables[b.seq] for b in batches if b.seq in self._tables}
            for seq in found:
                self._tables.move_to_end(seq)
        for batch in batches:
            if batch.seq not in found:
                query = sa.select(hot.c.payload).where(hot.c.seq == batch.seq)
                found[batch.seq] = columns.decode(batch.kind, connection.execute(query).scalar_one())
                self._keep(batch.seq, found[batch.seq])
        return found

    def _keep(self, seq: int, table: pa.Table) -> None:
        with self._lock:
            if seq not in self._tables:
                self._tables[seq] = table
                self._size += table.nbytes
            while self._size > self._limit:
                self._size -= self._tables.popitem(last=False)[1].nbytes
