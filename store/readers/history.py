"""How finely history is kept: rules judge minutes, and older points stand for more than one."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from core.windows import Window, merge
from store import schema
from store.asking import reader
from store.store import Store

FINEST_S = 60


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
def function_count(store: Store) -> int:
    """How many functions there are."""
    c = schema.entity.c
    query = sa.select(sa.func.count().label("n")).where(c.kind == "function", c.gone_at.is_(None))
    with store.engine.connect() as connection:
        return int(connection.execute(query).scalar_one())
