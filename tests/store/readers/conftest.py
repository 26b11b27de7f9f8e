"""A real store, filled with facts of a small fleet as collectors would commit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.entities import Function
from core.facts import Fact, Run, Target
from core.settings import StoreSettings
from core.telemetry import EnvironmentStart, InvocationRecord, MetricPoint, QueueSample
from core.windows import Window
from store.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")


class World:
    """Commits facts to `store` under short names; times are minutes before NOW."""

    now = NOW
    target = PROD

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events = 0

    def at(self, minutes_ago: float) -> datetime:
        return NOW - timedelta(minutes=minutes_ago)

    def window(self, minutes: float = 180, until: float = 0) -> Window:
        return Window(self.at(until + minutes), self.at(until))

    def run(self, collector: str, facts: Iterable[Fact] = (), **about: Any) -> None:
        """One run over the last three hours that ended now, unless `about` says otherwise."""
        values = {
            "target": PROD,
            "window": self.window(),
            "period_s": 60,
            "started_at": NOW,
            "finished_at": NOW,
            "outcome": "ok",
        }
        run = Run(collector=collector, **{**values, **about})
        self.store.commit(run, facts, now=run.finished_at)

    def function(self, name: str = "orders", **fields: Any) -> Function:
        values = {"memory_mb": 1024, "timeout_s": 30, "runtime": "python3.13", "ephemeral_mb": 512}
        arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:{name}"
        return Function(name=name, arn=arn, **{**values, **fields})

    def point(self, minutes_ago: float, invocations: float | None = 1, **fields: Any) -> MetricPoint:
        values = {"scope": "function", "function": "orders", "period_s": 60, "invocations": invocations}
        return MetricPoint(ts=self.at(minutes_ago), **{**values, **fields})

    def record(self, minutes_ago: float, duration_ms: float = 100, **fields: Any) -> InvocationRecord:
        self.events += 1
        values = {
            "function": "orders",
            "event_id": f"event-{self.events}",
            "request_id": f"request-{self.events}",
            "stream": "stream",
            "version": "$LATEST",
            "billed_ms": float(-(-duration_ms // 1)),
            "memory_mb": 1024.0,
            "max_memory_mb": 200.0,
        }
        return InvocationRecord(ts=self.at(minutes_ago), duration_ms=duration_ms, **{**values, **fields})

    def sample(self, minutes_ago: float, queue: str, visible: float, **fields: Any) -> QueueSample:
        return QueueSample(
            ts=self.at(minutes_ago), queue=queue, visible_max=visible, **{"period_s": 60, **fields}
        )


@pytest.fixture
def store(settings: StoreSettings) -> Iterable[Store]:
    opened = Store.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture(scope="module")
def lasting_world(lasting: StoreSettings) -> Iterable[World]:
    """A world of a whole module, whose tests only read what one fixture of theirs puts there."""
    opened = Store.open(lasting)
    yield World(opened)
    opened.close()


@pytest.fixture
def begin(world: World) -> Callable[..., EnvironmentStart]:
    """A start so many minutes ago, in a stream."""

    def begin(minutes_ago: float, stream: str, **about: Any) -> EnvironmentStart:
        values = {"function": "orders", "version": "$LATEST", "event_id": f"{stream}-{minutes_ago}"}
        return EnvironmentStart(ts=world.at(minutes_ago), stream=stream, **{**values, **about})

    return begin
