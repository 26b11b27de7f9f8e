"""What a person does from the command line about an incident: acknowledge, assign, read, export."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import incidents
from core.people import Person
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.output import text
from store.schema import incident as incident_table
from store.store import Store


def acknowledge(store: Store, beginning: str, *, by: Person, now: datetime) -> str:
    """Acknowledge the incident whose id begins so; returns what to say."""
    incident = incidents.acknowledge(store, incident_id(store, beginning), by=by, now=now)
    if incident.acked_by != by.name:
        return f"{incident.id} was acknowledged by {incident.acked_by} already: {incident.title}"
    return f"acknowledged {incident.id}: {incident.title}"


def assign(store: Store, beginning: str, to: str, *, by: Person, now: datetime) -> str:
    """Say who works on it; returns what to say."""
    incident = incidents.assign(store, incident_id(store, beginning), to, by=by, now=now)
    return f"{incident.id} is {incident.assignee or 'nobody'}'s now: {incident.title}"


def export(store: Store, id: str, *, now: datetime) -> str:
    """All about an incident as one HTML file."""
    from alerts.report import incident_html  # heavy

    return incident_html(store, id, now=now)


def told(document: dict[str, Any]) -> list[str]:
    """One incident in lines for a terminal: what, how it stands, its group, what happened."""
    row = document["incident"]
    where = f"{row['account']} {row['region']} {row['subject']}"
    lines = [
        row["title"],
        f"{row['state']} since {row['opened_at']}, {row['severity']}, rule {row['rule']}, {where}",
    ]
    lines += [f"resolved {row['resolved_at']}"] if row["resolved_at"] else []
    lines += [f"assigned to {row['assignee']}"] if row["assignee"] else []
    lines += [f"verdict: {row['verdict']}"] if row["verdict"] else []
    if row["grouped_under"]:
        lines.append(f"told by incident {row['grouped_under']}: {(row['cause'] or {}).get('text', '')}")
    lines += [f"stands under it: {one['id']} {one['title']}" for one in document["members"]]
    lines += [f"{one['ts']} {one['what']}{_by(one)}: {one['text']}" for one in document["timeline"]]
    return [text(line) for line in lines]


def _by(event: dict[str, Any]) -> str:
    return f" by {event['who']}" if event["who"] else ""


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
