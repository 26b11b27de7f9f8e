"""Are the telemetry files what the catalogue says? And what can be done where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import sqlalchemy as sa

from core.facts import Target
from core.windows import Window, subtract
from store import schema, state
from store.columns import TORN, decode
from store.files import Kept, listed
from store.lake import Lake, quoted
from store.losses import checksum, first_line, mark
from store.packing import Begin

READ_BY = {
    "metrics": "metrics",
    "mapping_samples": "metrics",
    "capacity_samples": "metrics",
    "queue_samples": "queues",
    "invocations": "logs",
    "invocation_summaries": "logs",
    "log_events": "logs",
    "batch_failures": "logs",
    "environment_starts": "logs",
    "traces": "traces",
    "api_calls": "changes",
}
"""The collector that can read a kind's rows again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `what` is missing, torn, differs, marked, unlisted, torn batch
    or state; `text` a sentence; `repaired` whether something was done about it."""

    what: str
    path: str
    text: str
    kept: Kept | None = None
    seq: int | None = None
    repaired: bool = False


def findings(engine: sa.Engine, lake: Lake) -> Iterator[Finding]:
    """Everything that is wrong, found by reading every byte. Changes nothing."""
    yield from _state(engine)
    with engine.connect() as connection:
        kept = listed(connection)
        rows = {row.path: (row.rows, row.bytes) for row in connection.execute(sa.select(schema.file))}
    with closing(lake.cursor()) as duck:
        for item in kept:
            yield from _file(lake, duck, item, *rows[item.path])
    for path in sorted({left.path for left in lake.shelf.listed()} - rows.keys()):
        yield Finding(
            "unlisted", path, f"{path} is in no catalogue: a killed process left it; packing removes it"
        )
    yield from _batches(engine)


def _state(engine: sa.Engine) -> Iterator[Finding]:
    if not state.is_file(engine):
        return
    with engine.connect() as connection:
        said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    for text in said:
        if text != "ok":
            yield Finding("state", state.FILE, f"{state.FILE}: {text}; restore it from a backup")


def _file(lake: Lake, duck: duckdb.DuckDBPyConnection, item: Kept, rows: int, size: int) -> Iterator[Finding]:
    with lake.shelf.original(item.path) as file:
        if file is None:
            yield Finding("missing", item.path, f"{item.path} is gone with its {rows:,} rows", item)
            return
        try:
            found, inside = _read(duck, file, item.window)
        except duckdb.Error as error:
            text = f"{item.path} cannot be read ({first_line(error)}); it had {rows:,} rows"
            yield Finding("torn", item.path, text, item)
            return
        length, is_same = file.stat().st_size, item.crc32 in (None, checksum(file))
    if (found, length) != (rows, size) or not inside:
        text = f"{item.path} has {found:,} rows and {length:,} bytes"
        yield Finding("differs", item.path, f"{text}; {rows:,} and {size:,} were written", item)
    elif not is_same:
        text = f"{item.path} can be read, but its checksum differs: some of its {rows:,} rows are wrong"
        yield Finding("differs", item.path, text, item)
    elif item.unreadable is not None:
        text = f"{item.path} can be read again; readers went on without it ({item.unreadable})"
        yield Finding("marked", item.path, f"{text}; packing takes the mark off", item)


def _read(duck: duckdb.DuckDBPyConnection, file: Path, window: Window) -> tuple[int, bool]:
    """Rows of a file, every column read, and whether all are within the time it stands for."""
    numbers = "count(*), epoch_ms(min(ts)), epoch_ms(max(ts)), bit_xor(hash(row))"
    row = duck.execute(f"SELECT {numbers} FROM read_parquet({quoted(str(file))}) AS row").fetchone()
    assert row is not None
    count, low, high = row[:3]
    first, end = (round(ts.timestamp() * 1000) for ts in (window.start, window.end))
    return count, count == 0 or (first <= low and high < end)


def _batches(engine: sa.Engine) -> Iterator[Finding]:
    with engine.connect() as connection:
        for row in connection.execute(sa.select(schema.hot).order_by(schema.hot.c.seq)):
            try:
                decode(row.kind, row.payload)
            except TORN as error:
                target = Target(row.account, row.region)
                kept = Kept("", row.kind, target, Window(row.start, row.end))
                text = f"hot batch {row.seq} of {row.kind} cannot be read: {error}"
                yield Finding("torn batch", state.FILE, text, kept, row.seq)


def repair(
    engine: sa.Engine, begin: Begin, lake: Lake, found: Sequence[Finding], *, now: datetime
) -> list[Finding]:
    """Take what cannot be read out of the catalogue, so that readers go on without it, and mark its time as
    not read, so that collectors read it again as far as AWS still has it. Torn files are kept in quarantine.
    """
    with state.locked(engine, lake.folder, "pack.lock", wait=True):
        return [_repair(engine, begin, lake, finding, now=now) for finding in found]


def _repair(engine: sa.Engine, begin: Begin, lake: Lake, finding: Finding, *, now: datetime) -> Finding:
    if finding.what == "unlisted":
        lake.shelf.remove(finding.path)
        return replace(finding, repaired=True)
    if finding.kept is None:
        return finding
    with begin() as connection:
        if finding.what == "marked":
            mark(connection, {finding.path: None})
            return replace(finding, repaired=True)
        if finding.seq is not None:
            connection.execute(sa.delete(schema.hot).where(schema.hot.c.seq == finding.seq))
        else:
            connection.execute(sa.delete(schema.file).where(schema.file.c.path == finding.path))
        forget(connection, finding.kept, why=finding.text, now=now)
    if finding.what in ("torn", "differs"):
        lake.shelf.quarantine(finding.path)
    return replace(finding, repaired=True)


def forget(connection: sa.Connection, lost: Kept, *, why: str, now: datetime) -> None:
    """Cut the lost rows' time out of what their collector has read, and say so in a gap. What is derived is
    derived again."""
    if lost.kind not in READ_BY:
        return
    collector, coverage = READ_BY[lost.kind], schema.coverage
    mine = {"collector": collector, "account": lost.target.account, "region": lost.target.region}
    here = sa.and_(*(coverage.c[name] == value for name, value in mine.items()))
    overlaps = (coverage.c.start < lost.window.end) & (coverage.c.end > lost.window.start)
    for row in connection.execute(sa.select(coverage).where(here, overlaps)).all():
        connection.execute(sa.delete(coverage).where(coverage.c.id == row.id))
        for left in subtract(Window(row.start, row.end), [lost.window]):
            values = {"scope": row.scope, "period_s": row.period_s, "settled": row.settled}
            span = {"start": left.start, "end": left.end}
            connection.execute(sa.insert(coverage).values(**mine, **values, **span))
    gap = {"scope": "", "start": lost.window.start, "end": lost.window.end, "why": why, "seen_at": now}
    connection.execute(sa.insert(schema.gap).values(**mine, **gap))
