from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from collectors import traces
from collectors.collector import Ask
from collectors.traces import cleaned, functions_of, parse_summary, started, to_document, worth_reading
from core.facts import Covered, Gap, TraceRecord
from core.settings import CollectSettings
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
SERVICES = [
    {"Name": "orders", "Type": "AWS::Lambda"},
    {"Name": "orders", "Type": "AWS::Lambda::Function"},
    {"Name": "table", "Type": "AWS::DynamoDB::Table"},
]


def trace_id(number: int) -> str:
    return f"1-{int(NOW.timestamp()) - number:08x}-{number:024x}"


def summary(number: int, **fields):
    return {"Id": trace_id(number), "Duration": 0.25, "ResponseTime": 0.125, "ServiceIds": SERVICES} | fields


def ask(most: int = 200) -> Ask:
    return Ask(window=WINDOW, settings=CollectSettings(max_traces_per_run=most))


def batch(params):
    segment = {"name": "orders", "origin": "AWS::Lambda::Function", "id": "1", "metadata": {"card": "4111"}}
    return {
        "Traces": [{"Id": i, "Segments": [{"Document": json.dumps(segment)}]} for i in params["TraceIds"]]
    }


def answers(summaries, **more):
    return {"GetTraceSummaries": lambda p: {"TraceSummaries": summaries}, "BatchGetTraces": batch} | more


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


def test_a_summary_is_read_in_milliseconds_with_its_functions():
    found = parse_summary(summary(1, HasFault=True, EntryPoint={"Name": "api"}))

    assert (found.duration_ms, found.response_ms, found.functions) == (250, 125, ("orders",))
    assert (found.has_fault, found.has_error, found.root) == (True, False, "api")


def test_a_trace_began_when_its_id_says():
    assert started(trace_id(5)) == NOW - timedelta(seconds=5)
    assert parse_summary(summary(5)).ts == NOW - timedelta(seconds=5)


def test_what_a_summary_leaves_out_is_unknown():
    found = parse_summary({"Id": trace_id(1)})

    assert (found.duration_ms, found.response_ms, found.root, found.functions) == (None, None, None, ())


def test_failing_traces_come_first_then_the_slowest():
    found = [parse_summary(summary(n, ResponseTime=n, HasError=n == 1)) for n in range(5)]

    assert worth_reading(found, 3) == [trace_id(1), trace_id(4), trace_id(3)]


@pytest.mark.parametrize(("count", "most", "calls"), [(12, 200, 3), (12, 10, 2), (12, 0, 0)])
def test_segments_are_read_five_traces_a_call_up_to_the_limit(answered, count, most, calls):
    aws = answered(**answers([summary(n) for n in range(count)]))

    facts = list(traces.collect(aws, ask(most)))

    assert len(of(TraceRecord, facts)) == count
    assert sum(t.document is not None for t in of(TraceRecord, facts)) == min(count, most)
    assert aws.asked["BatchGetTraces"] == calls


def test_all_traces_are_asked_for_not_a_sample(answered):
    seen = []

    def answer(params):
        seen.append(params)
        return {"TraceSummaries": []}

    facts = list(traces.collect(answered(GetTraceSummaries=answer), ask()))

    assert (seen[0]["Sampling"], seen[0]["StartTime"], seen[0]["EndTime"]) == (
        False,
        WINDOW.start,
        WINDOW.end,
    )
    assert facts == [Covered("", WINDOW)]


def test_a_window_is_never_longer_than_xray_takes():
    assert max(traces.COLLECTOR.reach.first, traces.COLLECTOR.reach.piece) <= timedelta(hours=6)


def test_traces_without_a_function_are_left_out(answered):
    other = [{"Name": "table", "Type": "AWS::DynamoDB::Table"}]

    aws = answered(**answers([summary(1, ServiceIds=other)]))

    facts = list(traces.collect(aws, ask()))

    assert of(TraceRecord, facts) == []
    assert aws.asked["BatchGetTraces"] == 0


def test_segments_name_the_functions_when_the_summary_does_not(answered):
    facts = list(traces.collect(answered(**answers([summary(1, ServiceIds=[])])), ask()))

    assert [t.functions for t in of(TraceRecord, facts)] == [("orders",)]


def test_without_the_right_to_segments_summaries_are_kept(answered, refusing):
    aws = answered(**answers([summary(1)], BatchGetTraces=refusing("AccessDeniedException")))

    facts = list(traces.collect(aws, ask()))

    assert [t.document for t in of(TraceRecord, facts)] == [None]
    assert [g.permission for g in of(Gap, facts)] == ["xray:BatchGetTraces"]


def test_free_form_parts_and_secrets_are_not_kept():
    found = cleaned(
        {"name": "x", "metadata": {"a": 1}, "sql": {"q": 1}, "subsegments": [{"cause": "password=hunter2"}]}
    )

    assert found == {"name": "x", "subsegments": [{"cause": "password=[hidden]"}]}


def test_a_segment_that_is_no_json_is_passed_over():
    assert to_document({"Segments": [{"Document": "{"}, {"Document": '{"name":"x"}'}]}) == '[{"name":"x"}]'


def test_services_that_are_no_functions_are_not_named():
    assert functions_of([{"Name": "table", "Type": "AWS::DynamoDB::Table"}, {"Type": "AWS::Lambda"}]) == ()
