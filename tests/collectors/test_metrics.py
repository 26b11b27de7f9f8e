from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest

from collectors import cloudwatch, metrics
from collectors.aws import connect
from collectors.cloudwatch import Query, split
from collectors.collector import Ask
from core.errors import AccessDeniedError, AwsError
from core.facts import Covered, EventSourceMapping, Function, Gap, Inventory, MetricPoint, Provisioned
from core.metrics import METRICS, is_stream, metrics_of
from core.settings import AwsSettings
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
TS = NOW - timedelta(minutes=10)


def a_function(name: str, **fields) -> Function:
    return Function(name=name, arn=f"arn:{name}", **fields)


def fleet(count: int, **fields) -> Inventory:
    return Inventory(functions=tuple(a_function(f"f{n:03}") for n in range(count)), **fields)


def ask(known: Inventory, window: Window = WINDOW) -> Ask:
    return Ask(window=window, period_s=60, known=known)


def field_of(query) -> tuple[str, str]:
    return query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Stat"]


def result(query, *values, status="Complete", **more):
    timestamps = [TS + timedelta(minutes=n) for n in range(len(values))]
    return {"Id": query["Id"], "Timestamps": timestamps, "Values": list(values), "StatusCode": status, **more}


def answering(value_of):
    """Answer each query with what `value_of` makes of it."""

    def answer(params):
        return {"MetricDataResults": [value_of(query) for query in params["MetricDataQueries"]]}

    return answer


# --- which queries ---


def test_a_function_is_asked_for_14_statistics_and_its_log_bytes():
    found = metrics.queries(fleet(1))

    of_function = [q for q in found if q.subject[0] == "function"]
    assert len(metrics_of("function")) - 1 == 14
    assert sum(q.metric.namespace == "AWS/Lambda" for q in of_function) == 14
    assert [q.metric.field for q in of_function if q.metric.namespace == "AWS/Logs"] == ["log_bytes"]


def test_the_account_is_asked_for_without_dimensions():
    found = [q for q in metrics.queries(Inventory()) if q.subject[0] == "account"]

    assert {q.dimensions for q in found} == {()}
    assert {q.metric.field for q in found} >= {"claimed_max", "unreserved_max", "concurrent_max"}


@pytest.mark.parametrize(
    ("source", "lagging"),
    [
        ("arn:aws:kinesis:eu-west-1:1:stream/s", True),
        ("arn:aws:dynamodb:eu-west-1:1:table/t/stream/x", True),
        ("arn:aws:sqs:eu-west-1:1:q", False),
        (None, False),
    ],
)
def test_only_a_function_fed_by_a_stream_is_asked_for_its_lag(source, lagging):
    mapping = EventSourceMapping(name="u", function="f000", source_arn=source)

    found = metrics.queries(fleet(1, mappings=(mapping,)))

    assert any(q.metric.field == "iterator_age_max_ms" for q in found) is lagging
    assert is_stream(source) is lagging


def test_bytes_of_a_shared_log_group_are_nobodys():
    known = Inventory(functions=(a_function("a", log_group="/g"), a_function("b", log_group="/g")))

    assert not [q for q in metrics.queries(known) if q.metric.field == "log_bytes"]


def test_provisioned_aliases_are_asked_for_by_resource():
    place = Provisioned(name="f000:prod", function="f000", qualifier="prod", requested=5)

    found = [q for q in metrics.queries(fleet(1, provisioned=(place,))) if q.subject[0] == "resource"]

    assert {q.dimensions for q in found} == {(("FunctionName", "f000"), ("Resource", "f000:prod"))}
    assert len(found) == 4


def test_every_row_of_the_table_fills_a_field_of_its_fact():
    from dataclasses import fields

    from core.facts import QueueSample

    for metric in METRICS:
        kind = QueueSample if metric.scope == "queue" else MetricPoint
        assert metric.field in {f.name for f in fields(kind)}, metric


# --- calls ---


@pytest.mark.parametrize(("functions", "calls"), [(1, 1), (300, 10), (33, 2)])
def test_queries_are_packed_500_a_call(answered, functions, calls):
    aws = answered(GetMetricData=answering(result))
    known = fleet(functions)

    list(metrics.collect(aws, ask(known)))

    assert aws.asked["GetMetricData"] == calls
    assert calls == cloudwatch.calls_needed(len(metrics.queries(known)), WINDOW, 60)


@pytest.mark.parametrize(
    ("window", "period_s", "queries"),
    [
        (timedelta(minutes=18), 60, 500),
        (timedelta(hours=3), 60, 500),
        (timedelta(hours=12), 60, 140),
        (timedelta(days=4), 300, 87),
        (timedelta(days=60), 3600, 70),
    ],
)
def test_a_call_asks_for_no_more_points_than_one_answer_holds(window, period_s, queries):
    found = cloudwatch.queries_a_call(Window(NOW - window, NOW), period_s)

    assert found == queries
    assert found * (window / timedelta(seconds=period_s)) <= 100_800


def test_requests_name_no_unit_and_keep_to_the_grid(answered):
    seen = []

    def answer(params):
        seen.append(params)
        return answering(result)(params)

    list(metrics.collect(answered(GetMetricData=answer), ask(fleet(1))))

    assert all("Unit" not in q["MetricStat"] for q in seen[0]["MetricDataQueries"])
    assert {q["MetricStat"]["Period"] for q in seen[0]["MetricDataQueries"]} == {60}
    assert (seen[0]["StartTime"], seen[0]["EndTime"]) == (WINDOW.start, WINDOW.end)


def test_values_of_one_thing_and_minute_become_one_point(answered):
    values = {
        ("Invocations", "Sum"): 7.0,
        ("Duration", "p99"): 81.25,
        ("ConcurrentExecutions", "Maximum"): 2.0,
    }

    def value_of(query):
        metric = query["MetricStat"]["Metric"]
        wanted = bool(metric["Dimensions"]) and field_of(query) in values
        return result(query, values[field_of(query)]) if wanted else result(query)

    facts = list(metrics.collect(answered(GetMetricData=answering(value_of)), ask(fleet(1))))

    assert [f for f in facts if isinstance(f, MetricPoint)] == [
        MetricPoint(
            scope="function",
            function="f000",
            ts=TS,
            period_s=60,
            invocations=7.0,
            duration_p99_ms=81.25,
            concurrent_max=2.0,
        )
    ]


def test_where_nothing_happened_there_is_no_point_and_the_window_is_covered(answered):
    facts = list(metrics.collect(answered(GetMetricData=answering(result)), ask(fleet(1))))

    assert facts == [Covered("", WINDOW, 60)]


def test_points_outside_the_window_are_left_out(answered):
    early = Window(TS + timedelta(minutes=1), NOW)

    aws = answered(GetMetricData=answering(lambda q: result(q, 1.0, 2.0)))
    facts = list(metrics.collect(aws, ask(Inventory(), early)))

    assert {f.ts for f in facts if isinstance(f, MetricPoint)} == {TS + timedelta(minutes=1)}


def test_answers_over_several_pages_are_joined(answered):
    def answer(params):
        queries = params["MetricDataQueries"]
        if "NextToken" not in params:
            partial = [result(q, 1.0, status="PartialData") for q in queries]
            return {"MetricDataResults": partial, "NextToken": "2"}
        late = [result(q) | {"Timestamps": [TS + timedelta(minutes=5)], "Values": [9.0]} for q in queries]
        return {"MetricDataResults": late}

    aws = answered(GetMetricData=answer)
    facts = list(metrics.collect(aws, ask(Inventory())))

    assert [f.invocations for f in facts if isinstance(f, MetricPoint)] == [1.0, 9.0]
    assert facts[-1] == Covered("", WINDOW, 60)
    assert aws.asked["GetMetricData"] == 2


def test_an_incomplete_answer_leaves_the_window_provisional(answered):
    def value_of(query):
        whole = field_of(query) != ("Errors", "Sum")
        messages = [] if whole else [{"Code": "x", "Value": "try later"}]
        return result(query, 1.0, status="Complete" if whole else "InternalError", Messages=messages)

    facts = list(metrics.collect(answered(GetMetricData=answering(value_of)), ask(Inventory())))

    assert Covered("", WINDOW, 60, settled=False) in facts
    (gap,) = [f for f in facts if isinstance(f, Gap)]
    assert (gap.scope, "try later" in gap.why) == ("Errors Sum", True)


def test_a_query_without_an_answer_is_no_zero(answered):
    def answer(params):
        return {"MetricDataResults": [result(q) for q in params["MetricDataQueries"][1:]]}

    facts = list(metrics.collect(answered(GetMetricData=answer), ask(Inventory())))

    assert [f for f in facts if isinstance(f, Covered)] == [Covered("", WINDOW, 60, settled=False)]


# --- refused queries ---


def refusing_if(refusing, bad):
    def answer(params):
        if any(bad(query) for query in params["MetricDataQueries"]):
            return refusing("ValidationError", "The value p99 for parameter Stat is not supported")(params)
        return answering(lambda q: result(q, 1.0))(params)

    return answer


def test_percentiles_that_are_refused_do_not_cost_the_counts(answered, refusing):
    aws = answered(GetMetricData=refusing_if(refusing, lambda q: q["MetricStat"]["Stat"] == "p99"))

    facts = list(metrics.collect(aws, ask(fleet(2))))

    points = [f for f in facts if isinstance(f, MetricPoint) and f.scope == "function"]
    assert [(p.invocations, p.duration_p50_ms, p.duration_p99_ms) for p in points] == [(1.0, 1.0, None)] * 2
    assert [f.scope for f in facts if isinstance(f, Gap)] == ["Duration p99"]


def test_the_search_for_refused_queries_is_bounded(answered, refusing):
    aws = answered(
        GetMetricData=refusing_if(refusing, lambda q: q["MetricStat"]["Stat"] in ("p50", "p95", "p99"))
    )

    list(metrics.collect(aws, ask(fleet(100))))

    assert aws.asked["GetMetricData"] <= cloudwatch.calls_needed(1506, WINDOW, 60) + cloudwatch.MORE_CALLS + 1


def test_when_every_query_is_refused_the_run_fails(answered, refusing):
    aws = answered(GetMetricData=refusing("ValidationError"))

    with pytest.raises(AwsError):
        list(metrics.collect(aws, ask(fleet(1))))


def test_a_denied_call_is_not_tried_in_halves(answered, refusing):
    aws = answered(GetMetricData=refusing("AccessDenied"))

    with pytest.raises(AccessDeniedError):
        list(metrics.collect(aws, ask(fleet(300))))

    assert aws.asked["GetMetricData"] == 1


def test_counts_and_percentiles_are_split_apart_first():
    batch = [Query(("x",), metric) for metric in metrics_of("function")]

    counts, percentiles = split(batch)

    assert {q.metric.statistic for q in percentiles} == {"p50", "p95", "p99"}
    assert len(counts) + len(percentiles) == len(batch)


def test_one_query_cannot_be_split():
    assert split([Query(("x",), METRICS[0])]) == []


def test_the_price_of_a_run_is_known_before():
    known = fleet(100)

    assert metrics.estimate_usd(ask(known)) == Decimal(len(metrics.queries(known))) / 100_000


# --- over HTTP ---


def test_counts_are_read_over_http_and_billed(moto):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    put = boto3.client("cloudwatch").put_metric_data
    name = [{"Name": "FunctionName", "Value": "f000"}]
    for minutes, value in [(5, 3.0), (5, 4.0), (9, 1.0)]:
        point = {"MetricName": "Invocations", "Dimensions": name, "Value": value}
        put(Namespace="AWS/Lambda", MetricData=[point | {"Timestamp": now - timedelta(minutes=minutes)}])
    (aws,), _ = connect([], AwsSettings())
    aws.take_usage()

    facts = list(metrics.collect(aws, ask(fleet(1), Window(now - timedelta(hours=1), now))))

    points = {f.ts: f.invocations for f in facts if isinstance(f, MetricPoint) and f.function}
    assert points == {now - timedelta(minutes=5): 7.0, now - timedelta(minutes=9): 1.0}
    (usage,) = aws.take_usage()
    assert (usage.calls, usage.units) == (1, len(metrics.queries(fleet(1))))
