"""The size cap: telemetry files stay below `store.max_size_gb`, and every page says what had to go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.facts import Target
from core.settings import RetentionSettings
from core.windows import floor
from store import files
from store.packing import Begin
from store.retention import GROUPS, Group, shorten
from store.schema import coverage, file, gap, hot, trimmed
from store.tiers import DAY

WHY = "removed to keep the store below store.max_size_gb"
GB = 10**9


@dataclass(frozen=True, slots=True)
class Sized:
    """A file of the catalogue and its bytes."""

    kept: files.Kept
    bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """What goes at once: all of a group's rows of one target before `until`."""

    group: Group
    target: Target
    start: datetime
    until: datetime
    files: Sequence[Sized]

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.files)


def trim(
    engine: sa.Engine, begin: Begin, retention: RetentionSettings, max_size_gb: float | None, *, now: datetime
) -> None:
    """Remove as much as the cap asks for, in one transaction; never of today or yesterday."""
    if max_size_gb is None:
        return
    with engine.connect() as connection:
        found = listed(connection)
    over = sum(item.bytes for item in found) - max_size_gb * GB
    parts = list(removed(found, over, retention, now=now))
    if parts:
        with begin() as connection:
            for part in parts:
                _remove(connection, part, f"{WHY} ({max_size_gb:g} GB)", now=now)


def listed(connection: sa.Connection) -> list[Sized]:
    """Files that readers use, with their bytes."""
    query = sa.select(file.c.path, file.c.bytes).where(file.c.replaced_at.is_(None))
    bytes_of = {row.path: row.bytes for row in connection.execute(query)}
    return [Sized(kept, bytes_of[kept.path]) for kept in files.listed(connection) if kept.path in bytes_of]


def removed(
    found: Iterable[Sized], over_bytes: float, retention: RetentionSettings, *, now: datetime
) -> Iterator[Part]:
    """What goes, first things first, until enough has gone or only today and yesterday are left.

    First goes what is furthest into its own retention: the cap acts as if every retention were shorter by the
    same share. Of things equally far, details go before metrics.
    """
    left = sorted(found, key=lambda item: item.kept.window.start)
    while over_bytes > 0:
        parts = [part for group in GROUPS for part in _oldest(group, left) if part.until <= untouchable(now)]
        if not parts:
            return
        first = max(parts, key=lambda part: (now - part.until) / part.group.kept(retention))
        yield first
        over_bytes -= first.bytes
        gone = {item.kept.path for item in first.files}
        left = [item for item in left if item.kept.path not in gone]


def untouchable(now: datetime) -> datetime:
    """Where what the cap never removes begins."""
    return floor(now, DAY) - DAY


def _oldest(group: Group, found: Sequence[Sized]) -> Iterator[Part]:
    """Per target: the oldest file of the group, and all of the group that is not younger than its end."""
    mine = [item for item in found if item.kept.kind in group.kinds]
    for target in sorted({item.kept.target for item in mine}):
        own = [item for item in mine if item.kept.target == target]
        until = own[0].kept.window.end
        for item in own:  # by their start: a month's file may begin within what goes
            if item.kept.window.start < until:
                until = max(until, item.kept.window.end)
        gone = [item for item in own if item.kept.window.start < until]
        yield Part(group, target, own[0].kept.window.start, until, gone)


def _remove(connection: sa.Connection, part: Part, why: str, *, now: datetime) -> None:
    paths = [item.kept.path for item in part.files]
    connection.execute(sa.update(file).where(file.c.path.in_(paths)).values(replaced_at=now))
    connection.execute(
        sa.delete(hot).where(_of(hot, part), hot.c.kind.in_(part.group.kinds), hot.c.end <= part.until)
    )
    for kind in part.group.kinds:
        _note(connection, part, kind, now=now)
    shorten(connection, part.group.coverage() & _of(coverage, part), part.until)
    _say(connection, part, why, now=now)


def _of(table: sa.Table, part: Part) -> sa.ColumnElement[bool]:
    return (table.c.account == part.target.account) & (table.c.region == part.target.region)


def _note(connection: sa.Connection, part: Part, kind: str, *, now: datetime) -> None:
    size = sum(item.bytes for item in part.files if item.kept.kind == kind)
    here = _of(trimmed, part) & (trimmed.c.kind == kind)
    before = connection.execute(sa.select(trimmed).where(here)).one_or_none()
    values = {"until": part.until, "at": now, "bytes": size}
    if before is None:
        key = {"kind": kind, "account": part.target.account, "region": part.target.region}
        connection.execute(sa.insert(trimmed).values(**key, **values))
        return
    values |= {"until": max(before.until, part.until), "bytes": before.bytes + size}
    connection.execute(sa.update(trimmed).where(here).values(**values))


def _say(connection: sa.Connection, part: Part, why: str, *, now: datetime) -> None:
    """One gap per collector and target, from the first that ever went to the last."""
    here = _of(gap, part) & (gap.c.collector == part.group.collector) & gap.c.why.startswith(WHY)
    known = connection.execute(sa.select(gap.c.start, gap.c.end).where(here)).all()
    connection.execute(sa.delete(gap).where(here))
    key = {"collector": part.group.collector, "account": part.target.account, "region": part.target.region}
    start, end = min([part.start, *(g.start for g in known)]), max([part.until, *(g.end for g in known)])
    said = {"scope": "", "start": start, "end": end, "why": why, "seen_at": now}
    connection.execute(sa.insert(gap).values(**key, **said))
