"""Sends what is queued for one channel: at least once, in order within an incident, until accepted or dead.

A notice is marked delivered right after the target took it. If we are killed between the two it is sent
again, with the same id: receivers that know our ids drop the second one, the others show it twice
(`takes_duplicates` of each channel).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from alerts import digest, health, ledger, threads
from alerts.channels.base import Aws, Channel, Edge, Receipt, Ref
from alerts.notice import Link, Notice
from alerts.settings import AlertSettings
from core.errors import DeliveryError
from core.facts import Target
from store.schema import incident, outbox
from store.store import Store

Row = sa.Row[Any]

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
LONGEST_ASKED = timedelta(hours=1)
"""A `Retry-After` beyond this is not believed."""

NO_CHANNEL = "there is no such channel in alerts.channels"
STOPS_AFTER_S = 20.0
"""How long one channel's turn may go on; the rest is the next one's."""


def _no_links(connection: sa.Connection, notice: Notice, channel: str) -> tuple[Link, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """All that delivering needs, handed in. Of several services one delivers: `may_send` is asked right
    before a notice leaves, and the store refuses writes (LeaseLostError) when another does.

    `after` is called when an attempt ended, on its thread. `links` are made as a notice leaves and kept
    nowhere: whoever follows one of them may do something.
    """

    store: Store
    settings: AlertSettings
    http: httpx.Client
    clock: Callable[[], datetime]
    aws_for: Callable[[Target], Aws] | None = None
    chance: Callable[[], float] = random.random
    may_send: Callable[[], bool] = lambda: True
    pause: Callable[[float], None] = time.sleep
    after: Callable[[], None] = lambda: None
    links: Callable[[sa.Connection, Notice, str], tuple[Link, ...]] = _no_links

    @property
    def edge(self) -> Edge:
        return Edge(self.http, self.clock(), self.aws_for)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: delivered, waiting (until `next_at`) or dead."""

    row: Row
    state: str
    error: DeliveryError | None = None
    next_at: datetime | None = None
    receipt: Receipt | None = None

    @property
    def said(self) -> str | None:
        return None if self.error is None else f"{self.error} (attempt {self.row.attempts + 1})"

    @property
    def rests_until(self) -> bool:
        """Whether the target asked for time: that speaks for the whole channel."""
        return self.error is not None and self.error.retry_after_s is not None


def deliver_on(name: str, ways: Ways) -> list[Outcome]:
    """Try what is due on one channel, each notice once. `chance` spreads retries."""
    with ways.store.engine.connect() as connection:
        if not _due(connection, name, ways.clock()):
            return []
    channel: Channel | None = ways.settings.channels.get(name)
    if channel is None:
        return _bury(name, ways)
    outcomes = list[Outcome]()
    for row in _in_time(_sort_out(name, channel, ways), channel, ways):
        if (outcome := _one(row, channel, ways)) is not None:
            outcomes.append(outcome)
        if outcome is None or outcome.error is not None or _rests(outcome):
            break  # a channel that asks for time, or is down, is left alone until the next pass
    return outcomes


def _sort_out(name: str, channel: Channel, ways: Ways) -> Sequence[Row]:
    """What may be sent now: a storm is folded, and the target's rate is kept."""
    now = ways.clock()
    with ways.store.transaction() as connection:
        heads = _due(connection, name, now)
        if health.is_dead(connection, name):
            return [row for row in heads if row.reason == "test"]
        if channel.folds:
            heads = digest.fold_resolved(connection, name, heads, now=now)
            heads = digest.fold_new(connection, name, channel, heads, ways.settings, now=now)
            made = [row for row in _due(connection, name, now) if _is_digest(row)]
            heads = [row for row in heads if not _is_digest(row)] + made
        room = min(
            channel.most_per_minute - _sent_since(connection, name, now - timedelta(minutes=1)),
            ways.settings.delivery.per_hour - _sent_since(connection, name, now - timedelta(hours=1)),
        )
    return heads[: max(room, 0)]


def _in_time(rows: Sequence[Row], channel: Channel, ways: Ways) -> Iterator[Row]:
    """The rows, as fast as the target takes them, for as long as a turn lasts."""
    until = time.monotonic() + STOPS_AFTER_S
    for at, row in enumerate(rows):
        if at:
            ways.pause(channel.rate.gap_s)
        if time.monotonic() > until:
            return
        yield row


def _one(row: Row, channel: Channel, ways: Ways) -> Outcome | None:
    """One attempt, and what is kept of it. None: somebody else has it, or delivers now."""
    with ways.store.transaction() as connection:
        if not _is_still(connection, row):
            return None
        thread = threads.kept(connection, row.incident, row.channel)
        notice = Notice.model_validate(row.notice)
        notice = notice.model_copy(
            update={"links": notice.links + ways.links(connection, notice, row.channel)}
        )
    if not ways.may_send():
        return None
    try:
        outcome = Outcome(row, "delivered", receipt=_send(channel, notice, ways.edge, thread))
    except DeliveryError as error:
        outcome = _failed(row, error, ways)
    except Exception as error:  # noqa: BLE001 - one delivery; the type alone is kept, its text may hold the URL
        failure = DeliveryError(f"could not be sent: {type(error).__name__}", retryable=True)
        outcome = _failed(row, failure, ways)
    ways.after()
    with ways.store.transaction() as connection:
        _keep(connection, outcome, ways)
    return outcome


def _send(channel: Channel, notice: Notice, edge: Edge, thread: Ref | None) -> Receipt:
    return channel.test(notice, edge) if notice.reason == "test" else channel.send(notice, edge, thread)


def _failed(row: Row, error: DeliveryError, ways: Ways) -> Outcome:
    attempts, asked = row.attempts + 1, error.retry_after_s
    if not error.retryable or attempts >= ways.settings.delivery.max_attempts:
        return Outcome(row, "dead", error)
    wait = backoff(attempts, ways.chance())
    if asked is not None:
        wait = max(wait, min(timedelta(seconds=asked), LONGEST_ASKED))
    return Outcome(row, "waiting", error, ways.clock() + wait)


def backoff(attempts: int, chance: float) -> timedelta:
    """Doubles from 5 s to 15 min; `chance` (0..1) takes up to half of it away, so that retries spread."""
    longest = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return timedelta(seconds=longest.total_seconds() * (1 - chance / 2))


# --- the queue ---------------------------------------------------------------------------------------------


def _due(connection: sa.Connection, name: str, now: datetime) -> list[Row]:
    """The oldest queued notice of every incident, where it is due: later ones wait for it."""
    rows = connection.execute(
        sa.select(outbox)
        .where(outbox.c.state == "queued", outbox.c.channel == name)
        .order_by(outbox.c.created_at, outbox.c.seq, outbox.c.id)
    )
    heads = dict[str, Row]()
    for row in rows:
        heads.setdefault(row.incident, row)
    return [row for row in heads.values() if row.next_at <= now]


def _is_digest(row: Row) -> bool:
    return str(row.incident).startswith("digest-")


def _is_still(connection: sa.Connection, row: Row) -> bool:
    """Whether a notice waits as it did when it was read: nobody sent or tried it meanwhile."""
    found = connection.execute(sa.select(outbox.c.state, outbox.c.attempts).where(outbox.c.id == row.id))
    return found.one_or_none() == (row.state, row.attempts)


def _sent_since(connection: sa.Connection, name: str, since: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(outbox)
    mine = (outbox.c.channel == name, outbox.c.delivered_at > since)
    return int(connection.execute(query.where(*mine)).scalar_one())


# --- what is kept ------------------------------------------------------------------------------------------


def _keep(connection: sa.Connection, outcome: Outcome, ways: Ways) -> None:
    row, now = outcome.row, ways.clock()
    change = sa.update(outbox).where(outbox.c.id == row.id)
    change = change.values(attempts=row.attempts + 1, error=outcome.said)
    if outcome.error is not None:
        after = row.attempts + 1 if outcome.state == "dead" else None
        health.failed(connection, row.channel, outcome.error, now=now, after=after)
    if outcome.state == "waiting":
        connection.execute(change.values(next_at=outcome.next_at))
        if outcome.rests_until and outcome.next_at is not None:
            _hold_channel(connection, row.channel, outcome.next_at)
        return
    connection.execute(change.values(state=outcome.state, delivered_at=now if outcome.receipt else None))
    if outcome.receipt is not None:
        _keep_receipt(connection, row, outcome.receipt, now=now)
    _tell_timeline(connection, outcome, now=now)


def _keep_receipt(connection: sa.Connection, row: Row, receipt: Receipt, *, now: datetime) -> None:
    health.succeeded(connection, row.channel, now=now)
    if receipt.ref is not None:
        threads.keep(connection, row.incident, row.channel, receipt.ref, now=now)
    if receipt.rest_s is not None:
        rest = min(timedelta(seconds=receipt.rest_s), LONGEST_ASKED)
        _hold_channel(connection, row.channel, now + rest)


def _tell_timeline(connection: sa.Connection, outcome: Outcome, *, now: datetime) -> None:
    row, said = outcome.row, f": {outcome.said}" if outcome.said else ""
    what = "delivered" if outcome.state == "delivered" else "delivery failed"
    if _is_digest(row):
        digest.note_members(connection, row.id, what, f"digest to {row.channel}{said}", now=now)
    else:
        ledger.note(connection, row.incident, now, what, f"{row.reason} to {row.channel}{said}")


def _rests(outcome: Outcome) -> bool:
    return outcome.receipt is not None and outcome.receipt.rest_s is not None


def _hold_channel(connection: sa.Connection, name: str, until: datetime) -> None:
    """`Retry-After` speaks for the whole channel: nothing else is sent there before."""
    mine = sa.and_(outbox.c.channel == name, outbox.c.state == "queued", outbox.c.next_at < until)
    connection.execute(sa.update(outbox).where(mine).values(next_at=until))


def _bury(name: str, ways: Ways) -> list[Outcome]:
    """What waits for a channel that the settings have no more."""
    error, now = DeliveryError(NO_CHANNEL, retryable=False), ways.clock()
    with ways.store.transaction() as connection:
        outcomes = [Outcome(row, "dead", error) for row in _due(connection, name, now)]
        for outcome in outcomes:
            gone = sa.update(outbox).where(outbox.c.id == outcome.row.id)
            connection.execute(gone.values(state="dead", error=NO_CHANNEL))
            _tell_timeline(connection, replace(outcome, error=error), now=now)
    return outcomes


# --- channels that forget ----------------------------------------------------------------------------------


def say_again(name: str, channel: Channel, ways: Ways) -> None:
    """Tell a channel that forgets what still fires of what it was told. What fails is the channel's state."""
    firing = sa.and_(outbox.c.channel == name, outbox.c.reason == "firing", outbox.c.state == "delivered")
    joined = sa.join(outbox, incident, incident.c.id == outbox.c.incident)
    columns = sa.select(outbox.c.notice, incident.c.severity)  # which an escalation may have raised
    query = columns.select_from(joined).where(firing, incident.c.resolved_at.is_(None))
    with ways.store.engine.connect() as connection:
        rows = connection.execute(query).all()
        told = [Notice.model_validate({**row.notice, "severity": row.severity}) for row in rows]
        if not told or health.is_dead(connection, name):
            return
    if not ways.may_send():
        return
    try:
        channel.keep_alive(told, ways.edge)
    except DeliveryError as error:
        with ways.store.transaction() as connection:
            health.failed(connection, name, error, now=ways.clock())
