"""What is known of functions, aliases, queues and the rest: the entity table as records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.readers.frames import rows
from store.store import Filter, Snapshot

EVERYTHING = Filter()

Place = tuple[str, str, str]
"""Account, region, function."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One entity: `body` is the fact as it was kept, `gone_at` None while it exists."""

    kind: str
    account: str
    region: str
    name: str
    function: str
    body: Mapping[str, Any]
    first_seen: datetime
    gone_at: datetime | None

    @property
    def place(self) -> Place:
        """The function it belongs to."""
        return self.account, self.region, self.function


class Things:
    """Entities of some kinds, as one snapshot shows them."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._by_kind: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            self._by_kind[thing.kind].append(thing)

    @classmethod
    def read(cls, snapshot: Snapshot, *kinds: str, where: Filter | None = None) -> Things:
        entity = schema.entity
        query = sa.select(entity).where(entity.c.kind.in_(kinds))
        if where and where.account:
            query = query.where(entity.c.account == where.account)
        if where and where.region:
            query = query.where(entity.c.region == where.region)
        return cls(_things(snapshot.state(query)))

    def of(self, kind: str, *, gone: bool = False) -> Iterator[Thing]:
        """Entities of `kind`; those that are gone too, if asked."""
        return (thing for thing in self._by_kind[kind] if gone or thing.gone_at is None)


def _things(frame: pd.DataFrame) -> Iterator[Thing]:
    for row in rows(frame):
        yield Thing(
            kind=row.kind,
            account=row.account,
            region=row.region,
            name=row.name,
            function=_function(row),
            body=row.body,
            first_seen=row.first_seen.to_pydatetime(),
            gone_at=None if pd.isna(row.gone_at) else row.gone_at.to_pydatetime(),
        )


def _function(row: Any) -> str:
    """The function's name; functions and reservations are named after themselves."""
    if row.kind in {"function", "reserved"}:
        return str(row.name)
    return str(row.body.get("function") or "")


def matches(where: Filter, account: str, region: str, function: str | None = None) -> bool:
    return (
        where.account in {None, account}
        and where.region in {None, region}
        and (function is None or where.function in {None, function})
    )


def sql_where(where: Filter) -> tuple[str, dict[str, str]]:
    """The filter as SQL (`true` when it lets all pass) and its parameters."""
    wanted = {"account": where.account, "region": where.region, "function": where.function}
    given = {name: value for name, value in wanted.items() if value is not None}
    return " AND ".join(f'"{name}" = ${name}' for name in given) or "true", given


def is_alive(thing: Thing, window: Window) -> bool:
    """Whether it existed at some time in the window, as far as we saw."""
    return thing.gone_at is None or thing.gone_at > window.start
