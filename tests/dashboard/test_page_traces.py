"""The Traces page on a real store, in process; its waterfall and map, against their facts."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entities import Function
from core.facts import Covered
from core.graph import CLIENT, FUNCTION, graph
from core.telemetry import InvocationRecord, LogEvent, TraceRecord
from core.waterfall import waterfall as spans_of
from dashboard.charts.service_map import layers, positions, service_map
from dashboard.charts.traces import dots, duration_dots
from dashboard.charts.waterfall import COLOURS, bars, waterfall
from dashboard.figures_traces import marks
from store.readers.tracing import traces
from tests.dashboard import every_page
from tests.dashboard.conftest import NOW, WINDOW, commit
from tests.dashboard.every_page import table

HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](http://evil) $x$"


def words(app):
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind)
    )


def charts(app):
    return [json.loads(chart.proto.spec) for chart in app.get("echarts_chart")]


def segments(name="orders", *, fault=False, cold=False):
    parts = [{"id": "c", "name": "DynamoDB", "namespace": "aws", "aws": {"table_name": "carts"},
              "start_time": 0.2, "end_time": 0.3}]  # fmt: skip
    parts += [{"id": "i", "name": "Initialization", "start_time": 0.0, "end_time": 0.15}] if cold else []
    own = {"id": "f", "name": name, "origin": FUNCTION, "start_time": 0.0, "end_time": 0.5, "fault": fault}
    return json.dumps([own | {"subsegments": parts}])


def a_trace(minutes_ago, number, **fields):
    ts = NOW - timedelta(minutes=minutes_ago)
    values = {
        "duration_ms": 500.0 + number,
        "response_ms": 500.0 + number,
        "has_error": False,
        "has_fault": False,
        "has_throttle": False,
        "root": "api",
        "functions": ("orders",),
        "document": segments(),
    }
    return TraceRecord(trace_id=trace_id(minutes_ago, number), ts=ts, **(values | fields))


def trace_id(minutes_ago, number):
    return f"1-{int((NOW - timedelta(minutes=minutes_ago)).timestamp()):08x}-{number:024x}"


@pytest.fixture
def traced(filled):
    record = InvocationRecord(
        function="orders", ts=NOW - timedelta(minutes=20), event_id="x", request_id="req-2", stream="s",
        version="2", duration_ms=480, memory_mb=512, max_memory_mb=99, status="error",
        trace_id=trace_id(20, 2),
    )  # fmt: skip
    facts = [
        a_trace(10, 1, document=segments(cold=True)),
        a_trace(20, 2, has_fault=True, http_status=502, document=segments(fault=True), root="shop"),
        a_trace(30, 3, functions=("stock",), root="timer", document=None),
    ]
    commit(filled, "traces", [*facts, Covered("", WINDOW)])
    commit(filled, "logs", [record])
    return filled


def test_the_answer_counts_failures_and_where_they_enter(open_page, traced):
    said = words(open_page("views/traces.py"))

    assert "**1 of 3 traces failed** (33.3%)" in said
    assert "most enter at shop" in said


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ({}, [20, 30, 10]),
        ({"order": "slowest"}, [30, 20, 10]),
        ({"order": "newest"}, [10, 20, 30]),
        ({"outcome": "failed"}, [20]),
        ({"outcome": "ok"}, [30, 10]),
        ({"slower": "500"}, [20, 30, 10]),
        ({"root": "timer"}, [30]),
        ({"fn": "111111111111.eu-west-1.orders"}, [20, 10]),
    ],
)
def test_each_choice_in_the_address_narrows_the_list(open_page, traced, query, minutes):
    app = open_page("views/traces.py", **query)

    assert table(app, "took")["ts"].tolist() == [NOW - timedelta(minutes=m) for m in minutes]


def test_a_choice_that_is_none_is_passed_over(open_page, traced):
    app = open_page(
        "views/traces.py", outcome="x", slower="-1", root="?", order="z", fn="a.b.gone", trace="q"
    )

    assert not app.exception
    assert len(table(app, "took")) == 3


def test_the_answer_is_drawn_before_the_choices(open_page, traced, monkeypatch):
    def stop(answer):
        raise RuntimeError

    monkeypatch.setattr("dashboard.tables.say", stop)

    app = open_page("views/traces.py")

    assert app.exception
    assert "Outcome" not in [box.label for box in app.selectbox]


def test_the_trace_of_the_address_is_shown_with_its_invocation(open_page, traced):
    app = open_page("views/traces.py", trace=f"111111111111.eu-west-1.{trace_id(20, 2)}")

    assert "Fault" in words(app)
    assert "HTTP 502" in words(app)
    assert "ran 480 ms" in words(app)
    assert table(app, "start_ms")["duration_ms"].tolist() == pytest.approx([500, 100])


def test_log_lines_of_a_trace_lie_on_its_time_axis(open_page, filled):
    at, id = NOW - timedelta(minutes=20), trace_id(20, 2)
    began = at.timestamp()
    own = {"id": "f", "name": "orders", "origin": FUNCTION, "start_time": began, "end_time": began + 0.5}
    facts = [a_trace(20, 2, has_fault=True, document=json.dumps([own])), Covered("", WINDOW)]
    record = InvocationRecord(
        function="orders", ts=at + timedelta(milliseconds=500), event_id="x", request_id="own", stream="s",
        version="2", duration_ms=480, memory_mb=512, max_memory_mb=99, status="error", trace_id=id,
    )  # fmt: skip
    said = {"own": (120, 480), "other": (200,)}
    lines = [
        LogEvent(
            function="orders", ts=at + timedelta(milliseconds=ms), event_id=f"{request}{ms}", stream="s",
            request_id=request, level="error", message=str(ms), signature=f"{HOSTILE}\n{ms}", version="2",
        )
        for request, moments in said.items()
        for ms in moments
    ]  # fmt: skip
    commit(filled, "traces", facts)
    commit(filled, "logs", [record, *lines])

    app = open_page("views/traces.py", trace=f"111111111111.eu-west-1.{id}")

    [drawn] = [rows for alt, rows in every_page.charts(app) if alt.startswith("Parts of")]
    assert drawn["early"].dropna().tolist() == [120]
    assert drawn["late"].dropna().tolist() == [480]
    assert drawn["part"].tolist()[-2:] == ["log of orders", "log of orders"]
    assert drawn["label"].tolist()[-1].startswith("<img src=x onerror=alert(1)>")


def test_lines_of_another_time_are_not_drawn_into_a_trace():
    frame = spans(segments())
    began = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [began + timedelta(milliseconds=ms) for ms in (-5000, -200, 500, 1400, 1600)]
    lines = pd.DataFrame({"ts": moments, "function": "f", "signature": "x"})

    assert marks(lines, frame, began)["offset_ms"].tolist() == [0, 500, 1400]
    assert marks(lines, frame, None).empty
    assert len(marks(lines, frame.assign(duration_ms=1e300), began)) == 4


def test_a_trace_without_kept_lines_has_no_rows_of_lines():
    frame = spans(segments())
    none = pd.DataFrame({"offset_ms": [], "part": [], "label": []})

    option, height_px = waterfall(frame, none)
    assert height_px == waterfall(frame)[1]
    assert "scatter" not in [series["type"] for series in option["series"]]


def test_a_trace_that_is_not_stored_is_a_sentence(open_page, traced):
    app = open_page("views/traces.py", trace=f"111111111111.eu-west-1.{trace_id(20, 77)}")

    assert "This trace is not found: it was never read, or it is gone" in words(app)


def test_of_a_function_without_traces_the_page_says_why(open_page, traced):
    app = open_page("views/traces.py", fn="111111111111.eu-west-1.idle")

    assert "No trace fits" in words(app)
    assert "tracing mode is not known" in words(app).replace("\\", "")


def test_the_map_counts_calls_of_the_traces_that_were_read(open_page, traced):
    app = open_page("views/traces.py")

    calls = table(app, "callee").set_index("callee")
    assert calls.loc["orders", ["calls", "failed"]].tolist() == [2, 1]
    assert calls.loc["carts", ["calls", "failed"]].tolist() == [2, 0]
    assert "2 of 3 traces" in words(app)


def test_hostile_names_are_only_text(open_page, filled):
    commit(filled, "inventory", [Function(name="orders", arn="a", description=HOSTILE)])
    hostile = a_trace(10, 1, root=HOSTILE, has_fault=True, document=segments(HOSTILE, fault=True))
    commit(filled, "traces", [hostile, Covered("", WINDOW)])

    app = open_page("views/traces.py", root=HOSTILE)

    assert not app.exception
    for element in [*app.markdown, *app.caption]:
        assert "<img" not in element.value.replace("\\<", "")
        assert "**bold**" not in element.value


def test_an_empty_store_says_that_nothing_was_read(open_page, store):
    app = open_page("views/traces.py")

    assert not app.exception
    assert "The traces collector has not run yet" in words(app)


# --- what is drawn ------------------------------------------------------------------------------------------


def spans(document):
    import dataclasses

    from core.waterfall import Bar

    names = [field.name for field in dataclasses.fields(Bar)]
    found = [dataclasses.asdict(bar) for bar in spans_of(json.loads(document))]
    return pd.DataFrame(found, columns=names)


def test_a_bar_begins_and_lasts_as_its_part_did_and_is_of_one_kind():
    frame = bars(spans(segments(cold=True, fault=True)))

    assert frame["gap"].tolist() == [0, 0, 200]
    assert frame["fault"].tolist()[0] == 500
    assert frame["cold start"].tolist()[1] == 150
    assert frame["ok"].tolist()[2] == 100
    assert (frame[list(COLOURS)].notna().sum(axis=1) == 1).all()
    assert frame["label"].tolist() == ["500 ms · fault", "150 ms · cold start", "100 ms"]


def test_a_part_that_still_runs_has_no_length_and_says_so():
    running = json.dumps([{"id": "f", "name": "orders", "start_time": 0.0, "in_progress": True}])

    assert bars(spans(running))["label"].tolist() == ["no end told · running"]


def test_a_waterfall_is_as_high_as_its_rows_and_ends_at_the_most_that_is_drawn():
    many = json.dumps(
        [{"id": str(n), "name": f"part {n}", "start_time": n, "end_time": n + 1} for n in range(200)]
    )
    option, height_px = waterfall(spans(many))

    assert len(option["yAxis"]["data"]) == 60
    assert height_px == waterfall(spans(json.dumps(json.loads(many)[:60])))[1]


def test_the_legend_of_dots_stands_below_the_title_on_a_phone(traced):
    found = traces(traced, WINDOW)

    wide, narrow = (
        duration_dots(found, window=WINDOW, zone=UTC, narrow=phone).option for phone in (False, True)
    )

    assert narrow["legend"]["top"] > wide["legend"]["top"] == wide["title"]["top"]
    assert narrow["grid"]["top"] > wide["grid"]["top"]


def test_a_dot_is_in_the_column_of_its_outcome_only(traced):
    found = traces(traced, WINDOW)

    frame = dots(found, zone=UTC)

    assert frame["fault"].dropna().tolist() == [502]
    assert sorted(frame["ok"].dropna()) == [501, 503]
    assert frame["said"].str.contains("fault").sum() == 1


NODES = [CLIENT, *((name, FUNCTION) for name in "abcdef")]


@given(st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=20))
def test_calls_go_from_left_to_right_unless_they_close_a_circle(edges):
    depth = layers(NODES, edges)
    places = positions(NODES, edges)

    assert set(depth) == set(NODES) == set(places)
    assert len(set(places.values())) == len(NODES)
    if not _has_circle(edges):
        assert all(depth[source] < depth[target] for source, target in edges)


def _has_circle(edges):
    left = set(edges)
    while left:
        free = {edge for edge in left if not any(target == edge[0] for _, target in left)}
        if not free:
            return True
        left -= free
    return False


def test_the_map_marks_what_fails_by_shape_and_words():
    found = graph([json.loads(segments(fault=True)), json.loads(segments("fine"))])

    nodes = {node["name"].partition("\n")[0]: node for node in service_map(found).option["series"][0]["data"]}

    assert nodes["orders"]["symbol"] == "diamond"
    assert "100% failed" in nodes["orders"]["name"]
    assert nodes["fine"]["symbol"] == "circle"
    assert nodes["callers"]["symbol"] == "rect"


def test_the_busiest_nodes_are_drawn_and_the_rest_is_counted():
    found = graph([json.loads(segments(f"f{n}")) for n in range(60)])

    drawn = service_map(found, most=10)

    assert len(drawn.option["series"][0]["data"]) == 10
    assert drawn.left_out == len(found.nodes) - 10


def test_the_tab_of_a_functions_page_shows_a_trace_and_leads_to_all_of_them(open_page, traced):
    app = open_page("views/function.py", fn="111111111111.eu-west-1.orders")
    app.session_state["tab"] = ":material/account_tree: Traces"
    app.run()

    assert not app.exception
    assert table(app, "start_ms")["duration_ms"].tolist() == pytest.approx([500, 100])
    assert "All traces of this function, and its service map" in [
        link.proto.label for link in app.get("page_link")
    ]
