"""What happened to the services, for the person who looks afterwards: troubles with their end, takeovers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.schema import meta
from store.store import Store

KEY = "service.journal"
LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`until` None: still so, as long as the service that told it lives. `what` is a job, or `takeover`."""

    holder: str
    host: str
    what: str
    text: str
    since: datetime
    until: datetime | None = None


def write(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Add entries, each instead of the one of the same holder, matter and start; within a write transaction.

    Old ones go first.
    """
    kept = {_key(entry): entry for entry in _read(connection)} | {_key(entry): entry for entry in entries}
    newest = sorted(kept.values(), key=lambda entry: entry.since)[-LONGEST:]
    text = json.dumps([asdict(entry) for entry in newest], default=datetime.isoformat)
    if connection.execute(sa.update(meta).where(meta.c.key == KEY).values(value=text)).rowcount == 0:
        connection.execute(sa.insert(meta).values(key=KEY, value=text))


def close(connection: sa.Connection, holder: str, *, now: datetime) -> None:
    """A service ended: none of its troubles goes on."""
    mine = [entry for entry in _read(connection) if entry.holder == holder and entry.until is None]
    if mine:
        write(connection, [replace(entry, until=now) for entry in mine])


def entries(store: Store) -> list[Entry]:
    """All that is kept, oldest first."""
    with store.engine.connect() as connection:
        return _read(connection)


def _key(entry: Entry) -> tuple[str, str, datetime]:
    return entry.holder, entry.what, entry.since


def _read(connection: sa.Connection) -> list[Entry]:
    text = connection.execute(sa.select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return [_entry(raw) for raw in json.loads(text or "[]")]


def _entry(raw: dict[str, Any]) -> Entry:
    until = raw["until"]
    times = {
        "since": datetime.fromisoformat(raw["since"]),
        "until": until and datetime.fromisoformat(until),
    }
    return Entry(**(raw | times))
