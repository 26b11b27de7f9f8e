"""Silences: what a person holds back for a while, why, and who it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from alerts import ledger
from alerts.incidents import existing
from alerts.matchers import Matcher
from alerts.notices import length
from core.errors import QuarterdeckError
from core.people import Person
from store import schema
from store.store import Store

MAX_REASON = 1000


def silence_incident(
    store: Store, id: str, *, duration: timedelta, reason: str, by: Person, now: datetime
) -> int:
    """Hold back notices of this incident's rule and subject. Returns the silence's id."""
    by.must_be("operator", "to silence")
    with store.engine.connect() as connection:
        incident = existing(connection, id)
    names = ("rule", "account", "region", "subject")
    exactly = [Matcher(name, "=", _literally(getattr(incident, name))) for name in names]
    return silence(store, matchers=exactly, duration=duration, reason=reason, by=by, now=now)


def silence(
    store: Store,
    *,
    duration: timedelta,
    reason: str,
    by: Person,
    now: datetime,
    matchers: Sequence[Matcher] = (),
    rule: str | None = None,
    account: str | None = None,
    region: str | None = None,
    subject: str | None = None,
) -> int:
    """Hold back notices and actions about what fits all patterns and matchers (None and none fit anything).

    Incidents open and close all the same, and say what was held back. What still fires when the silence ends
    is told then. Returns the silence's id; raises NotAllowedError, and QuarterdeckError without a reason or a
    duration.
    """
    by.must_be("operator", "to silence")
    if not reason.strip():
        raise QuarterdeckError("a silence needs a reason: whoever finds it later must know why")
    if duration <= timedelta(0):
        raise QuarterdeckError("a silence needs a duration such as 30m or 4h")
    why = reason.strip()[:MAX_REASON]
    made = ledger.Silence(rule, account, region, subject, now, now + duration, why, by.name, tuple(matchers))
    with store.transaction() as connection:
        id = ledger.add_silence(connection, made)
        _tell(connection, made, "silenced", f"for {length(duration)}: {why}", by, now)
    return id


def end_silence(store: Store, id: int, *, by: Person, now: datetime) -> None:
    """End a silence early; what still fires is told. Safe to repeat. Raises QuarterdeckError when there is no
    such silence."""
    by.must_be("operator", "to end a silence")
    table = schema.silence
    with store.transaction() as connection:
        found = ledger.silence(connection, id)
        if found is None:
            raise QuarterdeckError(f"there is no silence {id}")
        if found.end > now:
            connection.execute(sa.update(table).where(table.c.id == id).values(end=now))
            _tell(connection, found, "silence ended", found.reason, by, now)


def _tell(
    connection: sa.Connection, silence: ledger.Silence, what: str, text: str, by: Person, now: datetime
) -> None:
    """A line in the timeline of every open incident that it is about."""
    for incident in ledger.incidents(connection, since=now):
        if incident.resolved_at is None and silence.matches(incident):
            ledger.note(connection, incident.id, now, what, text, who=by.name)


def _literally(name: str) -> str:
    """A name in which no character is a wildcard."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
