"""Series have a row for every whole step, and tell silence from ignorance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.facts import Covered, Gap, Target
from core.windows import Window
from store.readers.cold import cold_by_hour, cold_series
from store.readers.cost import cost_series, cost_step
from store.readers.fleet import fleet_series, sparklines
from store.readers.functions import function_series
from store.store import Filter

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [])
    world.run("logs", [Covered("orders", world.window())])
    return world


def at(frame, ts):
    return frame[frame["ts"] == ts].iloc[0]


def test_every_whole_step_has_a_row(watched):
    frame = fleet_series(watched.store, watched.window(), now=NOW)

    assert list(frame["ts"]) == [watched.at(180 - i) for i in range(180)]


def test_steps_cut_by_an_edge_of_the_window_are_left_out(watched):
    day = Window(NOW - timedelta(hours=24) + MINUTE, NOW - MINUTE)

    frame = fleet_series(watched.store, day, now=NOW)

    assert frame["ts"].iloc[0] == NOW - timedelta(hours=24) + 5 * MINUTE
    assert frame["ts"].iloc[-1] == NOW - 10 * MINUTE


def test_a_step_adds_up_all_functions(watched):
    watched.run(
        "metrics", [watched.point(90, 10, errors=1), watched.point(90, 30, errors=3, function="billing")]
    )

    row = at(fleet_series(watched.store, watched.window(), now=NOW), watched.at(90))

    assert (row["invocations"], row["errors"], row["error_rate"]) == (40, 4, 0.1)


def test_a_quiet_step_is_zero_and_an_unread_one_unknown(watched):
    frame = fleet_series(watched.store, watched.window(240), now=NOW)

    quiet, unread = at(frame, watched.at(90)), at(frame, watched.at(230))
    assert quiet["invocations"] == 0
    assert np.isnan(unread["invocations"])
    assert (quiet["collected"], unread["collected"]) == (True, False)
    assert np.isnan(quiet["error_rate"])


def test_one_target_that_lags_does_not_look_like_a_dip(watched):
    other = Target("222222222222", "us-east-1")
    early = Window(watched.at(180), watched.at(60))
    watched.run("metrics", [watched.point(30, 7)])
    watched.run("metrics", [], target=other, window=early)

    frame = fleet_series(watched.store, watched.window(), now=NOW)

    assert np.isnan(at(frame, watched.at(30))["invocations"])
    assert at(frame, watched.at(90))["invocations"] == 0
    only = fleet_series(watched.store, watched.window(), now=NOW, where=Filter(region="eu-west-1"))
    assert at(only, watched.at(30))["invocations"] == 7


def test_a_target_that_was_never_read_leaves_the_others_standing(watched):
    other = Target("222222222222", "us-east-1")
    watched.run("metrics", [], target=other, outcome="denied", error="no")

    assert at(fleet_series(watched.store, watched.window(), now=NOW), watched.at(90))["invocations"] == 0


def test_percentiles_of_the_fleet_are_over_all_records_of_a_step(watched):
    durations = [10.0, 20, 40, 800]
    records = [watched.record(90 - i / 10, ms, function=f"f{i % 2}") for i, ms in enumerate(durations)]
    watched.run("logs", [*records, Covered("f0", watched.window()), Covered("f1", watched.window())])

    row = at(fleet_series(watched.store, watched.window(), now=NOW), watched.at(90))

    assert row["duration_p95_ms"] == pytest.approx(np.percentile(durations, 95))


def test_concurrency_is_claimed_by_accounts_and_summed_over_them(watched):
    other = Target("222222222222", "us-east-1")
    watched.run("metrics", [watched.point(90, None, scope="account", function="", claimed_max=40.0)])
    watched.run(
        "metrics", [watched.point(90, None, scope="account", function="", claimed_max=2.0)], target=other
    )

    frame = fleet_series(watched.store, watched.window(), now=NOW)

    assert at(frame, watched.at(90))["concurrent_max"] == 42


def test_the_young_end_is_provisional(watched):
    frame = fleet_series(watched.store, watched.window(), now=NOW)

    assert not at(frame, watched.at(19))["provisional"]
    assert at(frame, watched.at(17))["provisional"]


def test_five_minute_history_is_drawn_in_five_minute_steps(watched):
    older = Window(NOW - timedelta(hours=9), NOW - timedelta(hours=7))
    watched.run("metrics", [watched.point(480, 50, period_s=300)], window=older, period_s=300)

    frame = fleet_series(watched.store, older, now=NOW)

    assert frame["ts"].diff().dropna().unique() == [timedelta(minutes=5)]
    assert frame["invocations"].sum() == 50


def test_one_function_tells_silent_from_not_collected(watched):
    watched.run("metrics", [watched.point(90, 4, duration_max_ms=90, iterator_age_max_ms=5000)])
    watched.run(
        "logs",
        [watched.record(90, 80, init_ms=20.0, max_memory_mb=99), Gap("orders", watched.window(60, 180), "x")],
    )

    frame = function_series(watched.store, watched.target, "orders", watched.window(240), now=NOW)

    busy, quiet, unread = (at(frame, watched.at(m)) for m in (90, 92, 230))
    assert (busy["invocations"], busy["duration_max_ms"], busy["iterator_age_max_ms"]) == (4, 90, 5000)
    assert (busy["cold_starts"], busy["cold_start_rate"], busy["init_p95_ms"], busy["max_memory_mb"]) == (
        1,
        1,
        20,
        99,
    )
    assert (quiet["invocations"], quiet["collected"], quiet["records_collected"]) == (0, True, True)
    assert np.isnan(quiet["duration_max_ms"])
    assert (unread["collected"], unread["records_collected"]) == (False, False)
    assert np.isnan(unread["invocations"])
    assert np.isnan(unread["cold_starts"])


def test_sparklines_are_about_thirty_points_for_every_function(watched):
    watched.run("inventory", [watched.function(), watched.function("quiet")])
    watched.run("metrics", [watched.point(90, 4, errors=1)])

    frame = sparklines(watched.store, watched.window(), now=NOW)

    assert list(frame["function"]) == ["orders", "quiet"]
    assert len(frame["invocations"][0]) == 30
    assert sum(frame["invocations"][0]) == 4
    assert sum(frame["errors"][0]) == 1
    assert sum(frame["invocations"][1]) == 0


def test_sparklines_leave_out_what_was_not_read(watched):
    line = sparklines(watched.store, watched.window(360), now=NOW)["invocations"][0]

    assert np.isnan(line[:15]).all()
    assert not np.isnan(line[15:]).any()


def test_cold_starts_over_time_and_by_hour(watched):
    records = [watched.record(90, init_ms=100.0), watched.record(90), watched.record(30, init_ms=300.0)]
    watched.run("logs", [*records, Covered("orders", watched.window())])

    series = cold_series(watched.store, watched.window(), now=NOW)
    hours = cold_by_hour(watched.store, watched.window())

    assert (at(series, watched.at(90))["cold_starts"], at(series, watched.at(90))["cold_start_rate"]) == (
        1,
        0.5,
    )
    assert at(series, watched.at(91))["cold_starts"] == 0
    assert hours[["weekday", "hour", "cold_start_rate"]].values.tolist() == [[4, 10, 0.5], [4, 11, 1.0]]


def test_restores_of_snapshots_are_a_line_of_their_own(watched):
    starts = [watched.record(90, restore_ms=400.0), watched.record(90, restore_ms=200.0)]
    other = [watched.record(90, init_ms=5000.0), watched.record(30, init_ms=100.0)]
    watched.run("logs", [*starts, *other, Covered("orders", watched.window())])

    series = cold_series(watched.store, watched.window(), now=NOW)

    both = at(series, watched.at(90))
    assert (both["restore_p50_ms"], both["restore_p95_ms"]) == (300.0, 390.0)
    assert (both["init_p50_ms"], both["cold_starts"]) == (5000.0, 3)
    assert np.isnan(at(series, watched.at(30))["restore_p95_ms"])


def test_cost_over_time_keeps_the_seven_dearest_and_joins_the_rest(watched):
    names = [f"f{i}" for i in range(9)]
    watched.run("inventory", [watched.function(name) for name in names])
    points = [
        watched.point(90, 10 + i, function=name, duration_sum_ms=1e6 * (i + 1))
        for i, name in enumerate(names)
    ]
    watched.run("metrics", points)

    frame = cost_series(watched.store, watched.window(), now=NOW)

    assert list(frame["group"].unique()) == ["f8", "f7", "f6", "f5", "f4", "f3", "f2", "other"]
    assert frame["ts"].nunique() == 18
    busy = frame[(frame["ts"] == watched.at(90)) & (frame["group"] == "f8")]["cost_usd"].item()
    assert busy == pytest.approx((9_000_000 + 18 * 0.5) / 1000 * 0.0000166667 + 18 * 0.0000002)


@pytest.mark.parametrize(
    ("hours", "minutes"), [(1, 5), (3, 10), (6, 15), (24, 60), (7 * 24, 12 * 60), (30 * 24, 24 * 60)]
)
def test_a_chart_of_costs_has_a_dozen_bars_or_more(hours, minutes):
    window = Window(NOW - timedelta(hours=hours), NOW)

    step = cost_step(window)

    assert step == timedelta(minutes=minutes)
    assert window.duration / step >= 12


def test_an_empty_store_draws_an_empty_grid(store):
    window = Window(NOW - timedelta(hours=3), NOW)

    frame = fleet_series(store, window, now=NOW)

    assert len(frame) == 180
    assert frame["invocations"].isna().all()
    assert sparklines(store, window, now=NOW).empty
    assert cold_by_hour(store, window).empty
    assert cost_series(store, window, now=NOW).empty
