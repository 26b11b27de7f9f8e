"""Bursts of throttles, their cause and what became of the work."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.throttling import (
    ACCOUNT,
    RESERVED,
    SCALING,
    STOPPED,
    UNKNOWN,
    Minute,
    Pool,
    Work,
    bursts,
    cause,
    consequence,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=1)


def at(minute, throttles=1.0, concurrent=None):
    return Minute(NOON + minute * STEP, throttles, concurrent)


@given(st.dictionaries(st.integers(0, 300), st.floats(0, 100), max_size=60))
def test_bursts_hold_every_throttle_once_and_lie_apart(throttles):
    found = bursts([at(minute, count) for minute, count in throttles.items()], step=STEP)

    assert sum(b.throttles for b in found) == pytest.approx(sum(throttles.values()))
    assert all(b.start < b.end for b in found)
    assert all(later.start - earlier.end >= 5 * STEP for earlier, later in pairwise(found))
    for minute, count in throttles.items():
        holding = [b for b in found if b.start <= NOON + minute * STEP < b.end]
        assert len(holding) == 1 or count == 0


@pytest.mark.parametrize(
    ("minutes", "pool", "kind"),
    [
        ([at(0)], Pool(reserved=0), STOPPED),
        ([at(0, concurrent=50)], Pool(reserved=50, limit=1000, claimed_max=200), RESERVED),
        ([at(0, concurrent=300)], Pool(limit=1000, claimed_max=1000), ACCOUNT),
        ([at(-1, 0, 100), at(0, concurrent=1100)], Pool(limit=5000, claimed_max=2000), SCALING),
        ([at(0, concurrent=10)], Pool(reserved=50, limit=1000, claimed_max=1000), UNKNOWN),
        ([at(0, concurrent=10)], Pool(limit=1000, claimed_max=300), UNKNOWN),
        ([at(0)], Pool(), UNKNOWN),
    ],
)
def test_names_the_limit_that_was_full(minutes, pool, kind):
    (burst,) = bursts(minutes, step=STEP)

    assert cause(burst, minutes, pool, step=STEP).kind == kind


def test_a_function_with_a_reservation_is_not_blamed_on_the_account():
    minutes = [at(0, concurrent=10)]
    (burst,) = bursts(minutes, step=STEP)

    assert "of its 50 reserved" in cause(burst, minutes, Pool(50, 1000, 1000), step=STEP).says


@pytest.mark.parametrize(
    ("work", "fed_by", "says"),
    [
        (Work(received=10, dropped=3), (), "3 asynchronous events were dropped"),
        (Work(received=10, async_age_ms=61_000), (), "waited up to 61 s"),
        (Work(iterator_age_ms=9_000), ("kinesis",), "up to 9 s behind"),
        (Work(), ("sqs",), "went back to their queue"),
        (Work(), (), "callers got an error (429)"),
    ],
)
def test_says_what_became_of_the_work(work, fed_by, says):
    assert says in consequence([work], fed_by)
