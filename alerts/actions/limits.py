"""What holds an action back: silence, maintenance, its cooldown, the caps, and its own doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts.actions import auditing, held
from alerts.actions.base import Action, Occasion
from alerts.actions.held import Held
from alerts.actions.settings import ActionSettings
from alerts.holding import Holds
from alerts.incident import Incident
from store.schema import audit
from store.store import Store

HOUR = timedelta(hours=1)
POOLED = {"reserved concurrency", "provisioned concurrency"}
"""Changes that all functions of an account and region feel, because they share the rest."""

OF_POOL = {"throttles", "concurrency_headroom"}


@dataclass(frozen=True, slots=True)
class Done:
    """What was carried out lately, or may have been, and what is held now."""

    recent: Sequence[Any]
    changes: Sequence[Held]


def done_lately(store: Store, *, now: datetime, back: timedelta = HOUR) -> Done:
    """Audit rows of incidents' actions that were carried out, or may have been, and the changes we hold."""
    carried_out = audit.c.mode == auditing.APPLY, audit.c.outcome.in_(("planned", "applied", "failed"))
    with store.engine.connect() as connection:
        rows = connection.execute(
            sa.select(audit).where(*carried_out, audit.c.incident.is_not(None), audit.c.ts > now - back)
        ).all()
        recent = [row for row in rows if not row.id.endswith(held.UNDONE)]
        return Done(recent, held.live(connection))


def held_back(
    done: Done,
    incident: Incident,
    occasion: Occasion,
    action: Action,
    settings: ActionSettings,
    holds: Holds,
    *,
    now: datetime,
) -> str | None:
    """Why the action must not run now, or None. Pure."""
    if action.touches(occasion):
        return "it would act on the function that it runs on itself"
    if said := holds.why(incident, "action"):
        return said.removeprefix("action: ")
    return _on_our_own_doing(done, occasion, action, settings) or over_limits(
        done.recent, occasion, action, settings, now=now
    )


def over_limits(
    recent: Sequence[Any], occasion: Occasion, action: Action, settings: ActionSettings, *, now: datetime
) -> str | None:
    """`recent` are audit rows of actions that were carried out, or may have been."""
    subject = (occasion.target.account, occasion.target.region, occasion.subject, action.name)
    same = [row.ts for row in recent if (row.account, row.region, row.subject, row.action) == subject]
    if any(ts > now - action.cooldown for ts in same):
        return f"cooling down: it last ran on {occasion.subject} at {max(same):%H:%M} UTC"
    hour = [row for row in recent if row.ts > now - HOUR]
    of_rule = [row for row in hour if row.action == action.name and row.plan.get("rule") == occasion.rule]
    if len(of_rule) >= action.max_per_hour:
        return f"its rule's cap of {action.max_per_hour} an hour is reached"
    function = action.function_of(occasion) or occasion.subject
    place = (*subject[:2], function)
    of_function = [row for row in hour if (row.account, row.region, _function(row)) == place]
    if len(of_function) >= settings.max_per_function_per_hour:
        most = settings.max_per_function_per_hour
        return f"alerts.actions.max_per_function_per_hour ({most}) is reached for {function}"
    if len(hour) >= settings.max_per_hour:
        return f"alerts.actions.max_per_hour ({settings.max_per_hour}) is reached"
    return None


def _function(row: Any) -> str:
    return str(row.plan.get("subject") or row.subject)


def _on_our_own_doing(done: Done, occasion: Occasion, action: Action, settings: ActionSettings) -> str | None:
    holding = next((each for each in done.changes if _holds_it(each, occasion, action)), None)
    if holding is not None:
        return f"{holding.place} is held by another change since {holding.applied_at:%H:%M} UTC"
    ours = cause(done.changes, occasion, action)
    if ours is None:
        return None
    since = f"our own change of {ours.place} at {ours.applied_at:%H:%M} UTC"
    if not action.again:
        return f"{occasion.subject} may be so because of {since}: a person must decide"
    depth = chain(done, ours) + 1
    if depth > settings.max_chain:
        return f"alerts.actions.max_chain ({settings.max_chain}) is reached: it may be because of {since}"
    return None


def _holds_it(change: Held, occasion: Occasion, action: Action) -> bool:
    same_place = change.target == action.place(occasion)
    same_value = change.what == getattr(action, "what", None)
    return same_place and same_value and change.subject == action.function_of(occasion)


def cause(changes: Sequence[Held], occasion: Occasion, action: Action) -> Held | None:
    """The change of ours that an incident that opened after it may come from, the newest first."""
    opened = occasion.opened_at
    after = [
        each
        for each in changes
        if opened is not None
        and each.incident != occasion.incident
        and each.applied_at <= opened
        and (each.expires_at is not None or opened < each.applied_at + HOUR)
        and _reaches(each, occasion, action)
    ]
    return max(after, key=lambda each: each.applied_at, default=None)


def _reaches(change: Held, occasion: Occasion, action: Action) -> bool:
    if change.target != occasion.target:
        return False
    if change.subject in {occasion.subject, action.function_of(occasion)}:
        return True
    of_pool = occasion.subject_kind == "account" or occasion.signal in OF_POOL
    return change.what in POOLED and of_pool


def chain(done: Done, change: Held) -> int:
    """How many of our own changes led to this one."""
    row = next((row for row in done.recent if row.id == change.id), None)
    return int(row.plan.get("chain") or 0) if row is not None else 0
