"""CloudWatch alarms, from canned answers and from the demo account."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from collectors import alarms
from collectors.collector import Ask
from core.entities import Alarm, Queue
from core.errors import AccessDeniedError
from core.facts import Covered, Gap, Inventory, Listed, Target
from core.windows import MINUTE, Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from tests.collectors.proof.content import aws_at

NOW = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
WINDOW = Window.last(MINUTE, now=NOW)
PROD = Target("111122223333", "eu-west-1")
QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders-dlq"


def an_alarm(name="a", namespace="AWS/Lambda", dimensions=None, **more):
    given = {"FunctionName": "f"} if dimensions is None else dimensions
    return {
        "AlarmName": name,
        "StateValue": "OK",
        "Namespace": namespace,
        "MetricName": "Errors",
        "Dimensions": [{"Name": key, "Value": value} for key, value in given.items()],
    } | more


def a_composite(name, rule):
    return {"AlarmName": name, "StateValue": "ALARM", "AlarmRule": rule}


def answering(*metric, composite=()):
    return lambda params: {"MetricAlarms": list(metric), "CompositeAlarms": list(composite)}


def collected(aws, **known):
    return list(alarms.collect(aws, Ask(window=WINDOW, known=Inventory(**known))))


def names(facts):
    return [fact.name for fact in facts if isinstance(fact, Alarm)]


def test_an_alarm_of_a_function_is_read_whole(answered):
    since = NOW - timedelta(hours=1)
    entry = an_alarm(
        StateTransitionedTimestamp=since, StateReason="Threshold Crossed", Threshold=5.0, Period=300,
        Statistic="Sum", EvaluationPeriods=3, DatapointsToAlarm=2, ComparisonOperator="GreaterThanThreshold",
        ActionsEnabled=False, AlarmActions=["arn:aws:sns:x"],
    )  # fmt: skip

    (found,) = [f for f in collected(answered(DescribeAlarms=answering(entry))) if isinstance(f, Alarm)]

    assert found == Alarm(
        name="a", kind="metric", state="OK", reason="Threshold Crossed", state_since=since, function="f",
        namespace="AWS/Lambda", metric="Errors", statistic="Sum", dimensions={"FunctionName": "f"},
        period_s=300, periods=3, datapoints=2, comparison="GreaterThanThreshold", threshold=5.0,
        missing="missing", actions_enabled=False, alarm_actions=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("namespace", "dimensions", "is_kept"),
    [
        ("AWS/Lambda", {}, True),
        ("AWS/lambda", {}, True),
        ("LambdaInsights", {"function_name": "f"}, True),
        ("Shop", {"FunctionName": "f"}, True),
        ("AWS/Logs", {"LogGroupName": "/aws/lambda/f"}, True),
        ("AWS/SQS", {"QueueName": "orders-dlq"}, True),
        ("AWS/SQS", {"QueueName": "not-of-lambda"}, False),
        ("AWS/EC2", {"InstanceId": "i-1"}, False),
    ],
)
def test_only_alarms_about_lambda_are_kept(answered, namespace, dimensions, is_kept):
    aws = answered(DescribeAlarms=answering(an_alarm(namespace=namespace, dimensions=dimensions)))

    assert bool(names(collected(aws, queues=(Queue(name=QUEUE),)))) is is_kept


def test_metric_math_is_about_what_its_expression_divides(answered):
    stat = {
        "Metric": {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    entry = {
        "AlarmName": "rate",
        "StateValue": "OK",
        "Metrics": [{"Id": "r", "Expression": "e/i"}, {"Id": "e", "MetricStat": stat}],
    }

    (found,) = [f for f in collected(answered(DescribeAlarms=answering(entry))) if isinstance(f, Alarm)]

    assert (found.kind, found.function, found.metric, found.period_s) == ("math", "f", "Errors", 60)


def test_composites_are_kept_when_they_rest_on_an_alarm_that_is(answered):
    composites = [
        a_composite("outer", 'ALARM("inner") AND NOT OK("x")'),
        a_composite("inner", "ALARM(arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a)"),
        a_composite("other", "ALARM(disk-full)"),
    ]

    found = names(collected(answered(DescribeAlarms=answering(an_alarm(), composite=composites))))

    assert found == ["a", "inner", "outer"]


def test_both_types_are_asked_for(answered):
    asked = []
    aws = answered(DescribeAlarms=lambda params: asked.append(params) or {"MetricAlarms": []})

    collected(aws)

    assert asked[0]["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
    assert asked[0]["MaxRecords"] == 100


def test_an_alarm_that_cannot_be_read_leaves_nothing_for_gone(answered):
    facts = collected(answered(DescribeAlarms=answering(an_alarm(), {**an_alarm("b"), "StateValue": None})))
    broken = collected(
        answered(DescribeAlarms=answering({"Namespace": "AWS/Lambda", "MetricName": "Errors"}))
    )

    assert Listed("alarm") in facts
    assert Listed("alarm") not in broken
    assert [type(fact) for fact in broken] == [Gap, Covered]


def test_a_refusal_names_the_permission(answered, refusing):
    with pytest.raises(AccessDeniedError) as refusal:
        collected(answered(DescribeAlarms=refusing("AccessDenied")))

    assert refusal.value.permission == "cloudwatch:DescribeAlarms"


def test_the_demo_account_has_alarms_that_follow_its_stories():
    clock = FrozenClock(NOW)
    starts = (NOW - timedelta(minutes=10),)
    with (
        DemoServer(seed=7, clock=clock, starts=starts) as demo,
        closing(aws_at(demo.endpoint, PROD, impatient=False)) as aws,
    ):
        known = {alarm.name: alarm for alarm in collected(aws, queues=(Queue(name=QUEUE),))[:-2]}
        clock.now = NOW + timedelta(minutes=14)
        later = {alarm.name: alarm for alarm in collected(aws)[:-2]}

    throttled = "inventory-reserve-throttled"
    assert (known[throttled].state, later[throttled].state) == ("ALARM", "OK")
    assert known["storefront"].kind == "composite"
    assert known["checkout-legacy-errors"].state == "INSUFFICIENT_DATA"
    assert known["orders-dlq-not-empty"].alarm_actions == 0
