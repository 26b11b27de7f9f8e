"""Boards as plain options."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.windows import Window
from dashboard.charts.board import LABEL_SHARE, Deploy, Limit, Panel, Row, Series, board, labelled_marks
from dashboard.charts.boards import change_marks, deploy_marks, function_board, overview_board

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
BERLIN = ZoneInfo("Europe/Berlin")
LINE = Series(column="a", name="a", colour="#000", label="a")


def frame(**columns):
    times = pd.to_datetime([START + timedelta(minutes=minute) for minute in range(10)])
    return pd.DataFrame({"ts": times, "a": np.arange(10.0), "b": 5.0} | columns)


def draw(panels, frame_=None, **about):
    given = frame() if frame_ is None else frame_
    return board(given, panels, [Row("a", "a", "#000", " ms")], window=WINDOW, zone=BERLIN, **about)


def function_series(**columns):
    names = ("invocations", "errors", "error_rate", "throttles", "duration_p50_ms", "duration_p95_ms")
    names += ("duration_p99_ms", "concurrent_max", "cold_start_rate", "max_memory_mb")
    return frame(**dict.fromkeys(names, 1.0) | columns)


def marks(option, name):
    series = next(series for series in option["series"] if series["name"] == name)
    return [mark["label"]["formatter"] for mark in series.get("markLine", {}).get("data", [])]


def test_one_pointer_reads_every_panel():
    option = draw([Panel(title="A", series=[LINE]), Panel(title="B", series=[LINE])]).option

    assert option["axisPointer"]["link"] == [{"xAxisIndex": "all"}]
    assert [series["xAxisIndex"] for series in option["series"]] == [0, 1]


def test_everything_but_the_frame_is_json():
    option = draw(
        [Panel(title="A", series=[LINE], limits=[Limit(3, "limit")], firing=[WINDOW])],
        deploys=[Deploy(START, "v2")],
    ).option

    json.dumps(option | {"dataset": None})


def test_an_unknown_value_stays_a_gap():
    option = draw([Panel(title="A", series=[LINE])], frame(a=[np.nan] * 5 + [1.0] * 5)).option

    assert option["series"][0]["connectNulls"] is False
    assert option["dataset"]["source"]["a"].isna().sum() == 5


def test_the_pointer_names_the_time_in_the_readers_zone():
    source = draw([Panel(title="A", series=[LINE])]).option["dataset"]["source"]

    assert source["when"].iloc[0] == "Fri 20 Nov, 10:00 CET"


def test_only_columns_that_are_drawn_or_read_are_sent():
    source = draw([Panel(title="A", series=[LINE])], frame(secret="x")).option["dataset"]["source"]

    assert list(source) == ["ts", "a", "when"]


def test_the_pointers_box_escapes_its_words():
    option = board(
        frame(), [Panel(title="A", series=[LINE])], [Row("a", "<b>a</b>", "#000")], window=WINDOW, zone=BERLIN
    ).option

    assert "<b>a</b>" not in option["tooltip"]["formatter"]
    assert "{@a}" in option["tooltip"]["formatter"]


@pytest.mark.parametrize(("deploys", "labelled"), [(6, True), (7, False)])
def test_many_deploys_are_lines_without_labels(deploys, labelled):
    seen = [Deploy(START + timedelta(minutes=1.2 * n), f"v{n}") for n in range(deploys)]
    option = draw([Panel(title="A", series=[LINE])], deploys=seen).option

    lines = option["series"][0]["markLine"]["data"]
    assert len(lines) == deploys
    assert {line["label"]["show"] for line in lines} == {labelled}


def test_a_deploy_outside_the_window_is_not_drawn():
    option = draw([Panel(title="A", series=[LINE])], deploys=[Deploy(WINDOW.end, "v9")]).option

    assert "markLine" not in option["series"][0]


def test_a_firing_band_is_cut_to_the_window():
    long = Window(START - timedelta(hours=1), START + timedelta(minutes=2))
    option = draw([Panel(title="A", series=[LINE], firing=[long])]).option

    start, end = option["series"][0]["markArea"]["data"][0]
    assert (start["xAxis"], end["xAxis"]) == (WINDOW.start.isoformat(), long.end.isoformat())


def test_a_limit_is_on_the_axis():
    option = draw([Panel(title="A", series=[LINE], limits=[Limit(512, "512 MB")])]).option

    assert option["yAxis"][0]["max"] == 600


@given(st.floats(1e-6, 1e9))
def test_labels_of_an_axis_that_a_limit_ends_are_as_far_apart_at_the_top_as_below(value):
    axis = draw([Panel(title="A", series=[LINE], limits=[Limit(value, "limit")])]).option["yAxis"][0]

    assert axis["max"] >= value
    assert axis["interval"] * 3 == pytest.approx(axis["max"])


def test_labels_at_the_ends_of_lines_do_not_cover_each_other():
    near = Series(column="b", name="b", colour="#000", label="b")
    option = draw([Panel(title="A", series=[LINE, near])], frame(a=5.1)).option

    shifts = [series["endLabel"]["offset"][1] for series in option["series"]]
    assert abs(shifts[0] - shifts[1]) >= 10


def test_a_phone_gets_one_column():
    panels = [Panel(title=str(n), series=[LINE]) for n in range(4)]

    assert len({grid["left"] for grid in draw(panels, columns=1).option["grid"]}) == 1
    assert draw(panels, columns=1).height_px > draw(panels, columns=2).height_px


def test_bars_of_a_longer_step_still_count_per_minute():
    window = Window(START, START + timedelta(minutes=50))
    series = function_series(invocations=500.0, errors=50.0)

    source = overview_board(series, [], window=window, zone=BERLIN).option["dataset"]["source"]

    assert source["succeeded"].iloc[0] == 90
    assert source["failed"].iloc[0] == 10


def test_durations_that_span_magnitudes_get_a_log_axis():
    series = function_series(duration_p95_ms=9_000.0, duration_p50_ms=100.0)

    option = overview_board(series, [], window=WINDOW, zone=BERLIN).option

    assert [axis["type"] for axis in option["yAxis"]] == ["value", "value", "log", "value"]
    assert option["title"][2]["text"] == "Duration, ms (log)"


def test_the_fleets_p99_is_read_with_the_pointer_and_not_drawn_over_the_other_lines():
    option = overview_board(function_series(duration_p99_ms=600_000.0), [], window=WINDOW, zone=BERLIN).option

    assert "p99" not in [series["name"] for series in option["series"]]
    assert "{@p99_ms}" in option["tooltip"]["formatter"]
    assert option["yAxis"][2]["type"] == "value"


@pytest.mark.parametrize(("p99_ms", "drawn"), [(9_000.0, ["timeout 15,000 ms"]), (300.0, [])])
def test_the_timeout_is_drawn_only_when_something_comes_near(p99_ms, drawn):
    series = function_series(duration_p99_ms=p99_ms)

    option = function_board(
        series, [], window=WINDOW, zone=BERLIN, timeout_s=15, memory_mb=None, reserved=float("nan")
    ).option

    assert marks(option, "p99") == drawn


def test_a_reserved_pool_that_is_used_is_drawn():
    series = function_series(concurrent_max=4.0)

    option = function_board(
        series, [], window=WINDOW, zone=BERLIN, timeout_s=None, memory_mb=512, reserved=5
    ).option

    assert marks(option, "concurrency") == ["reserved 5"]
    assert marks(option, "memory") == ["configured 512 MB"]


def test_a_board_of_nothing_but_gaps_can_be_drawn():
    unknown = function_series(**dict.fromkeys(function_series().columns.drop("ts"), np.nan))

    option = function_board(
        unknown, [], window=WINDOW, zone=BERLIN, timeout_s=15, memory_mb=512, reserved=None
    ).option

    assert len(option["series"]) == 10


def test_a_function_whose_configuration_is_not_known_has_no_limits():
    unknown = float("nan")

    option = function_board(
        function_series(),
        [],
        window=WINDOW,
        zone=BERLIN,
        timeout_s=unknown,
        memory_mb=unknown,
        reserved=unknown,
    ).option

    assert not [series for series in option["series"] if "markLine" in series]


def test_labels_of_marks_that_would_cover_each_other_are_left_out_deploys_and_newer_ones_first():
    near = timedelta(seconds=30)
    config = Deploy(START + 4 * near, "config", is_deploy=False)
    old, new = Deploy(START + 2 * near, "v1"), Deploy(START + 3 * near, "v2")
    far = Deploy(START + 12 * near, "alias", is_deploy=False)

    assert labelled_marks([config, old, new, far], WINDOW) == [new, far]


@given(st.lists(st.tuples(st.integers(0, 599), st.booleans()), max_size=12))
def test_no_two_labelled_marks_are_nearer_than_a_label_is_wide(seconds):
    marks = [Deploy(START + timedelta(seconds=s), f"v{i}", d) for i, (s, d) in enumerate(seconds)]

    shown = sorted(mark.ts for mark in labelled_marks(marks, WINDOW))

    room = WINDOW.duration * LABEL_SHARE
    assert all(after - before >= room for before, after in pairwise(shown))
    assert all(any(abs(mark.ts - ts) < room for ts in shown) for mark in marks)


def test_a_change_of_configuration_is_a_dotted_line_and_a_deploy_a_dashed_one():
    seen = [Deploy(START, "v2"), Deploy(START + timedelta(minutes=5), "config", is_deploy=False)]

    lines = draw([Panel(title="A", series=[LINE])], deploys=seen).option["series"][0]["markLine"]["data"]

    assert [line["lineStyle"]["type"] for line in lines] == ["dashed", "dotted"]


@pytest.mark.parametrize(
    ("pools", "said", "drawn"),
    [
        ({"reserved": 5}, " · reserved 5", ["reserved 5"]),
        ({"reserved": None, "unreserved": 900}, " · shared pool 900", []),
        ({"reserved": None, "unreserved": 10}, " · shared pool 10", ["shared pool 10"]),
        ({"reserved": 5, "unreserved": 10}, " · reserved 5", ["reserved 5"]),
        (
            {"reserved": None, "unreserved": 900, "provisioned": 2},
            " · shared pool 900 · provisioned 2",
            ["provisioned 2"],
        ),
        ({"reserved": None}, "", []),
    ],
)
def test_concurrency_is_held_against_its_pool_in_the_title_and_where_it_is_near_as_a_line(pools, said, drawn):
    series = function_series(concurrent_max=4.0)

    option = function_board(
        series, [], window=WINDOW, zone=BERLIN, timeout_s=None, memory_mb=None, **pools
    ).option

    assert option["title"][3]["text"] == f"Concurrency and throttles{said}"
    assert marks(option, "concurrency") == drawn


def test_every_kind_of_change_becomes_a_mark_and_only_deploys_carry_a_version():
    changes = pd.DataFrame(
        {
            "kind": ["deploy", "deploy", "configuration", "configuration", "alias", "appeared"],
            "version": ["7", "$LATEST", None, None, None, None],
            "ts": pd.to_datetime([START] * 6),
        }
    )

    assert change_marks(changes) == [
        Deploy(START, "v7"),
        Deploy(START, "$LATEST"),
        Deploy(START, "config", is_deploy=False),
        Deploy(START, "alias", is_deploy=False),
    ]


def test_only_deploys_become_marks():
    changes = pd.DataFrame(
        {"kind": ["deploy", "configuration"], "version": ["7", None], "ts": pd.to_datetime([START, START])}
    )

    assert deploy_marks(changes) == [Deploy(START, "v7")]


@pytest.mark.parametrize("columns", [1, 2])
def test_longer_labels_at_the_ends_of_lines_get_more_room(columns):
    def width(label):
        line = Series(column="a", name="a", colour="#000", label=label)
        return float(draw([Panel(title="A", series=[line])], columns=columns).option["grid"][0]["width"][:-1])

    assert width(None) > width("p99") > width("live@12")
    assert 330 * (width(None) - width("p99")) / 100 >= 24 or columns == 2
