"""Actions from the command line: plan one by hand, carry it out, undo one, decide about one that waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from alerts.actions import held, requests, undoing
from alerts.actions.auditing import APPLY, DRY_RUN, Planned
from alerts.actions.base import Action
from alerts.actions.occasions import by_hand
from alerts.actions.queue import QueueAction
from alerts.actions.registry import NAMES, read_action
from alerts.actions.runner import actions_named, apply_action, plan_action
from alerts.actions.setting import Setting
from alerts.rules import rules_of
from collectors.aws import Aws, connect
from core.errors import ActionError, AwsError
from core.facts import Target
from core.people import Person
from quarterdeck.answers import find_function
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.output import plain
from quarterdeck.settings import Settings
from store.readers.actions import requests as open_requests
from store.readers.collection import targets as store_targets
from store.schema import action_request, held_change
from store.store import Filter, Store

Document = dict[str, Any]


def act(
    store: Store,
    settings: Settings,
    *,
    action: Action,
    function: str,
    apply: bool,
    where: Filter,
    by: Person,
    now: datetime,
) -> Document:
    """Plan an action on a function (or queue), and carry it out if `apply`; both are audited.

    Raises NotAllowedError, and UsageMistakeError for a function that is not known.
    """
    if apply:
        by.must_be(action.needs, f"to carry out {action.name}")
    is_queue = isinstance(action, QueueAction)
    target = find_queue(store, function, where) if is_queue else find_function(store, function, where)
    kind = "queue" if is_queue else "function"
    occasion = by_hand(
        action, target, function, by=by, now=now, kind=kind, alert_url=settings.alerts.base_url
    )
    aws_for = connected(settings)
    planned = plan_action(store, action, occasion, aws_for, mode=APPLY if apply else DRY_RUN, now=now)
    if apply and planned.plan is not None:
        planned = apply_action(store, planned, aws_for, now=now)
    return to_document(planned)


def find_queue(store: Store, name: str, where: Filter) -> Target:
    """The one account and region that has a queue of this name (or ARN). Raises UsageMistakeError."""
    targets = [Target(row["account"], row["region"]) for row in store_targets(store).to_dict("records")]
    found = [
        target
        for target in targets
        if where.account in (None, target.account) and where.region in (None, target.region)
        for queue in store.inventory(target).queues
        if name in (queue.name, queue.name.rsplit(":", 1)[-1])
    ]
    if len(found) == 1:
        return found[0]
    if found:
        said = ", ".join(f"{target.account} {target.region}" for target in found)
        raise UsageMistakeError(f"{name} exists in {said}: say which with --account and --region")
    raise UsageMistakeError(f"no queue {name} is known; `quarterdeck queues` lists them")


def the_action(settings: Settings, name: str, given: Mapping[str, Any]) -> Action:
    """The action `name` with the values `given`; without values and where there are none to give by default,
    the action that a rule has under this name, or the only action of the rule of this name.

    Raises UsageMistakeError.
    """
    if given and name not in NAMES:
        raise UsageMistakeError(f"options go with an action: there are {', '.join(NAMES)}")
    if name in NAMES:
        try:
            made: Action = read_action({"do": name, **given})
        except ValidationError as error:
            if given or not _of_rules(settings, name):
                raise UsageMistakeError(f"{name}: {_first(error)}") from error
        else:
            return made
    return _the_only(settings, name)


def _first(error: ValidationError) -> str:
    mistake = error.errors(include_url=False)[0]
    names = [str(part).replace("_", "-") for part in mistake["loc"] if part not in NAMES]
    option = f"--{names[-1]}: " if names else ""
    words = "is required" if mistake["type"] == "missing" else mistake["msg"].removeprefix("Value error, ")
    return f"{option}{words}"


def _of_rules(settings: Settings, name: str) -> list[Action]:
    found = actions_named(rules_of(settings.alerts), name)
    return [action for at, action in enumerate(found) if action not in found[:at]]


def _the_only(settings: Settings, name: str) -> Action:
    distinct = _of_rules(settings, name)
    if len(distinct) == 1:
        return distinct[0]
    rules = rules_of(settings.alerts)
    if distinct:
        owners = ", ".join(rule.rule for rule in rules if any(action in distinct for action in rule.act))
        raise UsageMistakeError(f"several rules have an action {name}: name the rule instead ({owners})")
    raise UsageMistakeError(
        f"there is no action {name}, nor a rule that has one: there are {', '.join(NAMES)} (docs/actions.md)"
    )


# --- what waits and what is held --------------------------------------------------------------------------


def listed(store: Store, *, now: datetime) -> Document:
    """What waits for a person, and what we hold in AWS."""
    with store.engine.connect() as connection:
        changes = held.live(connection)
    waiting = open_requests(store, now=now).to_dict("records")
    return {
        "waiting": [
            {
                "id": row["id"], "state": row["state"], "action": row["action"]["do"],
                "subject": row["subject"], "account": row["account"], "region": row["region"],
                "asked_by": row["who"],
                "plan": (row["plan"] or {}).get("sentence"), "expires_at": row["expires_at"],
            }
            for row in waiting
        ],
        "held": [
            {
                "id": change.id, "state": change.state, "what": change.what, "thing": change.thing,
                "account": change.target.account, "region": change.target.region, "who": change.who,
                "before": change.before, "after": change.after, "applied_at": change.applied_at,
                "expires_at": change.expires_at, "verified_at": change.verified_at, "said": change.said,
            }
            for change in changes
        ],
    }  # fmt: skip


def undo(
    store: Store, settings: Settings, beginning: str, *, apply: bool, by: Person, now: datetime
) -> list[str]:
    """Plan to restore a held change, and restore it if `apply`; returns what to say."""
    id = _the_one(store, held_change, beginning, "held change")
    with store.engine.connect() as connection:
        change = held.find(connection, id)
    if change is None or change.state not in ("held", "restoring") or not isinstance(change.action, Setting):
        raise ActionError(f"{id} is not held now: there is nothing to restore")
    plan = undoing.undo_plan(change)
    if not apply:
        return [plan.sentence, *plan.warnings, "only planned: add --apply to carry it out"]
    by.must_be("operator", "to undo a change")
    aws_for = connected(settings)
    why = f"{by.name} asked for it"
    return [undoing.restore(store, change, settings.alerts, aws_for, by=by, why=why, now=now)]


def decide(store: Store, beginning: str, *, approve: bool, by: Person, now: datetime) -> str:
    """Approve or decline the request whose id begins so; the service carries out what is approved."""
    id = _the_one(store, action_request, beginning, "request")
    said = requests.decide(store, id, approve=approve, by=by, now=now)
    return f"{said}; the service carries it out within seconds" if approve else said


def extend(store: Store, beginning: str, lease: timedelta, *, by: Person, now: datetime) -> str:
    id = _the_one(store, held_change, beginning, "held change")
    ends = undoing.extend(store, id, lease, by=by, now=now)
    return f"{id} is held until {ends:%Y-%m-%d %H:%M} UTC"


def keep(store: Store, beginning: str, *, by: Person, now: datetime) -> str:
    id = _the_one(store, held_change, beginning, "held change")
    undoing.keep(store, id, by=by, now=now)
    return f"{id} stays as it is: it is not restored"


def _the_one(store: Store, table: sa.Table, beginning: str, what: str) -> str:
    query = sa.select(table.c.id).where(table.c.id.startswith(beginning, autoescape=True))
    with store.engine.connect() as connection:
        found = list(connection.execute(query.limit(3)).scalars())
    if len(found) == 1 or beginning in found:
        return beginning if beginning in found else str(found[0])
    if found:
        raise UsageMistakeError(f"several begin with {beginning}: write more of the id")
    raise UsageMistakeError(f"no {what} begins with {beginning}: `quarterdeck act --list` lists them")


# --- reaching AWS, and saying how it went -----------------------------------------------------------------


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
        "before": plan.before if plan else None,
        "after": plan.after if plan else None,
        "touches": list(plan.touches) if plan else [],
        "effect": plan.effect if plan else None,
        "cost": plan.cost if plan else None,
        "request": plain(plan.request) if plan else None,
        "warnings": list(plan.warnings) if plan else [],
        "undo": plan.undo if plan else None,
        "answer": planned.answer,
        "request_id": planned.request_id,
    }


def sentences(document: Document) -> list[str]:
    """A planned or applied action, in words."""
    if document["plan"] is None:
        name, function = document["action"], document["function"]
        return [f"{name} on {function}: {document['outcome']}: {document['answer']}"]
    said = [document["plan"]]
    said += [f"{name}: {document[name]}" for name in ("effect", "cost") if document[name]]
    said += [f"touches: {line}" for line in document["touches"]]
    said += [f"beware: {warning}" for warning in document["warnings"]]
    said.append(f"to undo: {document['undo']}" if document["undo"] else "this cannot be undone")
    if document["outcome"] == "planned":
        return [*said, "only planned: add --apply to carry it out"]
    return [*said, f"{document['outcome']}: {document['answer']}"]


def list_sentences(document: Document) -> Sequence[str]:
    lines = [*map(_waiting, document["waiting"]), *map(_held, document["held"])]
    return lines or ["nothing waits for a person, and nothing is held in AWS"]


def _waiting(row: Document) -> str:
    what = row["plan"] or f"{row['action']} on {row['subject']}"
    until = f"to be decided until {row['expires_at']:%Y-%m-%d %H:%M} UTC"
    return f"{row['id']}  {row['state']}: {what}, asked for by {row['asked_by']}, {until}"


def _held(row: Document) -> str:
    ends = row["expires_at"]
    until = f"until {ends:%Y-%m-%d %H:%M} UTC" if ends else "until somebody restores it"
    what = f"{row['what']} of {row['thing']} in {row['region']} of {row['account']}"
    return f"{row['id']}  {row['state']}: {what}, {until}"
