"""Replaying arrivals through environments, against a slow and plain simulation; what units spare and cost."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.prices import prices
from core.replay import IDLE_CHOICES, Habits, arrivals, environments, fit_idle, place
from core.units import Ran, break_even_use, enough, paying, step, steps

MINUTE_MS = 60_000
HABITS = Habits(timedelta(minutes=7))

visits = st.lists(
    st.tuples(st.integers(0, 60 * MINUTE_MS), st.integers(0, 5 * MINUTE_MS), st.sampled_from("ab")),
    max_size=60,
)
idles = st.sampled_from(IDLE_CHOICES)
lives = st.none() | st.integers(1, 40).map(lambda m: timedelta(minutes=m))


def told(seen):
    return arrivals([v[0] for v in seen], [v[0] + v[1] for v in seen], [v[2] for v in seen])


def one_version(seen):
    return [(start, length, "a") for start, length, _ in seen]


def plainly(seen, units, habits):
    """Cold starts, one arrival at a time: units first, then the lowest environment that is free."""
    idle_ms = habits.idle / timedelta(milliseconds=1)
    life_ms = float("inf") if habits.life is None else habits.life / timedelta(milliseconds=1)
    pool, cold = [], 0
    for start, length, _ in sorted(seen, key=lambda v: v[0]):
        at = next((i for i, one in enumerate(pool) if one["until"] <= start), None)
        if at is None:
            at = len(pool)
            pool.append({"until": None, "born": None})
        one, is_unit = pool[at], at < units
        is_new = one["until"] is None or start - one["until"] > idle_ms or start - one["born"] > life_ms
        if is_new:
            one["born"] = start
            cold += not is_unit
        one["until"] = start + length
    return cold


def left(seen, units, habits):
    placed = place(told(seen))
    return int((placed.cold(habits) & (placed.number >= units)).sum())


@given(visits.map(one_version), st.integers(0, 8), idles, lives)
def test_the_replay_of_one_version_is_the_plain_simulation(seen, units, idle, life):
    assert left(seen, units, Habits(idle, life)) == plainly(seen, units, Habits(idle, life))


@given(visits, idles, lives)
def test_without_units_each_version_is_simulated_on_its_own(seen, idle, life):
    habits = Habits(idle, life)
    apart = sum(plainly([v for v in seen if v[2] == name], 0, habits) for name in "ab")

    assert left(seen, 0, habits) == apart


@given(visits, idles, lives)
def test_more_units_never_mean_more_cold_starts(seen, idle, life):
    found = [left(seen, units, Habits(idle, life)) for units in range(10)]

    assert found == sorted(found, reverse=True)


@given(visits)
def test_as_many_units_as_ran_at_once_leave_no_cold_start(seen):
    at_once = max((sum(s <= t < s + max(n, 1) for s, n, _ in seen) for t, *_ in seen), default=0)

    assert left(seen, max(at_once, len(seen)), HABITS) == 0
    taken = environments(told(seen).start_ms, told(seen).end_ms)
    assert len(set(taken.tolist())) <= max(at_once, 1)


@given(visits)
def test_keeping_environments_longer_never_means_more_cold_starts_when_none_grows_old(seen):
    found = [left(seen, 0, Habits(idle)) for idle in IDLE_CHOICES]

    assert found == sorted(found, reverse=True)


def test_the_first_arrival_is_cold_and_one_within_the_idle_time_is_warm():
    seen = [(0, 100, "a"), (7 * MINUTE_MS + 100, 100, "a"), (14 * MINUTE_MS + 201, 100, "a")]

    assert place(told(seen)).cold(HABITS).tolist() == [True, False, True]


def test_an_environment_that_is_too_old_is_replaced():
    seen = [(minute * MINUTE_MS, 100, "a") for minute in range(0, 100, 5)]

    cold = place(told(seen)).cold(Habits(timedelta(minutes=7), timedelta(minutes=30)))

    assert np.flatnonzero(cold).tolist() == [0, 7, 14]


def test_another_version_has_environments_of_its_own():
    seen = [(0, 100, "a"), (MINUTE_MS, 100, "b"), (2 * MINUTE_MS, 100, "a"), (3 * MINUTE_MS, 100, "b")]

    assert place(told(seen)).cold(HABITS).tolist() == [True, True, False, False]


@given(visits, idles)
def test_the_idle_time_that_made_the_cold_starts_reproduces_them(seen, idle):
    placed = place(told(seen))
    counted = np.ones(len(placed.arrivals), dtype=bool)
    recorded = int(placed.cold(Habits(idle)).sum())

    found = fit_idle(placed, counted, recorded, life=None)

    assert int(placed.cold(Habits(found)).sum()) == recorded


def last_used_first(starts, lengths, idle_ms):
    """Cold starts where the environment that was used last is taken first, as AWS may do it."""
    free, busy, cold = [], [], 0
    for start, length in zip(starts, lengths, strict=True):
        free += [end for end in busy if end <= start]
        busy = [end for end in busy if end > start]
        free = sorted(end for end in free if start - end <= idle_ms)
        cold += not free
        free = free[:-1]
        busy.append(start + length)
    return cold


@pytest.mark.parametrize("per_minute", [0.05, 0.5, 5, 50])
def test_a_world_that_takes_environments_in_another_order_is_reproduced_within_a_fifth(per_minute):
    chance = np.random.default_rng(5)
    count = max(200, int(per_minute * 180))
    starts = np.sort(chance.uniform(0, count / per_minute * MINUTE_MS, count)).astype(np.int64)
    lengths = chance.lognormal(8, 1, count).astype(np.int64)
    recorded = last_used_first(starts.tolist(), lengths.tolist(), 7 * MINUTE_MS)
    placed = place(arrivals(starts, starts + lengths, ["a"] * count))

    fitted = fit_idle(placed, np.ones(count, dtype=bool), recorded, life=None)

    assert int(placed.cold(Habits(fitted)).sum()) == pytest.approx(recorded, rel=0.2, abs=1)
    assert int(placed.cold(HABITS).sum()) == pytest.approx(recorded, rel=0.2, abs=1)


# --- what units cost ----------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)
PRICES = prices("us-east-1", "x86_64")


def ran(seen, **about):
    placed = place(told(seen))
    lengths = (placed.arrivals.end_ms - placed.arrivals.start_ms).astype(float)
    return Ran(placed.number, placed.cold(HABITS), lengths, **({"wait_s": 2.0, "init_ms": 1500.0} | about))


def one(seen, units, length=HOUR, **about):
    return step(ran(seen, **about), units, length=length, memory_mb=1024, prices=PRICES)


@given(visits, st.integers(0, 20))
def test_capacity_costs_in_proportion_to_units(seen, units):
    single = one(seen, 1).capacity_usd

    assert one(seen, units).capacity_usd == pytest.approx(units * single)
    assert single == Decimal("3600") * PRICES.provisioned_capacity


@given(visits, st.integers(0, 9))
def test_cold_starts_are_left_or_avoided_and_each_avoided_one_spares_its_wait(seen, units):
    found = one(seen, units)

    assert found.cold_starts + found.avoided == left(seen, 0, HABITS)
    assert found.spared_s == 2.0 * found.avoided


def test_net_cost_is_capacity_and_provisioned_duration_less_what_the_same_work_cost_on_demand():
    seen = [(0, 10_000, "a"), (1_000, 5_000, "a"), (20_000, 10_000, "a")]

    found = one(seen, 1)

    assert found.served == 2
    assert found.avoided == 1
    capacity = 3600 * PRICES.provisioned_capacity
    assert found.net_usd == capacity + 20 * PRICES.provisioned_duration - Decimal("21.5") * PRICES.duration
    assert found.use == pytest.approx(20 / 3600)


def test_capacity_is_billed_by_five_minutes():
    assert one([], 2, timedelta(minutes=61)).capacity_usd == one([], 2, timedelta(minutes=65)).capacity_usd
    assert one([], 2, timedelta(minutes=60)).capacity_usd < one([], 2, timedelta(minutes=61)).capacity_usd


def test_no_unit_changes_and_costs_nothing():
    found = one([(0, 1_000, "a")], 0)

    assert found.net_usd == 0
    assert found.use is None
    assert found.avoided == 0


def test_what_no_recorded_cold_start_says_is_not_known():
    found = one([(0, 1_000, "a")], 1, wait_s=None, init_ms=None)

    assert found.spared_s is None
    assert found.net_usd is None


def test_an_unknown_price_or_size_leaves_money_unknown():
    seen = ran([(0, 1_000, "a")])

    assert step(seen, 1, length=HOUR, memory_mb=None, prices=PRICES).net_usd is None
    assert step(seen, 1, length=HOUR, memory_mb=512, prices=prices("nowhere", "arm64")).net_usd is None


def test_a_unit_that_works_the_break_even_share_of_the_time_costs_nothing_extra():
    share = break_even_use(PRICES)
    busy_ms = round(share * 3_600_000)
    always_warm = Ran(np.array([0]), np.array([False]), np.array([float(busy_ms)]), None, None)

    found = step(always_warm, 1, length=HOUR, memory_mb=1024, prices=PRICES)

    assert share == pytest.approx(0.60, abs=0.005)
    assert float(found.net_usd) == pytest.approx(0, abs=1e-6)


def test_a_unit_that_never_rests_pays_and_the_idle_ones_beside_it_do_not():
    seen = [(minute * MINUTE_MS, MINUTE_MS, "a") for minute in range(60)] + [(0, 1_000, "a")]

    found = steps(ran(seen), length=HOUR, memory_mb=1024, prices=PRICES)

    assert paying(found).units == 1
    assert enough(found, 0.5).units == 1
    assert enough(found).units == 2


def test_where_nothing_starts_cold_no_number_of_units_is_suggested():
    assert enough([]) is None
    assert paying(steps(ran([]), length=HOUR, memory_mb=1024, prices=PRICES)) is None


@settings(max_examples=20)
@given(st.integers(1, 300))
def test_the_curve_begins_at_none_and_ends_at_the_most_that_ran_at_once(at_once):
    seen = [(0, 1_000, "a")] * at_once

    found = [one.units for one in steps(ran(seen), length=HOUR, memory_mb=1024, prices=PRICES)]

    assert (found[0], found[-1]) == (0, at_once)
    assert len(found) <= 41
