"""Why an action is considered: an incident of a rule, or a person."""

from __future__ import annotations

import hashlib
from datetime import datetime

from alerts.actions.base import Action, Occasion
from alerts.incident import Incident
from alerts.rule import Rule
from core.facts import Target
from core.people import SERVICE, Person


def by_hand(
    action: Action,
    target: Target,
    subject: str,
    *,
    by: Person,
    now: datetime,
    kind: str = "function",
    alert_url: str | None = None,
) -> Occasion:
    """The occasion of a person who asks for an action on a function or queue, without an incident."""
    return Occasion(
        id=id_of("by hand", by.name, now.isoformat(), action.name, target.account, target.region, subject),
        target=target,
        subject_kind=kind,
        subject=subject,
        who=by.name,
        title=f"{subject}, asked for by {by.name}",
        alert_url=alert_url,
    )


def of_incident(
    incident: Incident,
    rule: Rule | None,
    action: Action,
    *,
    base_url: str,
    alias: str | None,
    at: int = 0,
    turn: int = 0,
    id: str | None = None,
    who: str = SERVICE.name,
) -> Occasion:
    """The occasion that an incident is. `at` is the action's place in its rule, `turn` how often it ran."""
    named = (str(turn),) if turn else ()
    return Occasion(
        id=id or id_of(incident.id, action.name, str(at), *named),
        target=Target(incident.account, incident.region),
        subject_kind=incident.subject_kind,
        subject=incident.subject,
        who=who,
        incident=incident.id,
        rule=incident.rule,
        signal=rule.signal if rule else None,
        severity=incident.severity,
        title=incident.title,
        opened_at=incident.opened_at,
        value=incident.value,
        threshold=incident.threshold,
        unit=rule.spec.unit if rule else None,
        runbook=rule.runbook if rule else None,
        labels=rule.labels if rule else {},
        alert_url=f"{base_url}/alerts?alert={incident.id}",
        account_alias=alias,
        turn=turn,
    )


def id_of(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
