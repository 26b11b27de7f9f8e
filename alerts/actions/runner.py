"""Carries actions out: decides, plans, audits, applies. What is done was written down before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions.base import Action, Aws, Occasion, Plan
from alerts.actions.limits import DONE, held_back
from core.errors import ActionError, LeaseLostError, QuarterdeckError
from core.facts import Target
from store.schema import audit
from store.store import Store

if TYPE_CHECKING:  # a rule holds actions, so its module imports this package
    from alerts.incident import Incident
    from alerts.rule import Rule
    from alerts.settings import AlertSettings

SERVICE = "quarterdeck"


@dataclass(frozen=True, slots=True)
class Planned:
    """An action with its plan, audited under `id`. `plan` is None when it could not be planned."""

    id: str
    action: Action
    occasion: Occasion
    plan: Plan | None
    mode: str
    outcome: str
    answer: str | None = None
    request_id: str | None = None


def act_due(
    store: Store,
    rules: Sequence[Rule],
    settings: AlertSettings,
    aws_for: Callable[[Target], Aws],
    *,
    now: datetime,
) -> list[Planned]:
    """Do, or only plan, what the rules of open incidents say; each action once per incident.

    An action is applied when both its rule and the settings enable it, and held back (the reason is audited,
    and it is tried again) by a silence, its cooldown, a cap, or when it would act on itself.
    """
    done = []
    for occasion, action in list(_wanted(store, rules, settings, now=now)):
        live = action.enabled and settings.actions.enabled
        why = (
            held_back(store, occasion, action, settings, now=now)
            if live or action.touches(occasion)
            else None
        )
        if why is not None:
            held = Planned(
                occasion.id, action, occasion, None, "apply" if live else "dry run", "held back", why
            )
            _hold(store, held, now=now)
            continue
        planned = plan_action(store, action, occasion, aws_for, apply=live, now=now)
        done.append(apply_action(store, planned, aws_for, now=now) if live and planned.plan else planned)
    return done


def plan_action(
    store: Store,
    action: Action,
    occasion: Occasion,
    aws_for: Callable[[Target], Aws],
    *,
    apply: bool,
    now: datetime,
) -> Planned:
    """Look and say what would be done; nothing is changed. The plan, or why there is none, is audited.

    `apply` says whether it is meant to be carried out next.
    """
    planned = Planned(occasion.id, action, occasion, None, "apply" if apply else "dry run", "planned")
    try:
        aws = aws_for(action.place(occasion))
        planned = replace(planned, plan=action.plan(occasion, aws, now=now))
        _count(store, aws, now)
    except LeaseLostError:
        raise  # another service plans it
    except Exception as error:  # noqa: BLE001 - one action: its failure is audited, and stops no other
        planned = replace(planned, outcome="failed", answer=_said(error))
    _write(store, planned, now=now)
    return planned


def apply_action(
    store: Store, planned: Planned, aws_for: Callable[[Target], Aws], *, now: datetime
) -> Planned:
    """Carry out what was planned, and audit how it went. Raises ActionError for a plan that is none."""
    if planned.plan is None or planned.mode != "apply":
        raise ActionError(
            f"{planned.action.name} on {planned.occasion.subject} was not planned to be applied"
        )
    try:
        aws = aws_for(planned.plan.target)
        applied = planned.action.apply(planned.plan, aws)
        done = replace(planned, outcome="applied", answer=applied.answer, request_id=applied.request_id)
        _count(store, aws, now)
    except Exception as error:  # noqa: BLE001 - one action: its failure is audited, and stops no other
        done = replace(planned, outcome="failed", answer=_said(error))
    _write(store, done, now=now)
    return done


def by_hand(
    action: Action, target: Target, function: str, *, who: str, now: datetime, alert_url: str | None = None
) -> Occasion:
    """The occasion of a person who asks for an action on a function, without an incident."""
    return Occasion(
        id=_id("by hand", who, now.isoformat(), action.name, target.account, target.region, function),
        target=target,
        subject_kind="function",
        subject=function,
        who=who,
        title=f"{function}, asked for by {who}",
        alert_url=alert_url,
    )


def actions_named(rules: Iterable[Rule], name: str) -> list[Action]:
    """What a person may mean by `name`: the actions of the rule of that name, else those that `do` it."""
    rules = list(rules)
    of_rule: list[Action] = [action for rule in rules if rule.rule == name for action in rule.act]
    return of_rule or [action for rule in rules for action in rule.act if action.name == name]


def _wanted(
    store: Store, rules: Sequence[Rule], settings: AlertSettings, *, now: datetime
) -> Iterator[tuple[Occasion, Action]]:
    acting = {rule.rule: rule for rule in rules if rule.act}
    if not acting:
        return
    with store.engine.connect() as connection:
        is_open = [i for i in ledger.incidents(connection, since=now) if i.resolved_at is None]
        done = set(connection.execute(sa.select(audit.c.id).where(audit.c.outcome.in_(DONE))).scalars())
    named = ledger.aliases(store) if is_open else {}
    for incident in is_open:
        rule, alias = acting.get(incident.rule), named.get(Target(incident.account, incident.region))
        for at, action in enumerate(rule.act if rule else ()):
            assert rule is not None
            occasion = _occasion(incident, rule, at, action, settings, alias)
            if occasion.id not in done:
                yield occasion, action


def _occasion(
    incident: Incident, rule: Rule, at: int, action: Action, settings: AlertSettings, alias: str | None
) -> Occasion:
    return Occasion(
        id=_id(incident.id, action.name, str(at)),
        target=Target(incident.account, incident.region),
        subject_kind=incident.subject_kind,
        subject=incident.subject,
        who=SERVICE,
        incident=incident.id,
        rule=rule.rule,
        signal=rule.signal,
        severity=incident.severity,
        title=incident.title,
        opened_at=incident.opened_at,
        value=incident.value,
        threshold=incident.threshold,
        unit=rule.spec.unit,
        runbook=rule.runbook,
        labels=rule.labels,
        alert_url=f"{settings.base_url}/alerts?alert={incident.id}",
        account_alias=alias,
    )


def _hold(store: Store, held: Planned, *, now: datetime) -> None:
    """Audit once why it waits; the same reason again writes nothing."""
    with store.engine.connect() as connection:
        before = connection.execute(sa.select(audit.c.answer).where(audit.c.id == held.id)).scalar()
    if before != held.answer:
        _write(store, held, now=now)


def _write(store: Store, planned: Planned, *, now: datetime) -> None:
    occasion = planned.occasion
    row = {
        "ts": now,
        "who": occasion.who,
        "action": planned.action.name,
        "account": occasion.target.account,
        "region": occasion.target.region,
        "subject": occasion.subject,
        "incident": occasion.incident,
        "mode": planned.mode,
        "plan": _plan_json(planned),
        "outcome": planned.outcome,
        "answer": planned.answer,
        "request_id": planned.request_id,
    }
    with store.transaction() as connection:
        changed = connection.execute(sa.update(audit).where(audit.c.id == planned.id).values(row))
        if not changed.rowcount:
            connection.execute(sa.insert(audit).values(row | {"id": planned.id}))
        if occasion.incident is not None:
            ledger.note(connection, occasion.incident, now, "action", _line(planned), who=occasion.who)


def _plan_json(planned: Planned) -> dict[str, Any]:
    plan = {} if planned.plan is None else asdict(planned.plan)
    return json.loads(json.dumps(plan | {"rule": planned.occasion.rule}, default=str))  # type: ignore[no-any-return]


def _line(planned: Planned) -> str:
    what = planned.plan.sentence if planned.plan else planned.action.name
    return f"{planned.outcome} ({planned.mode}): {what}{f': {planned.answer}' if planned.answer else ''}"


def _count(store: Store, aws: Aws, now: datetime) -> None:
    store.count(aws.target, "actions", aws.take_usage(), now=now)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, QuarterdeckError) else f"{type(error).__name__}: {error}"


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
