"""Inventory and its history: entities as they are now, and a dated row for whatever changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.entities import Entity, Trigger
from core.facts import Inventory, Listed, Target
from store.bodies import KINDS, Body, dated, differences, from_body, function_of, part_of, to_body
from store.revisions import Kept, Part
from store.schema import change, entity, listing, revision

GO_WITH_FUNCTION = (
    "version",
    "alias",
    "provisioned",
    "invoke_config",
    "reserved",
    "trigger",
    "log_mode",
    "cadence",
)
"""Kinds that are listed per known function: nobody would ever list them again once it is gone."""

PART = "/"
"""Between a function and a part of its listing: no function's name has it."""

Name = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of one entity."""

    body: Body
    function: str | None
    part: str | None
    gone: bool


@dataclass(slots=True)
class Ledger:
    """What is known of one target, and the rows to write."""

    target: Target
    now: datetime
    known: Mapping[Name, Known]
    listings: Mapping[Name, datetime]
    changes: list[dict[str, Any]]

    def note(self, name: Name, function: str | None, ts: datetime, field: str, old: Any, new: Any) -> None:
        where = {"account": self.target.account, "region": self.target.region, "function": function}
        when = {"ts": ts, "seen_at": self.now}
        self.changes.append(
            {"kind": name[0], "name": name[1], **where, **when, "field": field, "old": old, "new": new}
        )


def write(
    connection: sa.Connection,
    target: Target,
    entities: Iterable[Entity],
    listed: Sequence[Listed],
    *,
    now: datetime,
) -> None:
    """Keep entities, date their changes, and mark as gone what a complete listing did not have."""
    newest = {(e.KIND, e.name): e for e in entities}
    kinds = {kind for kind, _ in newest} | {item.kind for item in listed}
    if not kinds:
        return
    known, listings = _known(connection, target, kinds), _listings(connection, target, kinds)
    ledger = Ledger(target, now, known, listings, [])
    for name, item in newest.items():
        _note_changes(ledger, name, item)
    gone = _gone(ledger, newest.keys(), listed)
    revise(connection, target, _changed(ledger, newest) | _going(gone))
    for name in gone:
        ledger.note(name, ledger.known[name].function, now, "", None, "gone")
    _upsert(connection, ledger, newest)
    _mark_gone(connection, ledger, gone)
    _mark_listed(connection, ledger, listed)
    if ledger.changes:
        connection.execute(sa.insert(change), ledger.changes)


def _note_changes(ledger: Ledger, name: Name, item: Entity) -> None:
    before, function = ledger.known.get(name), function_of(item)
    if before is None or before.gone:
        listed_at = _listed_at(ledger, name[0], function, part_of(item))
        if listed_at is not None:
            ledger.note(name, function, _appeared_at(item, listed_at, ledger.now), "", None, "appeared")
    if before is None:
        return
    changed_at = dated(item)
    was = dated(from_body(type(item), item.name, before.body))
    ts = changed_at if changed_at and changed_at != was else ledger.now
    for field, old, new in differences(name[0], before.body, to_body(item)):
        ledger.note(name, function, ts, field, old, new)


def _listed_at(ledger: Ledger, kind: str, function: str | None, part: str | None) -> datetime | None:
    """When the kind was last listed where this entity would have been seen."""
    times = [ledger.listings.get((kind, each)) for each in _scopes(function, part)]
    return max((t for t in times if t is not None), default=None)


def _scopes(function: str | None, part: str | None) -> set[str]:
    """The listings that an entity is in: of the target, of its function, of a part of that."""
    return {"", scope(function, None), scope(function, part)}


def scope(function: str | None, part: str | None) -> str:
    """How `schema.listing` names what was listed: "" for a whole target."""
    return function or "" if part is None else f"{function}{PART}{part}"


def _appeared_at(item: Entity, listed_at: datetime | None, now: datetime) -> datetime:
    """AWS's date if it falls between the last listing and this one, else now."""
    ts = dated(item)
    return ts if ts and listed_at and listed_at < ts <= now else now


def _gone(ledger: Ledger, seen: Iterable[Name], listed: Sequence[Listed]) -> list[Name]:
    scopes, seen = {(item.kind, scope(item.function, item.part)) for item in listed}, set(seen)
    return [
        name
        for name, known in ledger.known.items()
        if not known.gone
        and name not in seen
        and any((name[0], each) in scopes for each in _scopes(known.function, known.part))
    ]


def _known(connection: sa.Connection, target: Target, kinds: Iterable[str]) -> dict[Name, Known]:
    query = sa.select(entity).where(_mine(entity, target), entity.c.kind.in_(sorted(kinds)))
    return {
        (row.kind, row.name): Known(
            row.body, row.function, _part(row.kind, row.name, row.body), row.gone_at is not None
        )
        for row in connection.execute(query)
    }


def _part(kind: str, name: str, body: Body) -> str | None:
    """Of an entity as it is kept; only triggers have one, and nothing else is worth the making."""
    return part_of(from_body(Trigger, name, body)) if kind == Trigger.KIND else None


def _listings(connection: sa.Connection, target: Target, kinds: Iterable[str]) -> dict[Name, datetime]:
    query = sa.select(listing).where(_mine(listing, target), listing.c.kind.in_(sorted(kinds)))
    return {(row.kind, row.function): row.last_at for row in connection.execute(query)}


def _changed(ledger: Ledger, newest: Mapping[Name, Entity]) -> set[str]:
    """Kinds of which something is new, back, or not as it was."""
    found: set[str] = set()
    for (kind, name), item in newest.items():
        known = None if kind in found else ledger.known.get((kind, name))
        if known is None or known.gone or known.body != to_body(item):
            found.add(kind)
    return found


def _going(gone: Sequence[Name]) -> set[str]:
    kinds = {kind for kind, _ in gone}
    return kinds | set(GO_WITH_FUNCTION) if "function" in kinds else kinds


def revise(connection: sa.Connection, target: Target, kinds: Iterable[str]) -> None:
    """Say that entities of these kinds are no longer as they were, to whoever keeps what they made of
    them."""
    place = {"account": target.account, "region": target.region}
    rows = [{"kind": kind, "value": uuid.uuid4().hex, **place} for kind in sorted(kinds)]
    if rows:
        old = _mine(revision, target), revision.c.kind.in_([row["kind"] for row in rows])
        connection.execute(sa.delete(revision).where(*old))
        connection.execute(sa.insert(revision), rows)


def revise_all(connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same of whatever kinds and targets these rows of the entity table are."""
    kinds: dict[Target, set[str]] = {}
    for row in rows:
        kinds.setdefault(Target(row["account"], row["region"]), set()).add(row["kind"])
    for target, mine in kinds.items():
        revise(connection, target, mine)


def _upsert(connection: sa.Connection, ledger: Ledger, newest: Mapping[Name, Entity]) -> None:
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for (kind, name), item in newest.items():
        row = {"of_kind": kind, "of_name": name, "function": function_of(item), "body": to_body(item)}
        (old if (kind, name) in ledger.known else new).append(
            {**row, "last_seen": ledger.now, "gone_at": None}
        )
    same = {"account": ledger.target.account, "region": ledger.target.region, "first_seen": ledger.now}
    if new:
        rows = [{**same, **row, "kind": row.pop("of_kind"), "name": row.pop("of_name")} for row in new]
        connection.execute(sa.insert(entity), rows)
    if old:
        connection.execute(_one_entity(ledger.target), old)


def _one_entity(target: Target) -> sa.Update:
    here = (entity.c.kind == sa.bindparam("of_kind")) & (entity.c.name == sa.bindparam("of_name"))
    return sa.update(entity).where(_mine(entity, target), here)


def _mark_gone(connection: sa.Connection, ledger: Ledger, gone: Sequence[Name]) -> None:
    if gone:
        rows = [{"of_kind": kind, "of_name": name, "gone_at": ledger.now} for kind, name in gone]
        connection.execute(_one_entity(ledger.target), rows)
    for function in [name for kind, name in gone if kind == "function"]:
        below = (
            _mine(entity, ledger.target),
            entity.c.function == function,
            entity.c.kind.in_(GO_WITH_FUNCTION),
        )
        connection.execute(
            sa.update(entity).where(*below, entity.c.gone_at.is_(None)).values(gone_at=ledger.now)
        )
        its = (listing.c.function == function) | listing.c.function.startswith(
            function + PART, autoescape=True
        )
        connection.execute(sa.delete(listing).where(_mine(listing, ledger.target), its))


def _mark_listed(connection: sa.Connection, ledger: Ledger, listed: Sequence[Listed]) -> None:
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for kind, function in sorted({(item.kind, scope(item.function, item.part)) for item in listed}):
        if (kind, function) in ledger.listings:
            old.append({"of_kind": kind, "of_function": function, "last_at": ledger.now})
        else:
            row = {"account": ledger.target.account, "region": ledger.target.region}
            new.append(
                {"kind": kind, "function": function, "first_at": ledger.now, "last_at": ledger.now, **row}
            )
    if new:
        connection.execute(sa.insert(listing), new)
    if old:
        here = (listing.c.kind == sa.bindparam("of_kind")) & (
            listing.c.function == sa.bindparam("of_function")
        )
        connection.execute(sa.update(listing).where(_mine(listing, ledger.target), here), old)


def _mine(table: sa.Table, target: Target) -> sa.ColumnElement[bool]:
    return (table.c.account == target.account) & (table.c.region == target.region)


def inventory(connection: sa.Connection, target: Target) -> Inventory:
    """What is there now of one target; parsed anew where the revision says that it has changed."""
    rows = connection.execute(sa.select(revision).where(_mine(revision, target), revision.c.kind.in_(KINDS)))
    revisions = {(row.kind, row.account, row.region): row.value for row in rows}
    known = _KEPT.of(revisions)
    if lacking := revisions.keys() - known.keys():
        read = _read(connection, target, {kind for kind, _, _ in lacking})
        _KEPT.keep(revisions, read)
        known |= read
    found: dict[str, tuple[Any, ...]] = dict.fromkeys(KINDS, ()) | {part[0]: known[part] for part in known}
    return Inventory(
        functions=found["function"],
        versions=found["version"],
        aliases=found["alias"],
        mappings=found["mapping"],
        reserved=found["reserved"],
        provisioned=found["provisioned"],
        invoke_configs=found["invoke_config"],
        queues=found["queue"],
        limits=next(iter(found["account_limits"]), None),
        log_groups=found["log_group"],
        triggers=found["trigger"],
        layers=found["layer"],
        capacity_providers=found["capacity_provider"],
        log_modes=found["log_mode"],
        cadences=found["cadence"],
        trace_settings=next(iter(found["trace_settings"]), None),
        alarms=found["alarm"],
        async_settings_of=_listed_functions(connection, target, "invoke_config"),
    )


def _read(connection: sa.Connection, target: Target, kinds: set[str]) -> dict[Part, tuple[Any, ...]]:
    mine = _mine(entity, target), entity.c.kind.in_(kinds), entity.c.gone_at.is_(None)
    found: dict[Part, list[Any]] = {(kind, target.account, target.region): [] for kind in kinds}
    for row in connection.execute(sa.select(entity).where(*mine).order_by(entity.c.name)):
        item = from_body(KINDS[row.kind], row.name, row.body)
        found[row.kind, target.account, target.region].append(item)
    return {part: tuple(items) for part, items in found.items()}


_KEPT = Kept[tuple[Any, ...]]()


def _listed_functions(connection: sa.Connection, target: Target, kind: str) -> frozenset[str]:
    """Functions whose entities of `kind` were listed in full."""
    query = sa.select(listing.c.function).where(_mine(listing, target), listing.c.kind == kind)
    return frozenset(connection.execute(query).scalars())
