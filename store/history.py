"""How far the reading of older history is, as each pass notes it: kept until the next one knows better."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from core.facts import Target
from store.schema import meta
from store.store import Store

PREFIX = "backfill "


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a collector has still to read of a target's older history.

    `wanted_h` and `left_h` are hours times the things whose coverage is kept (`things`). `calls` None: not
    foreseen; `usd` is text of an exact decimal. `why` says what holds it back, None when nothing does.
    """

    collector: str
    account: str
    region: str
    noted_at: str
    wanted_from: str
    things: int
    wanted_h: float
    left_h: float
    pieces: int
    calls: int | None
    usd: str
    why: str | None = None


def note(store: Store, left: Left) -> None:
    """Keep it in place of what was noted before."""
    key, value = (
        f"{PREFIX}{left.collector} {left.account} {left.region}",
        json.dumps(dataclasses.asdict(left)),
    )
    with store.transaction() as connection:
        changed = connection.execute(sa.update(meta).where(meta.c.key == key).values(value=value))
        if not changed.rowcount:
            connection.execute(sa.insert(meta).values(key=key, value=value))


def noted(store: Store) -> Iterator[Left]:
    """What every collector noted last, by collector and target."""
    query = sa.select(meta.c.value).where(meta.c.key.startswith(PREFIX)).order_by(meta.c.key)
    with store.engine.connect() as connection:
        found = connection.execute(query).scalars().all()
    for text in found:
        yield Left(**json.loads(text))


def is_unread(store: Store, collector: str, target: Target) -> bool:
    """Whether something was left when the collector noted it last."""
    mine = (collector, target.account, target.region)
    return any(left.pieces for left in noted(store) if (left.collector, left.account, left.region) == mine)
