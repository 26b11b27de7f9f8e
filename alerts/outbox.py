"""Sends queued notices: at least once, in order within an incident and channel, until accepted or dead.

A notice is marked delivered right after the 2xx. If we are killed between the two it is sent again: receivers
that know our ids (kind `webhook`) drop the second one, a Slack webhook cannot and shows it twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from alerts import ledger
from alerts.channels import WebhookChannel
from alerts.http import quiet_http_logs
from alerts.notice import Notice
from alerts.settings import AlertSettings
from core.errors import DeliveryError
from store.schema import outbox
from store.store import Store

Row = sa.Row[Any]

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
LONGEST_ASKED = timedelta(hours=1)
"""A `Retry-After` beyond this is not believed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: delivered, waiting (until `next_at`) or dead."""

    id: str
    incident: str
    channel: str
    state: str
    error: str | None = None
    next_at: datetime | None = None
    whole_channel: bool = False


def deliver_due(
    store: Store,
    settings: AlertSettings,
    http: httpx.Client,
    *,
    now: datetime,
    chance: Callable[[], float] = random.random,
    may_send: Callable[[], bool] = lambda: True,
) -> list[Outcome]:
    """Try every notice whose turn it is, each once. `chance` (0..1) spreads retries.

    Of several services one delivers: each notice is looked at once more in a transaction of `store`, which
    refuses (LeaseLostError) when another does, and `may_send` is asked right before it leaves: whoever was
    paused in between sends nothing.
    """
    quiet_http_logs()
    with store.engine.connect() as connection:
        queue, spent = _due(connection, now), _delivered_last_hour(connection, now)
    outcomes, tried, held = list[Outcome](), Counter[str](), set[str]()
    for row in queue:
        name = row.channel
        full = (
            spent[name] + tried[name] >= settings.delivery.per_hour or tried[name] >= settings.delivery.burst
        )
        if name in held or full:
            continue
        with store.transaction() as connection:
            if not _is_still(connection, row):
                continue
        if not may_send():
            break
        tried[name] += 1
        outcome = _attempt(row, settings, http, now=now, chance=chance)
        with store.transaction() as connection:
            _keep(connection, row, outcome, now=now)
        outcomes.append(outcome)
        if outcome.state == "waiting":
            held.add(name)  # a channel that asks for time, or is down, is left alone until the next pass
    return outcomes


def _due(connection: sa.Connection, now: datetime) -> Sequence[Row]:
    """The oldest queued notice of every incident and channel, where it is due: later ones wait for it."""
    rows = connection.execute(
        sa.select(outbox)
        .where(outbox.c.state == "queued")
        .order_by(outbox.c.created_at, outbox.c.seq, outbox.c.id)
    )
    heads = dict[tuple[str, str], Row]()
    for row in rows:
        heads.setdefault((row.incident, row.channel), row)
    return [row for row in heads.values() if row.next_at <= now]


def _is_still(connection: sa.Connection, row: Row) -> bool:
    """Whether a notice waits as it did when it was read: nobody sent or tried it meanwhile."""
    found = connection.execute(sa.select(outbox.c.state, outbox.c.attempts).where(outbox.c.id == row.id))
    return found.one_or_none() == (row.state, row.attempts)


def _delivered_last_hour(connection: sa.Connection, now: datetime) -> Counter[str]:
    since = now - timedelta(hours=1)
    query = sa.select(outbox.c.channel, sa.func.count()).where(outbox.c.delivered_at > since)
    rows = connection.execute(query.group_by(outbox.c.channel))
    return Counter({str(channel): int(count) for channel, count in rows})


def _attempt(
    row: Row,
    settings: AlertSettings,
    http: httpx.Client,
    *,
    now: datetime,
    chance: Callable[[], float],
) -> Outcome:
    """Send once. What goes wrong is an outcome, never an exception: one notice must not stop the others."""
    channel: WebhookChannel | None = settings.channels.get(row.channel)
    if channel is None:
        return Outcome(
            row.id, row.incident, row.channel, "dead", "there is no such channel in alerts.channels"
        )
    try:
        channel.send(Notice.model_validate(row.notice), http)
    except DeliveryError as error:
        return _failed(row, error, settings.delivery.max_attempts, now=now, chance=chance)
    except Exception as error:  # noqa: BLE001 - one delivery; the type alone is kept, its text may hold the URL
        failure = DeliveryError(f"could not be sent: {type(error).__name__}", retryable=True)
        return _failed(row, failure, settings.delivery.max_attempts, now=now, chance=chance)
    return Outcome(row.id, row.incident, row.channel, "delivered")


def _failed(
    row: Row,
    error: DeliveryError,
    max_attempts: int,
    *,
    now: datetime,
    chance: Callable[[], float],
) -> Outcome:
    attempts, asked = row.attempts + 1, error.retry_after_s
    if not error.retryable or attempts >= max_attempts:
        return Outcome(row.id, row.incident, row.channel, "dead", f"{error} (attempt {attempts})")
    wait = backoff(attempts, chance())
    if asked is not None:
        wait = max(wait, min(timedelta(seconds=asked), LONGEST_ASKED))
    return Outcome(
        row.id,
        row.incident,
        row.channel,
        "waiting",
        f"{error} (attempt {attempts})",
        now + wait,
        asked is not None,
    )


def backoff(attempts: int, chance: float) -> timedelta:
    """Doubles from 5 s to 15 min; `chance` (0..1) takes up to half of it away, so that retries spread."""
    longest = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return timedelta(seconds=longest.total_seconds() * (1 - chance / 2))


def _keep(connection: sa.Connection, row: Row, outcome: Outcome, *, now: datetime) -> None:
    change = (
        sa.update(outbox)
        .where(outbox.c.id == outcome.id)
        .values(attempts=row.attempts + 1, error=outcome.error)
    )
    if outcome.state == "waiting":
        connection.execute(change.values(next_at=outcome.next_at))
        if outcome.whole_channel:
            _hold_channel(connection, outcome)
        return
    delivered_at = now if outcome.state == "delivered" else None
    connection.execute(change.values(state=outcome.state, delivered_at=delivered_at))
    what = "delivered" if outcome.state == "delivered" else "delivery failed"
    text = f"{row.reason} to {outcome.channel}{f': {outcome.error}' if outcome.error else ''}"
    ledger.note(connection, outcome.incident, now, what, text)


def _hold_channel(connection: sa.Connection, outcome: Outcome) -> None:
    """`Retry-After` speaks for the whole channel: nothing else is sent there before."""
    mine = sa.and_(outbox.c.channel == outcome.channel, outbox.c.state == "queued")
    early = outbox.c.next_at < outcome.next_at
    connection.execute(sa.update(outbox).where(mine, early).values(next_at=outcome.next_at))
