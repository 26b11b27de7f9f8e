"""Changes that are held: begun so that a kill at any moment is found out, verified, and put back.

A row is written before AWS is called. Whatever happens then, the next pass reads AWS and learns what is
true: the value before, ours, or somebody else's. Nothing is set twice blindly, nothing of ours is forgotten,
and what somebody else set meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions import auditing, held
from alerts.actions.announcing import escalate
from alerts.actions.auditing import Planned
from alerts.actions.base import Action, Applied, Aws, Occasion, Plan
from alerts.actions.held import Held
from alerts.actions.registry import NAMES, keep_action
from alerts.actions.setting import Setting, minutes
from alerts.actions.undoing import AGAIN, AwsFor, note, restore, said, what_of
from alerts.actions.verifying import PATIENCE, condition_of, is_better
from alerts.rule import Rule
from alerts.settings import AlertSettings
from core.errors import ActionError, LeaseLostError
from core.facts import Target
from core.people import SERVICE
from core.settings import CostSettings
from store.schema import audit, held_change
from store.store import Store

SETTLE = timedelta(seconds=15)
"""How old a change that was interrupted must be before AWS is asked: its call may still be on the way."""


def carry_out(
    store: Store, planned: Planned, plan: Plan, aws: Aws, *, expires_at: datetime | None = None, now: datetime
) -> Planned:
    """Set a value, kept so that it is found again. Raises ActionError when that may not begin; what goes
    wrong later is in the outcome."""
    action = planned.action
    assert isinstance(action, Setting)
    assert plan.what is not None
    assert plan.thing is not None
    if (found := action.read(plan.thing, aws)) != plan.before:
        raise ActionError(
            f"{plan.what} of {plan.thing} is {action.said(found)} now, not {action.said(plan.before)} "
            "as when it was planned: nothing was changed, plan it again"
        )
    lease_ends = expires_at or (now + action.lease if action.lease else None)
    begun = _begin(store, planned, plan, lease_ends, now=now)
    try:
        applied = action.write(plan.thing, plan.after, aws)
    except LeaseLostError:
        raise
    except Exception as error:  # noqa: BLE001 - one action: AWS is asked what became of it, and it is audited
        return settle(store, planned, begun, aws, said=said(error), now=now)
    return _applied(store, planned, begun, applied, now=now)


def _begin(store: Store, planned: Planned, plan: Plan, expires_at: datetime | None, *, now: datetime) -> Held:
    action, verify = planned.action, planned.action.verify
    row = {
        "who": planned.occasion.who,
        "action": keep_action(action),
        "account": plan.target.account,
        "region": plan.target.region,
        "subject": plan.subject or planned.occasion.subject,
        "incident": planned.occasion.incident,
        "rule": planned.occasion.rule,
        "what": plan.what or action.name,
        "thing": plan.thing or "",
        "before": plan.before,
        "after": plan.after,
        "applied_at": now,
        "expires_at": expires_at,
        "verify_by": now + verify.within if verify else None,
        "verified_at": None,
        "next_at": None,
        "state": "applying",
        "said": "",
    }
    with store.transaction() as connection:
        other = held.same_thing(held.live(connection), plan.target, row["what"], row["thing"])
        if other is not None and other.id != planned.id:
            raise ActionError(
                f"{other.place} is held by another change since {other.applied_at:%Y-%m-%d %H:%M} UTC: "
                "restore or keep that one first"
            )
        held.put(connection, planned.id, **row)
        begun = held.find(connection, planned.id)
    assert begun is not None
    return begun


def watch_deed(store: Store, planned: Planned, plan: Plan, *, now: datetime) -> None:
    """Something that cannot be undone is verified all the same: a row that only waits for that."""
    if planned.action.verify is None:
        return
    nothing = replace(plan, what=planned.action.name, thing=planned.occasion.subject, before=None, after=None)
    begun = _begin(store, replace(planned, id=planned.id), nothing, None, now=now)
    with store.transaction() as connection:
        held.put(connection, begun.id, state="held")


def _applied(store: Store, planned: Planned, begun: Held, applied: Applied, *, now: datetime) -> Planned:
    done = replace(planned, outcome="applied", answer=applied.answer, request_id=applied.request_id)
    with store.transaction() as connection:
        held.put(connection, begun.id, state="held", said="")
        auditing.put(connection, done, now=now)
    return done


def settle(store: Store, planned: Planned, begun: Held, aws: Aws, *, said: str, now: datetime) -> Planned:
    """Find out in AWS what became of a change whose answer we do not have."""
    action = begun.action
    assert isinstance(action, Setting)
    found = action.read(begun.thing, aws)
    if found == begun.after:
        words = f"{begun.what} of {begun.thing} is {action.said(found)}, as AWS says after {said}"
        return _applied(store, planned, begun, Applied(words), now=now)
    if found == begun.before:
        over, answer = "failed", f"{said}; AWS still has {action.said(found)}"
    else:
        over, answer = "failed", f"{said}; AWS has {action.said(found)} now, which is not ours: left alone"
    outcome = "interrupted" if said == INTERRUPTED and found == begun.before else "failed"
    done = replace(planned, outcome=outcome, answer=answer)
    with store.transaction() as connection:
        held.put(connection, begun.id, state=over, said=answer)
        auditing.put(connection, done, now=now)
    return done


INTERRUPTED = "an interruption"


# --- every pass -------------------------------------------------------------------------------------------


def keep_due(
    store: Store,
    rules: Mapping[str, Rule],
    settings: AlertSettings,
    aws_for: AwsFor,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> None:
    """Find out about what was interrupted, verify what is due, restore what is over. Also while actions are
    switched off or silenced: what we changed is ours to put back. `cost` has the budgets."""
    with store.engine.connect() as connection:
        changes = held.live(connection)
    _forget_never_begun(store, now=now)
    for change in changes:
        try:
            _keep(store, change, rules, settings, aws_for, now=now, cost=cost)
        except LeaseLostError:
            raise  # another service goes on with it
        except Exception as error:  # noqa: BLE001 - one change: why is kept and shown, and stops no other
            with store.transaction() as connection:
                held.put(connection, change.id, said=said(error), next_at=now + AGAIN)


def _keep(
    store: Store,
    change: Held,
    rules: Mapping[str, Rule],
    settings: AlertSettings,
    aws_for: AwsFor,
    *,
    now: datetime,
    cost: CostSettings | None,
) -> None:
    if change.next_at is not None and now < change.next_at:
        return
    if change.state == "applying":
        if now >= change.applied_at + SETTLE:
            _found_again(store, change, aws_for, now=now)
    elif change.state == "restoring":
        restore(store, change, settings, aws_for, by=SERVICE, why="", now=now)
    elif change.verify_by is not None and change.verified_at is None and now >= change.verify_by:
        _verify(store, change, rules, settings, aws_for, now=now, cost=cost)
    elif change.expires_at is not None and now >= change.expires_at:
        why = f"its lease of {minutes(change.expires_at - change.applied_at)} is over"
        restore(store, change, settings, aws_for, by=SERVICE, why=why, now=now)


def _found_again(store: Store, change: Held, aws_for: AwsFor, *, now: datetime) -> None:
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(audit).where(audit.c.id == change.id)).first()
    planned = planned_again(change, row)
    aws = aws_for(change.target)
    settle(store, planned, change, aws, said=INTERRUPTED, now=now)
    store.count(aws.target, "actions", aws.take_usage(), now=now)


def planned_again(change: Held, row: sa.Row[Any] | None) -> Planned:
    """The audited plan of a change, from its rows."""
    occasion = Occasion(
        id=change.id,
        target=Target(row.account, row.region) if row else change.target,
        subject_kind="function",
        subject=row.subject if row else change.subject,
        who=change.who,
        incident=change.incident,
        rule=change.rule,
    )
    plan = auditing.plan_of(row.plan) if row and "target" in row.plan else None
    return Planned(change.id, change.action, occasion, plan, auditing.APPLY, "planned")


def _forget_never_begun(store: Store, *, now: datetime) -> None:
    """A setting that was planned and interrupted before its row was written never reached AWS."""
    names = [name for name, kind in NAMES.items() if issubclass(kind, Setting)]
    begun = sa.select(held_change.c.id)
    never = (
        audit.c.mode == auditing.APPLY,
        audit.c.outcome == "planned",
        audit.c.action.in_(names),
        audit.c.ts <= now - SETTLE,
        audit.c.id.not_in(begun),
        audit.c.id.not_like(f"%{held.UNDONE}"),
    )
    with store.transaction() as connection:
        answer = "interrupted before AWS was called: nothing was changed"
        connection.execute(sa.update(audit).where(*never).values(outcome="interrupted", answer=answer))


def _verify(
    store: Store,
    change: Held,
    rules: Mapping[str, Rule],
    settings: AlertSettings,
    aws_for: AwsFor,
    *,
    now: datetime,
    cost: CostSettings | None,
) -> None:
    with store.engine.connect() as connection:
        incident = ledger.incident(connection, change.incident) if change.incident else None
    condition = condition_of(change, rules)
    better = None
    if condition is not None:
        better = is_better(store, change, condition, rules, incident, now=now, cost=cost)
    late = change.verify_by is not None and now >= change.verify_by + PATIENCE
    if better:
        with store.transaction() as connection:
            over = {} if isinstance(change.action, Setting) else {"state": "kept"}
            held.put(connection, change.id, verified_at=now, said="verified: it helped", next_at=None, **over)
            note(connection, change, f"verified: {what_of(change)} helped", now)
        return
    if better is None and condition is not None and not late:
        with store.transaction() as connection:
            held.put(connection, change.id, said="to be verified: not collected yet", next_at=now + AGAIN / 3)
        return
    why = "it did not help" if better is False else "whether it helped is not known"
    _give_up(store, change, settings, aws_for, why=why, now=now)


def _give_up(
    store: Store, change: Held, settings: AlertSettings, aws_for: AwsFor, *, why: str, now: datetime
) -> None:
    is_setting = isinstance(change.action, Setting)
    with store.transaction() as connection:
        end = "it is undone" if is_setting else "it cannot be undone"
        text = f"{what_of(change)}: {why} within {minutes(_within(change.action))}; {end}, a person must look"
        escalate(connection, change.incident, settings, key=f"not-better-{change.id}", text=text, now=now)
        if not is_setting:
            held.put(connection, change.id, state="kept", said=why, next_at=None)
    if is_setting:
        restore(store, change, settings, aws_for, by=SERVICE, why=why, now=now)


def _within(action: Action) -> timedelta:
    return action.verify.within if action.verify else timedelta(0)
