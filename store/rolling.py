"""Days of age are brought to a longer period: their rows, and what was read of them, at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.settings import RetentionSettings
from core.windows import Window
from store import coverage, files, hot, packing, tiers
from store.files import Kept
from store.lake import Lake
from store.losses import Losses
from store.packing import Begin, Unit
from store.schema import hot as hot_table
from store.schema import target as target_table
from store.tiers import COLLECTED, DAY, Tiers


@dataclass(frozen=True, slots=True)
class Row:
    """All that one collector brought of one target: the telemetry that has tiers, spans of its coverage at a
    shorter period than they should have, and the time of files that cannot be read."""

    collector: str
    target: Target
    batches: Sequence[hot.Batch]
    files: Sequence[Kept]
    spans: Sequence[Window]
    lost: Sequence[Window]


def roll(
    engine: sa.Engine,
    begin: Begin,
    lake: Lake,
    losses: Losses,
    retention: RetentionSettings,
    *,
    now: datetime,
) -> list[StoreError]:
    """Bring every day that is due to its period, oldest first. A day that cannot be written keeps later ones
    of its target waiting, and no others; why is answered."""
    wanted, failures = tiers.wanted(retention, now=now), []
    with engine.connect() as connection:
        waiting = list(_waiting(connection, wanted))
    for row, reached in waiting:
        try:
            _roll_all(engine, begin, lake, losses, row, reached, wanted, now=now)
        except StoreError as error:
            failures.append(error)
    return failures


def align(connection: sa.Connection) -> None:
    """What was read counts at the period that its rows are kept at: after coverage came from elsewhere."""
    for (collector, target), reached in tiers.reached(connection).items():
        for window, period_s in reached.stretches(Window(tiers.UNTOUCHED.five, reached.five)):
            coverage.roll(connection, collector, target, window, period_s)


def _waiting(connection: sa.Connection, wanted: Tiers) -> Iterable[tuple[Row, Tiers]]:
    """Collectors and targets whose tiers begin earlier than they should."""
    all_reached = tiers.reached(connection)
    listed = files.listed(connection)
    batches, kept = packing.sound(hot.listed(connection, hot.listing(sa.true())), listed)
    lost = [f for f in listed if f.unreadable is not None]
    known = {*_targets(connection), *(b.target for b in batches), *(f.target for f in kept)}
    for collector, kinds in COLLECTED.items():
        reached = {target: all_reached.get((collector, target), tiers.UNTOUCHED) for target in sorted(known)}
        due = [target for target, by_now in reached.items() if tiers.joined(by_now, wanted) != by_now]
        spans = coverage.spans(connection, collector, before=wanted.five) if due else {}
        for target in due:
            mine = [b for b in batches if b.kind in kinds and b.target == target]
            held = [f for f in kept if f.kind in kinds and f.target == target]
            gone = [f.window for f in lost if f.kind in kinds and f.target == target]
            yield Row(collector, target, mine, held, spans.get(target, []), gone), reached[target]


def _roll_all(
    engine: sa.Engine,
    begin: Begin,
    lake: Lake,
    losses: Losses,
    row: Row,
    reached: Tiers,
    wanted: Tiers,
    *,
    now: datetime,
) -> None:
    """Days from the oldest on; then all before the edges counts as done, since nothing else is there.

    A day with a file that cannot be read is left as it is, and later ones with it: if the file came back, its
    time would be there at two periods.
    """
    stored = [Window(b.start, b.end) for b in row.batches] + [f.window for f in row.files] + [*row.lost]
    for day in tiers.days([*stored, *row.spans], before=wanted.five):
        period_s, window = wanted.period_s(day), Window(day, day + DAY)
        if reached.period_s(day) >= period_s:
            continue
        of_day = [f for f in row.files if f.window.overlap(window)]
        is_lost = any(lost.overlap(window) for lost in row.lost) or losses.examine(lake, of_day)
        if is_lost or not _roll(engine, begin, lake, row, day, period_s, now=now):
            return  # or rows came meanwhile: the next packing goes on from here
    with begin() as connection:
        tiers.reach(connection, row.collector, row.target, wanted)


def _roll(
    engine: sa.Engine, begin: Begin, lake: Lake, row: Row, day: datetime, period_s: int, *, now: datetime
) -> bool:
    """Write the day's files, then let them take the place of the day in one transaction; False, and nothing
    is done, where rows came meanwhile."""
    window = Window(day, day + DAY)
    made = [packing.write(engine, lake, unit, window, period_s) for unit in _units(row, window)]
    written = [each for each in made if each is not None]
    seqs = {seq for each in written for seq in each.seqs}
    with begin() as connection:
        now_there = _hot(connection, row, window)
        if now_there - {b.seq for b in row.batches} or seqs - now_there:
            return False
        for each in written:
            packing.swap(connection, each, now=now)
        coverage.roll(connection, row.collector, row.target, window, period_s)
        to = Tiers(window.end, window.end if period_s == tiers.HOURLY_S else tiers.UNTOUCHED.hourly)
        tiers.reach(connection, row.collector, row.target, to)
    return True


def _units(row: Row, window: Window) -> Iterable[Unit]:
    for kind in COLLECTED[row.collector]:
        batches = [b for b in row.batches if b.kind == kind and b.start in window]
        held = [f for f in row.files if f.kind == kind and f.window.overlap(window)]
        if batches or held:
            yield Unit(kind, row.target, batches, held)


def _hot(connection: sa.Connection, row: Row, window: Window) -> set[int]:
    """Batches of the day that are there now."""
    c = hot_table.c
    mine = c.kind.in_(COLLECTED[row.collector]) & (c.account == row.target.account)
    mine &= (c.region == row.target.region) & (c.start >= window.start) & (c.start < window.end)
    return set(connection.execute(sa.select(c.seq).where(mine)).scalars())


def _targets(connection: sa.Connection) -> list[Target]:
    query = sa.select(target_table.c.account, target_table.c.region)
    return [Target(row.account, row.region) for row in connection.execute(query)]
