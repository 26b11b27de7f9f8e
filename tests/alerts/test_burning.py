"""Error budgets: what the workbook's table says, with holes in the data, and over days."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.burn import ENOUGH, BurnWindow
from alerts.burning import Hours, burnt
from alerts.judge import judge
from alerts.judging import judge_all


@pytest.fixture
def objective(rule):
    return rule("budget", signal="error_rate", slo="99.9%", above=None)


@pytest.fixture
def hours_of(grid):
    """A grid of so many hours, in which of 1,000 invocations a minute so many fail."""

    def make(*rates):
        errors = [rate * 1000 for minutes, rate in rates for _ in range(minutes)]
        return grid(errors=errors, invocations=[1000.0] * len(errors))

    return make


@pytest.fixture
def rule_of(objective, hours_of):
    return lambda *rates: judge(objective, hours_of(*rates))


def test_a_fast_burn_fires_when_an_hour_and_five_minutes_agree(rule_of):
    found = rule_of((360, 0.0), (60, 0.05))

    first = int(np.flatnonzero(found.fires[0])[0]) - 360
    assert first == 17  # 18 minutes of 5 % are 1.5 % of an hour: 15 times the budget
    assert found.limit[0, 360 + first] == 14.4


def test_a_burst_that_is_over_fires_no_more(rule_of):
    found = rule_of((360, 0.0), (20, 0.05), (10, 0.0))

    assert found.fires[0, 379]
    assert not found.fires[0, 389]


def test_a_slow_burn_fires_by_six_hours_and_thirty_minutes(rule_of):
    found = rule_of((360, 0.008))

    assert found.fires[0, -1]
    assert (found.value[0, -1], found.limit[0, -1]) == (pytest.approx(8), 6)


def test_a_burn_within_the_budget_is_good(rule_of):
    found = rule_of((420, 0.0005))

    assert not found.fires.any()
    assert found.clears[0, -1]


def test_one_failed_read_does_not_blind_a_window(objective, grid):
    collected = [minute != 400 for minute in range(420)]
    found = judge(objective, grid(errors=[50.0] * 420, invocations=[1000.0] * 420, collected=collected))

    assert found.fires[0, -1]


def test_what_was_hardly_collected_is_unknown(objective, grid):
    collected = [minute % 2 == 0 for minute in range(421)]
    found = judge(objective, grid(errors=[50.0] * 421, invocations=[1000.0] * 421, collected=collected))

    assert not found.fires.any()
    assert set(found.verdict[0].tolist()) == {0}


def test_nothing_invoked_is_silent_and_resolves_nothing(objective, grid):
    found = judge(objective, grid(errors=[0.0] * 420, invocations=[0.0] * 420))

    assert not found.clears.any()


def test_the_budget_is_said_in_words(objective):
    assert objective.condition() == (
        "of an objective of 99.9 %, 0.1 % may be bad: more than 14.4 times that over 1 h and 5 min,"
        " or 6 times that over 6 h and 30 min"
    )


@pytest.fixture
def day_budget(store, world, rule):
    """A budget of a day, judged after so many hours of minutes."""
    slow = [{"long": "1d", "short": "6h", "above": 1}]
    budget = rule("budget", signal="error_rate", slo="99.9%", above=None, windows=slow)

    def go(hours):
        world.minutes(-60 * hours, [0.2] * 60 * hours)
        [one] = judge_all(store, [budget], now=world.at(0) + timedelta(seconds=5))
        return one

    return go


def test_a_day_is_added_up_from_hours(day_budget):
    one = day_budget(25)

    assert one.fires[0, -1]
    assert one.value[0, -1] == pytest.approx(2)


def test_eight_hours_of_a_day_say_nothing_of_a_day(day_budget):
    assert set(day_budget(8).verdict[0].tolist()) == {0}


COUNTS = st.integers(0, 5)


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.lists(
        st.tuples(COUNTS, COUNTS, st.sampled_from([True, True, True, True, False])), min_size=70, max_size=80
    ),
    hours=st.lists(st.tuples(COUNTS, COUNTS), min_size=0, max_size=9),
    end=st.integers(0, 60),
)
def test_long_windows_are_what_adding_up_says(minutes, hours, end):
    long, short = BurnWindow(long="8h", short="3m", above=1), BurnWindow(long="10m", short="3m", above=2)
    bad, total, read = (np.array([[float(m[n]) for m in minutes]]) for n in range(3))
    read = read.astype(bool)
    older = Hours(end, *(np.array([[float(h[n]) for h in hours]]).reshape(1, -1) for n in (0, 1)))

    found = burnt(
        np.where(read, bad, np.nan),
        np.where(read, total, np.nan),
        read,
        slo=0.5,
        windows=(long, short),
        hours=older,
    )

    for at in range(len(minutes)):
        expected = _slowly(minutes, hours, end, at)
        assert bool(found.known[0, at]) == (expected is not None)
        if expected is not None:
            assert np.isclose(found.value[0, at], expected, equal_nan=True)


def _slowly(minutes, hours, end, at):
    """By loops: the burn of the pair that is nearest its limit; None where nothing is known."""
    if not minutes[at][2]:
        return None
    short, pairs = (
        _added(minutes[max(0, at - 2) : at + 1], 3),
        [(_added(minutes[max(0, at - 9) : at + 1], 10), 2)],
    )
    if at >= end - 1:
        pairs.append((_since_hours(minutes[end : at + 1], hours), 1))
    known = [(long, limit) for long, limit in pairs if min(long[2], short[2]) >= ENOUGH - 1e-12]
    burns = [(_burn(long, short), limit) for long, limit in known]
    said = [(burn, limit) for burn, limit in burns if burn is not None]
    best = max(said, key=lambda one: one[0] / one[1], default=(float("nan"), 1))
    return best[0] if known else None


def _since_hours(recent, hours):
    """Eight hours: those that the window still holds, and the minutes since."""
    count = 8 - -(-len(recent) // 60)
    kept = hours[len(hours) - min(count, len(hours)) :]
    read = [m for m in recent if m[2]]
    told = [*kept, *read]
    wanted = count + len(recent) / 60
    return sum(m[0] for m in told), sum(m[1] for m in told), (len(kept) + len(read) / 60) / wanted


def _added(stretch, length):
    read = [m for m in stretch if m[2]]
    return sum(m[0] for m in read), sum(m[1] for m in read), len(read) / length


def _burn(long, short):
    rates = [bad / total / 0.5 if total else None for bad, total, _ in (long, short)]
    return None if None in rates else min(rates)
