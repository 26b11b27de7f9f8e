from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.stuck import BLOCKED, FALLING_BEHIND, HELD_UP, POISON_PILL, Moment, stuck

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


def minutes(ages_min, *, invocations=2.0, errors=0.0):
    return [
        Moment(START + timedelta(minutes=n), None if age is None else age * 60_000.0, invocations, errors)
        for n, age in enumerate(ages_min)
    ]


def test_an_age_that_grows_with_time_while_errors_stay_is_a_poison_pill():
    calm = minutes([0.1] * 10)
    failing = [Moment(START + timedelta(minutes=10 + n), n * 60_000.0, 3.0, 3.0) for n in range(20)]

    found = stuck([*calm, *failing])

    assert (found.kind, found.since) == (POISON_PILL, START + timedelta(minutes=10))
    assert "19 min old" in found.says


def test_one_blocked_shard_among_working_ones_is_a_poison_pill_too():
    assert stuck(minutes(range(20), invocations=100.0, errors=1.0)).kind == POISON_PILL


def test_the_same_growth_without_errors_is_blocked():
    assert stuck(minutes(range(20))).kind == BLOCKED
    assert "nothing is invoked" in stuck(minutes(range(20), invocations=None)).says


def test_a_slower_growth_is_falling_behind():
    found = stuck(minutes([0.4 * n for n in range(30)]))

    assert found.kind == FALLING_BEHIND
    assert round(found.growth, 2) == 0.4


def test_a_slower_growth_while_errors_stay_is_held_up_by_failures():
    moments = [Moment(START + timedelta(minutes=n), n * 40_000.0, 6.0, float(n % 5 > 0)) for n in range(60)]

    assert stuck(moments).kind == HELD_UP


def test_a_growth_that_ended_is_over():
    assert stuck([*minutes(range(20), errors=2.0), *minutes([None] * 20 + [1.0])[20:]]) is None


def test_a_short_growth_is_a_slow_batch():
    assert stuck(minutes(range(5), errors=2.0)) is None
    assert stuck(minutes([0, 4, 8, 12], errors=2.0)) is None


def test_minutes_without_an_age_do_not_end_a_growth():
    ages = [n if n % 3 else None for n in range(30)]

    assert stuck(minutes(ages, errors=2.0)).kind == POISON_PILL


number = st.none() | st.floats(0, 1e9)


@given(st.lists(st.tuples(number, number, number), max_size=40))
def test_whatever_is_told_is_no_error(told):
    stuck([Moment(START + timedelta(minutes=n), *values) for n, values in enumerate(told)])
