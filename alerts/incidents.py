"""What a person does with an incident: acknowledge it, silence it, write a note."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from alerts import ledger
from alerts.incident import Incident
from alerts.notices import length
from core.errors import QuarterdeckError
from store import schema
from store.store import Store


def acknowledge(store: Store, id: str, *, who: str, now: datetime, text: str = "") -> Incident:
    """Somebody has it: notices are repeated no more. Safe to repeat; the first one stays.

    Raises QuarterdeckError when there is no such incident.
    """
    with store.transaction() as connection:
        incident = _existing(connection, id)
        if incident.acked_at is None:
            ledger.update_incident(connection, id, acked_at=now, acked_by=who)
            ledger.note(connection, id, now, "acknowledged", text, who=who)
        return _existing(connection, id)


def note(store: Store, id: str, text: str, *, who: str, now: datetime) -> None:
    """Add a line to the timeline. Raises QuarterdeckError without an incident or a text."""
    if not text.strip():
        raise QuarterdeckError("a note needs some text")
    with store.transaction() as connection:
        _existing(connection, id)
        ledger.note(connection, id, now, "note", text.strip(), who=who)


def silence_incident(
    store: Store, id: str, *, duration: timedelta, reason: str, author: str, now: datetime
) -> int:
    """Hold back notices of this incident's rule and subject. Returns the silence's id."""
    with store.engine.connect() as connection:
        incident = _existing(connection, id)
    return silence(
        store,
        rule=incident.rule,
        account=incident.account,
        region=incident.region,
        subject=incident.subject,
        duration=duration,
        reason=reason,
        author=author,
        now=now,
    )


def silence(
    store: Store,
    *,
    duration: timedelta,
    reason: str,
    author: str,
    now: datetime,
    rule: str | None = None,
    account: str | None = None,
    region: str | None = None,
    subject: str | None = None,
) -> int:
    """Hold back notices and actions about what matches all patterns (None matches anything).

    Incidents open and close all the same, and say what was held back. What still fires when the silence ends
    is told then. Returns the silence's id; raises QuarterdeckError without a reason or a duration.
    """
    if not reason.strip():
        raise QuarterdeckError("a silence needs a reason: whoever finds it later must know why")
    if duration <= timedelta(0):
        raise QuarterdeckError("a silence needs a duration such as 30m or 4h")
    made = ledger.Silence(rule, account, region, subject, now + duration, reason.strip(), author)
    with store.transaction() as connection:
        id = ledger.add_silence(connection, made, start=now)
        for incident in ledger.incidents(connection, since=now):
            if incident.resolved_at is None and made.matches(incident):
                text = f"for {length(duration)}: {made.reason}"
                ledger.note(connection, incident.id, now, "silenced", text, who=author)
    return id


def end_silence(store: Store, id: int, *, who: str, now: datetime) -> None:
    """End a silence early. Safe to repeat. Raises QuarterdeckError when there is no such silence."""
    table = schema.silence
    with store.transaction() as connection:
        row = connection.execute(sa.select(table.c.end).where(table.c.id == id)).first()
        if row is None:
            raise QuarterdeckError(f"there is no silence {id}")
        if row.end > now:
            connection.execute(sa.update(table).where(table.c.id == id).values(end=now))


def _existing(connection: sa.Connection, id: str) -> Incident:
    incident = ledger.incident(connection, id)
    if incident is None:
        raise QuarterdeckError(f"there is no incident {id}; `quarterdeck incidents` lists them")
    return incident
