"""What somebody may at the moment when the service carries out what they asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from core.access import AccessSettings, person_of, role_now
from core.people import SERVICE, Person, Role
from store.people import seen


@dataclass(frozen=True, slots=True)
class Access:
    """The settings that roles are asked of: `anyone` is the dashboard's allow_anyone."""

    settings: AccessSettings = field(default_factory=AccessSettings)
    anyone: Role | None = None


def person_now(connection: sa.Connection, name: str, access: Access, *, now: datetime) -> Person:
    """Who asked or approved, with the role that the service's own settings give that name now: a role that
    was taken away meanwhile is gone. `core.access.role_now` says how claims and the command line count."""
    if name == SERVICE.name:
        return SERVICE
    found = seen(connection, name)
    return person_of(name, role_now(access.settings, name, found, anyone=access.anyone, now=now))
