"""Carries actions out: decides, plans, audits, applies. What is done was written down before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from alerts import holding, ledger
from alerts.actions import answering, auditing, keeping, limits, requests
from alerts.actions.around import with_callers
from alerts.actions.auditing import APPLY, ASK, DONE, DRY_RUN, Planned
from alerts.actions.base import Action, Aws, Occasion
from alerts.actions.occasions import of_incident
from alerts.actions.setting import Setting
from alerts.actions.undoing import said
from alerts.incident import Incident
from alerts.people import Access
from alerts.rule import Rule
from alerts.settings import AlertSettings
from core.errors import ActionError, LeaseLostError, NothingToDoError
from core.facts import Target
from core.settings import CostSettings
from store.schema import audit
from store.store import Store

AwsFor = Callable[[Target], Aws]


def act_due(
    store: Store,
    rules: Sequence[Rule],
    settings: AlertSettings,
    aws_for: AwsFor,
    *,
    access: Access,
    now: datetime,
    cost: CostSettings | None = None,
) -> list[Planned]:
    """Put back, verify and carry out what is due: our changes, then what people asked for, then the rules.
    `cost` has the budgets that changes may be verified by.

    A rule's action is applied when both its rule and the settings say so, and held back (the reason is
    audited, and it is tried again) by a silence, its cooldown, a cap, or when it would act on its own doing.
    """
    named = {rule.rule: rule for rule in rules}
    keeping.keep_due(store, named, settings, aws_for, now=now, cost=cost)
    asked = answering.due(store, named, settings, now=now)
    done = [_of_request(store, each, settings, aws_for, access, now=now) for each in asked]
    return done + _of_rules(store, rules, settings, aws_for, now=now)


# --- what people asked for --------------------------------------------------------------------------------


def _of_request(
    store: Store,
    asked: answering.Due,
    settings: AlertSettings,
    aws_for: AwsFor,
    access: Access,
    *,
    now: datetime,
) -> Planned:
    """Plan a request that is new; carry out one that was approved by somebody who may, still."""
    if asked.is_new:
        if refused := answering.refused(store, asked, access, now=now):
            return refused
        planned = plan_action(store, asked.action, asked.occasion, aws_for, mode=ASK, now=now)
        answering.planned(store, planned, now=now)
        return planned
    ready = answering.ready(store, asked, settings, access, now=now)
    if ready.outcome != "planned":
        return ready
    if asked.undo_of is not None:
        return answering.undo(store, asked, settings, aws_for, now=now)
    done = apply_action(store, replace(ready, mode=APPLY), aws_for, now=now)
    answering.finished(store, asked.id, done, now=now)
    return done


# --- what rules say ---------------------------------------------------------------------------------------


def _of_rules(
    store: Store, rules: Sequence[Rule], settings: AlertSettings, aws_for: AwsFor, *, now: datetime
) -> list[Planned]:
    acting = [rule for rule in rules if any(action.mode != "off" for action in rule.act)]
    if not acting:
        return []
    wanted = list(_wanted(store, acting, settings, now=now))
    if not wanted:
        return []
    holds, done = holding.gather(store, rules, settings, now=now), list[Planned]()
    for incident, occasion, action in wanted:
        mode = _mode(action, settings)
        back = max(action.cooldown, timedelta(hours=1))
        lately = limits.done_lately(store, now=now, back=back)
        why = limits.held_back(lately, incident, occasion, action, settings.actions, holds, now=now)
        if why is not None and (mode != DRY_RUN or action.touches(occasion)):
            held = Planned(occasion.id, action, occasion, None, mode, "held back", why)
            auditing.hold(store, held, now=now)
            continue
        ours = limits.cause(lately.changes, occasion, action)
        depth = limits.chain(lately, ours) + 1 if ours else 0
        planned = plan_action(store, action, occasion, aws_for, mode=mode, now=now, chain=depth)
        if mode == APPLY and planned.plan:
            planned = apply_action(store, planned, aws_for, now=now)
        elif mode == ASK and planned.plan:
            requests.wait_for_person(store, planned, incident, settings, now=now)
        done.append(planned)
    return done


def _mode(action: Action, settings: AlertSettings) -> str:
    if not settings.actions.enabled:
        return DRY_RUN
    return {"automatic": APPLY, "ask": ASK}.get(action.mode, DRY_RUN)


def _wanted(
    store: Store, rules: Sequence[Rule], settings: AlertSettings, *, now: datetime
) -> Iterator[tuple[Incident, Occasion, Action]]:
    acting = {rule.rule: rule for rule in rules}
    with store.engine.connect() as connection:
        is_open = [i for i in ledger.incidents(connection, since=now) if i.resolved_at is None]
        query = sa.select(audit.c.id).where(audit.c.outcome.in_(DONE))
        done = set(connection.execute(query).scalars()) if is_open else set()
    named = ledger.aliases(store) if is_open else {}
    for incident in is_open:
        rule, alias = acting.get(incident.rule), named.get(Target(incident.account, incident.region))
        for at, action in enumerate(rule.act if rule else ()):
            occasion = _next(incident, rule, action, at, done, settings.base_url, alias)
            if occasion is not None and action.mode != "off":
                yield incident, occasion, action


def _next(
    incident: Incident,
    rule: Rule | None,
    action: Action,
    at: int,
    done: set[str],
    base_url: str,
    alias: str | None,
) -> Occasion | None:
    """The first turn of an action that was not done; only one that may run `again` has a second."""
    turn = 0
    while True:
        occasion = of_incident(incident, rule, action, base_url=base_url, alias=alias, at=at, turn=turn)
        if occasion.id not in done:
            return occasion
        if not action.again:
            return None
        turn += 1


# --- plan, apply ------------------------------------------------------------------------------------------


def plan_action(
    store: Store,
    action: Action,
    occasion: Occasion,
    aws_for: AwsFor,
    *,
    mode: str,
    now: datetime,
    chain: int = 0,
) -> Planned:
    """Look and say what would be done; nothing is changed. The plan, or why there is none, is audited.

    `mode` says what is meant to follow: APPLY, ASK, or nothing (DRY_RUN).
    """
    planned = Planned(occasion.id, action, occasion, None, mode, "planned", chain=chain)
    try:
        aws = aws_for(action.place(occasion))
        plan = with_callers(store, action.plan(occasion, aws, now=now), now=now)
        planned = replace(planned, plan=plan)
        _count(store, aws, now)
    except LeaseLostError:
        raise  # another service plans it
    except NothingToDoError as error:
        planned = replace(planned, outcome="nothing to do", answer=said(error))
    except Exception as error:  # noqa: BLE001 - one action: its failure is audited, and stops no other
        planned = replace(planned, outcome="failed", answer=said(error))
    auditing.write(store, planned, now=now)
    return planned


def apply_action(store: Store, planned: Planned, aws_for: AwsFor, *, now: datetime) -> Planned:
    """Carry out what was planned, and audit how it went. Raises ActionError for a plan that is none."""
    if planned.plan is None or planned.mode != APPLY:
        raise ActionError(
            f"{planned.action.name} on {planned.occasion.subject} was not planned to be applied"
        )
    try:
        aws = aws_for(planned.plan.target)
        if isinstance(planned.action, Setting):
            done = keeping.carry_out(store, planned, planned.plan, aws, now=now)
            _count(store, aws, now)
            return done
        applied = planned.action.apply(planned.plan, aws)
        done = replace(planned, outcome="applied", answer=applied.answer, request_id=applied.request_id)
        _count(store, aws, now)
    except LeaseLostError:
        raise  # what became of it, the next service finds out
    except Exception as error:  # noqa: BLE001 - one action: its failure is audited, and stops no other
        done = replace(planned, outcome="failed", answer=said(error))
    auditing.write(store, done, now=now)
    if done.outcome == "applied" and done.plan is not None:
        keeping.watch_deed(store, done, done.plan, now=now)
    return done


def actions_named(rules: Iterable[Rule], name: str) -> list[Action]:
    """What a person may mean by `name`: the actions of the rule of that name, else those that `do` it."""
    rules = list(rules)
    of_rule: list[Action] = [action for rule in rules if rule.rule == name for action in rule.act]
    return of_rule or [action for rule in rules for action in rule.act if action.name == name]


def _count(store: Store, aws: Aws, now: datetime) -> None:
    store.count(aws.target, "actions", aws.take_usage(), now=now)
