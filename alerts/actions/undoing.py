"""Puts back what we changed, lets it stay, or lets it last longer; each planned and audited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from alerts import ledger
from alerts.actions import auditing, held
from alerts.actions.announcing import escalate
from alerts.actions.base import Aws, Plan
from alerts.actions.held import Held
from alerts.actions.setting import Setting, minutes
from alerts.settings import AlertSettings
from core.errors import ActionError, LeaseLostError, QuarterdeckError
from core.facts import Target
from core.people import SERVICE, Person
from store.store import Store

AwsFor = Callable[[Target], Aws]

AGAIN = timedelta(minutes=1)
"""When a restoration that failed is tried again."""


def restore(
    store: Store,
    change: Held,
    settings: AlertSettings,
    aws_for: AwsFor,
    *,
    by: Person,
    why: str,
    now: datetime,
) -> str:
    """Put the value before back, unless somebody else set another meanwhile; returns how it went.

    Planned and audited like a change. Raises nothing but LeaseLostError: what fails is tried again.
    """
    why = why or "it is tried again"
    with store.transaction() as connection:
        held.put(connection, change.id, state="restoring", said=why, next_at=None)
        _audit_undo(connection, change, by, "planned", why, now=now)
    try:
        aws = aws_for(change.target)
        outcome, answer, request_id = _put_back(change, aws)
        store.count(aws.target, "actions", aws.take_usage(), now=now)
    except LeaseLostError:
        raise
    except Exception as error:  # noqa: BLE001 - one restoration: it is audited, told and tried again
        return _not_restored(store, change, settings, by, said(error), now=now)
    with store.transaction() as connection:
        held.put(connection, change.id, state=outcome, said=f"{answer}: {why}", next_at=None)
        _audit_undo(connection, change, by, "applied", f"{answer} ({why})", now=now, request_id=request_id)
        note(connection, change, f"{answer}: {why}", now, who=by.name)
        if outcome == "kept":
            escalate(connection, change.incident, settings, key=f"changed-{change.id}", text=answer, now=now)
    return answer


def _put_back(change: Held, aws: Aws) -> tuple[str, str, str | None]:
    """State, words, request id."""
    action = change.action
    assert isinstance(action, Setting)
    found = action.read(change.thing, aws)
    whose = f"{change.what} of {change.thing}"
    if found == change.before:
        return "restored", f"{whose} was {action.said(found)} again already", None
    if found != change.after:
        return (
            "kept",
            f"somebody else set {whose} to {action.said(found)} meanwhile: left alone, "
            f"not restored to {action.said(change.before)}",
            None,
        )
    applied = action.write(change.thing, change.before, aws)
    return "restored", f"{whose} is {action.said(change.before)} again", applied.request_id


def _not_restored(
    store: Store, change: Held, settings: AlertSettings, by: Person, why: str, *, now: datetime
) -> str:
    answer = f"cannot restore {change.place}: {why}; it is tried again every minute"
    with store.transaction() as connection:
        held.put(connection, change.id, said=answer, next_at=now + AGAIN)
        _audit_undo(connection, change, by, "failed", answer, now=now)
        escalate(connection, change.incident, settings, key=f"stuck-{change.id}", text=answer, now=now)
    return answer


def _audit_undo(
    connection: sa.Connection,
    change: Held,
    by: Person,
    outcome: str,
    answer: str,
    *,
    now: datetime,
    request_id: str | None = None,
) -> None:
    row = {
        "ts": now,
        "who": by.name,
        "action": f"undo {change.action.name}",
        "account": change.target.account,
        "region": change.target.region,
        "subject": change.subject,
        "incident": change.incident,
        "mode": auditing.APPLY,
        "plan": auditing.plan_json(undo_plan(change), rule=change.rule, undo_of=change.id),
        "outcome": outcome,
        "answer": answer,
        "request_id": request_id,
    }
    auditing.put_row(connection, f"{change.id}{held.UNDONE}", row)


def undo_plan(change: Held) -> Plan:
    action = change.action
    assert isinstance(action, Setting)
    return Plan(
        action=action.name,
        sentence=f"Restore {change.place} from {action.said(change.after)} to {action.said(change.before)}",
        target=change.target,
        request={},
        undo=f"ask for {action.said(change.after)} again",
        what=change.what,
        thing=change.thing,
        subject=change.subject,
        before=change.after,
        after=change.before,
        warnings=("what somebody else set meanwhile is left alone",),
    )


def keep(store: Store, id: str, *, by: Person, now: datetime) -> None:
    """Let a change stay: it is restored no more. Raises ActionError and NotAllowedError."""
    by.must_be("operator", "to keep a change")
    with store.transaction() as connection:
        change = _live(connection, id)
        held.put(connection, id, state="kept", expires_at=None, said=f"kept by {by.name}", next_at=None)
        note(connection, change, f"{by.name} keeps {what_of(change)}: it is not restored", now, who=by.name)
        _audit_lease(connection, change, by, "keep", "it stays", now=now)


def extend(store: Store, id: str, lease: timedelta, *, by: Person, now: datetime) -> datetime:
    """Let a change last until `lease` from now; returns when it ends. Raises ActionError, NotAllowedError."""
    by.must_be("operator", "to extend a lease")
    if not timedelta(minutes=1) <= lease <= timedelta(days=30):
        raise ActionError("a lease is from 1m to 30d long")
    with store.transaction() as connection:
        change = _live(connection, id)
        held.put(connection, id, expires_at=now + lease, next_at=None)
        note(connection, change, f"{by.name} extends {what_of(change)} by {minutes(lease)}", now, who=by.name)
        _audit_lease(connection, change, by, "extend", f"{minutes(lease)} from now", now=now)
    return now + lease


def _audit_lease(
    connection: sa.Connection, change: Held, by: Person, verb: str, answer: str, *, now: datetime
) -> None:
    row = {
        "ts": now,
        "who": by.name,
        "action": f"{verb} {change.action.name}",
        "account": change.target.account,
        "region": change.target.region,
        "subject": change.subject,
        "incident": change.incident,
        "mode": auditing.APPLY,
        "plan": {"sentence": f"{verb.capitalize()} {change.place}", "rule": change.rule},
        "outcome": "applied",
        "answer": answer,
        "request_id": None,
    }
    auditing.put_row(connection, f"{change.id}-{verb}-{now:%Y%m%dT%H%M%S%f}", row)


def _live(connection: sa.Connection, id: str) -> Held:
    change = held.find(connection, id)
    if change is None or change.state != "held":
        raise ActionError(f"no change {id} is held now; `quarterdeck act --list` lists them")
    return change


def note(
    connection: sa.Connection, change: Held, text: str, now: datetime, *, who: str = SERVICE.name
) -> None:
    if change.incident is not None:
        ledger.note(connection, change.incident, now, "action", text, who=who)


def what_of(change: Held) -> str:
    action = change.action
    if isinstance(action, Setting):
        return f"{change.what} {action.said(change.after)} for {change.thing}"
    return f"{action.name} for {change.subject}"


def said(error: Exception) -> str:
    return str(error) if isinstance(error, QuarterdeckError) else f"{type(error).__name__}: {error}"
