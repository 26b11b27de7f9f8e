from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest

from collectors import cloudwatch, metrics
from collectors.aws import connect
from collectors.cloudwatch import Query, split
from collectors.collector import Ask
from core.entities import (
    Alias,
    Cadence,
    CapacityProvider,
    EventSourceMapping,
    Function,
    InvokeConfig,
    LogMode,
    Provisioned,
    Trigger,
    Version,
)
from core.errors import AccessDeniedError, AwsError, BudgetError, CredentialsError
from core.facts import ACCOUNT, Covered, Gap, Inventory
from core.metrics import METRICS, metrics_of
from core.settings import AwsSettings
from core.telemetry import CapacitySample, MappingSample, MetricPoint, Rows
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
TS = NOW - timedelta(minutes=10)


def a_function(name: str, **fields) -> Function:
    return Function(name=name, arn=f"arn:{name}", **fields)


def fleet(count: int, **fields) -> Inventory:
    """Functions that all is asked about: nobody reads their logs, and they have a dead-letter queue."""
    names = [f"f{n:03}" for n in range(count)]
    modes = tuple(LogMode(name=name, mode="off", why="") for name in names)
    functions = tuple(a_function(name, dead_letter_arn="arn:aws:sqs:eu-west-1:1:dlq") for name in names)
    return Inventory(functions=functions, **{"log_modes": modes, **fields})


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


def collected(aws, asked: Ask) -> list:
    """What a run learns, its rows as single facts."""
    return [fact for item in metrics.collect(aws, asked) for fact in single(item)]


def single(item) -> list:
    if not isinstance(item, Rows):
        return [item]
    names = list(item.columns)
    columns = [values.tolist() for values in item.columns.values()]
    columns[names.index("ts")] = [datetime.fromtimestamp(ms / 1000, UTC) for ms in columns[names.index("ts")]]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return [item.kind(**{name: value for name, value in row.items() if value == value}) for row in rows]


# --- which queries ---


def test_a_function_is_asked_for_14_statistics_and_its_log_bytes():
    found = metrics.queries(fleet(1))

    of_function = [q for q in found if q.subject[0] == "function"]
    assert sum(q.metric.namespace == "AWS/Lambda" for q in of_function) == 14
    assert [q.metric.field for q in of_function if q.metric.namespace == "AWS/Logs"] == ["log_bytes"]


def fields_of(known: Inventory) -> set[str]:
    return {q.metric.field for q in metrics.queries(known) if q.subject[0] == "function"}


PLAIN = Inventory(functions=(a_function("a"),), async_settings_of=frozenset({"a"}))
"""A function with a log that is read, without a dead-letter queue or destinations."""


def test_a_plain_function_is_not_asked_for_what_it_cannot_have():
    cannot = {"dead_letter_errors", "destination_failures", "duration_p50_ms", "duration_p99_ms"}

    assert len(fields_of(PLAIN)) == 11
    assert not cannot & fields_of(PLAIN)


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"functions": (a_function("a", dead_letter_arn="arn:q"),)}, {"dead_letter_errors"}),
        (
            {"versions": (Version(name="a:1", function="a", version="1", dead_letter_arn="arn:q"),)},
            {"dead_letter_errors"},
        ),
        ({"async_settings_of": frozenset()}, {"destination_failures"}),
        (
            {
                "invoke_configs": (
                    InvokeConfig(name="a:live", function="a", qualifier="live", on_success="arn:q"),
                )
            },
            {"destination_failures"},
        ),
        (
            {"mappings": (EventSourceMapping(name="m", function="a", failure_destination="arn:q"),)},
            {"destination_failures"},
        ),
        (
            {"log_modes": (LogMode(name="a", mode="aggregated", why=""),)},
            {"duration_p50_ms", "duration_p99_ms"},
        ),
        ({"log_modes": (LogMode(name="a", mode="every", why=""),)}, set()),
    ],
)
def test_what_a_function_may_have_is_asked_for(more, fields):
    assert fields_of(replace(PLAIN, **more)) - fields_of(PLAIN) == fields


def test_the_account_is_asked_for_without_dimensions():
    found = [q for q in metrics.queries(Inventory()) if q.subject[0] == "account"]

    assert {q.dimensions for q in found} == {()}
    assert {q.metric.field for q in found} >= {"claimed_max", "unreserved_max", "concurrent_max"}


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("arn:aws:kinesis:eu-west-1:1:stream/s", {"iterator_age_max_ms"}),
        ("arn:aws:dynamodb:eu-west-1:1:table/t/stream/x", {"iterator_age_max_ms"}),
        ("arn:aws:rds:eu-west-1:1:cluster:c", {"iterator_age_max_ms", "oversized_records"}),
        ("arn:aws:kafka:eu-west-1:1:cluster/c/u", {"offset_lag_max"}),
        ("arn:aws:sqs:eu-west-1:1:q", {"recursive_dropped"}),
        (None, set()),
    ],
)
def test_what_feeds_a_function_decides_what_else_is_asked(source, fields):
    mapping = EventSourceMapping(name="u", function="f000", source_arn=source)

    found = {q.metric.field for q in of("function", fleet(1, mappings=(mapping,)))}

    assert found - {q.metric.field for q in of("function", fleet(1))} == fields


def of(scope: str, known: Inventory) -> list[Query]:
    return [q for q in metrics.queries(known) if q.subject[0] == scope]


@pytest.mark.parametrize(
    ("about", "fields"),
    [
        ({"layers": ("arn:aws:lambda:eu-west-1:1:layer:own:3",)}, {"extensions_sum_ms", "extensions_max_ms"}),
        ({"package_type": "Image"}, {"extensions_sum_ms", "extensions_max_ms"}),
        (
            {"capacity_provider_arn": "arn:p"},
            {"cpu_throttles", "memory_throttles", "disk_throttles", "concurrency_throttles"},
        ),
        ({"durable_execution_timeout_s": 60}, {"durable_started", "durable_failed", "durable_timed_out"}),
        (
            {"layers": ("arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53",)},
            {"insights_cold_starts", "insights_memory_used_max_mb", "insights_cpu_sum_ms"},
        ),
    ],
)
def test_what_a_function_is_configured_with_decides_what_else_is_asked(about, fields):
    known = Inventory(functions=(a_function("f", **about),))

    more = {q.metric.field for q in metrics.queries(known)} - {
        q.metric.field for q in metrics.queries(fleet(1))
    }

    assert more >= fields


def test_a_loop_is_looked_for_behind_sns_too():
    trigger = Trigger(name="f000::s", function="f000", kind="sns")

    assert any(q.metric.field == "recursive_dropped" for q in of("function", fleet(1, triggers=(trigger,))))


def test_bytes_of_a_shared_log_group_are_nobodys():
    known = Inventory(functions=(a_function("a", log_group="/g"), a_function("b", log_group="/g")))

    assert not [q for q in metrics.queries(known) if q.metric.field == "log_bytes"]


def test_provisioned_aliases_are_asked_for_by_resource():
    place = Provisioned(name="f000:prod", function="f000", qualifier="prod", requested=5)

    found = of("resource", fleet(1, provisioned=(place,)))

    assert {q.dimensions for q in found} == {(("FunctionName", "f000"), ("Resource", "f000:prod"))}
    assert {"invocations", "provisioned_max", "provisioned_spillover"} <= {q.metric.field for q in found}


def test_an_alias_without_provisioned_concurrency_is_not_asked_for_its_use():
    alias = Alias(name="f000:prod", function="f000", alias="prod", version="3")

    found = {q.metric.field for q in of("resource", fleet(1, aliases=(alias,)))}

    assert {"invocations", "errors", "duration_p95_ms"} <= found
    assert not [name for name in found if name.startswith("provisioned")]
    assert not of("executed", fleet(1, aliases=(alias,)))


def test_each_version_of_a_weighted_alias_is_asked_for():
    alias = Alias(name="f000:prod", function="f000", alias="prod", version="3", weights={"4": 0.1})

    found = of("executed", fleet(1, aliases=(alias,)))

    assert {(q.subject, q.dimensions[-1]) for q in found} == {
        (("executed", "f000", "prod@3"), ("ExecutedVersion", "3")),
        (("executed", "f000", "prod@4"), ("ExecutedVersion", "4")),
    }


def test_a_version_that_a_mapping_names_is_asked_for():
    mapping = EventSourceMapping(name="u", function="f000", qualifier="7")

    assert {q.subject for q in of("resource", fleet(1, mappings=(mapping,)))} == {("resource", "f000", "7")}


KAFKA = "arn:aws:kafka:eu-west-1:1:cluster/c/u"


@pytest.mark.parametrize(
    ("about", "fields"),
    [
        ({}, set()),
        ({"metrics": ("EventCount",), "state": "Disabled"}, set()),
        (
            {"metrics": ("EventCount",), "source_arn": "arn:aws:sqs:eu-west-1:1:q"},
            {"polled", "filtered_out", "invoked", "failed_invoke", "deleted"},
        ),
        (
            {"metrics": ("EventCount",), "source_arn": "arn:aws:kinesis:eu-west-1:1:stream/s"},
            {"polled", "filtered_out", "invoked", "failed_invoke", "dropped", "sent_to_destination"},
        ),
        ({"metrics": ("KafkaMetrics",), "source_arn": KAFKA}, {"max_offset_lag", "sum_offset_lag"}),
        (
            {"minimum_pollers": 2, "source_arn": KAFKA},
            {"provisioned_pollers_max", "poller_units_max", "poller_bytes"},
        ),
        (
            {"minimum_pollers": 2, "source_arn": "arn:aws:sqs:eu-west-1:1:q"},
            {"provisioned_pollers_max"},
        ),
    ],
)
def test_a_mapping_is_asked_for_the_groups_that_it_writes(about, fields):
    known = fleet(1, mappings=(EventSourceMapping(name="u", function="f000", **about),))

    assert {q.metric.field for q in of("mapping", known)} == fields
    assert ("u" in metrics.scopes(known)) is bool(fields)


def test_a_capacity_provider_is_asked_by_instance_type_and_function():
    provider = CapacityProvider(name="p", arn="arn:p", instance_types=("c7g.large",))
    known = Inventory(
        functions=(a_function("f", capacity_provider_arn="arn:p"),), capacity_providers=(provider,)
    )

    instances, environments = of("instances", known), of("environments", known)

    assert {q.dimensions for q in instances} == {
        (("CapacityProviderName", "p"), ("InstanceType", "c7g.large"))
    }
    assert {q.dimensions for q in environments} == {(("CapacityProviderName", "p"), ("FunctionName", "f"))}
    assert (len(instances), len(environments)) == (6, 4)


def test_scopes_are_what_queries_are_asked_for():
    known = fleet(
        3,
        aliases=(Alias(name="f000:prod", function="f000", alias="prod", version="3"),),
        mappings=(EventSourceMapping(name="u", function="f001", metrics=("EventCount",)),),
    )

    assert metrics.scopes(known) == [ACCOUNT, "f000", "f000:prod", "f001", "f002", "u"]
    assert {q.of for q in metrics.queries(known)} == set(metrics.scopes(known))
    assert {q.of for q in metrics.queries(known, ["f001", "u"])} == {"f001", "u"}


def test_a_functions_pace_goes_for_its_aliases_and_mappings():
    known = fleet(
        2,
        aliases=(Alias(name="f000:prod", function="f000", alias="prod", version="3"),),
        mappings=(EventSourceMapping(name="u", function="f000", metrics=("EventCount",)),),
        cadences=(Cadence(name="f000", every_s=3600, why="quiet"),),
    )

    assert metrics.paces(known) == {"f000": 3600, "f000:prod": 3600, "u": 3600}


# --- calls ---


@pytest.mark.parametrize(("functions", "calls"), [(1, 1), (300, 10), (33, 2)])
def test_queries_are_packed_500_a_call(answered, functions, calls):
    aws = answered(GetMetricData=answering(result))
    known = fleet(functions)

    collected(aws, ask(known))

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

    collected(answered(GetMetricData=answer), ask(fleet(1)))

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

    facts = collected(answered(GetMetricData=answering(value_of)), ask(fleet(1)))

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
    facts = collected(answered(GetMetricData=answering(result)), ask(fleet(1)))

    assert facts == [Covered(ACCOUNT, WINDOW, 60), Covered("f000", WINDOW, 60)]


def test_points_outside_the_window_are_left_out(answered):
    early = Window(TS + timedelta(minutes=1), NOW)

    aws = answered(GetMetricData=answering(lambda q: result(q, 1.0, 2.0)))
    facts = collected(aws, ask(Inventory(), early))

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
    facts = collected(aws, ask(Inventory()))

    assert [f.invocations for f in facts if isinstance(f, MetricPoint)] == [1.0, 9.0]
    assert facts[-1] == Covered(ACCOUNT, WINDOW, 60)
    assert aws.asked["GetMetricData"] == 2


def test_a_scope_with_an_incomplete_answer_is_not_read(answered):
    def value_of(query):
        bad = (
            field_of(query) == ("Errors", "Sum")
            and {"Name": "FunctionName", "Value": "f001"} in (query["MetricStat"]["Metric"]["Dimensions"])
        )
        messages = [{"Code": "x", "Value": "try later"}] if bad else []
        return result(query, 1.0, status="InternalError" if bad else "Complete", Messages=messages)

    facts = collected(answered(GetMetricData=answering(value_of)), ask(fleet(2)))

    assert {f.scope for f in facts if isinstance(f, Covered)} == {ACCOUNT, "f000"}
    (gap,) = [f for f in facts if isinstance(f, Gap)]
    assert (gap.scope, "Errors Sum in part only: try later" in gap.why) == ("f001", True)


def test_a_query_without_an_answer_is_no_zero(answered):
    def answer(params):
        return {"MetricDataResults": [result(q) for q in params["MetricDataQueries"][1:]]}

    facts = collected(answered(GetMetricData=answer), ask(Inventory()))

    assert not [f for f in facts if isinstance(f, Covered)]
    assert [f.scope for f in facts if isinstance(f, Gap)] == [ACCOUNT]


def test_mapping_metrics_are_facts_of_their_own(answered):
    mapping = EventSourceMapping(
        name="u", function="f000", metrics=("EventCount",), source_arn="arn:aws:sqs:eu-west-1:1:q"
    )

    def value_of(query):
        return result(query, 5.0) if field_of(query)[0] == "PolledEventCount" else result(query)

    facts = collected(answered(GetMetricData=answering(value_of)), ask(fleet(1, mappings=(mapping,))))

    assert [f for f in facts if isinstance(f, MappingSample)] == [
        MappingSample(mapping="u", function="f000", ts=TS, period_s=60, polled=5.0)
    ]


def test_capacity_is_asked_in_whole_five_minutes(answered):
    provider = CapacityProvider(name="p", arn="arn:p", instance_types=("c7g.large",))
    known, seen = Inventory(capacity_providers=(provider,)), []

    def answer(params):
        seen.append(params)
        return answering(lambda q: result(q, 50.0))(params)

    odd = Window(NOW - timedelta(minutes=23), NOW)
    facts = collected(answered(GetMetricData=answer), ask(known, odd))

    assert {q["MetricStat"]["Period"] for q in seen[1]["MetricDataQueries"]} == {300}
    assert seen[1]["StartTime"] == NOW - timedelta(minutes=25)
    (sample,) = [f for f in facts if isinstance(f, CapacitySample)]
    assert (sample.provider, sample.instance_type, sample.function, sample.period_s) == (
        "p",
        "c7g.large",
        "",
        300,
    )
    assert Covered("arn:p", odd, 60) in facts


# --- refused queries ---


def refusing_if(refusing, bad):
    def answer(params):
        if any(bad(query) for query in params["MetricDataQueries"]):
            return refusing("ValidationError", "The value p99 for parameter Stat is not supported")(params)
        return answering(lambda q: result(q, 1.0))(params)

    return answer


def test_percentiles_that_are_refused_do_not_cost_the_counts(answered, refusing):
    aws = answered(GetMetricData=refusing_if(refusing, lambda q: q["MetricStat"]["Stat"] == "p99"))

    facts = collected(aws, ask(fleet(2)))

    points = [f for f in facts if isinstance(f, MetricPoint) and f.scope == "function"]
    assert [(p.invocations, p.duration_p50_ms, p.duration_p99_ms) for p in points] == [(1.0, 1.0, None)] * 2
    assert [f.scope for f in facts if isinstance(f, Gap)] == ["Duration p99"]


def test_the_search_for_refused_queries_is_bounded(answered, refusing):
    aws = answered(
        GetMetricData=refusing_if(refusing, lambda q: q["MetricStat"]["Stat"] in ("p50", "p95", "p99"))
    )

    collected(aws, ask(fleet(100)))

    assert aws.asked["GetMetricData"] <= cloudwatch.calls_needed(1506, WINDOW, 60) + cloudwatch.MORE_CALLS + 1


def test_when_every_query_is_refused_the_run_fails(answered, refusing):
    aws = answered(GetMetricData=refusing("ValidationError"))

    with pytest.raises(AwsError):
        collected(aws, ask(fleet(1)))


def test_a_denied_call_is_not_tried_in_halves(answered, refusing):
    aws = answered(GetMetricData=refusing("AccessDenied"))

    with pytest.raises(AccessDeniedError):
        collected(aws, ask(fleet(300)))

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


# --- what AWS does not answer ---


def failing_after(refusing, calls, code, status=400):
    made = []

    def answer(params):
        made.append(params)
        if len(made) > calls:
            return refusing(code)(params)
        return answering(lambda q: result(q, 1.0))(params)

    return answer


def test_what_was_read_before_throttling_is_kept_and_the_rest_is_left(answered, refusing):
    aws = answered(GetMetricData=failing_after(refusing, 1, "ThrottlingException"))

    facts = collected(aws, ask(fleet(300)))

    assert aws.asked["GetMetricData"] == 1 + cloudwatch.IN_VAIN
    read = {f.scope for f in facts if isinstance(f, Covered)}
    assert ACCOUNT in read
    assert "f031" in read
    assert {f.scope for f in facts if isinstance(f, Gap)} == set(metrics.scopes(fleet(300))) - read


def test_a_throttled_call_is_not_tried_in_halves(answered, refusing):
    aws = answered(GetMetricData=refusing("ThrottlingException"))

    with pytest.raises(AwsError):
        collected(aws, ask(fleet(10)))

    assert aws.asked["GetMetricData"] == 1


def test_the_end_of_the_budget_keeps_what_was_paid_for(answered):
    def answer(params):
        if aws.asked["GetMetricData"] > 2:
            raise BudgetError("the budget of 1 USD would be passed")
        return answering(lambda q: result(q, 1.0))(params)

    aws = answered(GetMetricData=answer)

    facts = collected(aws, ask(fleet(300)))

    assert aws.asked["GetMetricData"] == 3
    assert {f.scope for f in facts if isinstance(f, Covered)} >= {ACCOUNT, "f000"}
    assert any("budget" in f.why for f in facts if isinstance(f, Gap))


def test_a_query_that_is_forbidden_leaves_its_scope_read(answered):
    def value_of(query):
        return result(query, status="Forbidden" if field_of(query)[1] == "p99" else "Complete")

    facts = collected(answered(GetMetricData=answering(value_of)), ask(fleet(1)))

    assert {f.scope for f in facts if isinstance(f, Covered)} == {ACCOUNT, "f000"}
    assert [f.scope for f in facts if isinstance(f, Gap)] == ["Duration p99"]


def test_credentials_that_expire_end_the_run(answered, refusing):
    aws = answered(GetMetricData=failing_after(refusing, 1, "ExpiredToken"))

    with pytest.raises(CredentialsError):
        collected(aws, ask(fleet(300)))


def test_calls_keep_to_the_points_that_cloudwatch_reads_a_second():
    young, old = Window(NOW - timedelta(minutes=23), NOW), Window(NOW - timedelta(hours=12), NOW)

    assert cloudwatch.calls_a_second(young, 60) * 500 * 23 == pytest.approx(180_000)
    assert cloudwatch.calls_a_second(old, 60) * 140 * 720 == pytest.approx(396_000)


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

    facts = collected(aws, ask(fleet(1), Window(now - timedelta(hours=1), now)))

    points = {f.ts: f.invocations for f in facts if isinstance(f, MetricPoint) and f.function}
    assert points == {now - timedelta(minutes=5): 7.0, now - timedelta(minutes=9): 1.0}
    (usage,) = aws.take_usage()
    assert (usage.calls, usage.units) == (1, len(metrics.queries(fleet(1))))


@pytest.mark.parametrize("period_s", [60, 300])
def test_the_calls_of_a_run_are_known_before(answered, period_s):
    provider = CapacityProvider(name="p", arn="arn:p", instance_types=("c7g.large",))
    aws, known = answered(GetMetricData=answering(result)), fleet(80, capacity_providers=(provider,))
    asked = Ask(window=WINDOW, period_s=period_s, known=known, scopes=tuple(metrics.scopes(known)))

    collected(aws, asked)

    assert metrics.COLLECTOR.estimate_calls(asked) == aws.asked["GetMetricData"] == 4
