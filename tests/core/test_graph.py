from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.graph import CLIENT, FUNCTION, SERVICE, graph
from core.waterfall import waterfall

ORDERS = ("orders", FUNCTION)
TABLE = ("carts", "AWS::DynamoDB::Table")
API = ("shop/live", "AWS::ApiGateway::Stage")


def segment(id_, name, origin=None, parent=None, start=0.0, end=1.0, **more):
    found = {"id": id_, "name": name, "start_time": start, "end_time": end, **more}
    return found | ({"origin": origin} if origin else {}) | ({"parent_id": parent} if parent else {})


def behind_an_api(**outcome):
    """What X-Ray holds of one request: stage, Lambda's segment, the function's own with a call in it."""
    table = segment("t", "DynamoDB", start=0.3, end=0.4, namespace="aws", aws={"table_name": "carts"})
    handler = segment("h", "Invocation", start=0.2, end=0.6, subsegments=[table])
    return [
        segment("a", *API, end=1.0),
        segment("s", "orders", SERVICE, "a", 0.1, 0.9),
        segment("f", "orders", FUNCTION, "s", 0.2, 0.7, subsegments=[handler], **outcome),
    ]


def test_a_function_is_one_node_although_xray_has_two_segments_of_it():
    found = graph([behind_an_api()])

    assert {key: tally.calls for key, tally in found.nodes.items()} == {
        CLIENT: 0,
        API: 1,
        ORDERS: 1,
        TABLE: 1,
    }
    assert set(found.edges) == {(CLIENT, API), (API, ORDERS), (ORDERS, TABLE)}


def test_a_caller_waits_for_lambda_and_the_function_works_for_itself():
    found = graph([behind_an_api()])

    assert found.edges[API, ORDERS].duration_sum_ms == pytest.approx(800)
    assert found.nodes[ORDERS].duration_sum_ms == pytest.approx(500)


def test_a_fault_that_only_the_functions_own_segment_tells_is_the_nodes_and_the_edges():
    found = graph([behind_an_api(fault=True), behind_an_api()])

    assert (found.nodes[ORDERS].calls, found.nodes[ORDERS].faults) == (2, 1)
    assert found.edges[API, ORDERS].faults == 1
    assert found.nodes[API].faults == 0
    assert found.traces == 2


def test_a_throttled_call_is_a_node_without_the_functions_own_segment():
    throttled = segment("s", "orders", SERVICE, throttle=True, error=True)

    tally = graph([[throttled]]).nodes[ORDERS]

    assert (tally.throttles, tally.errors, tally.failed) == (1, 1, 1)


def test_retries_of_an_asynchronous_event_are_one_call():
    attempts = [segment(f"s{n}", f"Attempt #{n}") for n in (1, 2)]
    service = segment("s", "orders", SERVICE, subsegments=attempts)
    own = [segment(f"f{n}", "orders", FUNCTION, f"s{n}", 0.0, 0.25) for n in (1, 2)]

    found = graph([[service, *own]])

    assert found.nodes[ORDERS].calls == 1
    assert found.nodes[ORDERS].duration_sum_ms == pytest.approx(500)


def test_a_call_is_counted_once_when_the_other_side_tells_of_it_too():
    inferred = segment("t2", "carts", "AWS::DynamoDB::Table", "t", 0.3, 0.4, inferred=True)

    assert graph([[*behind_an_api(), inferred]]).nodes[TABLE].calls == 1


def test_an_inferred_segment_gives_way_to_the_real_one():
    call = segment("c", "Lambda", namespace="aws", aws={"function_name": "stock"})
    caller = segment("f", "orders", FUNCTION, subsegments=[call])
    inferred = segment("i", "stock", SERVICE, "c", inferred=True)
    real = segment("r", "stock", SERVICE, "c")

    assert graph([[caller, inferred, real]]).nodes["stock", FUNCTION].calls == 1


def test_a_function_that_calls_itself_is_an_edge_of_its_own():
    call = segment("c", "Lambda", namespace="aws", aws={"function_name": "orders"})
    first = segment("f", "orders", FUNCTION, subsegments=[call])
    second = segment("s2", "orders", SERVICE, "c")

    found = graph([[first, second, segment("f2", "orders", FUNCTION, "s2")]])

    assert found.edges[ORDERS, ORDERS].calls == 1
    assert found.nodes[ORDERS].calls == 2


def test_a_segment_sent_twice_is_counted_once_as_it_ended():
    running = {"id": "f", "name": "orders", "origin": FUNCTION, "start_time": 0.0, "in_progress": True}

    for order in ([running, segment("f", "orders", FUNCTION)], [segment("f", "orders", FUNCTION), running]):
        tally = graph([order]).nodes[ORDERS]
        assert (tally.calls, tally.timed, tally.duration_sum_ms) == (1, 1, 1000)


def test_what_still_runs_is_a_call_without_a_duration():
    running = {"id": "f", "name": "orders", "origin": FUNCTION, "start_time": 0.0, "in_progress": True}

    tally = graph([[running]]).nodes[ORDERS]

    assert (tally.calls, tally.timed, tally.duration_max_ms) == (1, 0, None)


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ({"aws": {"table_name": "carts"}}, ("carts", "AWS::DynamoDB::Table")),
        ({"aws": {"queue_url": "https://sqs.eu-west-1.amazonaws.com/1/in"}}, ("in", "AWS::SQS::Queue")),
        ({"aws": {"topic_arn": "arn:aws:sns:eu-west-1:1:news"}}, ("news", "AWS::SNS")),
        ({"aws": {"function_name": "arn:aws:lambda:eu-west-1:1:function:stock"}}, ("stock", FUNCTION)),
        ({"aws": {}}, ("S3", "AWS::S3")),
        ({"namespace": "remote"}, ("S3", "remote")),
    ],
)
def test_a_call_goes_to_what_its_parameters_name(call, target):
    span = segment("c", "S3", **{"namespace": "aws", **call})

    assert (ORDERS, target) in graph([[segment("f", "orders", FUNCTION, subsegments=[span])]]).edges


def test_a_call_inside_a_call_is_the_same_call():
    inner = segment("i", "s3.amazonaws.com", namespace="remote")
    outer = segment("o", "S3", namespace="aws", subsegments=[inner])

    found = graph([[segment("f", "orders", FUNCTION, subsegments=[outer])]])

    assert ("S3", "AWS::S3") in found.nodes
    assert len(found.edges) == 2


ids = st.sampled_from(["a", "b", "c", "d"]) | st.text(max_size=2)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = {
    "id": ids | anything,
    "parent_id": ids | anything,
    "name": ids,
    "origin": st.sampled_from([SERVICE, FUNCTION, "AWS::SQS"]) | anything,
    "namespace": st.sampled_from(["aws", "remote"]) | anything,
    "inferred": st.booleans() | anything,
    "fault": st.booleans(),
    "start_time": st.floats(0, 10) | anything,
    "end_time": st.floats(0, 10) | anything,
    "aws": st.fixed_dictionaries({}, optional={"function_name": ids | anything}) | anything,
    "cause": anything,
    "http": anything,
    "type": st.sampled_from(["subsegment", None]),
}
part = st.fixed_dictionaries({}, optional=fields)
for _ in range(3):
    part = st.fixed_dictionaries({}, optional=fields | {"subsegments": st.lists(part, max_size=3) | anything})
documents = st.lists(st.lists(part | anything, max_size=5) | anything, max_size=3)


@given(documents)
def test_the_calls_into_a_node_add_up_to_its_own_whatever_the_documents_hold(found):
    result = graph(found)

    for key, tally in result.nodes.items():
        into = [edge for (_, target), edge in result.edges.items() if target == key]
        assert sum(edge.calls for edge in into) == tally.calls
        assert sum(edge.faults for edge in into) == tally.faults
        assert tally.failed <= tally.calls
        assert tally.timed <= tally.calls


@given(st.lists(part | anything, max_size=6))
def test_a_waterfall_has_every_span_once_and_never_below_nothing(document):
    bars = waterfall(document)

    assert len({bar.id for bar in bars}) == len(bars)
    assert all(bar.depth <= before.depth + 1 for before, bar in pairwise(bars))
    assert bars == waterfall(json.loads(json.dumps(document)))


def test_a_waterfall_shows_each_part_below_what_it_lies_in_with_its_offset():
    bars = waterfall(behind_an_api(fault=True, cause={"exceptions": [{"type": "KeyError", "message": "x"}]}))

    assert [(bar.depth, bar.name, bar.offset_ms, bar.duration_ms) for bar in bars] == [
        (0, "shop/live", 0, 1000),
        (1, "orders", 100, 800),
        (2, "orders", 200, 500),
        (3, "Invocation", 200, 400),
        (4, "carts", 300, 100),
    ]
    assert (bars[2].status, bars[2].cause) == ("fault", "KeyError: x")


def test_a_segment_whose_caller_is_not_there_stands_at_the_top():
    assert [bar.depth for bar in waterfall([segment("s", "orders", SERVICE, "gone")])] == [0]


def test_segments_in_a_circle_are_shown_all_the_same():
    circle = [segment("a", "one", parent="b"), segment("b", "two", parent="a")]

    assert sorted(bar.name for bar in waterfall(circle)) == ["one", "two"]
