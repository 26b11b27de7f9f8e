"""Charts that are read rather than watched, and exports: pure frames in, plain figures out."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from core.windows import Window
from dashboard import figures_collection
from dashboard.charts import chargeback, cold, collection, concurrency, cost, groups, queues
from dashboard.export import csv_text

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=3))
NAN = float("nan")


def minutes(n):
    return pd.date_range(START, periods=n, freq="1min")


# --- cost ---------------------------------------------------------------------------------------------------


def test_cost_groups_are_ordered_dearest_first_with_other_last():
    series = pd.DataFrame({"ts": [START] * 3, "group": ["other", "a", "b"], "cost_usd": [9.0, 1.0, 2.0]})

    assert cost.by_size(series) == ["b", "a", "other"]


def test_the_cost_chart_is_drawn_in_utc_days_because_that_is_how_aws_bills():
    series = pd.DataFrame({"ts": pd.to_datetime([START]), "group": ["a"], "cost_usd": [1.0]})

    by_day = cost.cost_over_time(series, step=timedelta(days=1)).to_dict()
    by_hour = cost.cost_over_time(series, step=timedelta(hours=1)).to_dict()

    assert by_day["encoding"]["x"]["scale"]["type"] == "utc"
    assert by_hour["encoding"]["x"]["scale"]["type"] == "time"


def test_lines_of_a_statement_keep_their_names_however_long_the_legend_is():
    bars = pd.DataFrame(
        [(f"team {n}", f"part {part}", 1.0) for n in range(8) for part in range(12)],
        columns=["group", "part", "cost_usd"],
    )

    wide, narrow = (chargeback.lines(bars, narrow=phone).to_dict() for phone in (False, True))

    assert narrow["height"] > wide["height"] > 8 * chargeback.BAR_PX
    assert narrow["encoding"]["y"]["axis"]["labelOverlap"] is False


def test_the_legend_of_costs_has_fewer_columns_on_a_phone():
    series = pd.DataFrame({"ts": pd.to_datetime([START]), "group": ["a"], "cost_usd": [1.0]})

    wide, narrow = (
        cost.cost_over_time(series, step=timedelta(hours=1), narrow=phone).to_dict()["encoding"]["color"]
        for phone in (False, True)
    )

    assert narrow["legend"]["columns"] * narrow["legend"]["labelLimit"] < 300
    assert narrow["legend"]["columns"] < wide["legend"]["columns"]


def test_no_two_of_seven_cost_groups_share_a_colour():
    names = [*"abcdefg", "other"]

    assert len(set(groups.colours(names).values())) == 8


# --- cold starts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset_h", "expected"), [(0, (6, 23)), (1, (0, 0)), (-24, (5, 23)), (5, (0, 4))])
def test_hours_of_the_week_move_to_the_readers_zone_across_midnight_and_week_end(offset_h, expected):
    by_hour = pd.DataFrame({"weekday": [6], "hour": [23]})

    moved = cold.in_zone(by_hour, offset_h=offset_h)

    assert (moved["weekday"][0], moved["hour"][0]) == expected


def test_an_hour_without_invocations_is_blank_in_the_heatmap():
    by_hour = pd.DataFrame(
        {
            "weekday": [0, 1],
            "hour": [3, 4],
            "records": [0, 10],
            "cold_starts": [0, 1],
            "cold_start_rate": [NAN, 0.1],
        }
    )

    spec = cold.cold_heatmap(by_hour).to_dict()

    (rows,) = spec["datasets"].values()
    assert [row["day"] for row in rows] == ["Tue"]


def test_the_cold_start_board_shows_rates_in_percent_and_keeps_gaps():
    series = pd.DataFrame(
        {
            "ts": minutes(2),
            "records": [200, 0],
            "cold_starts": [3, 0],
            "cold_start_rate": [0.015, NAN],
            "init_p50_ms": [300.4, NAN],
            "init_p95_ms": [812.6, NAN],
            "restore_p50_ms": [NAN, NAN],
            "restore_p95_ms": [NAN, NAN],
        }
    )

    drawn = cold.cold_board(series, window=WINDOW, zone=UTC)
    restored = cold.cold_board(series.assign(restore_p95_ms=[210.2, NAN]), window=WINDOW, zone=UTC)

    source = drawn.option["dataset"]["source"]
    assert source["cold_percent"][0] == 1.5
    assert math.isnan(source["init_p95"][1])
    assert len(restored.option["series"]) == len(drawn.option["series"]) + 1


# --- concurrency --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "state"),
    [
        (0.0, "healthy"),
        (0.699, "healthy"),
        (0.7, "warning"),
        (0.9, "critical"),
        (1.2, "critical"),
        (None, "not collected"),
        (NAN, "not collected"),
    ],
)
def test_danger_follows_the_claimed_share_and_unknown_is_never_healthy(share, state):
    assert concurrency.danger(share) == state


def test_bullets_show_shares_of_each_limit_and_leave_unknown_out():
    limits = pd.DataFrame(
        {
            "place": ["prod · eu-west-1", "dev · us-east-1"],
            "limit": [1000.0, NAN],
            "reserved": [300.0, NAN],
            "claimed_now": [500.0, NAN],
            "claimed_max": [950.0, NAN],
        }
    )

    rows = concurrency.bullet_rows(limits)

    assert rows.iloc[0].to_dict() == {
        "place": "prod · eu-west-1",
        "reserved_share": 0.3,
        "now_share": 0.5,
        "max_share": 0.95,
        "danger": "critical",
    }
    assert rows.iloc[1][["reserved_share", "now_share", "max_share"]].isna().all()
    assert rows.iloc[1]["danger"] == "not collected"


@pytest.mark.parametrize(
    ("limit", "title", "lines"),
    [
        (100, "Concurrent executions by function", ["limit 100"]),
        (1000, "Concurrent executions by function, limit 1,000", []),
        (None, "Concurrent executions by function", []),
    ],
)
def test_a_limit_far_above_all_use_is_said_not_drawn(limit, title, lines):
    ts = minutes(2)
    names = ["(claimed)"] * 2 + ["one"] * 2
    series = pd.DataFrame({"ts": [*ts, *ts], "function": names, "concurrent_max": [70, 90, 1, 2]})
    none = pd.DataFrame({"ts": ts[:0], "function": [], "throttles": pd.Series(dtype=float)})

    option = concurrency.who_uses_it(series, none, limit=limit, window=WINDOW, zone=UTC).option

    assert option["title"][0]["text"] == title
    marks = option["series"][0].get("markLine", {"data": []})["data"]
    assert [mark["label"]["formatter"] for mark in marks] == lines


def test_the_stack_keeps_functions_apart_from_what_the_account_claimed():
    ts = minutes(2)
    series = pd.DataFrame(
        {
            "ts": [*ts, *ts, *ts, *ts],
            "function": ["(claimed)"] * 2 + ["small"] * 2 + ["big"] * 2 + ["other"] * 2,
            "concurrent_max": [70, 90, 1, 2, 30, 40, 50, 60],
        }
    )
    throttles = pd.DataFrame({"ts": [ts[1], ts[1]], "function": ["big", "small"], "throttles": [3.0, 4.0]})

    drawn = concurrency.who_uses_it(series, throttles, limit=100, window=WINDOW, zone=UTC)

    assert concurrency.ranked(series) == ["big", "small", "other"]
    names = [s["name"] for s in drawn.option["series"]]
    assert names == ["claimed", "big", "small", "other", "throttles", "(step)"]
    source = drawn.option["dataset"]["source"]
    assert list(source["claimed"]) == [70, 90]
    assert source["throttles"].iloc[1] == 7


def test_a_function_name_cannot_bring_markup_into_the_pointers_box():
    ts = minutes(1)
    series = pd.DataFrame({"ts": ts, "function": ["<img src=x onerror=alert(1)>"], "concurrent_max": [1]})
    throttles = pd.DataFrame({"ts": ts[:0], "function": [], "throttles": []})

    drawn = concurrency.who_uses_it(series, throttles, limit=None, window=WINDOW, zone=UTC)

    assert "<img" not in drawn.option["tooltip"]["formatter"]


# --- queues -------------------------------------------------------------------------------------------------


def test_the_queue_board_measures_age_in_minutes_and_keeps_gaps():
    series = pd.DataFrame(
        {
            "ts": minutes(2),
            "visible_max": [3.0, NAN],
            "not_visible_max": [0.0, NAN],
            "oldest_age_max_s": [90.0, NAN],
            "sent": [1.0, NAN],
            "received": [1.0, NAN],
            "deleted": [0.0, NAN],
            "arrivals": [1.0, NAN],
        }
    )

    source = queues.queue_board(series, dead_letter=True, window=WINDOW, zone=UTC).option["dataset"]["source"]

    assert source["age_min"][0] == 1.5
    assert math.isnan(source["age_min"][1])


# --- collection ---------------------------------------------------------------------------------------------


def runs(*outcomes, collector="metrics"):
    return pd.DataFrame(
        {
            "collector": [collector] * len(outcomes),
            "finished_at": [START + timedelta(seconds=i) for i in range(len(outcomes))],
            "outcome": outcomes,
        }
    )


def test_a_cell_of_the_strip_shows_its_worst_outcome():
    cells = collection.outcome_cells(runs("ok", "denied", "ok"), WINDOW)

    assert cells[["outcome", "runs", "troubled"]].to_dict("records") == [
        {"outcome": "denied", "runs": 3, "troubled": 1}
    ]


def test_an_outcome_we_do_not_know_counts_as_failed():
    cells = collection.outcome_cells(runs("exploded"), WINDOW)

    assert list(cells["outcome"]) == ["failed"]


def test_a_stretch_in_which_nothing_ran_has_no_cell():
    late = runs("ok").assign(finished_at=[WINDOW.end])

    assert collection.outcome_cells(late, WINDOW).empty


# --- exports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(evil):
    text = csv_text(pd.DataFrame({"team": [evil]}))

    assert "'" + evil in text


def test_a_header_that_a_spreadsheet_would_run_is_made_text():
    assert csv_text(pd.DataFrame({"=cmd": [1]})).startswith("'=cmd")


def test_numbers_keep_their_sign_and_precision_and_unknown_is_empty():
    text = csv_text(pd.DataFrame({"a": [-1.5, NAN], "cost_usd": [Decimal("0.000000123"), None]}))

    assert text.split("\r\n")[1:3] == ["-1.5,0.000000123", ","]


def test_groups_of_one_step_stand_on_each_other_and_an_unknown_step_is_blank():
    ts = pd.to_datetime([START, START, START + timedelta(hours=1)])
    series = pd.DataFrame({"ts": ts, "group": ["b", "a", "a"], "cost_usd": [1.0, 2.0, NAN]})

    rows = cost.stacked(series, ["a", "b"], step=timedelta(hours=1))

    assert rows[["group", "from_usd", "to_usd"]].values.tolist()[:2] == [["a", 0.0, 2.0], ["b", 2.0, 3.0]]
    assert math.isnan(rows["to_usd"].iloc[2])


# --- collection ---------------------------------------------------------------------------------------------


def test_the_strip_of_a_young_store_begins_at_its_first_run():
    young = figures_collection.since_first(WINDOW, START + timedelta(hours=2))
    newborn = figures_collection.since_first(WINDOW, WINDOW.end - timedelta(minutes=1))

    assert START + timedelta(hours=1, minutes=58) < young.start < START + timedelta(hours=2)
    assert newborn.duration == figures_collection.SHORTEST
    assert figures_collection.since_first(WINDOW, START - timedelta(days=3)) == WINDOW
    assert figures_collection.since_first(WINDOW, None) == WINDOW


@pytest.mark.parametrize(
    ("highest", "shape"),
    [(12.0, "$,.0f"), (4.0, "$,.2f"), (0.3, "$,.2f"), (0.03, "$,.3f"), (0.0002, "$,.5f"), (0.0, "$,.2f")],
)
def test_the_axis_of_a_cost_has_decimals_enough_to_tell_its_ticks_apart(highest, shape):
    assert cost.usd_axis(highest) == shape
