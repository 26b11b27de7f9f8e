"""What goes: rows and files past their time, replaced files, and what a killed process left behind."""

from __future__ import annotations

import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.errors import StoreError
from core.settings import RetentionSettings
from core.windows import floor
from store.lake import Lake
from store.packing import Begin
from store.schema import coverage, file, gap, hot, run
from store.telemetry import SCHEMAS
from store.tiers import DAY

GRACE = timedelta(minutes=10)
"""How long a reader may still use a file that was replaced."""

RUNS = timedelta(days=45)
SPILL_S = 86_400


KEPT_LIKE = {
    "metrics": "metrics",
    "logs": "invocations",
    "queues": "queue_samples",
    "traces": "traces",
    "changes": "api_calls",
}
"""Whose retention a collector's coverage goes by: a day whose rows went is not a day of zeros."""


def retire(begin: Begin, retention: RetentionSettings, *, now: datetime) -> None:
    """Make what is past retention invisible. Days go whole."""
    with begin() as connection:
        for kind in SCHEMAS:
            edge = floor(now - getattr(retention, kind), DAY)
            old = (file.c.kind == kind) & (file.c.end <= edge) & file.c.replaced_at.is_(None)
            connection.execute(sa.update(file).where(old).values(replaced_at=now))
            connection.execute(sa.delete(hot).where(hot.c.kind == kind, hot.c.end <= edge))
        for collector, kind in KEPT_LIKE.items():
            _shorten(connection, collector, floor(now - getattr(retention, kind), DAY))
        connection.execute(sa.delete(run).where(run.c.finished_at < now - RUNS))
        connection.execute(sa.delete(gap).where(gap.c.end < now - retention.metrics))


def _shorten(connection: sa.Connection, collector: str, edge: datetime) -> None:
    mine = coverage.c.collector == collector
    connection.execute(sa.delete(coverage).where(mine, coverage.c.end <= edge))
    connection.execute(sa.update(coverage).where(mine, coverage.c.start < edge).values(start=edge))


def sweep(engine: sa.Engine, begin: Begin, lake: Lake, *, now: datetime) -> list[StoreError]:
    """Unlink replaced files whose grace is over, then forget them: a full disk gets room before a write.

    What could not be removed is answered, and stays for the next time.

    Only the holder of the pack lock may call this: a file that the catalogue does not list is then nobody's.
    """
    with engine.connect() as connection:
        rows = connection.execute(sa.select(file.c.path, file.c.replaced_at)).all()
    over = {row.path for row in rows if row.replaced_at is not None and row.replaced_at + GRACE <= now}
    known = {row.path for row in rows}
    failures = []
    for path in [*over, *lake.shelf.orphans(known)]:
        try:
            lake.shelf.remove(path)
        except StoreError as error:
            over.discard(path)
            failures.append(error)
    if over:
        with begin() as connection:
            connection.execute(sa.delete(file).where(file.c.path.in_(over)))
    return failures


def sweep_spill(folder: Path) -> None:
    """Remove what killed processes spilled. It has no date in the store, so the files' own time decides."""
    for left in (folder / "tmp").glob("*"):
        if left.stat().st_mtime < time.time() - SPILL_S:
            shutil.rmtree(left, ignore_errors=True)
