"""How old points are kept at which period: a minute as they come, then five minutes, then hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from core.facts import Covered, Target
from core.settings import RetentionSettings
from core.windows import LATENESS, Window, ceil, floor
from store.schema import rolled
from store.telemetry import SCHEMAS

DAY = timedelta(days=1)
SEAL_AFTER = LATENESS + timedelta(minutes=30)
"""An hour that ended this long ago is read no more by runs that keep up: its file is written once."""

FIVE_S, HOURLY_S = 300, 3600
_NEVER = datetime.fromtimestamp(0, UTC)

COLLECTED: Mapping[str, tuple[str, ...]] = {
    "metrics": ("metrics", "mapping_samples", "capacity_samples"),
    "queues": ("queue_samples",),
}
"""Kinds that have tiers, by the collector whose coverage tells what was read of them."""

COLLECTOR: Mapping[str, str] = {kind: name for name, kinds in COLLECTED.items() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Tiers:
    """Before `hourly` points are of an hour, before `five` of five minutes, then as they came."""

    five: datetime = _NEVER
    hourly: datetime = _NEVER

    def period_s(self, ts: datetime) -> int:
        """The period at the moment `ts`; 0: as it came."""
        return HOURLY_S if ts < self.hourly else FIVE_S if ts < self.five else 0

    def stretches(self, window: Window) -> Iterator[tuple[Window, int]]:
        """The window cut where the period changes, oldest first."""
        start = window.start
        for edge, period_s in ((self.hourly, HOURLY_S), (self.five, FIVE_S), (window.end, 0)):
            end = min(edge, window.end)
            if end > start:
                yield Window(start, end), period_s
                start = end


UNTOUCHED = Tiers()


@dataclass(frozen=True, slots=True)
class Keeps:
    """Since when the store keeps a collector's rows: at all, at one minute, at five."""

    since: datetime = _NEVER
    fine: datetime = _NEVER
    five: datetime = _NEVER


def wanted(retention: RetentionSettings, *, now: datetime) -> Tiers:
    """Where the tiers should begin: whole UTC days that are over."""
    over = floor(now - SEAL_AFTER, DAY)
    five = min(over, floor(now - retention.one_minute, DAY))
    return Tiers(five, min(five, floor(now - retention.five_minute, DAY)))


def joined(*tiers: Tiers) -> Tiers:
    """The coarser of each: what was made coarse does not become fine again."""
    return Tiers(max(t.five for t in tiers), max(t.hourly for t in tiers))


def reached(connection: sa.Connection) -> dict[tuple[str, Target], Tiers]:
    """Where the tiers do begin, by collector and target."""
    found: dict[tuple[str, Target], Tiers] = {}
    for row in connection.execute(sa.select(rolled)):
        key = row.collector, Target(row.account, row.region)
        tiers = Tiers(row.until, row.until if row.period_s == HOURLY_S else _NEVER)
        found[key] = joined(found.get(key, UNTOUCHED), tiers)
    return found


def reached_of(connection: sa.Connection, kind: str, target: Target) -> Tiers:
    """The same of one kind; of kinds without tiers, nothing."""
    return reached(connection).get((COLLECTOR.get(kind, ""), target), UNTOUCHED)


def reach(connection: sa.Connection, collector: str, target: Target, to: Tiers) -> None:
    """Remember how far a target's points are made coarse; it never goes back."""
    before = reached(connection).get((collector, target), UNTOUCHED)
    for period_s, until, old in ((FIVE_S, to.five, before.five), (HOURLY_S, to.hourly, before.hourly)):
        if until > old:
            key = {"collector": collector, "account": target.account, "region": target.region}
            here = sa.and_(*(rolled.c[name] == value for name, value in key.items()))
            here &= rolled.c.period_s == period_s
            if connection.execute(sa.update(rolled).where(here).values(until=until)).rowcount == 0:
                connection.execute(sa.insert(rolled).values(**key, period_s=period_s, until=until))


def whole(table: pa.Table, window: Window, period_s: int) -> pa.Table:
    """The rows that a run over `window` may bring to `period_s`: those of its own period or longer, and those
    of stretches that it read from their start to their end. A part would replace a whole."""
    inner = inside(window, period_s)
    ts = table["ts"].cast(pa.int64())
    low, high = (pa.scalar(round(edge.timestamp() * 1000)) for edge in (inner.start, inner.end))
    read = pc.and_(pc.greater_equal(ts, low), pc.less(ts, high))
    return table.filter(pc.or_(read, pc.greater_equal(table["period_s"], period_s)))


def inside(window: Window, period_s: int) -> Window:
    """The whole stretches of a period within a window; an empty window if there is none."""
    step = timedelta(seconds=period_s)
    start, end = ceil(window.start, step), floor(window.end, step)
    return Window(start, max(start, end))


def covered(items: Sequence[Covered], tiers: Tiers, *, period_s: int) -> Sequence[Covered]:
    """What a run read, as it is kept: where points are coarser than it asked for (`period_s`, unless it says
    otherwise), only whole stretches of theirs. Items with one window share the answer's windows."""
    if all(item.window.start >= tiers.five for item in items):
        return items
    cut: dict[tuple[int, int], list[tuple[Window, int]]] = {}  # by identity: as many as distinct windows
    for item in items:
        own_s = item.period_s or period_s
        if (id(item.window), own_s) not in cut:
            cut[id(item.window), own_s] = list(_cut(item.window, own_s, tiers))
    return [
        replace(item, window=part, period_s=at_s)
        for item in items
        for part, at_s in cut[id(item.window), item.period_s or period_s]
    ]


def _cut(window: Window, period_s: int, tiers: Tiers) -> Iterator[tuple[Window, int]]:
    for part, tier_s in tiers.stretches(window):
        if tier_s <= period_s:
            yield part, period_s
        elif (inner := inside(part, tier_s)).duration:
            yield inner, tier_s


def days(windows: Iterable[Window], *, before: datetime) -> list[datetime]:
    """The UTC days that windows touch and that are over `before`, oldest first."""
    found = {floor(part.start, DAY) for window in windows for part in window.chunks(DAY)}
    return sorted(day for day in found if day + DAY <= before)


@dataclass(frozen=True, slots=True)
class Plan:
    """How packing keeps rows: where tiers should begin, where they do, and from when on each kind is kept."""

    wanted: Tiers
    reached: Mapping[tuple[str, Target], Tiers]
    oldest: Mapping[str, datetime]

    def tiers(self, kind: str, target: Target) -> Tiers:
        """Where the tiers of a kind begin by now; kinds without tiers are kept as they came."""
        return self.reached.get((COLLECTOR.get(kind, ""), target), UNTOUCHED)

    def is_due(self, kind: str, target: Target, day: datetime) -> bool:
        """Whether the day is to be brought to a longer period first, by `store.rolling`."""
        return kind in COLLECTOR and self.tiers(kind, target).period_s(day) < self.wanted.period_s(day)

    def stretch(self, kind: str, target: Target, ts: datetime) -> Window:
        """What becomes one file: a UTC day; a month once all of its days are hourly."""
        month = month_of(ts)
        if kind in COLLECTOR and month.end <= self.tiers(kind, target).hourly:
            return month
        day = floor(ts, DAY)
        return Window(day, day + DAY)


def plan(connection: sa.Connection, retention: RetentionSettings, *, now: datetime) -> Plan:
    return Plan(wanted(retention, now=now), reached(connection), oldest(retention, now=now))


def oldest(retention: RetentionSettings, *, now: datetime) -> dict[str, datetime]:
    """The first day of each kind that is kept."""
    return {kind: floor(now - getattr(retention, kind), DAY) for kind in SCHEMAS}


def months(window: Window) -> Iterator[Window]:
    """The parts of a window by calendar month, UTC."""
    start = window.start
    while start < window.end:
        end = min(month_of(start).end, window.end)
        yield Window(start, end)
        start = end


def month_of(ts: datetime) -> Window:
    start = floor(ts, DAY).replace(day=1)
    return Window(start, (start + timedelta(days=31)).replace(day=1))
