"""Units by the hour of the week: against a plain sum, and where one pays."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prices import prices
from core.units import break_even_use
from core.weekly import HOURS, MONTH, WEEK, busy, hour_of_week, week
from core.windows import Window

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
TWO_WEEKS = Window(MONDAY, MONDAY + 2 * WEEK)
PRICES = prices("us-east-1", "x86_64")
HOUR_MS = 3_600_000


def ms(ts):
    return round(ts.timestamp() * 1000)


def constantly(share, hours, units=1):
    """Each of `units` environments at work for a share of each of these hours of both weeks."""
    number, start, end = [], [], []
    for nth in range(2):
        for hour in hours:
            at = ms(MONDAY + nth * WEEK + timedelta(hours=hour))
            for unit in range(units):
                number.append(unit)
                start.append(at)
                end.append(at + round(share * HOUR_MS))
    return np.array(number), np.array(start), np.array(end)


def found(told, **how):
    return week(*told, **{"window": TWO_WEEKS, "memory_mb": 1024, "prices": PRICES} | how)


def test_monday_begins_the_week():
    hours = [MONDAY, MONDAY + timedelta(hours=25), MONDAY + timedelta(days=6, hours=23)]

    assert hour_of_week(np.array([ms(ts) for ts in hours])).tolist() == [0, 25, 167]


def test_a_unit_pays_only_in_hours_above_the_break_even_share():
    even = break_even_use(PRICES)
    told = found(constantly(even + 0.01, hours=[9, 10]))
    less = found(constantly(even - 0.01, hours=[9, 10]))

    assert np.flatnonzero(told.units).tolist() == [9, 10]
    assert not less.units.any()


def test_what_a_full_unit_saves_is_the_difference_of_the_prices():
    told = found(constantly(1.0, hours=range(HOURS)))
    an_hour = PRICES.duration - PRICES.provisioned_duration - PRICES.provisioned_capacity
    expected = 3600 * an_hour * Decimal(str(MONTH / WEEK)) * HOURS

    assert float(told.usd_month) == pytest.approx(float(expected), rel=1e-6)
    assert told.usd_month == told.always_usd_month(1)
    assert told.is_whole


def test_units_that_nobody_uses_cost_their_capacity():
    told = found(constantly(1.0, hours=range(HOURS)))
    capacity = 3600 * PRICES.provisioned_capacity * Decimal(str(MONTH / WEEK)) * HOURS

    assert float(told.always_usd_month(1) - told.always_usd_month(4)) == pytest.approx(float(3 * capacity))


def test_turns_are_where_the_number_changes():
    told = found(constantly(1.0, hours=[9, 10, 33]))

    assert [(turn.hour, turn.units) for turn in told.turns()] == [(9, 1), (11, 0), (33, 1), (34, 0)]


def test_an_hour_that_was_not_seen_makes_it_no_whole_week():
    window = Window(MONDAY, MONDAY + timedelta(days=6))

    assert not found(constantly(1.0, hours=[1]), window=window).is_whole


def test_without_a_price_there_is_no_answer():
    assert found(constantly(1.0, hours=[1]), prices=prices("mx-central-1", "x86_64")) is None


visits = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-HOUR_MS, 15 * 24 * HOUR_MS), st.integers(0, 900_000)),
    max_size=40,
)


@given(visits)
def test_busy_time_is_a_plain_sum_over_the_window(seen):
    first, last = ms(TWO_WEEKS.start), ms(TWO_WEEKS.end)
    number = np.array([v[0] for v in seen], dtype=np.int64)
    start = np.array([first + v[1] for v in seen], dtype=np.int64)
    end = start + np.array([v[2] for v in seen], dtype=np.int64)

    told = busy(number, start, end, TWO_WEEKS)

    plain = sum(max(0, min(e, last) - max(s, first)) for s, e in zip(start, end, strict=True))
    assert told.sum() == pytest.approx(plain)
    for at, (s, e) in enumerate(zip(start, end, strict=True)):
        if first <= s < e <= last and s // HOUR_MS == (e - 1) // HOUR_MS:
            assert told[hour_of_week(s), number[at]] >= e - s
