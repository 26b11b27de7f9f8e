"""What goes: rows and files past their time, replaced files, and what a killed process left behind."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.settings import RetentionSettings
from core.windows import floor
from store import tiers
from store.lake import Lake
from store.packing import Begin
from store.schema import coverage, file, gap, hot, run, trimmed
from store.tiers import DAY, Keeps, Tiers

GRACE = timedelta(minutes=10)
"""How long a reader may still use a file that was replaced."""

RUNS = timedelta(days=45)
SPILL_S = 86_400

SUMS_S = 300
"""Coverage of logs at this period or a longer one is of sums; of single records it has none."""


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that go together, and the coverage that goes with them: a day whose rows went is not a day of
    zeros. The first kind's retention counts."""

    collector: str
    kinds: tuple[str, ...]
    are_sums: bool | None = None

    def coverage(self) -> sa.ColumnElement[bool]:
        mine = coverage.c.collector == self.collector
        if self.are_sums is None:
            return mine
        return mine & ((coverage.c.period_s >= SUMS_S) == self.are_sums)

    def kept(self, retention: RetentionSettings) -> timedelta:
        kept = getattr(retention, self.kinds[0])
        assert isinstance(kept, timedelta)
        return kept


GROUPS: tuple[Group, ...] = (
    Group("traces", ("traces",)),
    Group("logs", ("invocations", "log_events", "batch_failures", "environment_starts"), are_sums=False),
    Group("logs", ("invocation_summaries",), are_sums=True),
    Group("queues", ("queue_samples",)),
    Group("metrics", ("metrics", "mapping_samples", "capacity_samples")),
    Group("changes", ("api_calls",)),
)
"""In the order in which they are done without, where nothing else tells."""


def retire(begin: Begin, retention: RetentionSettings, *, now: datetime) -> None:
    """Make what is past retention invisible. Days go whole; a month's when its file is written anew."""
    with begin() as connection:
        for kind, edge in tiers.oldest(retention, now=now).items():
            old = (file.c.kind == kind) & (file.c.end <= edge) & file.c.replaced_at.is_(None)
            connection.execute(sa.update(file).where(old).values(replaced_at=now))
            connection.execute(sa.delete(hot).where(hot.c.kind == kind, hot.c.end <= edge))
        for group in GROUPS:
            shorten(connection, group.coverage(), floor(now - group.kept(retention), DAY))
        connection.execute(sa.delete(run).where(run.c.finished_at < now - RUNS))
        connection.execute(sa.delete(gap).where(gap.c.end < now - retention.metrics))


def shorten(connection: sa.Connection, mine: sa.ColumnElement[bool], edge: datetime) -> None:
    """Forget that anything before `edge` was read."""
    connection.execute(sa.delete(coverage).where(mine, coverage.c.end <= edge))
    connection.execute(sa.update(coverage).where(mine, coverage.c.start < edge).values(start=edge))


def keeps(
    connection: sa.Connection, collector: str, target: Target, retention: RetentionSettings, *, now: datetime
) -> Keeps:
    """What of a collector's rows the store would keep: nothing else is worth reading."""
    group = _group(collector)
    if group is None:
        return Keeps()
    mine = (trimmed.c.account == target.account) & (trimmed.c.region == target.region)
    query = sa.select(trimmed.c.until).where(mine, trimmed.c.kind == group.kinds[0])
    removed = connection.execute(query).scalar()
    reached = tiers.reached(connection).get((collector, target), tiers.UNTOUCHED)
    return would_keep(collector, retention, now=now, removed=removed, reached=reached)


def would_keep(
    collector: str,
    retention: RetentionSettings,
    *,
    now: datetime,
    removed: datetime | None = None,
    reached: Tiers = tiers.UNTOUCHED,
) -> Keeps:
    """The same of a store that removed what is before `removed`, and made coarse as far as `reached`; by
    default a new one."""
    group = _group(collector)
    if group is None:
        return Keeps()
    since = floor(now - group.kept(retention), DAY)
    since = since if removed is None else max(since, removed)
    if collector not in tiers.COLLECTED:
        return Keeps(since, since, since)
    edges = tiers.joined(tiers.wanted(retention, now=now), reached)
    return Keeps(since, max(since, edges.five), max(since, edges.hourly))


def _group(collector: str) -> Group | None:
    return next((group for group in GROUPS if group.collector == collector), None)


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
