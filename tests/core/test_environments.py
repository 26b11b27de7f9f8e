from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.environments import AHEAD, INIT_LIMIT, UNUSED_AFTER, Use, uses

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
TICK = timedelta(milliseconds=1)


def use(*, until_first, init_ms, read_for):
    """Of one environment."""
    told = [None if until_first is None else until_first / SECOND, init_ms, read_for / SECOND]
    (found,) = uses(*(np.array([value], dtype=float) for value in told))
    return found


SPANS = st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=6))


@pytest.mark.parametrize(
    ("until_first", "init_ms", "found"),
    [
        (2 * SECOND, 1_990.0, Use.REQUESTED),
        (2 * SECOND + AHEAD, 2_000.0, Use.REQUESTED),
        (2 * SECOND + AHEAD + TICK, 2_000.0, Use.PROACTIVE),
        (HOUR / 2, 400.0, Use.PROACTIVE),
    ],
)
def test_an_environment_that_was_ready_long_before_its_first_invocation_was_proactive(
    until_first, init_ms, found
):
    assert use(until_first=until_first, init_ms=init_ms, read_for=HOUR) == found


@pytest.mark.parametrize(("until_first", "found"), [(AHEAD, Use.REQUESTED), (2 * AHEAD, Use.REQUESTED)])
def test_a_first_attempt_to_initialize_that_took_its_limit_is_not_called_proactive(until_first, found):
    assert INIT_LIMIT == AHEAD
    assert use(until_first=until_first, init_ms=None, read_for=HOUR) == found
    assert use(until_first=until_first + AHEAD + TICK, init_ms=None, read_for=HOUR) == Use.PROACTIVE


@pytest.mark.parametrize(
    ("read_for", "found"), [(UNUSED_AFTER - TICK, Use.NOT_KNOWN), (UNUSED_AFTER, Use.UNUSED)]
)
def test_an_environment_is_unused_once_its_log_was_read_for_as_long_as_one_lives(read_for, found):
    assert use(until_first=None, init_ms=None, read_for=read_for) == found


@given(until_first=SPANS, init_ms=st.floats(0, 10_000) | st.none(), read_for=SPANS)
def test_nothing_is_said_of_an_environment_whose_log_has_a_gap_before_its_first_invocation(
    until_first, init_ms, read_for
):
    found = use(until_first=until_first, init_ms=init_ms, read_for=read_for)

    assert (found == Use.NOT_KNOWN) == (read_for < until_first)
