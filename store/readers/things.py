"""What is known of functions, aliases, queues and the rest: the entity table as records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.narrow import Place
from store.revisions import Kept, Part
from store.store import Filter, Snapshot

__all__ = ["EVERYTHING", "PLACE", "Place", "Thing", "Things", "is_alive", "matches", "once", "sql_where"]

Made = TypeVar("Made")

EVERYTHING = Filter()

PLACE = ["account", "region", "function"]
"""The columns that name a function."""


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
    """Entities of some kinds, as one snapshot shows them. They and their bodies are shared: they must not be
    changed."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self._by_kind: dict[str, list[Thing]] = defaultdict(list)
        self._made: dict[Callable[[Things], Any], Any] = {}
        for thing in things:
            self._by_kind[thing.kind].append(thing)

    @classmethod
    def read(cls, snapshot: Snapshot, *kinds: str, where: Filter | None = None) -> Things:
        """What is kept of them is read and parsed anew only when their revision says that it has changed."""
        parts = revisions(snapshot, kinds, where)
        place = (where.account or "", where.region or "") if where else ("", "")
        whole = {(" ".join(kinds), *place): str(parts)}
        if together := _TOGETHER.of(whole):
            return together.popitem()[1]
        found = _KEPT.of(parts)
        if lacking := parts.keys() - found.keys():
            found |= _read(snapshot, lacking)
            _KEPT.keep(parts, found)
        things = cls(thing for part in parts for thing in found[part])
        _TOGETHER.keep(whole, dict.fromkeys(whole, things))
        return things

    def of(self, kind: str, *, gone: bool = False) -> Iterator[Thing]:
        """Entities of `kind`; those that are gone too, if asked."""
        return (thing for thing in self._by_kind.get(kind, ()) if gone or thing.gone_at is None)

    def made(self, make: Callable[[Things], Made]) -> Made:
        """What `make` says of them, worked out at the first need."""
        if make not in self._made:
            self._made[make] = make(self)
        found: Made = self._made[make]
        return found


def once(make: Callable[[Things], Made]) -> Callable[[Things], Made]:
    """For what follows from things alone: it is worked out once for the same things. The answer is shared,
    and must not be changed."""

    @wraps(make)
    def known(things: Things) -> Made:
        return things.made(make)

    return known


# --- read and kept ------------------------------------------------------------------------------------------

_KEPT = Kept[list[Thing]]()
_TOGETHER = Kept[Things](limit=64)


def revisions(snapshot: Snapshot, kinds: Sequence[str], where: Filter | None = None) -> dict[Part, str]:
    """Per kind and target what tells one state of them from all others."""
    c = schema.revision.c
    query = sa.select(c.kind, c.account, c.region, c.value).where(c.kind.in_(kinds))
    if where and where.account:
        query = query.where(c.account == where.account)
    if where and where.region:
        query = query.where(c.region == where.region)
    order = query.order_by(c.account, c.region)
    return {(kind, account, region): value for kind, account, region, value in _tuples(snapshot, order)}


def _read(snapshot: Snapshot, parts: Collection[Part]) -> dict[Part, list[Thing]]:
    c = schema.entity.c
    columns = c.kind, c.account, c.region, c.name, c.body, c.first_seen, c.gone_at
    kinds, accounts = {part[0] for part in parts}, {part[1] for part in parts}
    query = sa.select(*columns).where(c.kind.in_(kinds), c.account.in_(accounts))
    found: dict[Part, list[Thing]] = {part: [] for part in parts}
    for kind, account, region, name, body, first_seen, gone_at in _tuples(snapshot, query):
        if (part := (kind, account, region)) in found:
            function = name if kind in _NAMED_AFTER_THEIR_FUNCTION else str(body.get("function") or "")
            found[part].append(Thing(*part, name, function, body, first_seen, gone_at))
    return found


def _tuples(snapshot: Snapshot, query: sa.Select[Any]) -> Iterator[Any]:
    for rows in snapshot.rows(query, rows=10_000):
        yield from rows


_NAMED_AFTER_THEIR_FUNCTION = ("function", "reserved", "cadence")


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
