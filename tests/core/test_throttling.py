"""Bursts of throttles and their cause."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.throttling import (
    ACCOUNT,
    CAUSES,
    EVENT_SOURCE,
    PROVISIONED,
    RESERVED,
    SCALING,
    STOPPED,
    UNKNOWN,
    Minute,
    Pool,
    bursts,
    cause,
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
        ([at(0, concurrent=3)], Pool(reserved=10, provisioned=10), PROVISIONED),
        ([at(0, concurrent=10)], Pool(reserved=10, provisioned=9), RESERVED),
        ([at(0, concurrent=20)], Pool(limit=1000, claimed_max=300, event_source_max=20), EVENT_SOURCE),
        ([at(0, concurrent=10)], Pool(limit=1000, claimed_max=300, event_source_max=20), UNKNOWN),
        ([at(0, concurrent=8)], Pool(limit=1000, claimed_max=1000, is_read=False), ACCOUNT),
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
    ("minutes", "pool", "says"),
    [
        ([at(0)], Pool(limit=1000, claimed_max=10, is_read=False), "reservation of its own was not read"),
        ([at(0)], Pool(reserved=5), "its concurrency was not collected"),
        ([at(0, concurrent=5)], Pool(limit=1000), "the account's concurrency was not collected"),
        ([at(0, concurrent=5)], Pool(claimed_max=10), "the account's limit is not known"),
    ],
)
def test_says_what_it_would_have_to_know_to_tell(minutes, pool, says):
    (burst,) = bursts(minutes, step=STEP)

    found = cause(burst, minutes, pool, step=STEP)

    assert found.kind == UNKNOWN == "cannot tell"
    assert says in found.says


def test_a_spillover_is_named_with_the_pool_that_was_full_after_it():
    minutes = [at(0, concurrent=50)]
    (burst,) = bursts(minutes, step=STEP)

    says = cause(burst, minutes, Pool(limit=100, claimed_max=100, provisioned=20, spilled=30), step=STEP).says

    assert says == (
        "100 of the account's 100 were claimed, after 30 invocations found its 20 provisioned used up"
    )


counts = st.none() | st.integers(0, 3000)


@given(
    concurrent=st.none() | st.floats(0, 3000),
    pool=st.builds(
        Pool,
        reserved=counts,
        limit=counts,
        claimed_max=st.none() | st.floats(0, 3000),
        is_read=st.booleans(),
        provisioned=st.integers(0, 50),
        spilled=st.floats(0, 100),
        event_source_max=counts,
    ),
)
def test_never_names_a_limit_that_was_not_full(concurrent, pool):
    minutes = [at(0, concurrent=concurrent)]
    (burst,) = bursts(minutes, step=STEP)

    found = cause(burst, minutes, pool, step=STEP)

    assert found.kind in CAUSES
    assert found.says
    if found.kind in (RESERVED, ACCOUNT, EVENT_SOURCE):
        assert found.used >= 0.98 * found.limit
    if found.kind == ACCOUNT:
        assert pool.reserved is None
    if not pool.is_read and pool.reserved is None:
        assert found.kind in (ACCOUNT, EVENT_SOURCE, UNKNOWN)
