"""What actions change in the demo account has its effect from then on, and is in the call log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.model import DAY_MS, Plan
from quarterdeck.demo.specs import EU, PROD
from quarterdeck.demo.stories import story, to_ms
from quarterdeck.demo.world import FrozenClock, World

STARTED = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
FUNCTION = MERIDIAN.find(PROD, EU, "inventory-reserve")
TODAY = to_ms(STARTED) // DAY_MS


def throttles(world, since, until):
    ts = world.day(FUNCTION, TODAY).throttled_ms
    return int(((ts >= to_ms(since)) & (ts < to_ms(until))).sum())


@pytest.fixture
def world():
    return World(Plan(7, (STARTED,)), FrozenClock(STARTED))


def test_more_reserved_concurrency_ends_the_throttles_of_the_next_sale_and_changes_no_past(world):
    first = STARTED + story("throttled-pool").after
    before = world.day(FUNCTION, TODAY)
    throttled = throttles(world, first, STARTED)

    world.reserve(FUNCTION, 60)

    after = world.day(FUNCTION, TODAY)
    now = to_ms(STARTED)
    assert throttled > 20
    assert throttles(world, first, STARTED) == throttled
    assert np.array_equal(before.start_ms[before.start_ms < now], after.start_ms[after.start_ms < now])
    assert throttles(world, STARTED, STARTED + timedelta(hours=1)) == 0


def test_the_throttles_come_back_with_the_value_before(world):
    world.reserve(FUNCTION, 60)
    world.clock.now = STARTED + timedelta(minutes=30)
    world.reserve(FUNCTION, 8)

    assert throttles(world, STARTED, STARTED + timedelta(minutes=25)) == 0
    assert throttles(world, STARTED + timedelta(minutes=30), STARTED + timedelta(minutes=60)) > 20


def test_nothing_runs_with_nothing_reserved(world):
    world.reserve(FUNCTION, 0)

    assert (world.day(FUNCTION, TODAY).start_ms < to_ms(STARTED)).all()
