"""What a person does with an incident: acknowledge, assign, note, say whether it was real."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import sqlalchemy as sa

from alerts import ledger
from alerts.incident import Incident
from core.errors import QuarterdeckError
from core.people import Person
from store.store import Store

Verdict = Literal["real", "noise"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MAX_NOTE = 4000
MAX_NAME = 200


def acknowledge(store: Store, id: str, *, by: Person, now: datetime, text: str = "") -> Incident:
    """Somebody has it: notices are repeated no more. Safe to repeat; the first one stays.

    Raises NotAllowedError, and QuarterdeckError when there is no such incident.
    """
    by.must_be("operator", "to acknowledge")
    with store.transaction() as connection:
        incident = existing(connection, id)
        if incident.acked_at is None:
            ledger.update_incident(connection, id, acked_at=now, acked_by=by.name)
            ledger.note(connection, id, now, "acknowledged", text.strip()[:MAX_NOTE], who=by.name)
        return existing(connection, id)


def assign(store: Store, id: str, to: str, *, by: Person, now: datetime) -> Incident:
    """Say who works on it; "" gives it back to nobody. Safe to repeat."""
    by.must_be("operator", "to assign")
    to = to.strip()[:MAX_NAME]
    with store.transaction() as connection:
        incident = existing(connection, id)
        if (incident.assignee or "") != to:
            ledger.update_incident(connection, id, assignee=to or None)
            ledger.note(connection, id, now, "assigned", f"to {to}" if to else "to nobody", who=by.name)
        return existing(connection, id)


def note(store: Store, id: str, text: str, *, by: Person, now: datetime) -> None:
    """Add a line to the timeline. Raises QuarterdeckError without an incident or a text."""
    by.must_be("operator", "to write a note")
    if not text.strip():
        raise QuarterdeckError("a note needs some text")
    with store.transaction() as connection:
        existing(connection, id)
        ledger.note(connection, id, now, "note", text.strip()[:MAX_NOTE], who=by.name)


def judge(store: Store, id: str, verdict: Verdict | None, *, by: Person, now: datetime) -> Incident:
    """Say whether it was worth telling: real or noise; None takes it back. The rule's backtest counts it."""
    by.must_be("operator", "to say whether it was real")
    if verdict is not None and verdict not in VERDICTS:
        raise QuarterdeckError(f"an incident was {' or '.join(VERDICTS)}, not {verdict!r}")
    with store.transaction() as connection:
        incident = existing(connection, id)
        if incident.verdict != verdict:
            ledger.update_incident(connection, id, verdict=verdict)
            ledger.note(connection, id, now, "verdict", verdict or "taken back", who=by.name)
        return existing(connection, id)


def existing(connection: sa.Connection, id: str) -> Incident:
    """The incident. Raises QuarterdeckError when there is none."""
    incident = ledger.incident(connection, id)
    if incident is None:
        raise QuarterdeckError(f"there is no incident {id}; `quarterdeck incidents` lists them")
    return incident
