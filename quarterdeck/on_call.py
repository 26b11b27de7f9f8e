"""What a person does from the command line about an incident: acknowledge."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from alerts import incidents
from core.people import Person
from quarterdeck.mistakes import UsageMistakeError
from store.schema import incident as incident_table
from store.store import Store


def acknowledge(store: Store, beginning: str, *, by: Person, now: datetime) -> str:
    """Acknowledge the incident whose id begins so; returns what to say."""
    incident = incidents.acknowledge(store, incident_id(store, beginning), by=by, now=now)
    if incident.acked_by != by.name:
        return f"{incident.id} was acknowledged by {incident.acked_by} already: {incident.title}"
    return f"acknowledged {incident.id}: {incident.title}"


def incident_id(store: Store, beginning: str) -> str:
    """The one incident whose id begins so. Raises UsageMistakeError when there is none, or several."""
    query = sa.select(incident_table.c.id).where(incident_table.c.id.startswith(beginning, autoescape=True))
    with store.engine.connect() as connection:
        found = list(connection.execute(query.limit(3)).scalars())
    if len(found) == 1 or beginning in found:
        return beginning if beginning in found else str(found[0])
    if found:
        raise UsageMistakeError(f"several incidents begin with {beginning}: write more of the id")
    raise UsageMistakeError(f"no incident begins with {beginning}: `quarterdeck incidents --all` lists them")
