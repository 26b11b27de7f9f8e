"""Aliases and versions, the account, throttles and pools over time, against sums made another way."""

import math
from datetime import timedelta
from statistics import median

import pandas as pd
import pytest

from core.entities import AccountLimits, EventSourceMapping, Reserved
from core.facts import Covered, Gap
from core.windows import MOST_POINTS, Window, chart_step, lines_step
from store.readers.accounts import account_series
from store.readers.cold import cold_series
from store.readers.fleet import EVERYTHING, fleet_series
from store.readers.functions import function_series
from store.readers.pools import culprits, pool_series, time_to_exhaustion
from store.readers.queues import queue_series
from store.readers.resources import resource_series, resources
from store.readers.throttles import throttle_bursts, throttle_heatmap

LENGTHS = [
    timedelta(minutes=5),
    timedelta(hours=3),
    timedelta(days=1),
    timedelta(days=31),
    timedelta(days=455),
]


@pytest.mark.parametrize("length", LENGTHS, ids=str)
@pytest.mark.parametrize("lines", [1, 8, 21])
def test_all_lines_of_a_chart_together_keep_within_its_points(world, length, lines):
    window = Window(world.now - length, world.now)

    step = lines_step(window, lines)

    assert step >= chart_step(window)
    assert math.ceil(length / step) * lines <= MOST_POINTS


# --- aliases and versions -----------------------------------------------------------------------------------


def of(world, resource, minutes_ago, invocations=10.0, scope="resource", **fields):
    return world.point(minutes_ago, invocations, scope=scope, resource=resource, **fields)


@pytest.fixture
def shifted(world):
    """An alias that sends a part of its traffic to a new version, which fails more."""
    points = []
    for minute in range(1, 61):
        points += [
            of(world, "live", minute, 10, errors=1, duration_sum_ms=2000),
            of(world, "live@7", minute, 8, "executed", errors=0, duration_sum_ms=800, duration_max_ms=150),
            of(world, "live@8", minute, 2, "executed", errors=1, duration_sum_ms=1200, throttles=minute % 2),
        ]
    points.append(of(world, "7", 5, 4, provisioned_invocations=3, provisioned_spillover=1))
    world.run("inventory", [world.function()])
    world.run("metrics", [*points, Covered("", world.window(60))], window=world.window(60))
    return world


def test_each_version_of_a_weighted_alias_has_its_own_error_rate(shifted):
    found = resources(shifted.store, shifted.target, "orders", shifted.window(60), now=shifted.now)

    rates = found.set_index("resource")["error_rate"].to_dict()
    assert found["resource"].tolist() == ["live", "live@7", "live@8", "7"]
    assert rates == {"live": 0.1, "live@7": 0.0, "live@8": 0.5, "7": 0.0}
    assert found["share"].tolist() == pytest.approx([1, 0.8, 0.2, 1])
    assert found["duration_avg_ms"].tolist()[:3] == pytest.approx([200, 100, 600])
    assert found["throttles"].tolist() == [0, 0, 30, 0]
    assert found["provisioned_spillover"].tolist() == [0, 0, 0, 1]
    assert found["state"].tolist() == [None] * 4 or set(found["state"]) == {"provisional"}


def test_the_series_of_each_alias_add_up_to_its_sums(shifted):
    window = shifted.window(60)
    sums = resources(shifted.store, shifted.target, "orders", window, now=shifted.now)

    found = resource_series(shifted.store, shifted.target, "orders", window, now=shifted.now)

    by_name = found.groupby("resource")[["invocations", "errors", "throttles"]].sum()
    for row in sums.itertuples():
        assert by_name.loc[row.resource].tolist() == [row.invocations, row.errors, row.throttles]
    assert len(found) == 4 * 60


def test_a_minute_in_which_a_version_was_silent_is_zero_and_one_not_read_is_unknown(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [of(world, "live", 30), Covered("", world.window(40))], window=world.window(40))

    found = resource_series(world.store, world.target, "orders", world.window(60), now=world.now)

    known = found.set_index("ts")["invocations"]
    assert known[world.at(30)] == 10
    assert known[world.at(29)] == 0
    assert math.isnan(known[world.at(50)])
    assert not found.set_index("ts")["collected"][world.at(50)]


def test_no_alias_is_an_empty_frame_with_the_same_columns(world, shifted):
    empty = resource_series(world.store, world.target, "nobody", world.window(60), now=world.now)
    full = resource_series(world.store, world.target, "orders", world.window(60), now=world.now)

    assert empty.empty
    assert list(empty.columns) == list(full.columns)
    assert empty["ts"].dtype == full["ts"].dtype
    assert resources(world.store, world.target, "nobody", world.window(60), now=world.now).empty


# --- the account --------------------------------------------------------------------------------------------


def account(world, minutes_ago, claimed, **fields):
    return world.point(
        minutes_ago, fields.pop("invocations", 5), scope="account", function="", claimed_max=claimed, **fields
    )


def fill(world):
    """Two functions that share an account of 1,000, of which one rises at the end; a third has its own 50."""
    points = []
    for minute in range(1, 61):
        rising = 10.0 if minute > 10 else 10.0 + 90 * (11 - minute)
        points += [
            world.point(minute, 30, function="steady", concurrent_max=20.0),
            world.point(
                minute, 60, function="rising", concurrent_max=rising, throttles=7 if minute < 3 else None
            ),
            world.point(minute, 5, function="capped", concurrent_max=50.0, throttles=float(minute == 20)),
            account(
                world, minute, 70 + rising, unreserved_max=20 + rising, throttles=7 if minute < 3 else None
            ),
        ]
    entities = [world.function(name) for name in ("steady", "rising", "capped")]
    entities += [
        AccountLimits(concurrent_limit=1000, unreserved_limit=950),
        Reserved(name="capped", reserved=50),
        *(Reserved(name=name, reserved=None) for name in ("steady", "rising")),
    ]
    world.run("inventory", entities)
    world.run("metrics", [*points, Covered("", world.window(60))], window=world.window(60))
    return world


@pytest.fixture(scope="module")
def busy(lasting_world):
    """A busy account, for tests that only read it."""
    return fill(lasting_world)


@pytest.fixture
def own_busy(world):
    return fill(world)


def test_the_account_is_told_minute_by_minute(busy):
    found = account_series(busy.store, busy.window(60), now=busy.now).set_index("ts")

    assert found.loc[busy.at(30), "claimed_max"] == 80
    assert found.loc[busy.at(1), "claimed_max"] == 980
    assert found.loc[busy.at(1), "unreserved_max"] == 930
    assert found.loc[busy.at(1), "utilization"] == pytest.approx(0.98)
    assert found["throttles"].sum() == 14
    assert (found["limit"] == 1000).all()


def test_an_account_without_facts_is_an_empty_typed_frame(world):
    found = account_series(world.store, world.window(60), now=world.now)

    assert found.empty
    assert str(found["ts"].dtype) == "datetime64[us, UTC]"
    assert found["claimed_max"].dtype == float


def test_pools_are_told_apart(busy):
    found = pool_series(busy.store, busy.target, busy.window(60), now=busy.now)

    peak = found.groupby("pool")["utilization"].max().to_dict()
    assert peak == pytest.approx({"(account)": 0.98, "(shared)": 930 / 950, "capped": 1.0})
    assert found.loc[found["pool"] == "capped", "used_max"].tolist() == [50.0] * 60


def test_the_culprit_is_who_took_more_than_usual_at_the_peak(busy):
    at, found = culprits(busy.store, busy.target, busy.window(60), now=busy.now)

    usual = median([10.0] * 50 + [10.0 + 90 * (11 - minute) for minute in range(1, 11)])
    assert at == busy.at(1)
    assert found["function"].tolist() == ["rising", "capped", "steady"]
    assert found["concurrent_max"].tolist() == [910, 50, 20]
    assert found["usual"].tolist() == [usual, 50, 20]
    assert found["share"].sum() == pytest.approx(1)
    assert found["pool"].tolist() == ["shared", "reserved", "shared"]
    assert found["throttles"].tolist() == [7, 0, 0]


def test_any_minute_can_be_asked_for_its_users(busy):
    _, found = culprits(
        busy.store, busy.target, busy.window(60), now=busy.now, at=busy.at(30) + timedelta(seconds=31)
    )

    assert dict(zip(found["function"], found["concurrent_max"], strict=True)) == {
        "rising": 10,
        "capped": 50,
        "steady": 20,
    }


def test_nobody_is_the_culprit_of_nothing(world):
    at, found = culprits(world.store, world.target, world.window(60), now=world.now)

    assert at is None
    assert found.empty


def test_says_when_the_account_is_full_if_it_goes_on(busy):
    found = time_to_exhaustion(busy.store, now=busy.now).set_index("pool")

    own = found.loc["(account)"]
    assert own["used_now"] == 980
    assert own["headroom"] == 20
    assert own["soonest_s"] == pytest.approx(0.2)
    assert own["confidence"] > 0.4
    assert found.loc["capped", "outlook"] == "full"


def test_a_steady_account_is_not_about_to_be_full(world):
    world.run("inventory", [AccountLimits(concurrent_limit=1000, unreserved_limit=1000)])
    world.run("metrics", [*(account(world, m, 100) for m in range(1, 40)), Covered("", world.window())])

    (row,) = time_to_exhaustion(world.store, now=world.now).itertuples()

    assert row.outlook == "steady"
    assert pd.isna(row.exhausted_at)


# --- throttles ----------------------------------------------------------------------------------------------


def test_the_heatmap_shows_the_most_throttled_and_the_sum_of_the_others(world):
    points = [
        world.point(10 + i, 1, function=f"f{n:02}", throttles=float(n))
        for n in range(1, 26)
        for i in range(3)
    ]
    world.run("inventory", [world.function(f"f{n:02}") for n in range(1, 26)])
    world.run("metrics", [*points, Covered("", world.window(60))], window=world.window(60))

    found = throttle_heatmap(world.store, world.window(60), now=world.now, top=5)

    sums = found.groupby("function", sort=False)["throttles"].sum().to_dict()
    assert sums == {"f25": 75, "f24": 72, "f23": 69, "f22": 66, "f21": 63, "other": 3 * sum(range(1, 21))}
    assert len(found) <= MOST_POINTS
    assert found.loc[found["function"] == "other", "total"].iloc[0] == 3 * sum(range(1, 21))


def test_a_step_of_the_heatmap_that_was_not_read_is_unknown(world):
    world.run("inventory", [world.function()])
    gap = Gap("", world.window(60, 40), "throttled")
    world.run(
        "metrics",
        [world.point(30, 1, throttles=4), Covered("", world.window(40)), gap],
        window=world.window(60),
    )

    found = throttle_heatmap(world.store, world.window(60), now=world.now).set_index("ts")["throttles"]

    assert found[world.at(30)] == 4
    assert found[world.at(20)] == 0
    assert math.isnan(found[world.at(50)])


def test_an_unthrottled_fleet_has_an_empty_heatmap_and_no_bursts(busy):
    window = busy.window(30, 25)

    assert throttle_heatmap(busy.store, window, now=busy.now).empty
    assert throttle_bursts(busy.store, window, now=busy.now).empty


def test_each_burst_has_the_limit_that_caused_it(busy):
    found = throttle_bursts(busy.store, busy.window(60), now=busy.now).set_index("function")

    assert found["throttles"].to_dict() == {"rising": 14, "capped": 1}
    assert found.loc["rising", "cause"] == "the account's concurrency"
    assert found.loc["capped", "cause"] == "its own reservation"
    assert (found.loc["rising", "start"], found.loc["rising", "end"]) == (busy.at(2), busy.now)
    assert found.loc["rising", "consequence"] == "callers got an error (429), unless they tried again"


def test_throttled_messages_went_back_to_their_queue(own_busy):
    arn = "arn:aws:sqs:eu-west-1:111111111111:in"
    mapping = EventSourceMapping(name="m", function="capped", source_arn=arn, source_kind="sqs")
    own_busy.run("details", [mapping])

    found = throttle_bursts(own_busy.store, own_busy.window(60), now=own_busy.now).set_index("function")

    assert "went back to their queue" in found.loc["capped", "consequence"]


@pytest.mark.parametrize("length", LENGTHS, ids=str)
def test_charts_of_any_window_keep_within_their_points(busy, length):
    window = Window(busy.now - length, busy.now)

    assert len(account_series(busy.store, window, now=busy.now)) <= MOST_POINTS
    assert len(pool_series(busy.store, busy.target, window, now=busy.now)) <= MOST_POINTS
    assert len(throttle_heatmap(busy.store, window, now=busy.now)) <= MOST_POINTS
    assert len(resource_series(busy.store, busy.target, "steady", window, now=busy.now)) <= MOST_POINTS


@pytest.mark.parametrize("length", LENGTHS, ids=str)
def test_charts_of_one_line_keep_within_their_points_too(busy, length):
    window = Window(busy.now - length, busy.now)
    fleet_wide = {"now": busy.now, "where": EVERYTHING}

    assert len(function_series(busy.store, busy.target, "steady", window, now=busy.now)) <= MOST_POINTS
    assert len(queue_series(busy.store, busy.target, "arn", window, now=busy.now)) <= MOST_POINTS
    for series in (fleet_series, cold_series):
        assert len(series(busy.store, window, **fleet_wide)) <= MOST_POINTS


def test_a_longer_step_of_the_account_shows_its_highest_minute(busy):
    found = account_series(busy.store, busy.window(1440), now=busy.now)

    last = found[found["ts"] == busy.at(5)].iloc[0]
    assert last["claimed_max"] == 980
    assert last["invocations"] == 25
