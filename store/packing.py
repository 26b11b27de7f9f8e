"""From the hot tail to files: settled hours are sealed, then joined to a quarter of a day, then to a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.settings import RetentionSettings
from core.windows import Window, ceil, floor
from store import files, hot, tiers
from store.files import Kept
from store.lake import Lake
from store.losses import Losses
from store.schema import hot as hot_table
from store.tiers import SEAL_AFTER, Plan

HOUR = timedelta(hours=1)
DERIVED = frozenset({"metered"})
"""Kinds of which files are made, and joined, elsewhere (`store.metering`)."""

PART = timedelta(hours=6)
"""Of a day that is not over: a query over it opens eight files at most, not twenty-three."""


class Begin(Protocol):
    """Starts a write transaction."""

    def __call__(self) -> AbstractContextManager[sa.Connection]: ...


CROWD = 500
"""Batches of settled hours, from which on readers would decode more of them than their memory keeps."""


def is_crowded(connection: sa.Connection, *, now: datetime) -> bool:
    """Whether so much of the hot tail could be sealed that packing should not wait for its turn: while
    history is read, thousands of batches come within minutes."""
    due = sa.select(sa.func.count()).where(hot_table.c.end <= floor(now - SEAL_AFTER, HOUR))
    return int(connection.execute(due).scalar_one()) >= CROWD


@dataclass(slots=True)
class Unit:
    """What becomes one file: hot batches, and files that it replaces."""

    kind: str
    target: Target
    batches: list[hot.Batch] = field(default_factory=list)
    files: list[Kept] = field(default_factory=list)

    @property
    def window(self) -> Window:
        """The hours that are in it."""
        starts = [b.start for b in self.batches] + [f.window.start for f in self.files]
        ends = [b.end for b in self.batches] + [f.window.end for f in self.files]
        return Window(floor(min(starts), HOUR), ceil(max(ends), HOUR))


def units(
    batches: Iterable[hot.Batch], kept: Iterable[Kept], plan: Plan, *, now: datetime
) -> Iterator[tuple[Unit, Window]]:
    """What to write, oldest first, with the stretch that each file will stand for. Days that are to be
    brought to a longer period first are left out."""
    stretches: dict[tuple[Window, str, Target], Unit] = {}

    def unit(item: hot.Batch | Kept, start: datetime) -> Unit:
        key = plan.stretch(item.kind, item.target, start), item.kind, item.target
        return stretches.setdefault(key, Unit(item.kind, item.target))

    for batch in batches:
        if ceil(batch.end, HOUR) + SEAL_AFTER <= now:
            unit(batch, batch.start).batches.append(batch)
    for item in kept:
        unit(item, item.window.start).files.append(item)
    for (stretch, kind, target), found in sorted(stretches.items(), key=lambda s: s[0]):
        if stretch.end + SEAL_AFTER > now:
            yield from _parts(found, now=now)
        elif not plan.is_due(kind, target, stretch.start) and _is_unfinished(found, plan):
            yield found, Window(max(stretch.start, plan.oldest[kind]), stretch.end)


def _is_unfinished(unit: Unit, plan: Plan) -> bool:
    """Whether a stretch that is over is not one file yet, or that file begins before what is kept."""
    past = plan.oldest[unit.kind]
    return bool(unit.batches) or len(unit.files) > 1 or any(f.window.start < past for f in unit.files)


def _parts(unit: Unit, *, now: datetime) -> Iterator[tuple[Unit, Window]]:
    """An unfinished day: a file for each PART that is over, else one per hour."""
    groups: dict[datetime, Unit] = {}
    for item in unit.files:
        key = _part(item.window.start, now=now)
        groups.setdefault(key, Unit(unit.kind, unit.target)).files.append(item)
    for batch in unit.batches:
        held = next(
            (f for f in unit.files if f.window.start < batch.end and f.window.end > batch.start), None
        )
        key = _part(held.window.start if held else batch.start, now=now)
        groups.setdefault(key, Unit(unit.kind, unit.target)).batches.append(batch)
    for group in groups.values():
        if group.batches or len(group.files) > 1:
            yield group, group.window


def _part(start: datetime, *, now: datetime) -> datetime:
    """The start of the PART that `start` is in if that is over, else of its hour."""
    part = floor(start, PART)
    return part if part + PART + SEAL_AFTER <= now else floor(start, HOUR)


def seal(
    engine: sa.Engine,
    begin: Begin,
    lake: Lake,
    losses: Losses,
    retention: RetentionSettings,
    *,
    now: datetime,
) -> list[StoreError]:
    """Write every unit that is due; one that cannot be written keeps no other back, and why is answered.

    A kill between two steps leaves the hot rows, and a file that nobody lists.
    """
    with engine.connect() as connection:
        joined = [f for f in files.listed(connection) if f.kind not in DERIVED]
        batches, kept = sound(hot.listed(connection, hot.listing(sa.true())), joined)
        plan = tiers.plan(connection, retention, now=now)
    failures = []
    for unit, window in units(batches, kept, plan, now=now):
        if losses.examine(lake, unit.files):
            continue  # the next packing joins the rest
        try:
            _seal(engine, begin, lake, unit, window, plan, now=now)
        except StoreError as error:
            failures.append(error)
    return failures


def sound(batches: Sequence[hot.Batch], kept: Sequence[Kept]) -> tuple[list[hot.Batch], list[Kept]]:
    """What can be packed: unreadable files stay listed as they are. So do the hot rows of their hours, or
    rows would be there twice once such a file can be read again."""
    lost = [f for f in kept if f.unreadable is not None]
    free = [b for b in batches if not any(_over(b, f) for f in lost)]
    return free, [f for f in kept if f.unreadable is None]


def _over(batch: hot.Batch, item: Kept) -> bool:
    same = (batch.kind, batch.target) == (item.kind, item.target)
    return same and batch.start < item.window.end and batch.end > item.window.start


def _seal(
    engine: sa.Engine, begin: Begin, lake: Lake, unit: Unit, window: Window, plan: Plan, *, now: datetime
) -> None:
    period_s = plan.tiers(unit.kind, unit.target).period_s(window.start)
    made = write(engine, lake, unit, window, period_s)
    if made is not None:
        with begin() as connection:
            swap(connection, made, now=now)


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is written and not listed yet, with what it takes the place of."""

    kept: Kept
    rows: int
    bytes: int
    files: Sequence[str]
    seqs: Sequence[int]


def write(engine: sa.Engine, lake: Lake, unit: Unit, window: Window, period_s: int) -> Made | None:
    """Write a unit's file, its rows at `period_s` at least; None if there is nothing to write by now."""
    found = hot.readable(unit.kind, _payloads(engine, unit.batches))
    if not found and not unit.files:
        return None  # newer batches have taken their place: the next time
    replaced = [f.path for f in unit.files]
    path = files.name(unit.kind, unit.target, window)
    tables = list(found.values())
    rows, size, crc32 = files.write(
        lake, path, unit.kind, tables, replaced, period_s=period_s, since=window.start
    )
    kept = Kept(path, unit.kind, unit.target, window, period_s=period_s, crc32=crc32)
    return Made(kept, rows, size, replaced, list(found))


def swap(connection: sa.Connection, made: Made, *, now: datetime) -> None:
    """Let readers see the file instead of what it was made of."""
    files.add(connection, made.kept, made.rows, made.bytes, made.files, now=now)
    if made.seqs:
        connection.execute(sa.delete(hot_table).where(hot_table.c.seq.in_(list(made.seqs))))


def _payloads(engine: sa.Engine, batches: Sequence[hot.Batch]) -> dict[int, bytes]:
    query = sa.select(hot_table.c.seq, hot_table.c.payload).where(
        hot_table.c.seq.in_([b.seq for b in batches])
    )
    with engine.connect() as connection:
        return {row.seq: row.payload for row in connection.execute(query)}
