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


def is_dead(connection: sa.Connection, name: str, channel: Channel) -> bool:
    """Whether it is left alone. Settings that changed since are a new chance."""
    row = _row(connection, name)
    if row is None or row.state != "dead":
        return False
    return bool(row.target == channel.fingerprint())


def succeeded(connection: sa.Connection, name: str, channel: Channel, *, now: datetime) -> None:
    row = _row(connection, name)
    if row is not None and (row.state != "working" or row.failures):
        _keep(connection, row, name, channel, state="working", said="", failures=0, now=now)


def failed(
    connection: sa.Connection,
    name: str,
    channel: Channel,
    error: DeliveryError,
    *,
    max_attempts: int,
    now: datetime,
) -> None:
    """Dead when its target is gone, keeps refusing us, or took nothing for as many attempts as one notice."""
    row = _row(connection, name)
    fresh = row is None or row.target != channel.fingerprint()
    failures = 1 if fresh else row.failures + 1  # type: ignore[union-attr]
    refused = error.target == "refuses" and failures >= REFUSALS
    dead = error.target == "gone" or refused or failures >= max_attempts
    state = "dead" if dead else "failing"
    _keep(connection, row, name, channel, state=state, said=str(error), failures=failures, now=now)


def _keep(
    connection: sa.Connection, row: Row | None, name: str, channel: Channel, *, state: str, said: str,
    failures: int, now: datetime,
) -> None:  # fmt: skip
    same = row is not None and row.state == state
    values: dict[str, Any] = {
        "state": state,
        "since": row.since if row is not None and same else now,
        "said": said,
        "failures": failures,
        "target": channel.fingerprint(),
        "reported_at": row.reported_at if row is not None and same else None,
    }
    if row is None:
        connection.execute(sa.insert(channel_state).values(values | {"channel": name}))
    else:
        connection.execute(sa.update(channel_state).where(channel_state.c.channel == name).values(values))


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
    bad = connection.execute(sa.select(channel_state.c.channel).where(channel_state.c.state != "working"))
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


def revive(store: Store, settings: AlertSettings, name: str, *, by: Person, now: datetime) -> int:
    """Send there again what waits, from the next pass on. Returns how many notices that is.

    Raises NotAllowedError, and QuarterdeckError when there is no such channel.
    """
    by.must_be("admin", "to revive a channel")
    channel = settings.channels.get(name)
    if channel is None:
        raise QuarterdeckError(f"there is no channel {name} in alerts.channels")
    mine = sa.and_(outbox.c.channel == name, outbox.c.state == "queued")
    with store.transaction() as connection:
        row, said = _row(connection, name), f"revived by {by.name}"
        if row is not None:
            _keep(connection, row, name, channel, state="working", said=said, failures=0, now=now)
        connection.execute(sa.update(outbox).where(mine).values(next_at=now))
        return connection.execute(sa.select(sa.func.count()).select_from(outbox).where(mine)).scalar_one()


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
