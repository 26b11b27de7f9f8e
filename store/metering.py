"""Usage, derived from what is kept and filed: hours as they settle, days of months that are over.

A file holds a UTC day (of today, the hours that are settled), or a month of which only days are kept. A day
is derived again when more of it was read since, as long as all that it was derived from is still kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from core.facts import Target
from core.telemetry import Metered
from core.windows import Window, floor
from store.files import Kept
from store.readers.billing import ESTIMATED, RECORDS
from store.readers.coverage import Coverage
from store.readers.measured import KINDS, QUANTITIES, READS, measured
from store.readers.things import Things
from store.readers.usage import Question
from store.schema import coverage, meta
from store.store import Filter, Store
from store.telemetry import SCHEMAS
from store.tiers import DAY, SEAL_AFTER, month_of, oldest

HOUR = timedelta(hours=1)
KIND = Metered.KIND
MOST = 60
"""Days that one call derives: the newest first, older ones the next time."""

SUMS_S = 300
"""Logs read at this period are sums, not records."""

Read = tuple[int, ...]
"""Seconds of a day that were read, over all things, by `PARTS`."""

PARTS = ("metrics", "records", "sums", "queues", "traces")
OF_FUNCTIONS = 3
"""The first of them tell whether functions were read: without, there is nothing to count."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day to derive, as far as it is settled, and what of it was read."""

    window: Window
    read: Read


def meter(store: Store, *, now: datetime, most: int = MOST) -> int:
    """Derive and file what is due of every target; how many files were written. Safe to kill at any moment,
    safe beside readers; one process at a time, never beside packing."""
    with store.packing_alone() as mine:
        if not mine:
            return 0
        return sum(_meter(store, target, now=now, most=most) for target in _targets(store))


def _meter(store: Store, target: Target, *, now: datetime, most: int) -> int:
    since = oldest(store.settings.retention, now=now)[KIND]
    kept, marks = store.filed(KIND, target), _marks(store, target)
    read = seconds_read(store, target)
    due = list(days_due(kept, marks, read, since=since, now=now))
    for day in due[:most]:
        _derive(store, target, day, now=now)
    joined = _join_months(store, target, now=now) if len(due) <= most else 0
    return min(len(due), most) + joined


# --- what is due --------------------------------------------------------------------------------------------


def days_due(
    kept: Sequence[Kept],
    marks: Mapping[str, Read],
    read: Mapping[datetime, Read],
    *,
    since: datetime,
    now: datetime,
) -> Iterator[Day]:
    """Days that no file holds, or not as far as they are settled, or that were read further since; the newest
    first."""
    settled = floor(now - SEAL_AFTER, HOUR)
    there = [f.window for f in kept if f.unreadable is None]
    for day in sorted(read, reverse=True):
        window = Window(day, max(day, min(day + DAY, settled)))
        if day < since or not window.duration:
            continue
        is_there = any(w.start <= window.start and w.end >= window.end for w in there)
        if not is_there or has_grown(marks.get(_name(day)), read[day]):
            yield Day(window, read[day])


def has_grown(before: Read | None, by_now: Read) -> bool:
    """Whether more was read, and nothing of what was is gone."""
    if before is None or len(before) != len(by_now):
        return True
    pairs = list(zip(before, by_now, strict=True))
    return all(new >= old for old, new in pairs) and any(new > old for old, new in pairs)


def seconds_read(store: Store, target: Target) -> dict[datetime, Read]:
    """Per UTC day of which anything was read and is settled: how much of it, added up over all things."""
    c = coverage.c
    start, end = (sa.type_coerce(column, sa.BigInteger) for column in (c.start, c.end))
    is_sum = (c.period_s >= SUMS_S).label("is_sum")
    query = sa.select(c.collector, is_sum, start, end, sa.func.count()).where(
        c.account == target.account,
        c.region == target.region,
        c.collector.in_(("metrics", "logs", "queues", "traces")),
        c.settled,
    )
    with store.engine.connect() as connection:
        rows = connection.execute(query.group_by(c.collector, is_sum, c.start, c.end)).all()
    if not rows:
        return {}
    first, last = floor(_time(min(row[2] for row in rows)), DAY), _time(max(row[3] for row in rows))
    days = [part.start for part in Window(first, floor(last, DAY) + DAY).chunks(DAY)]
    edges = np.array([round(day.timestamp() * 1000) for day in [*days, days[-1] + DAY]], dtype=np.int64)
    sums = {part: np.zeros(len(days)) for part in PARTS}
    for collector, is_of_sums, begin, until, count in rows:
        part = collector if collector != "logs" else "sums" if is_of_sums else "records"
        sums[part] += count * np.diff(np.clip(edges, begin, until)) / 1000
    read = {day: tuple(int(sums[part][i]) for part in PARTS) for i, day in enumerate(days)}
    return {day: seconds for day, seconds in read.items() if any(seconds[:OF_FUNCTIONS])}


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


# --- a day --------------------------------------------------------------------------------------------------


def _derive(store: Store, target: Target, day: Day, *, now: datetime) -> None:
    table = hours_of(store, target, day.window, now=now)
    touched = [f for f in store.filed(KIND, target) if f.window.overlap(day.window)]
    month = next((f for f in touched if f.window.duration > DAY and f.unreadable is None), None)
    window = day.window
    if month is not None:
        rest = _days_of(store, target, month.window, without=day.window)
        table, window = pa.concat_tables([rest, _to_days(table)]), month.window
    name = _name(day.window.start)
    store.file(
        KIND,
        target,
        window,
        table,
        replaced=[f.path for f in touched],
        note=lambda connection: _mark(connection, target, {name: day.read}),
        now=now,
    )


def hours_of(store: Store, target: Target, window: Window, *, now: datetime) -> pa.Table:
    """The usage of every hour of a window, derived from what is kept now."""
    where = Filter(account=target.account, region=target.region)
    with store.snapshot(window, READS) as snapshot:
        read = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        rows = measured(snapshot, things, read, Question(window, where, now, HOUR))
    return to_table(rows)


def to_table(rows: pd.DataFrame) -> pa.Table:
    """Hours of `measured` as telemetry; what is nothing is null, so that a file does without it."""
    amounts = {name: rows[name].where(rows[name] != 0) for name in QUANTITIES}
    return _table(rows.assign(ts=rows["step"], period_s=int(HOUR.total_seconds()), **amounts))


def _table(rows: pd.DataFrame) -> pa.Table:
    columns = []
    for field in SCHEMAS[KIND]:
        if pa.types.is_timestamp(field.type):
            columns.append(pa.array(rows[field.name].astype("int64"), pa.int64()).cast(field.type))
        else:
            columns.append(pa.array(rows[field.name], field.type, from_pandas=True))
    return pa.Table.from_arrays(columns, schema=SCHEMAS[KIND])


# --- months -------------------------------------------------------------------------------------------------

_SUMS = ", ".join(f'sum("{name}") AS "{name}"' for name in QUANTITIES)
_DAYS = f"""SELECT account, region, "function", version, architecture, memory_mb,
        epoch_ms(ts) // 86400000 * 86400000 AS ts, 86400 AS period_s,
        CASE WHEN bool_or(basis = '{ESTIMATED}') THEN '{ESTIMATED}' ELSE '{RECORDS}' END AS basis,
        string_agg(DISTINCT unknown, '; ' ORDER BY unknown) AS unknown, {_SUMS}
    FROM {{source}} GROUP BY ALL"""


def _join_months(store: Store, target: Target, *, now: datetime) -> int:
    """Let one file, with a row a day, take the place of those of a month of which hours are kept no more."""
    edge = floor(now - store.settings.retention.five_minute, DAY)
    months: dict[Window, list[Kept]] = {}
    for item in store.filed(KIND, target):
        month = month_of(item.window.start)
        if month.end <= edge:
            months.setdefault(month, []).append(item)
    return sum(_join(store, target, mine, now=now) for mine in months.values())


def _join(store: Store, target: Target, mine: Sequence[Kept], *, now: datetime) -> int:
    whole = Window(mine[0].window.start, mine[-1].window.end)
    is_whole = sum((f.window.duration for f in mine), timedelta()) == whole.duration
    if len(mine) < 2 or not is_whole or any(f.unreadable is not None for f in mine):
        return 0
    table = _days_of(store, target, whole)
    store.file(
        KIND, target, whole, table, replaced=[f.path for f in mine], note=lambda connection: None, now=now
    )
    return 1


def _days_of(store: Store, target: Target, window: Window, *, without: Window | None = None) -> pa.Table:
    """What is filed of a window, a row a day, but for the time `without`."""
    own = "account = $account AND region = $region"
    params: dict[str, Any] = {"account": target.account, "region": target.region}
    if without is not None:
        own += " AND NOT (ts >= $start AND ts < $end)"
        params |= {"start": without.start, "end": without.end}
    with store.snapshot(window, (KIND,)) as snapshot:
        found = snapshot.frame(_DAYS.format(source=f"(SELECT * FROM {KIND} WHERE {own})"), params)
    return _table(found)


def _to_days(table: pa.Table) -> pa.Table:
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone='UTC'")
        duck.register("hourly", table)
        return _table(duck.sql(_DAYS.format(source="hourly")).df())


# --- what was read when it was derived ----------------------------------------------------------------------


def _key(target: Target) -> str:
    return f"usage of {target.account} {target.region}"


def _name(day: datetime) -> str:
    return day.strftime("%Y-%m-%d")


def _marks(store: Store, target: Target) -> dict[str, Read]:
    with store.engine.connect() as connection:
        return _marks_in(connection, target)


def _marks_in(connection: sa.Connection, target: Target) -> dict[str, Read]:
    text = connection.execute(sa.select(meta.c.value).where(meta.c.key == _key(target))).scalar()
    return {day: tuple(read) for day, read in json.loads(text or "{}").items()}


def _mark(connection: sa.Connection, target: Target, new: Mapping[str, Read]) -> None:
    marks = dict(sorted((_marks_in(connection, target) | dict(new)).items()))
    connection.execute(sa.delete(meta).where(meta.c.key == _key(target)))
    connection.execute(sa.insert(meta).values(key=_key(target), value=json.dumps(marks)))


def _targets(store: Store) -> list[Target]:
    query = sa.select(coverage.c.account, coverage.c.region).distinct().order_by("account", "region")
    with store.engine.connect() as connection:
        return [Target(row.account, row.region) for row in connection.execute(query)]
