"""When a queue is empty."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.draining import DRAINING, EMPTY, GROWING, HELD, STEADY, UNKNOWN, drain

HALF_HOUR = timedelta(minutes=30)


@given(
    depth=st.integers(1, 10**6),
    arrived=st.integers(0, 10**6),
    spare=st.integers(1, 10**6),
    minutes=st.integers(1, 600),
)
def test_a_queue_that_goes_on_so_is_empty_when_it_says(depth, arrived, spare, minutes):
    over = timedelta(minutes=minutes)

    told = drain(depth, arrived, arrived + spare, over)

    assert told.outlook == DRAINING
    assert depth + told.drains_in_s * (told.in_per_s - told.out_per_s) == pytest.approx(
        0, abs=1e-6 * depth + 1e-6
    )
    assert told.in_per_s * over.total_seconds() == pytest.approx(arrived)


@pytest.mark.parametrize(
    ("depth", "arrived", "deleted", "outlook", "left_s"),
    [
        (0, 50, 50, EMPTY, 0.0),
        (10, 0, 0, HELD, None),
        (10, 5, 0, GROWING, None),
        (10, 90, 60, GROWING, None),
        (10, 60, 60, STEADY, None),
        (10, 1000, 960, STEADY, None),
        (10, 1000, 940, GROWING, None),
        (10, None, 60, UNKNOWN, None),
        (10, 60, None, UNKNOWN, None),
        (None, 60, 70, UNKNOWN, None),
    ],
)
def test_says_how_a_queue_goes_on(depth, arrived, deleted, outlook, left_s):
    told = drain(depth, arrived, deleted, HALF_HOUR)

    assert (told.outlook, told.drains_in_s) == (outlook, left_s)


def test_messages_that_come_in_beyond_what_is_taken_out_are_told_a_minute():
    assert "1.0 messages a minute" in drain(10, 90, 60, HALF_HOUR).says
