"""What a person does from the command line about an incident: acknowledge, silence, act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import incidents
from alerts.actions import Planned, actions_named, apply_action, by_hand, plan_action
from alerts.actions.base import Action
from alerts.rules import rules_of
from collectors.aws import Aws, connect
from core.errors import AwsError
from core.facts import Target
from core.people import Person
from quarterdeck.answers import find_function
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.output import plain
from quarterdeck.settings import Settings
from store.schema import incident as incident_table
from store.store import Filter, Store

Document = dict[str, Any]


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


def act(
    store: Store,
    settings: Settings,
    *,
    name: str,
    function: str,
    apply: bool,
    where: Filter,
    who: str,
    now: datetime,
) -> Document:
    """Plan the action of that name on a function, and carry it out if `apply`; both are audited."""
    target = find_function(store, function, where)
    action = the_action(settings, name)
    occasion = by_hand(action, target, function, who=who, now=now, alert_url=settings.alerts.base_url)
    aws_for = connected(settings)
    planned = plan_action(store, action, occasion, aws_for, apply=apply, now=now)
    if apply and planned.plan is not None:
        planned = apply_action(store, planned, aws_for, now=now)
    return to_document(planned)


def the_action(settings: Settings, name: str) -> Action:
    """The action that a rule has under this name, or the only action of the rule of this name."""
    rules = rules_of(settings.alerts)
    found = actions_named(rules, name)
    distinct = [action for at, action in enumerate(found) if action not in found[:at]]
    if len(distinct) == 1:
        return distinct[0]
    names = sorted({action.name for rule in rules for action in rule.act})
    if distinct:
        owners = ", ".join(rule.rule for rule in rules if any(action in distinct for action in rule.act))
        raise UsageMistakeError(f"several rules have an action {name}: name the rule instead ({owners})")
    hint = f"there are {', '.join(names)}" if names else "no rule has an action yet, see docs/alerts.md"
    raise UsageMistakeError(f"no rule has an action {name}: {hint}")


def connected(settings: Settings) -> Callable[[Target], Aws]:
    """How an action gets to its target: all targets are connected to on first use."""
    reached: dict[Target, Aws] = {}
    reasons: list[str] = []

    def aws_for(target: Target) -> Aws:
        if not reached and not reasons:
            found, unreachable = connect(settings.targets, settings.aws)
            reached.update({aws.target: aws for aws in found})
            reasons.extend(str(missing.error) for missing in unreachable)
        if target not in reached:
            why = f": {'; '.join(reasons)}" if reasons else ": it is not among the targets of the settings"
            raise AwsError(f"cannot reach {target.account} in {target.region}{why}")
        return reached[target]

    return aws_for


def to_document(planned: Planned) -> Document:
    plan = planned.plan
    return {
        "id": planned.id,
        "action": planned.action.name,
        "account": planned.occasion.target.account,
        "region": planned.occasion.target.region,
        "function": planned.occasion.subject,
        "mode": planned.mode,
        "outcome": planned.outcome,
        "plan": plan.sentence if plan else None,
        "request": plain(plan.request) if plan else None,
        "warnings": list(plan.warnings) if plan else [],
        "undo": plan.undo if plan else None,
        "answer": planned.answer,
        "request_id": planned.request_id,
    }


def sentences(document: Document) -> list[str]:
    """A planned or applied action, in words."""
    if document["plan"] is None:
        return [
            f"{document['action']} on {document['function']}: {document['outcome']}: {document['answer']}"
        ]
    said = [document["plan"], *(f"beware: {warning}" for warning in document["warnings"])]
    said.append(f"to undo: {document['undo']}" if document["undo"] else "this cannot be undone")
    if document["outcome"] == "planned":
        return [*said, "only planned: add --apply to carry it out"]
    return [*said, f"{document['outcome']}: {document['answer']}"]
