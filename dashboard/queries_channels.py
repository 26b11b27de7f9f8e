"""What the Channels page asks the store, and what its buttons write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from alerts import health
from core.people import Person
from dashboard import queries, queries_alerts
from dashboard.queries import cached, store
from store.readers import channels as reader
from store.readers import incidents


@cached(ttl_s=10, entries=4)
def channels(_at: datetime) -> pd.DataFrame:
    return reader.channels(store(), now=_at)


@cached(ttl_s=10, entries=4)
def deliveries(state: str | None = None) -> pd.DataFrame:
    return incidents.deliveries(store(), state=state)


def test(name: str, *, by: Person) -> None:
    """Raises QuarterdeckError in one sentence."""
    health.ask_for_test(store(), name, by=by, now=queries.now())
    _forget()


def revive(name: str, *, by: Person) -> int:
    waiting = health.revive(store(), name, by=by, now=queries.now())
    _forget()
    return waiting


def send_again(notice: str, *, by: Person) -> None:
    health.send_again(store(), notice=notice, by=by, now=queries.now())
    _forget()


def _forget() -> None:
    """What was just changed shows at once."""
    changed: list[Any] = [channels, deliveries, queries_alerts.deliveries]
    for question in changed:
        question.clear()
