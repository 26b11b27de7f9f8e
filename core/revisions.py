"""Configuration as it was at some time: what is now, with later changes taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Name = tuple[str, str]
"""Kind and name of an entity."""

Bodies = Mapping[Name, Mapping[str, Any]]
"""Entities that exist, with their fields."""

APPEARED, GONE = "appeared", "gone"


@dataclass(frozen=True, slots=True)
class Noted:
    """A field that changed; with field "" the thing appeared or went (`new` says which)."""

    ts: datetime
    entity: Name
    field: str
    old: Any
    new: Any


def as_of(now: Bodies, last: Bodies, noted: Iterable[Noted], at: datetime) -> dict[Name, dict[str, Any]]:
    """What existed at `at`, changes of that very moment included.

    `now` is what exists now, `last` what is gone as it was last known, `noted` all changes in the order in
    which they were made.
    """
    bodies = {name: dict(body) for name, body in now.items()}
    for change in reversed([change for change in noted if change.ts > at]):
        if change.field:
            if change.entity in bodies:
                bodies[change.entity][change.field] = change.old
        elif change.new == APPEARED:
            last = {**last, change.entity: bodies.pop(change.entity, {})}
        else:
            bodies[change.entity] = dict(last.get(change.entity, {}))
    return bodies


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs; `field` "" is the thing itself, there on one side only."""

    entity: Name
    field: str
    old: Any
    new: Any


def differences(before: Bodies, after: Bodies) -> list[Difference]:
    """What differs, sorted by entity and field."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            found.append(Difference(name, "", None, APPEARED))
        elif name not in after:
            found.append(Difference(name, "", None, GONE))
        else:
            old, new = before[name], after[name]
            fields = sorted(old.keys() | new.keys())
            found += [Difference(name, f, old.get(f), new.get(f)) for f in fields if old.get(f) != new.get(f)]
    return found
