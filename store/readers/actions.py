"""What actions ask, hold and did: requests that wait for a person, changes that are held, the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from store import schema
from store.asking import reader
from store.readers.triggers import NOW_ONLY
from store.store import Store

WAITING = ("asked", "planned", "approved")
LIVE = ("applying", "held", "restoring")


@reader
def requests(store: Store, *, now: datetime, incident: str | None = None) -> pd.DataFrame:
    """Columns of the action_request table: those that are to be planned, decided or carried out, the first to
    expire first; with `incident` all of it, the newest first."""
    table = schema.action_request
    query = sa.select(table)
    if incident is not None:
        return _state(store, query.where(table.c.incident == incident).order_by(table.c.asked_at.desc()))
    is_open = table.c.state.in_(WAITING), table.c.expires_at > now
    return _state(store, query.where(*is_open).order_by(table.c.expires_at, table.c.id))


@reader
def request(store: Store, id: str) -> pd.DataFrame:
    """One request, or none."""
    return _state(store, sa.select(schema.action_request).where(schema.action_request.c.id == id))


@reader
def held(store: Store, *, incident: str | None = None) -> pd.DataFrame:
    """Columns of the held_change table: those that are not over, the first to end first; with `incident` all
    of it, the newest first."""
    table = schema.held_change
    query = sa.select(table)
    if incident is not None:
        return _state(store, query.where(table.c.incident == incident).order_by(table.c.applied_at.desc()))
    ends = sa.case((table.c.expires_at.is_(None), 1), else_=0)
    return _state(store, query.where(table.c.state.in_(LIVE)).order_by(ends, table.c.expires_at, table.c.id))


@reader
def audit(
    store: Store,
    *,
    incident: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 1000,
) -> pd.DataFrame:
    """Columns of the audit table and `sentence` (of the plan), `before`, `after`, `rule`; newest first."""
    table = schema.audit
    query = sa.select(table).order_by(table.c.ts.desc(), table.c.id)
    if incident is not None:
        query = query.where(table.c.incident == incident)
    if since is not None:
        query = query.where(table.c.ts >= since)
    if until is not None:
        query = query.where(table.c.ts < until)
    rows = _state(store, query.limit(limit))
    for name in ("sentence", "before", "after", "rule"):
        rows[name] = [(plan or {}).get(name) for plan in rows["plan"]]
    return rows


def _state(store: Store, query: sa.Select[Any]) -> pd.DataFrame:
    with store.snapshot(NOW_ONLY) as snapshot:
        return snapshot.state(query)
