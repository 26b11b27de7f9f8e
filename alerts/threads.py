"""What a channel must remember of its first message on an incident, to answer or edit it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from alerts.channels.base import Ref
from store.schema import thread


def kept(connection: sa.Connection, incident: str, channel: str) -> Ref | None:
    """None: nothing was posted yet, or its target tells nothing to remember."""
    mine = sa.and_(thread.c.incident == incident, thread.c.channel == channel)
    ref: Ref | None = connection.execute(sa.select(thread.c.ref).where(mine)).scalar()
    return ref


def keep(connection: sa.Connection, incident: str, channel: str, ref: Ref, *, now: datetime) -> None:
    """The first one stays: it is what is edited and answered."""
    if kept(connection, incident, channel) is None:
        row = {"incident": incident, "channel": channel, "ref": dict(ref), "at": now}
        connection.execute(sa.insert(thread).values(row))
