"""Which channels take what they are sent: working, failing, or dead until somebody looks after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.channels.base import Channel
from alerts.notice import Link, Notice
from alerts.settings import AlertSettings
from core.errors import DeliveryError, QuarterdeckError
from core.people import Person
from store.schema import channel_state, outbox
from store.store import Store

Row = sa.Row[Any]

REFUSALS = 3
"""So many 401 or 403 in a row are no passing trouble."""


def know(store: Store, channels: Mapping[str, Channel], *, now: datetime) -> None:
    """Keep which channels there are. One whose settings changed has a new chance; one that is gone goes."""
    table = channel_state
    with store.engine.connect() as connection:
        kept = {row.channel: row.target for row in connection.execute(sa.select(table))}
    if kept == {name: channel.fingerprint() for name, channel in channels.items()}:
        return
    with store.transaction() as connection:
        for name in kept.keys() - channels.keys():
            connection.execute(sa.delete(table).where(table.c.channel == name))
        for name, channel in channels.items():
            if kept.get(name) != channel.fingerprint():
                connection.execute(sa.delete(table).where(table.c.channel == name))
                connection.execute(sa.insert(table).values(_unused(name, channel, now)))


def _unused(name: str, channel: Channel, now: datetime) -> dict[str, Any]:
    """Its `target` changes with the settings, and is too short to tell a secret by or to confirm a guess."""
    return {
        "channel": name,
        "kind": channel.kind,
        "state": "unused",
        "since": now,
        "said": "",
        "failures": 0,
        "target": channel.fingerprint(),
        "reported_at": None,
    }


def is_dead(connection: sa.Connection, name: str) -> bool:
    row = _row(connection, name)
    return row is not None and row.state == "dead"


def succeeded(connection: sa.Connection, name: str, *, now: datetime) -> None:
    row = _row(connection, name)
    if row is not None and (row.state != "working" or row.failures):
        _keep(connection, row, state="working", said="", failures=0, now=now)


def failed(
    connection: sa.Connection, name: str, error: DeliveryError, *, now: datetime, after: int | None = None
) -> None:
    """Dead when its target is gone or keeps refusing us, or when it took nothing for all the attempts that
    one notice has: `after` so many that notice is given up. A short outage kills no channel."""
    row = _row(connection, name)
    if row is None:
        return
    failures = row.failures + 1
    refused = error.target == "refuses" and failures >= REFUSALS
    silent = after is not None and error.retryable and failures >= after
    dead = error.target == "gone" or refused or silent or row.state == "dead"
    state = "dead" if dead else "failing"
    _keep(connection, row, state=state, said=str(error), failures=failures, now=now)


def _keep(
    connection: sa.Connection, row: Row, *, state: str, said: str, failures: int, now: datetime
) -> None:
    values: dict[str, Any] = {"state": state, "said": said, "failures": failures}
    if row.state != state:
        values |= {"since": now, "reported_at": None}
    mine = channel_state.c.channel == row.channel
    connection.execute(sa.update(channel_state).where(mine).values(values))


def _row(connection: sa.Connection, name: str) -> Row | None:
    return connection.execute(sa.select(channel_state).where(channel_state.c.channel == name)).one_or_none()


# --- telling others ----------------------------------------------------------------------------------------


def report(store: Store, settings: AlertSettings, *, now: datetime) -> int:
    """Queue, once per death, a notice on a channel that works. Returns how many."""
    with store.engine.connect() as connection:
        if not _unreported(connection, settings):
            return 0
    with store.transaction() as connection:
        found = _unreported(connection, settings)
        return sum(_report(connection, row, settings, now=now) for row in found)


def _unreported(connection: sa.Connection, settings: AlertSettings) -> Sequence[Row]:
    table = channel_state
    dead = sa.select(table).where(table.c.state == "dead", table.c.reported_at.is_(None))
    return [row for row in connection.execute(dead) if row.channel in settings.channels]


def _report(connection: sa.Connection, row: Row, settings: AlertSettings, *, now: datetime) -> bool:
    state = channel_state.c.state
    bad = connection.execute(sa.select(channel_state.c.channel).where(state.not_in(["working", "unused"])))
    ill = set(bad.scalars())
    other = next((name for name in settings.channels if name not in ill), None)
    if other is None:
        return False  # nobody can be told: the page says it, and the next pass tries again
    ledger.queue(connection, trouble(row, other, settings.base_url), other, seq=0, now=now)
    mine = channel_state.c.channel == row.channel
    connection.execute(sa.update(channel_state).where(mine).values(reported_at=now))
    return True


def trouble(row: Row, other: str, base_url: str) -> Notice:
    """What `other` is told about the dead channel of `row`."""
    about = f"channel-{row.channel}"
    return Notice(
        id=f"{about}-{int(row.since.timestamp())}-{other}",
        incident=f"{about}-{int(row.since.timestamp())}",
        reason="trouble",
        severity="warning",
        rule="channels",
        signal="",
        title=f"Channel {row.channel} takes no messages any more",
        text=f"{row.said}. What it would have told waits. Mend its settings, or revive it when it works "
        f"again: quarterdeck notify revive {row.channel}",
        links=(Link(label="Channels", url=f"{base_url}/channels"),),
        account="",
        region="",
        subject_kind="channel",
        subject=row.channel,
        opened_at=row.since,
    )


# --- what people do ----------------------------------------------------------------------------------------


def revive(store: Store, name: str, *, by: Person, now: datetime) -> int:
    """Send there again what waits, from the next pass on. Returns how many notices that is.

    Raises NotAllowedError, and QuarterdeckError when there is no such channel.
    """
    by.must_be("admin", "to revive a channel")
    mine = sa.and_(outbox.c.channel == name, outbox.c.state == "queued")
    with store.transaction() as connection:
        row = _known(connection, name)
        _keep(connection, row, state="working", said=f"revived by {by.name}", failures=0, now=now)
        connection.execute(sa.update(outbox).where(mine).values(next_at=now))
        return connection.execute(sa.select(sa.func.count()).select_from(outbox).where(mine)).scalar_one()


def ask_for_test(store: Store, name: str, *, by: Person, now: datetime, base_url: str = "") -> str:
    """Have the service send a test message, a dead channel included. Returns the notice's id.

    Raises NotAllowedError, and QuarterdeckError when there is no such channel.
    """
    by.must_be("operator", "to test a channel")
    made = trial(name, by=by.name, now=now, base_url=base_url)
    with store.transaction() as connection:
        _known(connection, name)
        ledger.queue(connection, made, name, seq=0, now=now)
    return made.id


def _known(connection: sa.Connection, name: str) -> Row:
    row = _row(connection, name)
    if row is None:
        raise QuarterdeckError(
            f"there is no channel {name} in alerts.channels, or no service has seen it yet"
        )
    return row


def trial(name: str, *, by: str, now: datetime, base_url: str = "") -> Notice:
    """What a test says. No incident is behind it."""
    about = f"test-{int(now.timestamp() * 1000)}"
    return Notice(
        id=f"{about}-{name}",
        incident=about,
        reason="test",
        severity="info",
        rule="test",
        signal="",
        title=f"Test of channel {name}",
        text=f"This is a test that {by} asked for. Nothing is wrong, nothing is to be done.",
        facts=(("Sent by", by), ("Channel", name)),
        links=(Link(label="Open Quarterdeck", url=base_url),) if base_url else (),
        account="",
        region="",
        subject_kind="channel",
        subject=name,
        opened_at=now,
    )


def send_again(
    store: Store, *, by: Person, now: datetime, notice: str | None = None, channel: str | None = None
) -> int:
    """Queue dead notices once more: one by its id, or all of a channel. Returns how many.

    Raises NotAllowedError, and QuarterdeckError when a notice that was named is not a dead one.
    """
    by.must_be("operator", "to send again what was given up")
    which = outbox.c.id == notice if notice is not None else outbox.c.channel == channel
    again: Mapping[str, Any] = {"state": "queued", "attempts": 0, "next_at": now, "error": None}
    with store.transaction() as connection:
        rows = connection.execute(sa.select(outbox).where(which, outbox.c.state == "dead")).all()
        if notice is not None and not rows:
            raise QuarterdeckError(f"there is no dead notice {notice}; `quarterdeck notify list` shows them")
        for row in rows:
            connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(again))
            text = f"{row.reason} to {row.channel} is sent again"
            ledger.note(connection, row.incident, now, "notice", text, who=by.name)
    return len(rows)
