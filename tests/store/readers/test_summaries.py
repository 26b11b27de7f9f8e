"""Sums of aggregated logs beside records: counts add up once, percentiles are not made up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from core.facts import Covered, Gap
from core.telemetry import InvocationSummary
from core.windows import Window
from store.readers.cold import cold_by_hour, cold_series, cold_starts
from store.readers.cost import cost_series, costs
from store.readers.fleet import fleet, fleet_series
from store.readers.functions import function_series
from store.readers.summaries import AGGREGATED
from store.readers.totals import record_totals


def summary(world, minutes_ago: float, reports: float = 10, **fields) -> InvocationSummary:
    values = {
        "function": "orders",
        "cold_starts": 2,
        "timeouts": 1,
        "out_of_memory": 0,
        "duration_p95_ms": 90,
        "init_max_ms": 400,
        "init_sum_ms": 700,
        "max_memory_mb": 128,
    }
    return InvocationSummary(ts=world.at(minutes_ago), period_s=300, reports=reports, **{**values, **fields})


@pytest.fixture
def half(world):
    """Records of the first hour and a half of three, sums of the second."""
    world.run("inventory", [world.function()])
    world.run("details", [])
    world.run(
        "metrics", [world.point(90, 40, duration_sum_ms=4000.0), world.point(170, 5, duration_sum_ms=500.0)]
    )
    middle = world.at(90)
    records = [world.record(170 - n, init_ms=100 if n == 0 else None, max_memory_mb=200) for n in range(5)]
    world.run("logs", [*records, Covered("orders", Window(world.at(180), middle))], period_s=0)
    sums = [summary(world, 90), summary(world, 60, 30)]
    world.run("logs", [*sums, Covered("orders", Window(middle, world.at(0)), 300)], period_s=0)
    return world


def row_of(world, **about):
    return fleet(world.store, world.window(), now=world.now, **about).iloc[0]


def test_counts_of_records_and_sums_add_up(half):
    row = row_of(half)

    assert (row["cold_starts"], row["timeouts"], row["out_of_memory"]) == (5, 2, 0)
    assert row["cold_start_rate"] == 5 / 45
    assert row["max_memory_used_mb"] == 200


def test_percentiles_of_parts_are_not_made_up(half):
    row = row_of(half)

    for name in ("duration_p50_ms", "duration_p95_ms", "duration_p99_ms", "init_p50_ms", "init_p95_ms"):
        assert np.isnan(row[name])
        assert row["states"][name] == AGGREGATED
    assert not row["states"].get("cold_starts", "").startswith("not collected")


def test_a_window_of_records_only_keeps_its_percentiles(half):
    window = Window(half.at(180), half.at(90))

    row = fleet(half.store, window, now=half.now).iloc[0]

    assert row["duration_p95_ms"] == 100
    assert "duration_p95_ms" not in row["states"]


def test_a_bin_whose_records_are_kept_as_well_counts_once(half):
    both = [half.record(89.5 - n / 10) for n in range(10)]
    half.run("logs", [*both, Covered("orders", Window(half.at(90), half.at(85)))], period_s=0)

    assert row_of(half)["cold_start_rate"] == 3 / 45


def test_a_bin_of_which_records_tell_a_part_counts_whole_and_once(half):
    some = [half.record(89.5 - n / 10, init_ms=50, status="timeout") for n in range(1)]
    half.run("logs", [*some, Covered("orders", Window(half.at(90), half.at(89)))], period_s=0)

    row = row_of(half)

    assert row["cold_start_rate"] == 5 / 45
    assert row["timeouts"] == 2


def test_a_function_that_is_only_aggregated_is_not_called_mute(world):
    world.run("inventory", [world.function()])
    world.run("metrics", [world.point(90, 40)])
    world.run("logs", [summary(world, 90, 40), Covered("orders", world.window(), 300)], period_s=0)

    row = row_of(world)

    assert row["cold_starts"] == 2
    assert not row["states"].get("cold_starts", "").startswith("not collected")


def test_totals_add_sums_and_take_percentiles_of_single_records(half):
    found = record_totals(half.store, half.window())

    assert (found["records"], found["cold_starts"], found["max_memory_used_mb"]) == (45, 5, 200)
    assert found["duration_p95_ms"] == 100
    assert record_totals(half.store, Window(half.at(90), half.at(0)))["duration_p95_ms"] is None


def test_an_aggregated_log_hides_no_percentile_of_the_other_functions(half):
    half.run("inventory", [half.function("other")])
    half.run("logs", [half.record(30, 70, function="other", init_ms=9), Covered("other", half.window())])

    fleet = fleet_series(half.store, half.window(), now=half.now).set_index("ts")
    cold = cold_series(half.store, half.window(), now=half.now).set_index("ts")

    assert (fleet["duration_p95_ms"][half.at(30)], cold["init_p95_ms"][half.at(30)]) == (70, 9)


def test_cold_starts_of_sums_are_in_their_table(half):
    row = cold_starts(half.store, half.window(), now=half.now).iloc[0]

    assert (row["records"], row["cold_starts"], row["on_demand"]) == (45, 5, 5)
    assert (row["init_max_ms"], row["waited_s"]) == (400, pytest.approx(1.5))
    assert np.isnan(row["init_p95_ms"])
    assert row["state"] == AGGREGATED


def test_cold_starts_of_sums_are_in_their_series_and_hours(half):
    series = cold_series(half.store, half.window(), now=half.now)
    hours = cold_by_hour(half.store, half.window())

    assert (series["records"].sum(), series["cold_starts"].sum()) == (45, 5)
    assert series["init_p50_ms"].notna().sum() == 1
    assert (hours["records"].sum(), hours["cold_starts"].sum()) == (45, 5)


def test_steps_without_records_show_no_percentile_and_no_zero(half):
    fine = function_series(half.store, half.target, "orders", half.window(), now=half.now)
    aggregated = fine["ts"] >= half.at(90)

    assert fine.loc[aggregated, ["records", "cold_starts", "duration_p95_ms"]].isna().all(axis=None)
    assert fine.loc[~aggregated, "records"].sum() == 5


def test_steps_as_long_as_a_bin_count_its_sums(half):
    window = Window(half.at(0) - timedelta(hours=12), half.at(0))

    series = fleet_series(half.store, window, now=half.now)
    mine = function_series(half.store, half.target, "orders", window, now=half.now)

    assert series[series["ts"] >= half.at(90)]["cold_starts"].sum() == 4
    assert mine[mine["ts"] >= half.at(90)]["records"].sum() == 40


def test_what_has_no_records_is_billed_from_metrics(half):
    costs_now = costs(half.store, half.window(), now=half.now).iloc[0]

    billed_ms = 4000 + 0.5 * 40 + 5 * 100
    assert costs_now["basis"] == "metrics, estimated"
    assert float(costs_now["duration_usd"]) == pytest.approx(billed_ms / 1000 * 0.0000166667)


DURATION = Decimal("0.0000166667")
"""Of a second at 1 GB."""


def aggregated(world, reports=20, **fields):
    """Half an hour of sums: 12 s of duration, of which metrics know, and 13.01 s billed."""
    world.run("inventory", [world.function()])
    world.run("details", [])
    world.run("metrics", [world.point(90, 20, duration_sum_ms=12_000.0, log_bytes=0.0)])
    billed = {"duration_sum_ms": 12_000.0, "billed_sum_ms": 13_010.0} | fields
    world.run(
        "logs", [summary(world, 90, reports, **billed), Covered("orders", world.window(), 300)], period_s=0
    )
    return world


def cost_of(world):
    return costs(world.store, world.window(), now=world.now).iloc[0]


def test_what_sums_say_was_billed_is_charged_and_initialization_told_apart(world):
    row = cost_of(aggregated(world))

    assert row["duration_usd"] == Decimal("12.01") * DURATION
    assert row["init_usd"] == DURATION
    assert row["invocations"] == 20


def test_sums_that_do_not_say_what_was_billed_leave_it_to_metrics(world):
    row = cost_of(aggregated(world, billed_sum_ms=None))

    assert row["duration_usd"] == Decimal("12.01") * DURATION
    assert row["init_usd"] == 0


def test_sums_that_lack_reports_leave_the_bill_to_metrics(world):
    aggregated(world, billed_sum_ms=100.0, duration_sum_ms=90.0, reports=1)
    lacking = Gap("orders reports", world.window(), "the level is WARN")
    world.run("logs", [lacking, Covered("orders", world.window(), 300)], period_s=0)

    assert cost_of(world)["duration_usd"] == Decimal("12.01") * DURATION


def test_records_and_sums_are_charged_once_each(half):
    sums = [
        summary(half, minutes_ago, reports, duration_sum_ms=4000.0, billed_sum_ms=4030.0)
        for minutes_ago, reports in ((90, 40), (60, 30))
    ]
    half.run("logs", sums, period_s=0)

    row = cost_of(half)

    assert row["duration_usd"] + row["init_usd"] == Decimal("0.5") * DURATION + Decimal("8.06") * DURATION


def test_the_chart_of_costs_charges_what_sums_say(world):
    aggregated(world)

    frame = cost_series(world.store, world.window(), now=world.now)

    assert frame["cost_usd"].sum() == pytest.approx(float(cost_of(world)["cost_usd"]))
