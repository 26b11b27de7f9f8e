"""Traces: the list, the service map, one trace, and why there is none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.entities import EventSourceMapping, TraceSettings
from core.facts import Covered, Gap
from core.graph import FUNCTION
from core.telemetry import TraceRecord
from store.readers.tracing import held, service_map, trace, traces, why_no_trace
from store.store import Filter


def trace_id(world, minutes_ago: float, number: int = 1) -> str:
    return f"1-{int(world.at(minutes_ago).timestamp()):08x}-{number:024x}"


def segments(function: str = "orders", **outcome) -> str:
    call = {"id": "c", "name": "DynamoDB", "namespace": "aws", "aws": {"table_name": "carts"}}
    call |= {"start_time": 0.1, "end_time": 0.2}
    own = {"id": "f", "name": function, "origin": FUNCTION, "start_time": 0.0, "end_time": 0.5}
    return json.dumps([own | {"subsegments": [call]} | outcome])


def a_trace(world, minutes_ago: float, number: int = 1, **fields) -> TraceRecord:
    values = {
        "duration_ms": 500.0,
        "response_ms": 500.0,
        "has_error": False,
        "has_fault": False,
        "has_throttle": False,
        "root": "api",
        "functions": ("orders",),
        "document": segments(),
    }
    id_ = trace_id(world, minutes_ago, number)
    return TraceRecord(trace_id=id_, ts=world.at(minutes_ago), **{**values, **fields})


@pytest.fixture
def traced(world):
    world.run("inventory", [world.function(tracing_mode="Active")])
    world.run("metrics", [Covered("", world.window())])
    world.run("logs", [Covered("orders", world.window())])
    found = [
        a_trace(world, 10),
        a_trace(world, 20, 2, has_fault=True, response_ms=900.0, document=segments(fault=True)),
        a_trace(world, 30, 3, functions=("stock",), document=segments("stock"), root="timer"),
        a_trace(world, 40, 4, document=None, partial=True, http_status=202, revision=3),
    ]
    world.run("traces", [*found, Covered("", world.window())])
    return world


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [
        ({}, [10, 20, 30, 40]),
        ({"where": Filter(function="orders")}, [10, 20, 40]),
        ({"where": Filter(region="us-east-1")}, []),
        ({"failed": True}, [20]),
        ({"failed": False}, [10, 30, 40]),
        ({"outcome": "fault"}, [20]),
        ({"outcome": "running"}, [40]),
        ({"slower_than_ms": 500}, [20]),
        ({"root": "timer"}, [30]),
        ({"order": "slowest", "limit": 1}, [20]),
        ({"limit": 2}, [10, 20]),
    ],
)
def test_traces_are_listed_by_what_is_asked(traced, wanted, minutes):
    frame = traces(traced.store, traced.window(), **wanted)

    assert frame["ts"].tolist() == [traced.at(m) for m in minutes]


def test_what_failed_worst_comes_first_and_the_slowest_of_each(world):
    outcomes = [{}, {"has_error": True}, {"has_fault": True}, {"has_throttle": True}, {}, {"has_fault": True}]
    facts = [
        a_trace(world, 10 + n, n, response_ms=100.0 + n, **outcome) for n, outcome in enumerate(outcomes)
    ]
    world.run("traces", [*facts, Covered("", world.window())])

    frame = traces(world.store, world.window(), order="failed")

    assert frame["response_ms"].tolist() == [105, 102, 103, 101, 104, 100]


def test_a_line_of_the_list_tells_the_outcome_and_whether_it_was_read_in_full(traced):
    last = traces(traced.store, traced.window()).iloc[-1]

    assert (last["outcome"], last["has_segments"], last["http_status"]) == ("running", False, 202)


def test_the_map_says_how_many_of_how_many_traces_it_rests_on(traced):
    found = service_map(traced.store, traced.window(), now=traced.now)

    assert (found.read, found.listed, found.graph.traces) == (3, 4, 3)
    assert found.says.startswith("3 of 4 traces")
    assert found.graph.nodes["orders", FUNCTION].calls == 2
    assert found.graph.nodes["orders", FUNCTION].faults == 1
    assert found.graph.nodes["carts", "AWS::DynamoDB::Table"].calls == 3
    assert found.seen.complete


def test_the_map_of_one_function_is_made_of_its_traces(traced):
    found = service_map(traced.store, traced.window(), where=Filter(function="stock"), now=traced.now)

    assert ("orders", FUNCTION) not in found.graph.nodes
    assert found.says == "all 1 traces"


def test_a_map_of_nothing_says_so(store, world):
    found = service_map(store, world.window(), now=world.now)

    assert (found.says, found.graph.nodes, found.seen) == ("no traces", {}, None)


def test_the_map_says_what_transaction_search_leaves_out(traced):
    settings = TraceSettings(destination="CloudWatchLogs", indexed_percent=5.0)
    traced.run("traces", [settings, Covered("", traced.window())])

    assert "5 %" in service_map(traced.store, traced.window(), now=traced.now).search


def test_one_trace_is_shown_with_its_spans_and_the_invocations_of_it(traced):
    id_ = trace_id(traced, 10)
    traced.run("logs", [traced.record(10, trace_id=id_), Covered("orders", traced.window())])

    found = trace(traced.store, traced.target, id_, now=traced.now)

    assert found.spans[["depth", "name", "status"]].values.tolist() == [
        [0, "orders", "ok"],
        [1, "carts", "ok"],
    ]
    assert found.invocations["trace_id"].tolist() == [id_]
    assert found.note == ""


def test_a_trace_of_which_only_the_summary_was_read_says_so(traced):
    found = trace(traced.store, traced.target, trace_id(traced, 40, 4), now=traced.now)

    assert found.spans.empty
    assert "only its summary was read" in found.note
    assert (found.record.revision, found.record.partial, found.record.http_status) == (3, True, 202)


def test_a_trace_that_is_not_stored_is_none(traced):
    assert trace(traced.store, traced.target, trace_id(traced, 11), now=traced.now) is None
    assert trace(traced.store, traced.target, "hostile'; DROP TABLE traces", now=traced.now) is None


def test_what_is_held_comes_back_as_it_was_kept(traced):
    kept = held(traced.store, traced.target, traced.window())

    assert kept[trace_id(traced, 10)] == a_trace(traced, 10)
    assert len(kept) == 4


# --- why there is none --------------------------------------------------------------------------------------


def why(world, request_id=None, **more):
    found = why_no_trace(world.store, world.target, "orders", request_id, now=world.now, **more)
    return [reason.code for reason in found.reasons]


def recorded(world, minutes_ago=10.0, **fields):
    record = world.record(minutes_ago, **fields)
    world.run("logs", [record, Covered("orders", world.window())])
    return record.request_id


def test_a_request_with_a_trace_needs_no_reason(traced):
    id_ = trace_id(traced, 10)
    request = recorded(traced, trace_id=id_, sampled=True)

    found = why_no_trace(traced.store, traced.target, "orders", request, now=traced.now)

    assert (found.reasons, found.evidence.trace_id) == ((), id_)


def test_a_request_that_was_not_sampled_is_told_so(traced):
    assert why(traced, recorded(traced, trace_id=trace_id(traced, 11), sampled=False)) == ["not-sampled"]


def test_a_function_with_tracing_off_is_told_so(traced):
    traced.run("inventory", [traced.function(tracing_mode="PassThrough")])

    assert why(traced, recorded(traced)) == ["tracing-off"]


def test_a_source_that_is_not_traced_and_a_layer_with_a_tracer_of_its_own_are_told(traced):
    layer = "arn:aws:lambda:eu-west-1:464622532012:layer:Datadog-Extension:65"
    mapping = {"function": "orders", "source_arn": "arn:aws:kafka:eu-west-1:111111111111:cluster/c/1"}
    facts = [
        traced.function(tracing_mode="Active", layers=(layer,)),
        EventSourceMapping(name="u", source_kind="msk", **mapping),
        EventSourceMapping(name="v", source_kind="mq", **mapping | {"function": "other"}),
    ]
    traced.run("inventory", facts)
    request = recorded(traced, trace_id=trace_id(traced, 11), sampled=False)

    found = why_no_trace(traced.store, traced.target, "orders", request, now=traced.now)

    codes = [reason.code for reason in found.reasons]
    assert codes == ["source-not-traced", "not-sampled", "own-tracer"]
    assert found.reasons[0].what.endswith("functions that read Amazon MSK")
    assert "Datadog-Extension" in found.reasons[2].what


def test_tracing_that_was_switched_on_later_explains_an_earlier_request(traced):
    earlier = recorded(traced, 10)
    later = traced.now + timedelta(minutes=5)
    for at, mode in ((later, "PassThrough"), (later + timedelta(minutes=1), "Active")):
        traced.run("inventory", [traced.function(tracing_mode=mode)], started_at=at, finished_at=at)

    assert why(traced, earlier) == ["tracing-was-off"]


def test_a_denied_collection_is_the_reason_with_its_permission(traced):
    before = traced.window(60, until=300)
    gap = Gap("", before, "denied", "xray:GetTraceSummaries")
    traced.run("traces", [gap], outcome="denied", error="denied", permission=gap.permission, window=before)
    record = traced.record(310, trace_id=trace_id(traced, 310), sampled=True)
    traced.run("logs", [record, Covered("orders", traced.window(400))], window=traced.window(400))

    found = why_no_trace(traced.store, traced.target, "orders", record.request_id, now=traced.now)

    assert found.reasons[0].code == "not-collected"
    assert "xray:GetTraceSummaries" in found.reasons[0].do


def test_a_request_without_a_record_among_throttles_was_throttled(traced):
    traced.run("metrics", [traced.point(10, 0, throttles=4.0), Covered("", traced.window())])
    traced.run("logs", [Covered("orders", traced.window(1441))], window=traced.window(1441))

    assert why(traced, "no-such-request") == ["throttled", "no-record"]


def test_a_function_whose_requests_were_never_sampled_is_told_so(world):
    world.run("inventory", [world.function(tracing_mode="Active")])
    world.run("traces", [Covered("", world.window(1441))], window=world.window(1441))
    for _ in range(3):
        recorded(world, sampled=False)

    assert why(world) == ["not-sampled"]


def test_a_function_with_traces_needs_no_reason(traced):
    assert why(traced) == []
