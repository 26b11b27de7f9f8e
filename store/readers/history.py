"""What is kept of history and how finely: rules judge minutes, and older points stand for more than one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from core.windows import Window, merge, total
from store import schema
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.things import Place, Things
from store.store import Store

FINEST_S = 60
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Coarse:
    """A stretch of one target that was read, or is kept, at more than a minute a point."""

    account: str
    region: str
    window: Window


@reader
def coarse(store: Store, window: Window, collector: str) -> list[Coarse]:
    """Where `collector` has some history of `window` that is coarser than a minute."""
    c = schema.coverage.c
    query = sa.select(c.account, c.region, c.start, c.end).distinct()
    query = query.where(c.collector == collector, c.period_s > FINEST_S)
    query = query.where(c.start < window.end, c.end > window.start)
    found = dict[tuple[str, str], list[Window]]()
    with store.engine.connect() as connection:
        for row in connection.execute(query):
            part = Window(row.start, row.end).overlap(window)
            if part:
                found.setdefault((row.account, row.region), []).append(part)
    return [Coarse(*place, part) for place, parts in found.items() for part in merge(parts)]


@reader
def minutes_with(store: Store, window: Window, fields: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """In which minutes functions had a datapoint: account, region, function, field, minute (since the epoch).
    `fields` says which functions are asked for, by the field of MetricPoint."""
    found = []
    with store.snapshot(window, ("metrics",)) as snapshot:
        for name, functions in fields.items():
            rows = snapshot.frame(
                f"""SELECT DISTINCT account, region, "function", epoch_ms(ts) // 60000 AS minute FROM metrics
                WHERE scope = 'function' AND period_s = 60 AND {name} IS NOT NULL
                    AND list_contains($names, "function")""",
                {"names": sorted(functions)},
            )
            found.append(rows.assign(field=name))
    columns = ["account", "region", "function", "field", "minute"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


@reader
def read_of(
    store: Store, window: Window, places: Collection[Place], *, now: datetime
) -> dict[Place, timedelta]:
    """How much of the window was read of each function, a point a minute."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=FINEST_S, only="metrics")
        return {place: total(coverage.covered("metrics", *place)) for place in places}


@reader
def gone_functions(store: Store) -> dict[Place, datetime]:
    """When functions that are no more were missed first."""
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        things = Things.read(snapshot, "function").of("function", gone=True)
        return {thing.place: thing.gone_at for thing in things if thing.gone_at is not None}


@reader
def function_count(store: Store) -> int:
    """How many functions there are."""
    c = schema.entity.c
    query = sa.select(sa.func.count().label("n")).where(c.kind == "function", c.gone_at.is_(None))
    with store.engine.connect() as connection:
        return int(connection.execute(query).scalar_one())
