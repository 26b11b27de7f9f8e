"""The changes that we hold in AWS: rows that outlive a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts.actions.base import Action
from alerts.actions.registry import read_action
from core.facts import Target
from store.schema import held_change

LIVE = ("applying", "held", "restoring")
"""States in which the value in AWS may be ours. `restored`, `kept` and `failed` are over."""

UNDONE = "-undone"
"""Ends the audit id of a restoration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A change of ours. Without `what` to restore it is a deed that is only verified.

    `expires_at` None: it stays until a person restores it. `verify_by` None: nothing is verified.
    """

    id: str
    who: str
    action: Action
    target: Target
    subject: str
    incident: str | None
    rule: str | None
    what: str
    thing: str
    before: Any
    after: Any
    applied_at: datetime
    expires_at: datetime | None
    verify_by: datetime | None
    verified_at: datetime | None
    next_at: datetime | None
    state: str
    said: str

    @property
    def place(self) -> str:
        return f"{self.what} of {self.thing} in {self.target.region} of {self.target.account}"


def live(connection: sa.Connection) -> list[Held]:
    """Those that are not over, oldest first."""
    rows = connection.execute(
        sa.select(held_change).where(held_change.c.state.in_(LIVE)).order_by(held_change.c.applied_at)
    )
    return [to_held(row) for row in rows]


def find(connection: sa.Connection, id: str) -> Held | None:
    row = connection.execute(sa.select(held_change).where(held_change.c.id == id)).first()
    return None if row is None else to_held(row)


def to_held(row: sa.Row[Any]) -> Held:
    known = dict(row._mapping)
    target = Target(known.pop("account"), known.pop("region"))
    return Held(**{**known, "target": target, "action": read_action(known["action"])})


def put(connection: sa.Connection, id: str, **values: Any) -> None:
    changed = connection.execute(sa.update(held_change).where(held_change.c.id == id).values(values))
    if not changed.rowcount:
        connection.execute(sa.insert(held_change).values({"id": id, **values}))


def same_thing(changes: Sequence[Held], target: Target, what: str, thing: str) -> Held | None:
    """The change that already holds this value."""
    wanted = (target, what, thing)
    return next((each for each in changes if (each.target, each.what, each.thing) == wanted), None)
