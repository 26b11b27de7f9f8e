"""What a function was configured with at some time, and what differs between two times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.entities import VOLATILE
from core.facts import Target
from core.revisions import Difference, Name, Noted, as_of, differences
from store import schema
from store.asking import reader
from store.bodies import BOOKKEEPING
from store.readers.changes import UNKEPT
from store.readers.frames import rows
from store.readers.things import Thing, Things
from store.readers.triggers import NOW_ONLY
from store.readers.words import name_of, value_of
from store.store import Filter, Snapshot, Store

KINDS = ("function", "reserved", "version", "alias", "provisioned", "invoke_config", "mapping", "trigger")
TITLES: Mapping[str, str] = {
    "function": "Function",
    "reserved": "Reserved concurrency",
    "version": "Version",
    "alias": "Alias",
    "provisioned": "Provisioned concurrency",
    "invoke_config": "Async settings",
    "mapping": "Trigger",
    "trigger": "Trigger",
}
COLUMNS = ["kind", "name", "title", "field", "label", "old", "new", "says"]


@dataclass(frozen=True, slots=True)
class Diff:
    """`rows`: a row per field that differs. `known_since` is from when on the function was watched: before
    that its configuration is taken to have been as it was first seen. None: the function is not known."""

    rows: pd.DataFrame
    known_since: datetime | None


@reader
def configuration_diff(
    store: Store, target: Target, function: str, before: datetime, after: datetime
) -> Diff:
    """What differs between two moments, changes of `after` itself included and of `before` too (so a change's
    own diff is from just before it): kind, name (of the entity), title (for people), field ("": the thing
    itself appeared or went), label (the field's name for people), old and new (text with unit; `none`: not
    set), says (a sentence). Fields that move by themselves are left out. Sorted by entity and field."""
    with store.snapshot(NOW_ONLY) as snapshot:
        history = _History.read(snapshot, target, function)
    found = differences(history.at(before), history.at(after))
    lines = [_line(one) for one in found if one.field not in _quiet(one.entity[0])]
    return Diff(pd.DataFrame(lines, columns=pd.Index(COLUMNS), dtype=object), history.known_since)


@reader
def configuration_as_of(store: Store, target: Target, function: str, at: datetime) -> pd.DataFrame:
    """All that was configured at a moment: kind, name, title, field, label, value (text with unit; `none`:
    not set). Empty when the function was not there. Before it was watched, as it was first seen."""
    with store.snapshot(NOW_ONLY) as snapshot:
        history = _History.read(snapshot, target, function)
    lines = [
        (kind, name, _title(kind, name), field, name_of(field), value_of(field, value))
        for (kind, name), body in sorted(history.at(at).items())
        for field, value in body.items()
        if field not in _quiet(kind) and field not in {"function", "config_sha256"}
    ]
    names = ["kind", "name", "title", "field", "label", "value"]
    return pd.DataFrame(lines, columns=pd.Index(names), dtype=object)


@dataclass(frozen=True, slots=True)
class _History:
    now: Mapping[Name, Mapping[str, Any]]
    last: Mapping[Name, Mapping[str, Any]]
    noted: tuple[Noted, ...]
    known_since: datetime | None

    @classmethod
    def read(cls, snapshot: Snapshot, target: Target, function: str) -> _History:
        where = Filter(target.account, target.region, function)
        read = Things.read(snapshot, *KINDS, where=where)
        things = [t for kind in KINDS for t in read.of(kind, gone=True) if t.function == function]
        own = next((t for t in things if t.kind == "function"), None)
        return cls(
            {(t.kind, t.name): t.body for t in things if t.gone_at is None},
            {(t.kind, t.name): t.body for t in things if t.gone_at is not None},
            tuple(_noted(snapshot, target, things)),
            None if own is None else own.first_seen,
        )

    def at(self, moment: datetime) -> dict[Name, dict[str, Any]]:
        return as_of(self.now, self.last, self.noted, moment)


def _noted(snapshot: Snapshot, target: Target, things: list[Thing]) -> list[Noted]:
    c = schema.change.c
    query = (
        sa.select(schema.change)
        .where(c.account == target.account, c.region == target.region, c.kind.in_(KINDS))
        .where(c.name.in_([thing.name for thing in things]))
        .order_by(c.ts, c.id)
    )
    known = {(thing.kind, thing.name) for thing in things}
    return [
        Noted(row.ts.to_pydatetime(), (row.kind, row.name), row.field, row.old, row.new)
        for row in rows(snapshot.state(query))
        if (row.kind, row.name) in known
    ]


def _quiet(kind: str) -> frozenset[str]:
    return VOLATILE.get(kind, frozenset()) | BOOKKEEPING


def _title(kind: str, name: str) -> str:
    """`Alias live`; the function and its reservation need no name."""
    return TITLES[kind] if kind in {"function", "reserved"} else f"{TITLES[kind]} {name.rsplit(':', 1)[-1]}"


def _line(one: Difference) -> tuple[str, ...]:
    kind, name = one.entity
    title = _title(kind, name)
    if not one.field:
        return kind, name, title, "", title, "", str(one.new), f"{title} {one.new}"
    old, new, label = value_of(one.field, one.old), value_of(one.field, one.new), name_of(one.field)
    says = UNKEPT if one.field == "config_sha256" else f"{title}: {label} {old} → {new}"
    return kind, name, title, one.field, label, old, new, says
