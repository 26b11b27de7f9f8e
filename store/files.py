"""Telemetry files: their names, how they are written so that a kill leaves none half, and the catalogue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.windows import Window
from store import encoding, rollup
from store.lake import Lake, literal, newest_sql, read_files
from store.losses import checksum
from store.schema import file
from store.state import FILE as STATE
from store.telemetry import SCHEMAS
from store.tiers import DAY, month_of


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the catalogue that readers use; `unreadable` is why they go on without it, if they do."""

    path: str
    kind: str
    target: Target
    window: Window
    unreadable: str | None = None
    period_s: int = 0  # of rolled-up rows; 0: as they came
    crc32: int | None = None


def listed(connection: sa.Connection) -> list[Kept]:
    """Files that are not replaced, oldest first."""
    query = sa.select(file).where(file.c.replaced_at.is_(None)).order_by(file.c.start, file.c.path)
    return [
        Kept(
            row.path,
            row.kind,
            Target(row.account, row.region),
            Window(row.start, row.end),
            row.unreadable,
            row.period_s,
            row.crc32,
        )
        for row in connection.execute(query)
    ]


def name(kind: str, target: Target, window: Window) -> str:
    """A new path below the telemetry folder, in Hive's style; never the same twice."""
    length = "day" if window.duration >= DAY else f"{window.start:%H}"
    if window.duration > DAY:
        length, window = "month", month_of(window.start)
    account, region = quote(target.account, safe=""), quote(target.region, safe="")
    folder = f"kind={kind}/account={account}/region={region}/date={window.start:%Y-%m-%d}"
    return f"{folder}/{length}-{uuid.uuid4().hex[:12]}.parquet"


def write(
    lake: Lake,
    path: str,
    kind: str,
    hot: Sequence[pa.Table],
    replaced: Sequence[str],
    *,
    period_s: int = 0,
    since: datetime | None = None,
) -> tuple[int, int, int]:
    """Write hot rows, and the rows of `replaced` that they do not replace, as one file; rows, bytes, CRC-32.

    Rows of a shorter period than `period_s` become rows of it; those before `since` are left out.

    The file is there under its name only when all of it is.
    """
    shelf, draft = lake.shelf, None
    try:
        draft = shelf.draft(path)
        before = shelf.fetch(replaced, wait=True)
        if before.lacking:
            raise StoreError(next(iter(before.lacking.values())))
        with closing(lake.cursor()) as duck:
            rows = _copy(duck, draft, kind, hot, list(before.files.values()), period_s=period_s, since=since)
        crc32 = checksum(draft)
        return rows, shelf.place(draft, path), crc32
    except (OSError, duckdb.Error, StoreError) as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {path} to {shelf.where}: {error}; its rows stay in {STATE}"
        ) from error


def _copy(
    duck: duckdb.DuckDBPyConnection,
    draft: Path,
    kind: str,
    hot: Sequence[pa.Table],
    replaced: Sequence[Path],
    *,
    period_s: int,
    since: datetime | None,
) -> int:
    table = pa.concat_tables([SCHEMAS[kind].empty_table(), *hot])
    duck.register(f"{kind}_hot", table)
    duck.register(f"{kind}_late", table)
    source = newest_sql(kind, [f"{kind}_hot"], read_files(replaced) if replaced else None)
    if since is not None:
        source = f"SELECT * FROM ({source}) WHERE ts >= {literal(since)}"
    unsaid = encoding.unsaid(duck, kind, source)
    if unsaid:
        source = f"SELECT * EXCLUDE ({', '.join(sorted(unsaid))}) FROM ({source})"
    if period_s:
        source = rollup.sql(kind, source, period_s, unsaid=unsaid)
    return encoding.copy(duck, kind, source, draft, unsaid=unsaid)


def add(
    connection: sa.Connection, kept: Kept, rows: int, size: int, replaced: Sequence[str], *, now: datetime
) -> None:
    """Make a file visible, and the files that it replaces invisible."""
    connection.execute(
        sa.insert(file).values(
            path=kept.path,
            kind=kept.kind,
            account=kept.target.account,
            region=kept.target.region,
            start=kept.window.start,
            end=kept.window.end,
            rows=rows,
            bytes=size,
            created_at=now,
            period_s=kept.period_s,
            crc32=kept.crc32,
        )
    )
    if replaced:
        connection.execute(sa.update(file).where(file.c.path.in_(replaced)).values(replaced_at=now))
