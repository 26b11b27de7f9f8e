"""Which services live, what each watches, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from core.facts import Target
from store import journal
from store.journal import Entry
from store.leases import DUTY, leases
from store.leases import members as all_members
from store.schema import lease, member
from store.store import Store

SILENT_AFTER = timedelta(minutes=2)
"""A service that told nothing for so long is shown as dead. Services themselves need no clock to know."""


@dataclass(frozen=True, slots=True)
class Living:
    """A service: `is_alive` as far as its last beat tells; `targets` are how many it watches; `is_on_duty`:
    it alerts, acts and paces for all."""

    holder: str
    host: str
    last_beat: datetime
    is_alive: bool
    targets: int
    is_on_duty: bool


def services(store: Store, *, now: datetime) -> list[Living]:
    """Those that share the store, by host; empty when none was started or all ended well."""
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(member).order_by(member.c.host, member.c.holder)).all()
        held = leases(connection)
    watched = [who for target, who in held.items() if target != DUTY]
    return [
        Living(
            holder=row.holder,
            host=row.host,
            last_beat=row.seen_at,
            is_alive=now - row.seen_at <= SILENT_AFTER,
            targets=watched.count(row.holder),
            is_on_duty=held.get(DUTY) == row.holder,
        )
        for row in rows
    ]


def watches(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per target that some service can watch: account, region, host, service, since (when it took the target;
    NaT: nobody watches it), is_alive (False: nothing new comes)."""
    alive = {each.holder: each for each in services(store, now=now)}
    with store.engine.connect() as connection:
        wanted = {target for each in all_members(connection) for target in each.reach}
        taken = {Target(row.account, row.region): row for row in connection.execute(sa.select(lease))}
    rows = []
    for target in sorted(wanted, key=lambda target: (target.account, target.region)):
        row = taken.get(target)
        living = alive.get(row.holder) if row else None
        watcher = (living.host, living.holder, row.since) if living and row else (None, None, pd.NaT)
        rows.append((target.account, target.region, *watcher, bool(living and living.is_alive)))
    columns = pd.Index(["account", "region", "host", "service", "since", "is_alive"])
    return pd.DataFrame(rows, columns=columns)


def happenings(store: Store, *, since: datetime) -> list[Entry]:
    """Troubles that go on (of services that live), then what was over at or after `since`, newest first."""
    with store.engine.connect() as connection:
        alive = {each.holder for each in all_members(connection)}
    kept = journal.entries(store)
    going_on = [entry for entry in kept if entry.until is None and entry.holder in alive]
    over = [entry for entry in kept if entry.until is not None and entry.until >= since]
    return [*going_on, *sorted(over, key=lambda entry: entry.since, reverse=True)]
