"""What the alert room decided and did: incidents, their timeline, deliveries, silences and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.things import EVERYTHING
from store.store import Filter, Store

WORST_FIRST = ("critical", "warning", "info")
_NOW = Window(datetime.fromisoformat("1970-01-01T00:00:00Z"), datetime.fromisoformat("1970-01-01T00:00:00Z"))


@reader
def incidents(store: Store, *, open_only: bool = False, limit: int = 500) -> pd.DataFrame:
    """Columns of the incident table and `held_back`: why its newest notice was held back, if it was.

    Open ones first, among them the worst first, then the newest.
    """
    table, order = schema.incident, _severity_rank()
    query = sa.select(table, _held_back().label("held_back"))
    if open_only:
        query = query.where(table.c.resolved_at.is_(None))
    is_closed = sa.case((table.c.resolved_at.is_(None), 0), else_=1)
    rank = sa.case((is_closed == 0, order), else_=0)
    return _state(store, query.order_by(is_closed, rank, table.c.opened_at.desc(), table.c.id).limit(limit))


@reader
def incident(store: Store, id: str) -> pd.DataFrame:
    """One incident, resolved or not: a row as `incidents` gives it, or none."""
    query = sa.select(schema.incident, _held_back().label("held_back"))
    return _state(store, query.where(schema.incident.c.id == id))


@reader
def members(store: Store, leader: str) -> pd.DataFrame:
    """Incidents that stand, or stood last, under this one; the first to open first."""
    table = schema.incident
    query = sa.select(table, _held_back().label("held_back")).where(table.c.grouped_under == leader)
    return _state(store, query.order_by(table.c.opened_at, table.c.id))


@reader
def judged_at(store: Store) -> datetime | None:
    """When rules were last evaluated on what is stored; None if they never were."""
    newest = _state(store, sa.select(sa.func.max(schema.rule_state.c.evaluated_at).label("ts")))["ts"].iloc[0]
    return None if pd.isna(newest) else newest.to_pydatetime()


@reader
def last_resolved(store: Store, *, where: Filter = EVERYTHING) -> tuple[str, datetime] | None:
    """Title and end of the incident that was resolved last; None if none ever was."""
    table = schema.incident
    query = sa.select(table.c.title, table.c.resolved_at).where(table.c.resolved_at.is_not(None))
    for column, value in ((table.c.account, where.account), (table.c.region, where.region)):
        query = query if value is None else query.where(column == value)
    found = _state(store, query.order_by(table.c.resolved_at.desc(), table.c.id).limit(1))
    if found.empty:
        return None
    return str(found["title"].iloc[0]), found["resolved_at"].iloc[0].to_pydatetime()


@reader
def timeline(store: Store, incident: str) -> pd.DataFrame:
    """ts, what, who, text of one incident, oldest first."""
    table = schema.incident_event
    query = sa.select(table.c.ts, table.c.what, table.c.who, table.c.text)
    return _state(store, query.where(table.c.incident == incident).order_by(table.c.ts, table.c.id))


@reader
def deliveries(
    store: Store, *, incident: str | None = None, state: str | None = None, limit: int = 200
) -> pd.DataFrame:
    """Notices of the outbox, newest first: id, incident, title, signal, channel, reason, state (queued,
    delivered, dead), attempts, created_at, next_at, delivered_at, error."""
    table = schema.outbox
    columns = [table.c[name] for name in _OUTBOX]
    query = sa.select(*columns, table.c.notice).order_by(table.c.created_at.desc(), table.c.seq.desc())
    if incident is not None:
        query = query.where(table.c.incident == incident)
    if state is not None:
        query = query.where(table.c.state == state)
    rows = _state(store, query.limit(limit))
    for name in ("title", "signal"):
        rows[name] = [(notice or {}).get(name) for notice in rows["notice"]]
    return rows.drop(columns="notice")


_OUTBOX = (
    "id",
    "incident",
    "channel",
    "reason",
    "state",
    "attempts",
    "created_at",
    "next_at",
    "delivered_at",
    "error",
)


@reader
def silences(store: Store, *, now: datetime) -> pd.DataFrame:
    """Columns of the silence table: those in force and those to come, the first to end first."""
    table = schema.silence
    return _state(store, sa.select(table).where(table.c.end > now).order_by(table.c.end))


@reader
def audit(store: Store, *, incident: str | None = None, limit: int = 200) -> pd.DataFrame:
    """Columns of the audit table, newest first: what was planned, applied, or held back, and by whom."""
    table = schema.audit
    query = sa.select(table).order_by(table.c.ts.desc(), table.c.id)
    if incident is not None:
        query = query.where(table.c.incident == incident)
    return _state(store, query.limit(limit))


def _severity_rank() -> sa.Case[int]:
    ranks = [(schema.incident.c.severity == name, i) for i, name in enumerate(WORST_FIRST)]
    return sa.case(*ranks, else_=len(WORST_FIRST))


def _held_back() -> sa.ScalarSelect[Any]:
    """The text of the incident's newest event of `held back` or `notice`, when that is `held back`."""
    event = schema.incident_event
    newest = (
        sa.select(sa.func.max(event.c.id))
        .where(event.c.incident == schema.incident.c.id, event.c.what.in_(("held back", "notice")))
        .correlate(schema.incident)
        .scalar_subquery()
    )
    return (
        sa.select(event.c.text)
        .where(event.c.id == newest, event.c.what == "held back")
        .correlate(schema.incident)
        .scalar_subquery()
    )


def _state(store: Store, query: sa.Select[Any]) -> pd.DataFrame:
    with store.snapshot(_NOW) as snapshot:
        return snapshot.state(query)
