"""When a pool of concurrency is full, by its trend."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exhaustion import FULL, GROWING, STEADY, UNKNOWN, exhaustion

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def minutes(*used):
    return [(NOON + timedelta(minutes=i), float(value)) for i, value in enumerate(used)]


@given(
    start=st.integers(0, 500),
    growth=st.integers(1, 50),
    count=st.integers(6, 40),
    spare=st.integers(1, 10_000),
)
def test_a_line_is_full_where_it_meets_its_limit(start, growth, count, spare):
    points = minutes(*(start + growth * i for i in range(count)))
    limit = points[-1][1] + spare

    told = exhaustion(points, limit)

    assert told.per_minute == pytest.approx(growth)
    assert told.confidence == 1
    if told.state == GROWING:
        lasts = (told.at - points[-1][0]).total_seconds() / 60
        assert points[-1][1] + growth * lasts == pytest.approx(limit, abs=growth * 1e-4)
    else:
        assert told.state == STEADY
        assert spare / growth > 24 * 60
        assert "not within 24 h" in told.says


def test_a_single_peak_does_not_bend_the_trend():
    points = minutes(100, 101, 102, 103, 900, 105, 106, 107, 108)

    assert exhaustion(points, 1000).per_minute == pytest.approx(1, abs=0.2)


def test_lambda_lets_one_function_take_a_thousand_in_ten_seconds():
    told = exhaustion(minutes(500, 500, 500, 500, 500, 500), 3000)

    assert (told.state, told.soonest_s, told.at) == (STEADY, 25.0, None)


@pytest.mark.parametrize(
    ("points", "limit", "state"),
    [
        ([], 1000, UNKNOWN),
        (minutes(1, 2, 3), None, UNKNOWN),
        (minutes(1, 2, 3), 1000, UNKNOWN),
        (minutes(float("nan"), float("nan")), 1000, UNKNOWN),
        (minutes(900, 1000), 1000, FULL),
        (minutes(900, 1010), 1000, FULL),
        (minutes(9, 8, 7, 6, 5, 4), 1000, STEADY),
    ],
)
def test_says_how_it_stands(points, limit, state):
    assert exhaustion(points, limit).state == state


def test_unknown_headroom_is_none_not_zero():
    assert exhaustion([], 1000).headroom is None


def test_the_order_of_points_does_not_matter():
    points = minutes(10, 12, 14, 16, 18, 20, 22)

    assert exhaustion(points[::-1], 100) == exhaustion(points, 100)


@given(growth=st.integers(5_000, 500_000), spare=st.integers(1, 100_000), growers=st.integers(1, 50))
def test_no_trend_is_faster_than_lambda_lets_its_functions_grow(growth, spare, growers):
    points = minutes(*(growth * i for i in range(8)))

    told = exhaustion(points, points[-1][1] + spare, growers=growers)

    assert told.soonest_s == pytest.approx(spare / 100)
    assert (told.at - points[-1][0]).total_seconds() >= spare / (100 * growers) - 1e-6


def test_use_that_goes_up_and_down_has_no_trend():
    told = exhaustion(minutes(10, 90, 11, 80, 13, 95, 9, 99), 100)

    assert told.state == STEADY
    assert told.at is None
    assert "goes up and down: not within 24 h" in told.says


def test_what_falls_has_a_negative_confidence():
    assert exhaustion(minutes(9, 8, 7, 6, 5, 4), 1000).confidence == -1
