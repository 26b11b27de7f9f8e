"""What holds an action back: a silence, its cooldown, the caps, and acting on itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions.base import Action, Occasion
from store.schema import audit
from store.store import Store

if TYPE_CHECKING:  # a rule holds actions, so its module imports this package
    from alerts.settings import AlertSettings

HOUR = timedelta(hours=1)
DONE = ("planned", "applied", "failed")
"""Outcomes after which an action is never tried again on the same incident. `planned` with mode `apply` was
interrupted between its audit and its answer: whether it was done is not known, so it is not done twice."""


def held_back(
    store: Store, occasion: Occasion, action: Action, settings: AlertSettings, *, now: datetime
) -> str | None:
    """Why the action must not run now, or None."""
    if action.touches(occasion):
        return "it would act on the function that it runs on itself"
    applied = audit.c.mode == "apply", audit.c.outcome.in_(DONE), audit.c.incident.is_not(None)
    since = now - max(action.cooldown, HOUR)
    with store.engine.connect() as connection:
        incident = ledger.incident(connection, occasion.incident or "")
        silences = ledger.silences(connection, now=now)
        recent = connection.execute(sa.select(audit).where(*applied, audit.c.ts > since)).all()
    for silence in silences:
        if incident is not None and silence.matches(incident):
            return f"silenced by {silence.author}: {silence.reason}"
    return over_limits(recent, occasion, action, settings.actions.max_per_hour, now=now)


def over_limits(
    recent: Sequence[Any], occasion: Occasion, action: Action, max_per_hour: int, *, now: datetime
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
    if len(hour) >= max_per_hour:
        return f"alerts.actions.max_per_hour ({max_per_hour}) is reached"
    return None
