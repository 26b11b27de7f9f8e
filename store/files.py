"""Telemetry files: their names, how they are written so that a kill leaves none half, and the catalogue."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.windows import Window
from store.lake import Lake, newest_sql, quoted
from store.schema import file
from store.state import FILE as STATE
from store.telemetry import SCHEMAS

ORDER: Mapping[str, str] = {
    "metrics": "function, scope, resource, ts",
    "invocations": "function, ts",
    "log_events": "function, ts",
    "traces": "ts",
    "queue_samples": "queue, ts",
    "mapping_samples": "mapping, ts",
    "capacity_samples": "provider, instance_type, function, resource, ts",
    "invocation_summaries": "function, ts",
    "batch_failures": "function, ts",
    "api_calls": "ts",
}
GROUP_ROWS: Mapping[str, int] = {"metrics": 20_480, "queue_samples": 20_480, "mapping_samples": 20_480}
"""Rows of a Parquet row group: small where a page reads one function of many."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the catalogue that readers use."""

    path: str
    kind: str
    target: Target
    window: Window


def listed(connection: sa.Connection) -> list[Kept]:
    """Files that are not replaced, oldest first."""
    query = sa.select(file).where(file.c.replaced_at.is_(None)).order_by(file.c.start, file.c.path)
    return [
        Kept(row.path, row.kind, Target(row.account, row.region), Window(row.start, row.end))
        for row in connection.execute(query)
    ]


def name(kind: str, target: Target, window: Window) -> str:
    """A new path below the telemetry folder, in Hive's style; never the same twice."""
    length = "day" if window.duration >= timedelta(days=1) else f"{window.start:%H}"
    account, region = quote(target.account, safe=""), quote(target.region, safe="")
    folder = f"kind={kind}/account={account}/region={region}/date={window.start:%Y-%m-%d}"
    return f"{folder}/{length}-{uuid.uuid4().hex[:12]}.parquet"


def write(
    lake: Lake, path: str, kind: str, hot: Sequence[pa.Table], replaced: Sequence[str]
) -> tuple[int, int]:
    """Write hot rows, and the rows of `replaced` that they do not replace, as one file; rows and bytes.

    The file is there under its name only when all of it is on the disk.
    """
    part, final = lake.folder / f"{path}.part", lake.folder / path
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with closing(lake.cursor()) as duck:
            rows = _copy(lake, duck, part, kind, hot, replaced)
        _fsync(part)
        part.rename(final)
        for folder in [final.parent, *final.parent.parents][: len(Path(path).parents)]:
            _fsync(folder)
        return rows, final.stat().st_size
    except (OSError, duckdb.Error) as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {final}: {error}; its rows stay in {STATE}") from error


def _copy(
    lake: Lake,
    duck: duckdb.DuckDBPyConnection,
    part: Path,
    kind: str,
    hot: Sequence[pa.Table],
    replaced: Sequence[str],
) -> int:
    table = pa.concat_tables([SCHEMAS[kind].empty_table(), *hot])
    duck.register(f"{kind}_hot", table)
    duck.register(f"{kind}_late", table)
    columns = ", ".join(
        f'"{column}"' for column in SCHEMAS[kind].names if column not in ("account", "region")
    )
    source = newest_sql(lake, kind, replaced, touched=set(replaced))
    query = f"SELECT {columns} FROM ({source}) ORDER BY {ORDER[kind]}"
    group = GROUP_ROWS.get(kind, 204_800)
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE {group}"
    copied = duck.execute(f"COPY ({query}) TO {quoted(str(part))} ({options}, USE_TMP_FILE false)").fetchone()
    return int(copied[0]) if copied else 0


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
        )
    )
    if replaced:
        connection.execute(sa.update(file).where(file.c.path.in_(replaced)).values(replaced_at=now))
