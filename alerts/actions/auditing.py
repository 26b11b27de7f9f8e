"""What was planned, held back, carried out or undone, by whom and why: the audit, and the timeline's line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions.base import Action, Occasion, Plan
from core.facts import Target
from store.schema import audit
from store.store import Store

APPLY, DRY_RUN, ASK = "apply", "dry run", "ask"
"""Modes of an audit row: meant to be carried out, only planned, waiting for a person."""

DONE = ("planned", "applied", "failed", "nothing to do", "declined", "expired")
"""Outcomes after which an action is not tried again on the same incident. `planned` with mode `apply` was
interrupted between its audit and its answer: whether it was done is not known, so it is not done twice."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An action with its plan, audited under `id`. `plan` is None when it could not be planned.
    `chain` counts our own changes that led to it."""

    id: str
    action: Action
    occasion: Occasion
    plan: Plan | None
    mode: str
    outcome: str
    answer: str | None = None
    request_id: str | None = None
    chain: int = 0


def write(store: Store, planned: Planned, *, now: datetime) -> None:
    with store.transaction() as connection:
        put(connection, planned, now=now)


def put(connection: sa.Connection, planned: Planned, *, now: datetime) -> None:
    """Keep how it stands; the same id again replaces."""
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
        "plan": plan_json(planned.plan, rule=occasion.rule, chain=planned.chain),
        "outcome": planned.outcome,
        "answer": planned.answer,
        "request_id": planned.request_id,
    }
    put_row(connection, planned.id, row)
    if occasion.incident is not None:
        ledger.note(connection, occasion.incident, now, "action", _line(planned), who=occasion.who)


def put_row(connection: sa.Connection, id: str, row: Mapping[str, Any]) -> None:
    changed = connection.execute(sa.update(audit).where(audit.c.id == id).values(row))
    if not changed.rowcount:
        connection.execute(sa.insert(audit).values({**row, "id": id}))


def hold(store: Store, held: Planned, *, now: datetime) -> None:
    """Audit once why it waits; the same reason again writes nothing."""
    with store.engine.connect() as connection:
        before = connection.execute(sa.select(audit.c.answer).where(audit.c.id == held.id)).scalar()
    if before != held.answer:
        write(store, held, now=now)


def plan_json(plan: Plan | None, **more: Any) -> dict[str, Any]:
    known = dict[str, Any]()
    if plan is not None:
        known.update(asdict(plan))
    known.update(more)
    kept: dict[str, Any] = json.loads(json.dumps(known, default=str))
    return kept


def plan_of(kept: Mapping[str, Any]) -> Plan:
    """The plan that `plan_json` kept."""
    known = {field.name: kept[field.name] for field in fields(Plan) if field.name in kept}
    lists = {name: tuple(known[name]) for name in ("warnings", "touches") if name in known}
    whole: dict[str, Any] = known | lists
    return Plan(**whole | {"target": Target(**kept["target"])})


def _line(planned: Planned) -> str:
    what = planned.plan.sentence if planned.plan else planned.action.name
    return f"{planned.outcome} ({planned.mode}): {what}{f': {planned.answer}' if planned.answer else ''}"
