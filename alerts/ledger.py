"""What alerts keep in the state database: incidents and their timeline, rule states, notices, silences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy as sa

from alerts.incident import Incident, Sent
from alerts.matchers import Matcher, all_match, from_rows, to_rows
from alerts.notice import Notice
from core.facts import Target
from store import schema
from store.readers import collection
from store.store import Store

WAITS = "firing: waits"
"""Begins what a timeline says of an incident that waits for what may lead it."""


@dataclass(frozen=True, slots=True)
class State:
    """How a rule stands for a subject: ok, firing or unknown. `value` is None when unknown or silent."""

    rule: str
    account: str
    region: str
    subject: str
    state: str
    since: datetime
    value: float | None
    reason: str | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.rule, self.account, self.region, self.subject


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds notices back from `start` to `end`; all patterns and matchers must fit, one that is None does."""

    rule: str | None
    account: str | None
    region: str | None
    subject: str | None
    start: datetime
    end: datetime
    reason: str
    author: str
    matchers: tuple[Matcher, ...] = ()

    def is_in_force(self, now: datetime) -> bool:
        return self.start <= now < self.end

    def matches(self, incident: Incident) -> bool:
        pairs = zip((self.rule, self.account, self.region, self.subject), incident.key, strict=True)
        fits = all(pattern is None or fnmatchcase(value, pattern) for pattern, value in pairs)
        return fits and all_match(self.matchers, incident)


def incidents(connection: sa.Connection, *, since: datetime) -> list[Incident]:
    """Those that are open, or were at `since` or later; oldest first."""
    table = schema.incident
    touching = sa.or_(table.c.resolved_at.is_(None), table.c.resolved_at >= since)
    rows = connection.execute(sa.select(table).where(touching).order_by(table.c.opened_at, table.c.id))
    return [Incident(**row) for row in rows.mappings()]


def incident(connection: sa.Connection, id: str) -> Incident | None:
    row = connection.execute(sa.select(schema.incident).where(schema.incident.c.id == id)).mappings().first()
    return None if row is None else Incident(**row)


def open_incident(connection: sa.Connection, new: Incident) -> None:
    connection.execute(
        sa.insert(schema.incident).values({c.name: getattr(new, c.name) for c in schema.incident.c})
    )
    note(connection, new.id, new.opened_at, "opened", new.text)


def close_incident(connection: sa.Connection, id: str, resolved_at: datetime, why: str) -> None:
    update_incident(connection, id, resolved_at=resolved_at)
    note(connection, id, resolved_at, "resolved", why)


def update_incident(connection: sa.Connection, id: str, **values: Any) -> None:
    connection.execute(sa.update(schema.incident).where(schema.incident.c.id == id).values(**values))


def note(
    connection: sa.Connection, incident: str, ts: datetime, what: str, text: str, *, who: str | None = None
) -> None:
    """Add a line to an incident's timeline."""
    line = {"incident": incident, "ts": ts, "what": what, "who": who, "text": text}
    connection.execute(sa.insert(schema.incident_event).values(line))


def held_back(connection: sa.Connection, incident: str, ts: datetime, text: str) -> None:
    """Say once why a notice was not sent; the same reason again adds no line."""
    table = schema.incident_event
    newest = (
        sa.select(table.c.text)
        .where(table.c.incident == incident, table.c.what == "held back")
        .order_by(table.c.id.desc())
        .limit(1)
    )
    if connection.execute(newest).scalar() != text:
        note(connection, incident, ts, "held back", text)


def waited(connection: sa.Connection, ids: Iterable[str]) -> set[str]:
    """Those of whose notices the newest that was said is that they wait for what may lead them."""
    table = schema.incident_event
    rows = connection.execute(
        sa.select(table.c.incident, table.c.text)
        .where(table.c.incident.in_(sa.bindparam("ids", expanding=True)))
        .where(table.c.what.in_(("held back", "notice")))
        .order_by(table.c.id),
        {"ids": list(ids)},
    )
    newest = {row.incident: row.text for row in rows}
    return {incident for incident, text in newest.items() if text.startswith(WAITS)}


def note_once(connection: sa.Connection, incident: str, ts: datetime, what: str, text: str) -> None:
    """Add a line unless the timeline has it already."""
    table = schema.incident_event
    same = (table.c.incident == incident, table.c.what == what, table.c.text == text)
    if connection.execute(sa.select(table.c.id).where(*same).limit(1)).first() is None:
        note(connection, incident, ts, what, text)


def silences(connection: sa.Connection, *, now: datetime) -> list[Silence]:
    """Those in force."""
    table = schema.silence
    columns = [table.c[name] for name in Silence.__slots__]
    query = sa.select(*columns).where(table.c.start <= now, table.c.end > now).order_by(table.c.id)
    rows = connection.execute(query)
    return [_silence(row) for row in rows]


def silence(connection: sa.Connection, id: int) -> Silence | None:
    table = schema.silence
    columns = [table.c[name] for name in Silence.__slots__]
    row = connection.execute(sa.select(*columns).where(table.c.id == id)).first()
    return None if row is None else _silence(row)


def _silence(row: sa.Row[Any]) -> Silence:
    return Silence(**row._asdict() | {"matchers": from_rows(row.matchers)})


def add_silence(connection: sa.Connection, new: Silence) -> int:
    row = {name: getattr(new, name) for name in Silence.__slots__} | {"matchers": to_rows(new.matchers)}
    made = connection.execute(sa.insert(schema.silence).values(row)).inserted_primary_key
    assert made is not None
    return int(made[0])


def last_sent(connection: sa.Connection, ids: Iterable[str]) -> dict[tuple[str, str], Sent]:
    """The newest notice by incident and channel. What was said resolved stays so, also if a person was called
    later because a change could not be undone."""
    table = schema.outbox
    rows = connection.execute(
        sa.select(table.c.incident, table.c.channel, table.c.reason, table.c.created_at, table.c.seq)
        .where(table.c.incident.in_(sa.bindparam("ids", expanding=True)))
        .order_by(table.c.seq),
        {"ids": list(ids)},
    )
    found: dict[tuple[str, str], Sent] = {}
    for row in rows:
        before = found.get((row.incident, row.channel))
        reason = "resolved" if before and before.reason == "resolved" else row.reason
        found[row.incident, row.channel] = Sent(reason, row.created_at, row.seq + 1)
    return found


def first_facts(connection: sa.Connection, incident: str) -> tuple[tuple[str, str], ...]:
    """The facts that its first notice gave; empty if there was none."""
    table = schema.outbox
    query = sa.select(table.c.notice).where(table.c.incident == incident).order_by(table.c.seq).limit(1)
    first = connection.execute(query).scalar()
    return () if first is None else Notice.model_validate(first).facts


def queue(connection: sa.Connection, notice: Notice, channel: str, *, seq: int, now: datetime) -> None:
    """Put a notice into the outbox, and say so in the timeline."""
    row = {
        "id": notice.id,
        "seq": seq,
        "incident": notice.incident,
        "channel": channel,
        "reason": notice.reason,
        "notice": notice.model_dump(mode="json"),
        "state": "queued",
        "attempts": 0,
        "created_at": now,
        "next_at": now,
    }
    connection.execute(sa.insert(schema.outbox).values(row))
    note(connection, notice.incident, now, "notice", f"{notice.reason}, queued for {channel}")


def states(connection: sa.Connection) -> dict[tuple[str, str, str, str], State]:
    table = schema.rule_state
    columns = [table.c[name] for name in State.__slots__]
    return {state.key: state for state in (State(*row) for row in connection.execute(sa.select(*columns)))}


def keep_states(
    connection: sa.Connection, new: Mapping[tuple[str, str, str, str], State], *, now: datetime
) -> None:
    """Write what changed, drop what is judged no more, and date the rest: all were evaluated now."""
    table, old = schema.rule_state, states(connection)
    key = [table.c[name] == sa.bindparam(f"k_{name}") for name in ("rule", "account", "region", "subject")]
    gone = [_key(state) for at, state in old.items() if at not in new]
    added = [_values(state, now) for at, state in new.items() if at not in old]
    moved = [_key(state) | _values(state, now) for at, state in new.items() if at in old and state != old[at]]
    connection.execute(sa.update(table).values(evaluated_at=now))
    if gone:
        connection.execute(sa.delete(table).where(*key), gone)
    if added:
        connection.execute(sa.insert(table), added)
    if moved:
        columns = ("state", "since", "value", "reason")
        connection.execute(
            sa.update(table).where(*key).values({name: sa.bindparam(name) for name in columns}), moved
        )


def _key(state: State) -> dict[str, Any]:
    return {f"k_{name}": getattr(state, name) for name in ("rule", "account", "region", "subject")}


def _values(state: State, now: datetime) -> dict[str, Any]:
    return {name: getattr(state, name) for name in State.__slots__} | {"evaluated_at": now}


def aliases(store: Store) -> dict[Target, str | None]:
    """Every target that was seen, and the name that people know its account by."""
    rows = collection.targets(store).to_dict("records")
    return {Target(row["account"], row["region"]): row["alias"] or None for row in rows}
