"""Entities as JSON bodies and back, and what differs between two bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.entities import ENTITIES, READ_LATER, VOLATILE, Entity

Body = dict[str, Any]
AnyEntity = TypeVar("AnyEntity", bound=Entity)

KINDS: Mapping[str, type[Entity]] = {kind.KIND: kind for kind in ENTITIES}


def _holds_time(hint: Any) -> bool:
    return datetime in (get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,))


_IS_TIME = {
    kind.KIND: {name: _holds_time(hint) for name, hint in get_type_hints(kind).items()} for kind in ENTITIES
}
"""Fields by kind, and whether they hold a time: asked of types once, as inventories are read often."""

_FIELDS = {
    kind.KIND: tuple(f.name for f in dataclasses.fields(kind) if f.name != "name") for kind in ENTITIES
}
BOOKKEEPING = frozenset({"last_modified", "published", "code_size_bytes"})
"""Fields that only go along with another change: when it was made, and how large the code is."""


def to_body(entity: Entity) -> Body:
    """The entity's fields as JSON values, without its name."""
    return {name: _plain(getattr(entity, name)) for name in _FIELDS[entity.KIND]}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def from_body(kind: type[AnyEntity], name: str, body: Body) -> AnyEntity:
    """The entity again; fields that this release does not know are left out."""
    is_time = _IS_TIME[kind.KIND]
    return kind(
        name=name, **{key: _typed(value, is_time[key]) for key, value in body.items() if key in is_time}
    )


def _typed(value: Any, is_time: bool) -> Any:
    if is_time and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if type(value) is list else value


def function_of(entity: Entity) -> str | None:
    """The function that an entity belongs to, if it belongs to one."""
    if entity.KIND in ("function", "reserved", "log_mode", "cadence"):
        return entity.name
    return getattr(entity, "function", None)


def part_of(entity: Entity) -> str | None:
    """The part of its function's listing that an entity is told in, None if that has no parts."""
    return getattr(entity, "part", None)


def dated(entity: Entity) -> datetime | None:
    """When AWS says that the entity last changed."""
    return getattr(entity, "last_modified", None) or getattr(entity, "published", None)


def differences(kind: str, old: Body, new: Body) -> list[tuple[str, Any, Any]]:
    """Field, old and new value of each configuration change. A field not kept before is no change."""
    quiet = VOLATILE.get(kind, frozenset()) | BOOKKEEPING
    changed = [(f, old[f], new[f]) for f in new if f in old and f not in quiet and old[f] != new[f]]
    return [change for change in changed if kind not in READ_LATER or change[1] is not None]
