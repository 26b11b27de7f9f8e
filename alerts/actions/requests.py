"""What is asked of the service: pages and chat write rows, a person decides, `answering.py` carries out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions import auditing, held, undoing
from alerts.actions.announcing import announce
from alerts.actions.auditing import Planned
from alerts.actions.base import Action, Occasion
from alerts.actions.held import Held
from alerts.actions.occasions import by_hand, id_of
from alerts.actions.registry import keep_action, read_action
from alerts.actions.setting import Setting
from alerts.incident import Incident
from alerts.notice import Link
from alerts.settings import AlertSettings
from core.errors import ActionError
from core.facts import Target
from core.people import Person
from store.schema import action_request, audit
from store.store import Store


def ask(
    store: Store,
    action: Action,
    target: Target,
    subject: str,
    *,
    by: Person,
    now: datetime,
    within: timedelta,
    kind: str = "function",
    incident: str | None = None,
) -> str:
    """Ask for an action on a function or queue; the service plans it. Returns the request's id.

    Raises NotAllowedError.
    """
    by.must_be("operator", "to ask for an action")
    occasion = by_hand(action, target, subject, by=by, now=now, kind=kind)
    with store.transaction() as connection:
        found = ledger.incident(connection, incident) if incident else None
        _insert(
            connection, occasion.id, action, occasion, state="asked", said="", expires_at=now + within,
            incident=incident, rule=found.rule if found else None, now=now,
        )  # fmt: skip
        if incident:
            text = f"{by.name} asks for {action.name} on {subject}"
            ledger.note(connection, incident, now, "action", text, who=by.name)
    return occasion.id


def ask_undo(store: Store, id: str, *, by: Person, now: datetime) -> str:
    """Ask that a held change be restored now: asked and approved at once. Returns the request's id.

    Raises ActionError and NotAllowedError.
    """
    by.must_be("operator", "to undo a change")
    with store.transaction() as connection:
        change = held.find(connection, id)
        if change is None or change.state != "held" or not isinstance(change.action, Setting):
            raise ActionError(f"no change {id} is held that could be restored")
        occasion = _of_change(change, by.name)
        request = id_of("undo", id, by.name, now.isoformat())
        _insert(
            connection, request, change.action, occasion, state="approved", said="", now=now, undo_of=id,
            expires_at=now + timedelta(hours=1), plan=auditing.plan_json(undoing.undo_plan(change)),
            incident=change.incident, rule=change.rule, decided_by=by.name,
        )  # fmt: skip
    return request


def decide(store: Store, id: str, *, approve: bool, by: Person, now: datetime) -> str:
    """Approve or decline what is planned, once; returns a sentence.

    Raises ActionError and NotAllowedError.
    """
    with store.transaction() as connection:
        return decide_in(connection, id, approve=approve, by=by, now=now)


def decide_in(connection: sa.Connection, id: str, *, approve: bool, by: Person, now: datetime) -> str:
    """As `decide`, within a transaction."""
    by.must_be("operator", "to decide on an action")
    table = action_request
    row = connection.execute(sa.select(table).where(table.c.id == id)).first()
    if row is None:
        raise ActionError(f"there is no request {id}; `quarterdeck act --list` lists them")
    action = read_action(row.action)
    role, verb = (action.needs, "approve") if approve else ("operator", "decline")
    by.must_be(role, f"to {verb} {action.name}")
    state = "approved" if approve else "declined"
    open_ = table.c.id == id, table.c.state == "planned", table.c.expires_at > now
    values = {"state": state, "decided_at": now, "decided_by": by.name}
    if not connection.execute(sa.update(table).where(*open_).values(values)).rowcount:
        raise ActionError(f"{action.name} on {row.subject} cannot be {state}: {_why_not(row, now)}")
    text = f"{by.name} {state} {action.name} on {row.subject}"
    if row.incident:
        ledger.note(connection, row.incident, now, "action", text, who=by.name)
    if not approve:
        audited(connection, id, "declined", text)
    return text


def _why_not(row: Any, now: datetime) -> str:
    if row.state == "planned" and row.expires_at <= now:
        return f"it was to be decided until {row.expires_at:%H:%M} UTC"
    if row.state == "asked":
        return "the service has not planned it yet"
    who = f" by {row.decided_by}" if row.decided_by else ""
    return f"it is {row.state}{who} already"


def wait_for_person(
    store: Store, planned: Planned, incident: Incident, settings: AlertSettings, *, now: datetime
) -> None:
    """Keep a rule's plan until a person decides, and say so where the incident was told."""
    assert planned.plan is not None
    until = now + settings.actions.approve_within
    text = (
        f"{planned.plan.sentence}. {planned.plan.effect or ''} It waits for a person until "
        f"{until:%Y-%m-%d %H:%M} UTC."
    )
    link = Link(label="Look and decide", url=f"{settings.base_url}/actions?request={planned.id}")
    with store.transaction() as connection:
        _insert(
            connection, planned.id, planned.action, planned.occasion, state="planned", said="",
            plan=auditing.plan_json(planned.plan, rule=planned.occasion.rule, chain=planned.chain),
            expires_at=until, now=now, incident=incident.id, rule=incident.rule,
        )  # fmt: skip
        announce(
            connection, incident, settings, reason="approval", key=f"approve-{planned.id}", links=(link,),
            about=f"{planned.action.name}: ", text=text, now=now,
        )  # fmt: skip


def _insert(
    connection: sa.Connection,
    id: str,
    action: Action,
    occasion: Occasion,
    *,
    now: datetime,
    decided_by: str | None = None,
    **given: Any,
) -> None:
    row = {
        "id": id,
        "asked_at": now,
        "who": occasion.who,
        "action": keep_action(action),
        "account": occasion.target.account,
        "region": occasion.target.region,
        "subject_kind": occasion.subject_kind,
        "subject": occasion.subject,
        "decided_at": now if decided_by else None,
        "decided_by": decided_by,
    }
    if not connection.execute(sa.select(action_request.c.id).where(action_request.c.id == id)).first():
        connection.execute(sa.insert(action_request).values(row | given))


def _of_change(change: Held, who: str) -> Occasion:
    return Occasion(
        id=change.id, target=change.target, subject_kind="function", subject=change.subject, who=who,
        incident=change.incident, rule=change.rule,
    )  # fmt: skip


def audited(connection: sa.Connection, id: str, outcome: str, answer: str) -> None:
    connection.execute(sa.update(audit).where(audit.c.id == id).values(outcome=outcome, answer=answer))
