"""Limits of concurrency as they were at some time: reservations of functions and limits of accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store import schema
from store.readers.frames import number, rows
from store.readers.things import Place, Things
from store.store import Snapshot

FIELDS = {"reserved": "reserved", "account_limits": "concurrent_limit"}
KINDS = tuple(FIELDS)

Owner = tuple[str, str, str]
"""Account, region, and the function or `account`."""


class LimitsThen:
    """What was in force at a time, as far as it was seen: a change that AWS does not date counts from when
    it was first seen. Before anything was watched, it is taken to have been as it was first seen."""

    def __init__(self, things: Things, changed: dict[Owner, list[tuple[datetime, Any]]]) -> None:
        self._reserved = {t.place: t.body.get("reserved") for t in things.of("reserved")}
        self._limits = {
            (t.account, t.region): t.body["concurrent_limit"] for t in things.of("account_limits")
        }
        self._changed = changed

    @classmethod
    def read(cls, snapshot: Snapshot, things: Things, *, since: datetime) -> LimitsThen:
        """`things` hold the kinds of KINDS; what was changed before `since` is not looked at."""
        c = schema.change.c
        columns = c.kind, c.account, c.region, c.name, c.field, c.old, c.ts
        query = sa.select(*columns).where(c.kind.in_(KINDS), c.ts > since).order_by(c.ts, c.id)
        changed: dict[Owner, list[tuple[datetime, Any]]] = defaultdict(list)
        for row in rows(snapshot.state(query)):
            if row.field == FIELDS[row.kind]:
                changed[row.account, row.region, row.name].append((row.ts.to_pydatetime(), row.old))
        return cls(things, changed)

    def is_read(self, place: Place) -> bool:
        """Whether somebody looked if the function has a reservation."""
        return place in self._reserved

    def reserved(self, place: Place, at: datetime) -> int | None:
        """The function's reservation; None: it had none, or nobody looked."""
        return _number(self._then(place, at, self._reserved.get(place)))

    def limit(self, account: str, region: str, at: datetime) -> int | None:
        """The account's limit; None: not known."""
        return _number(self._then((account, region, "account"), at, self._limits.get((account, region))))

    def _then(self, owner: Owner, at: datetime, now: Any) -> Any:
        return next((old for ts, old in self._changed.get(owner, ()) if ts > at), now)

    def changes(self, places: Collection[Place]) -> dict[Place, datetime]:
        """When each function's reservation last changed, of those that did."""
        return {place: self._changed[place][-1][0] for place in places if self._changed.get(place)}


def _number(value: Any) -> int | None:
    known = number(value)
    return None if known is None else int(known)
