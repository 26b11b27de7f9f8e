"""Who came to the dashboard, and what they may: written there, asked by the service before it acts."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from core.access import Granted, Seen
from store import schema
from store.store import Store

_TABLE = schema.person
REFUSED = "none"
"""Kept as the role of those whom nothing lets in: a name without a row is one of the command line."""


def remember(store: Store, name: str, grant: Granted, *, at: datetime) -> None:
    """Keep that `name` came with that grant, or was refused; the newest word stays. Raises StoreError."""
    row = {"role": grant.role or REFUSED, "source": grant.source, "why": grant.why, "seen_at": at}
    with store.transaction() as connection:
        if (before := seen(connection, name)) and before.seen_at > at:
            return
        connection.execute(sa.delete(_TABLE).where(_TABLE.c.name == name))
        connection.execute(sa.insert(_TABLE).values(name=name, **row))


def seen(connection: sa.Connection, name: str) -> Seen | None:
    """What was kept of `name`; None for those who never came in by the dashboard."""
    row = connection.execute(sa.select(_TABLE).where(_TABLE.c.name == name)).first()
    return None if row is None else Seen(None if row.role == REFUSED else row.role, row.source, row.seen_at)
