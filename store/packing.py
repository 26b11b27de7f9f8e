"""From the hot tail to files: settled hours are sealed, hours of a finished day become one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.windows import LATENESS, Window, floor
from store import files, hot
from store.columns import decode
from store.files import Kept
from store.lake import Lake
from store.schema import hot as hot_table

DAY = timedelta(days=1)
SEAL_AFTER = LATENESS + timedelta(minutes=30)
"""An hour that ended this long ago is read no more by runs that keep up: its file is written once."""


class Begin(Protocol):
    """Starts a write transaction."""

    def __call__(self) -> AbstractContextManager[sa.Connection]: ...


@dataclass(slots=True)
class Unit:
    """What becomes one file: hot batches, and files that it replaces."""

    kind: str
    target: Target
    batches: list[hot.Batch] = field(default_factory=list)
    files: list[Kept] = field(default_factory=list)

    def window(self, finished: bool) -> Window:
        """The whole day if that is over, else the hours that are in it."""
        starts = [b.start for b in self.batches] + [f.window.start for f in self.files]
        ends = [b.end for b in self.batches] + [f.window.end for f in self.files]
        day = floor(min(starts), DAY)
        return Window(day, day + DAY) if finished else Window(min(starts), max(ends))


def units(
    batches: Iterable[hot.Batch], kept: Iterable[Kept], *, now: datetime
) -> Iterator[tuple[Unit, Window]]:
    """What to write, oldest day first, with the stretch that each file will stand for."""
    days: dict[tuple[datetime, str, Target], Unit] = {}
    for batch in batches:
        if batch.end + SEAL_AFTER <= now:
            key = floor(batch.start, DAY), batch.kind, batch.target
            days.setdefault(key, Unit(batch.kind, batch.target)).batches.append(batch)
    for item in kept:
        key = floor(item.window.start, DAY), item.kind, item.target
        days.setdefault(key, Unit(item.kind, item.target)).files.append(item)
    for (day, _, _), unit in sorted(days.items(), key=lambda d: d[0]):
        if day + DAY + SEAL_AFTER <= now:
            if unit.batches or len(unit.files) > 1:
                yield unit, unit.window(finished=True)
        else:
            yield from _hours(unit)


def _hours(unit: Unit) -> Iterator[tuple[Unit, Window]]:
    """An unfinished day: a file per hour, together with the file that already holds that hour."""
    groups: dict[tuple[str, ...], Unit] = {}
    for batch in unit.batches:
        held = [f for f in unit.files if f.window.start < batch.end and f.window.end > batch.start]
        key = tuple(f.path for f in held) or (batch.start.isoformat(),)
        groups.setdefault(key, Unit(unit.kind, unit.target, [], held)).batches.append(batch)
    for group in groups.values():
        yield group, group.window(finished=False)


def seal(engine: sa.Engine, begin: Begin, lake: Lake, *, now: datetime) -> None:
    """Write every unit that is due; one that cannot be written keeps no other back.

    A kill between two steps leaves the hot rows, and a file that nobody lists.
    """
    with engine.connect() as connection:
        batches = hot.listed(connection, sa.true())
        kept = files.listed(connection)
    failures = []
    for unit, window in units(batches, kept, now=now):
        try:
            _seal(engine, begin, lake, unit, window, now=now)
        except StoreError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _seal(engine: sa.Engine, begin: Begin, lake: Lake, unit: Unit, window: Window, *, now: datetime) -> None:
    found = _payloads(engine, unit.batches)
    if not found and len(unit.files) < 2:
        return  # newer batches have taken their place: the next time
    tables = [decode(unit.kind, payload) for payload in found.values()]
    replaced = [f.path for f in unit.files]
    path = files.name(unit.kind, unit.target, window)
    rows, size = files.write(lake, path, unit.kind, tables, replaced)
    with begin() as connection:
        files.add(connection, Kept(path, unit.kind, unit.target, window), rows, size, replaced, now=now)
        if found:
            connection.execute(sa.delete(hot_table).where(hot_table.c.seq.in_(list(found))))


def _payloads(engine: sa.Engine, batches: Sequence[hot.Batch]) -> dict[int, bytes]:
    query = sa.select(hot_table.c.seq, hot_table.c.payload).where(
        hot_table.c.seq.in_([b.seq for b in batches])
    )
    with engine.connect() as connection:
        return {row.seq: row.payload for row in connection.execute(query)}
