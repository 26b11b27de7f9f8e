from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from collectors import traces
from collectors.collector import Ask, Expected
from collectors.runner import run_once
from collectors.traces import cleaned, functions_of, parse_summary, to_document, worth_reading
from core.entities import Function, TraceSettings
from core.facts import Covered, Gap, Inventory, Run
from core.settings import CollectSettings
from core.telemetry import TraceRecord
from core.tracing import started
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


def ask(most: int = 200, **more) -> Ask:
    return Ask(window=WINDOW, settings=CollectSettings(max_traces_per_run=most), **more)


SEARCH = TraceSettings(destination="CloudWatchLogs", status="ACTIVE", indexed_percent=1.0)


def batch(params):
    segment = {"name": "orders", "origin": "AWS::Lambda::Function", "id": "1", "metadata": {"card": "4111"}}
    return {
        "Traces": [{"Id": i, "Segments": [{"Document": json.dumps(segment)}]} for i in params["TraceIds"]]
    }


def answers(summaries, **more):
    return {
        "GetTraceSummaries": lambda p: {
            "TraceSummaries": summaries,
            "TracesProcessedCount": len(summaries),
        },
        "BatchGetTraces": batch,
        "GetTraceSegmentDestination": lambda p: {"Destination": "XRay", "Status": "ACTIVE"},
    } | more


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

    facts = list(traces.collect(answered(**answers([], GetTraceSummaries=answer)), ask()))

    assert (seen[0]["Sampling"], seen[0]["StartTime"], seen[0]["EndTime"]) == (
        False,
        WINDOW.start,
        WINDOW.end,
    )
    assert facts == [
        TraceSettings(destination="XRay", status="ACTIVE", scanned_per_hour=0),
        Covered("", WINDOW),
    ]


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


@pytest.mark.parametrize("segment", [{}, {"Document": None}, {"Id": "x"}])
def test_a_segment_without_its_text_is_passed_over(segment):
    assert to_document({"Segments": [segment, {"Document": '{"name":"x"}'}]}) == '[{"name":"x"}]'


def test_a_summary_without_its_id_is_nobody_s():
    assert not traces.may_be_ours({"ServiceIds": SERVICES})


def test_a_segment_that_is_no_json_is_passed_over():
    assert to_document({"Segments": [{"Document": "{"}, {"Document": '{"name":"x"}'}]}) == '[{"name":"x"}]'


def test_services_that_are_no_functions_are_not_named():
    assert functions_of([{"Name": "table", "Type": "AWS::DynamoDB::Table"}, {"Type": "AWS::Lambda"}]) == ()


# --- fairness -----------------------------------------------------------------------------------------------


def of_function(name, number, **fields):
    return parse_summary(summary(number, ServiceIds=[{"Name": name, "Type": "AWS::Lambda"}], **fields))


def test_a_noisy_function_leaves_room_for_one_failing_and_one_slow_trace_of_each_other():
    noisy = [of_function("noisy", n, HasFault=True, ResponseTime=90 + n) for n in range(50)]
    quiet = [of_function("quiet", 50, HasError=True, ResponseTime=1)]
    slow = [of_function("slow", 60 + n, ResponseTime=n) for n in range(1, 4)]

    found = worth_reading([*noisy, *quiet, *slow], 5)

    assert found == [trace_id(n) for n in (49, 50, 63, 48, 47)]


def test_a_trace_through_two_functions_is_read_for_both():
    services = [{"Name": name, "Type": "AWS::Lambda"} for name in ("a", "b")]
    shared = parse_summary(summary(1, ServiceIds=services, HasFault=True, ResponseTime=9))
    others = [of_function("a", 2, HasFault=True), of_function("c", 3, HasFault=True)]

    assert worth_reading([shared, *others], 2) == [trace_id(1), trace_id(3)]


# --- late, partial and missing answers ----------------------------------------------------------------------


def test_what_is_kept_and_has_not_grown_is_neither_asked_for_nor_written_again(answered):
    aws = answered(**answers([summary(1, Revision=1)]))
    first = of(TraceRecord, traces.collect(aws, ask()))

    again = list(traces.collect(aws, ask(held={first[0].trace_id: first[0]})))

    assert of(TraceRecord, again) == []
    assert aws.asked["BatchGetTraces"] == 1


def test_a_trace_that_has_grown_is_read_again(answered):
    aws = answered(**answers([summary(1, Revision=1)]))
    first = of(TraceRecord, traces.collect(aws, ask()))[0]
    aws.answers |= answers([summary(1, Revision=2, Duration=3.0)])

    grown = of(TraceRecord, traces.collect(aws, ask(held={first.trace_id: first})))

    assert [(t.revision, t.duration_ms) for t in grown] == [(2, 3000)]
    assert aws.asked["BatchGetTraces"] == 2


def test_segments_of_an_earlier_reading_outlive_the_cap(answered):
    aws = answered(**answers([summary(1, Revision=1)]))
    first = of(TraceRecord, traces.collect(aws, ask()))[0]
    aws.answers |= answers([summary(1, Revision=2, Duration=3.0)])

    grown = of(TraceRecord, traces.collect(aws, ask(0, held={first.trace_id: first})))

    assert [(t.revision, t.document) for t in grown] == [(2, first.document)]


def test_a_second_run_over_the_same_window_writes_the_same_store(answered, store):
    aws = answered(**answers([summary(n, HasFault=n == 2) for n in range(6)]))
    store.commit(inventory_run(aws), [Function(name="orders", arn="a")], now=NOW)
    settings = CollectSettings(max_traces_per_run=3)

    kept = []
    for _ in range(3):
        run = run_once(traces.COLLECTOR, aws, store, WINDOW, now=NOW, settings=settings)
        kept.append((run.outcome, traces.held(store, aws.target, WINDOW)))

    assert sum(t.document is not None for t in kept[0][1].values()) == 3
    assert {outcome for outcome, _ in kept} == {"ok"}
    assert all(t.document is not None for t in kept[1][1].values())
    assert kept[2] == kept[1]
    assert aws.asked["BatchGetTraces"] == 2


def inventory_run(aws):
    return Run(
        collector="inventory",
        target=aws.target,
        window=WINDOW,
        period_s=0,
        started_at=NOW,
        finished_at=NOW,
        outcome="ok",
    )


def test_the_time_of_a_trace_stays_when_its_start_moves():
    moved = parse_summary(summary(1, StartTime=NOW - timedelta(minutes=10)))

    assert moved.ts == parse_summary(summary(1)).ts


def test_an_id_without_a_time_takes_the_start_that_is_told():
    told = NOW - timedelta(minutes=3)

    assert parse_summary(summary(1, Id="1-00000001-" + "0" * 24, StartTime=told)).ts == told
    assert parse_summary(summary(1, Id="other", StartTime=told)).ts == told


def test_summaries_are_read_page_by_page(answered, paged):
    pages = paged([summary(n) for n in range(120)], "TraceSummaries", size="-", token="NextToken")

    facts = list(traces.collect(answered(**answers([], GetTraceSummaries=pages)), ask()))

    assert len(of(TraceRecord, facts)) == 120


def test_summaries_that_are_missing_from_the_list_are_named_and_the_window_is_read_again(answered):
    def short(params):
        return {"TraceSummaries": [summary(1)], "TracesProcessedCount": 3}

    aws = answered(**answers([], GetTraceSummaries=short))

    newest, older = (list(traces.collect(aws, ask(newest=is_newest))) for is_newest in (True, False))

    assert ["went through 3 traces and listed 1" in gap.why for gap in of(Gap, newest)] == [True]
    assert Covered("", WINDOW, settled=False) in newest
    assert Covered("", WINDOW) in older


@pytest.mark.parametrize("per_page", [[2, 1], [3, 3]])
def test_a_count_per_page_and_a_count_of_all_are_both_complete(answered, per_page):
    found = [[summary(1), summary(2)], [summary(3)]]

    def answer(params):
        at = int(params.get("NextToken", 0))
        more = {"NextToken": "1"} if at == 0 else {}
        return {"TraceSummaries": found[at], "TracesProcessedCount": per_page[at]} | more

    assert of(Gap, traces.collect(answered(**answers([], GetTraceSummaries=answer)), ask())) == []


def test_unprocessed_traces_are_asked_for_once_more(answered):
    asked = []

    def busy(params):
        asked.append(list(params["TraceIds"]))
        if len(asked) == 1:
            return {"Traces": [], "UnprocessedTraceIds": params["TraceIds"]}
        return batch(params)

    facts = list(traces.collect(answered(**answers([summary(1)], BatchGetTraces=busy)), ask()))

    assert asked == [[trace_id(1)], [trace_id(1)]]
    assert [t.document is not None for t in of(TraceRecord, facts)] == [True]
    assert of(Gap, facts) == []


def test_traces_that_stay_unprocessed_are_named(answered):
    def never(params):
        return {"Traces": [], "UnprocessedTraceIds": params["TraceIds"]}

    facts = list(traces.collect(answered(**answers([summary(1)], BatchGetTraces=never)), ask()))

    assert [(g.scope, trace_id(1) in g.why) for g in of(Gap, facts)] == [("segments", True)]


def test_a_failure_half_way_keeps_what_was_read_and_reads_the_rest_later(answered, refusing):
    def half(params):
        return batch(params) if trace_id(9) in params["TraceIds"] else refusing("ThrottledException")(params)

    listed = [summary(n, ResponseTime=n) for n in range(10)]
    facts = list(traces.collect(answered(**answers(listed, BatchGetTraces=half)), ask()))

    assert sum(t.document is not None for t in of(TraceRecord, facts)) == 5
    assert len(of(TraceRecord, facts)) == 10
    assert Covered("", WINDOW, settled=False) in facts


# --- where spans go -----------------------------------------------------------------------------------------


def with_search(**more):
    rule = {"Name": "Default", "Rule": {"Probabilistic": {"ActualSamplingPercentage": 1.0}}}
    return answers(
        [summary(1)],
        GetTraceSegmentDestination=lambda p: {"Destination": "CloudWatchLogs", "Status": "ACTIVE"},
        GetIndexingRules=lambda p: {"IndexingRules": [rule]},
        **more,
    )


def test_transaction_search_is_seen_with_its_indexed_share(answered):
    found = of(TraceSettings, traces.collect(answered(**with_search()), ask()))

    assert [(s.destination, s.indexed_percent) for s in found] == [("CloudWatchLogs", 1.0)]


def test_segments_that_are_only_in_logs_are_told_and_no_failure(answered):
    def never(params):
        return {"Traces": [], "UnprocessedTraceIds": params["TraceIds"]}

    facts = list(traces.collect(answered(**with_search(BatchGetTraces=never)), ask()))

    assert ["Transaction Search" in fact.gap.why for fact in of(Expected, facts)] == [True]
    assert of(Gap, facts) == []


def test_indexing_rules_are_asked_for_only_where_they_matter(answered):
    aws = answered(**answers([]))

    list(traces.collect(aws, ask()))

    assert aws.asked["GetIndexingRules"] == 0


def test_settings_that_may_not_be_read_stay_as_they_were(answered, refusing):
    refused = answers([], GetTraceSegmentDestination=refusing("AccessDeniedException"))

    facts = list(traces.collect(answered(**refused), ask(known=Inventory(trace_settings=SEARCH))))

    assert [s.destination for s in of(TraceSettings, facts)] == ["CloudWatchLogs"]
    assert [g.permission for g in of(Gap, facts)] == ["xray:GetTraceSegmentDestination"]


def test_an_endpoint_without_the_settings_is_told_and_no_failure(answered, refusing):
    unknown = answers([], GetTraceSegmentDestination=refusing("UnknownOperationException"))

    facts = list(traces.collect(answered(**unknown), ask()))

    assert [fact.gap.scope for fact in of(Expected, facts)] == ["trace settings"]
    assert of(Gap, facts) == []


def test_history_does_not_look_at_the_settings_again(answered):
    aws = answered(**answers([summary(1)]))

    facts = list(traces.collect(aws, ask(newest=False)))

    assert aws.asked["GetTraceSegmentDestination"] == 0
    assert of(TraceSettings, facts) == []


# --- what it costs ------------------------------------------------------------------------------------------


def test_the_estimate_counts_the_traces_that_summaries_scan():
    known = Inventory(trace_settings=TraceSettings(scanned_per_hour=1_000_000.0))

    assert traces.estimate_usd(ask(0, known=known)) == Decimal("1.5")
    assert traces.estimate_usd(ask(200, known=known)) == Decimal("1.5001")
    assert traces.estimate_usd(ask(0)) > 0


def test_a_run_remembers_how_many_traces_an_hour_it_scanned(answered):
    facts = list(traces.collect(answered(**answers([summary(n) for n in range(9)])), ask()))

    assert [s.scanned_per_hour for s in of(TraceSettings, facts)] == [3]
