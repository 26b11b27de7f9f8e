"""What the service does about requests: plans new ones, and says which approved ones may be carried out.

What whoever asked may do is asked again before AWS is read for the plan, and what whoever approved may do,
right before AWS is changed: a row says who wrote it, not what they may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.actions import auditing, held, undoing
from alerts.actions.auditing import APPLY, ASK, Planned
from alerts.actions.base import Action, Aws, Occasion
from alerts.actions.occasions import of_incident
from alerts.actions.registry import read_action
from alerts.actions.requests import audited
from alerts.actions.setting import Setting
from alerts.incident import Incident
from alerts.people import Access, person_now
from alerts.rule import Rule
from alerts.settings import AlertSettings
from core.errors import NotAllowedError
from core.facts import Target
from core.people import SERVICE, Person
from store.schema import action_request, approval_link, audit
from store.store import Store

LINK_SENT_TO = "link sent to "
"""Begins the name of whoever used a link from chat without a sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A request to do something about: to plan one that is new, to carry out an approved one."""

    id: str
    action: Action
    occasion: Occasion
    state: str
    plan: Mapping[str, Any] | None
    undo_of: str | None
    decided_by: str | None

    @property
    def is_new(self) -> bool:
        return self.state == "asked"


def due(store: Store, rules: Mapping[str, Rule], settings: AlertSettings, *, now: datetime) -> list[Due]:
    """What is to be planned or carried out; what was not decided in time is void."""
    table = action_request
    with store.transaction() as connection:
        late = table.c.state.in_(("asked", "planned")), table.c.expires_at <= now
        for row in connection.execute(sa.select(table.c.id, table.c.expires_at).where(*late)).all():
            text = f"nobody decided until {row.expires_at:%Y-%m-%d %H:%M} UTC"
            connection.execute(
                sa.update(table).where(table.c.id == row.id).values(state="expired", said=text)
            )
            audited(connection, row.id, "expired", text)
        rows = connection.execute(
            sa.select(table).where(table.c.state.in_(("asked", "approved"))).order_by(table.c.asked_at)
        ).all()
        found = []
        for row in rows:
            incident = ledger.incident(connection, row.incident) if row.incident else None
            found.append(_due(row, incident, rules, settings))
    return found


def _due(row: Any, incident: Incident | None, rules: Mapping[str, Rule], settings: AlertSettings) -> Due:
    action = read_action(row.action)
    is_about = incident is not None and incident.subject == row.subject
    if incident is not None and is_about:
        occasion = of_incident(
            incident, rules.get(incident.rule), action, base_url=settings.base_url, alias=None, id=row.id,
            who=row.who,
        )  # fmt: skip
    else:
        occasion = Occasion(
            id=row.id, target=Target(row.account, row.region), subject_kind=row.subject_kind,
            subject=row.subject, who=row.who, title=f"{row.subject}, asked for by {row.who}",
            incident=row.incident, rule=row.rule,
        )  # fmt: skip
    return Due(
        id=row.id, action=action, occasion=occasion, state=row.state, plan=row.plan, undo_of=row.undo_of,
        decided_by=row.decided_by,
    )  # fmt: skip


def refused(store: Store, asked: Due, access: Access, *, now: datetime) -> Planned | None:
    """How a new request ends that whoever asked may not ask for, now; None: it may be planned."""
    with store.engine.connect() as connection:
        person = person_now(connection, asked.occasion.who, access, now=now)
    try:
        person.must_be("operator", f"to ask for {asked.action.name}")
    except NotAllowedError as error:
        ended = Planned(asked.id, asked.action, asked.occasion, None, ASK, "failed", str(error))
        auditing.write(store, ended, now=now)
        planned(store, ended, now=now)
        return ended
    return None


def planned(store: Store, planned: Planned, *, now: datetime) -> None:
    """Keep a request's plan, or why there is none."""
    is_planned = planned.plan is not None
    values = {
        "state": "planned" if is_planned else "failed",
        "plan": auditing.plan_json(planned.plan, rule=planned.occasion.rule),
        "said": planned.answer or "",
    }
    asked = action_request.c.id == planned.id, action_request.c.state == "asked"
    with store.transaction() as connection:
        connection.execute(sa.update(action_request).where(*asked).values(values))


def ready(store: Store, asked: Due, settings: AlertSettings, access: Access, *, now: datetime) -> Planned:
    """The approved plan, `planned` when it may be carried out now and audited so; else how it stands."""
    plan = auditing.plan_of(asked.plan) if asked.plan else None
    found = Planned(asked.id, asked.action, asked.occasion, plan, APPLY, "planned")
    if before := _standing(store, asked):
        known = replace(found, outcome=before[0], answer=before[1])
        if before[0] != "waiting":
            finished(store, asked.id, known, now=now)
        return known
    why = None if settings.actions.enabled or asked.undo_of else "alerts.actions.enabled is off"
    with store.engine.connect() as connection:
        why = why or _not_allowed(connection, asked, access, now=now)
    if why is None and plan is not None:
        if asked.undo_of is None:
            auditing.write(store, found, now=now)
        return found
    refused = replace(found, outcome="failed", answer=why or "there is no plan")
    finished(store, asked.id, refused, now=now)
    if asked.undo_of is None:
        auditing.write(store, replace(refused, mode=ASK), now=now)
    return refused


def _not_allowed(connection: sa.Connection, asked: Due, access: Access, *, now: datetime) -> str | None:
    """What the approver may now, not when they pressed the button; a used link speaks for itself."""
    name = asked.decided_by or ""
    if name.startswith(LINK_SENT_TO):
        used = approval_link.c.request == asked.id, approval_link.c.used_by == name
        found = connection.execute(sa.select(approval_link.c.hash).where(*used)).first()
        person = Person(name, "operator" if found else "viewer")
    else:
        person = person_now(connection, name, access, now=now)
    try:
        person.must_be("operator" if asked.undo_of else asked.action.needs, f"to approve {asked.action.name}")
    except NotAllowedError as error:
        return str(error)
    return None


NOT_KNOWN = "it was interrupted: whether it was done is not known, so it is not done twice"


def _standing(store: Store, asked: Due) -> tuple[str, str] | None:
    """Outcome and words of an approved request that was begun before, by a service that was killed then.

    A setting that never reached AWS is begun again; so None, as for one that was not begun.
    """
    if asked.undo_of is not None:
        return None
    with store.engine.connect() as connection:
        change = held.find(connection, asked.id)
        row: Any = connection.execute(sa.select(audit).where(audit.c.id == asked.id)).first()
    if row is None or row.mode != APPLY or row.outcome == "interrupted":
        return None
    if isinstance(asked.action, Setting):
        if change is None or change.state == "applying":
            return "waiting", "what became of it is found out"
        return ("failed" if change.state == "failed" else "applied"), row.answer or ""
    return (row.outcome, row.answer or "") if row.outcome != "planned" else ("failed", NOT_KNOWN)


def undo(
    store: Store,
    asked: Due,
    settings: AlertSettings,
    aws_for: Callable[[Target], Aws],
    *,
    now: datetime,
) -> Planned:
    """Restore the change that the request names."""
    with store.engine.connect() as connection:
        change = held.find(connection, asked.undo_of or "")
    done = Planned(asked.id, asked.action, asked.occasion, None, APPLY, "failed")
    if change is not None and change.state in ("restoring", "restored"):
        done = replace(done, outcome="applied", answer=change.said)
    elif change is None or change.state != "held":
        done = replace(done, answer="it is not held any more")
    else:
        by = Person(asked.decided_by or SERVICE.name, "operator")
        answer = undoing.restore(
            store, change, settings, aws_for, by=by, why=f"{by.name} asked for it", now=now
        )
        done = replace(done, outcome="applied", answer=answer)
    finished(store, asked.id, done, now=now)
    return done


def finished(store: Store, id: str, done: Planned, *, now: datetime) -> None:
    if done.outcome == "interrupted":
        return  # it is still approved, and AWS has the value before: the next pass carries it out
    state = "applied" if done.outcome == "applied" else "failed"
    with store.transaction() as connection:
        connection.execute(
            sa.update(action_request)
            .where(action_request.c.id == id)
            .values(state=state, said=done.answer or "")
        )
