from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from collectors import queues
from collectors.collector import Ask, Expected
from collectors.queues import parse_queue, parse_redrive
from collectors.runner import collect_due
from core.entities import EventSourceMapping, Function, InvokeConfig, Queue
from core.facts import ACCOUNT, Covered, Gap, Inventory, Listed, Run
from core.settings import CollectSettings
from core.telemetry import QueueSample
from core.windows import Window, merge

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
SQS = "arn:aws:sqs:eu-west-1:111122223333:"

KNOWN = Inventory(
    functions=(Function(name="a", arn="a", dead_letter_arn=SQS + "a-dead"), Function(name="b", arn="b")),
    mappings=(EventSourceMapping(name="u", function="b", source_arn=SQS + "in"),),
    invoke_configs=(
        InvokeConfig(name="b:$LATEST", function="b", qualifier="$LATEST", on_failure=SQS + "b-failed"),
        InvokeConfig(name="a:prod", function="a", qualifier="prod", on_failure="arn:aws:sns:eu-west-1:1:t"),
    ),
)
REDRIVE = json.dumps({"deadLetterTargetArn": SQS + "in-dead", "maxReceiveCount": "3"})


def ask(known: Inventory = KNOWN, *, newest: bool = True) -> Ask:
    return Ask(window=WINDOW, period_s=60, known=known, newest=newest)


def attributes(params):
    name = params["QueueUrl"].rsplit("/", 1)[-1]
    redrive = {"RedrivePolicy": REDRIVE} if name == "in" else {}
    return {"Attributes": {"ApproximateNumberOfMessages": "4", "VisibilityTimeout": "30"} | redrive}


def answers(**more):
    return {
        "GetQueueUrl": lambda p: {"QueueUrl": f"https://sqs/{p['QueueName']}"},
        "GetQueueAttributes": attributes,
        "GetMetricData": lambda p: {
            "MetricDataResults": [
                {
                    "Id": q["Id"],
                    "Timestamps": [NOW - timedelta(minutes=3)],
                    "Values": [2.0],
                    "StatusCode": "Complete",
                }
                for q in p["MetricDataQueries"]
            ]
        },
    } | more


def names(facts) -> list[str]:
    return sorted(fact.name.rsplit(":", 1)[-1] for fact in facts if isinstance(fact, Queue))


def test_queues_that_feed_or_catch_functions_are_read_with_their_redrive_targets(answered):
    facts = list(queues.collect(answered(**answers()), ask()))

    assert names(facts) == ["a-dead", "b-failed", "in", "in-dead"]
    assert Listed("queue") in facts


def test_a_queue_is_read_with_depth_and_policy():
    found = parse_queue(SQS + "in", "u", {"ApproximateNumberOfMessages": "4", "RedrivePolicy": REDRIVE})

    assert (found.visible, found.redrive_target, found.max_receive_count) == (4, SQS + "in-dead", 3)
    assert found.not_visible is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3"])
def test_a_redrive_policy_that_cannot_be_read_is_none(text):
    assert parse_redrive(text) == {}


def test_metrics_of_all_queues_take_one_call(answered):
    aws = answered(**answers())

    facts = list(queues.collect(aws, ask()))

    samples = [fact for fact in facts if isinstance(fact, QueueSample)]
    assert {sample.queue for sample in samples} == {SQS + n for n in ("a-dead", "b-failed", "in", "in-dead")}
    assert {sample.visible_max for sample in samples} == {2.0}
    assert aws.asked["GetMetricData"] == 1
    assert {fact.scope for fact in facts if isinstance(fact, Covered)} == {
        ACCOUNT,
        *(SQS + name for name in ("a-dead", "b-failed", "in", "in-dead")),
    }


def test_a_known_url_is_not_asked_for_again(answered):
    known = tuple(
        Queue(name=SQS + n, url=f"https://sqs/{n}") for n in ("in", "a-dead", "b-failed", "in-dead")
    )
    aws = answered(**answers())

    list(queues.collect(aws, ask(Inventory(KNOWN.functions, mappings=KNOWN.mappings, queues=known))))

    assert aws.asked["GetQueueUrl"] == 0


def test_history_needs_no_look_at_the_queues_as_they_are_now(answered):
    aws = answered(**answers())

    list(queues.collect(aws, ask(newest=False)))

    assert aws.asked == {"GetMetricData": 1}


def test_a_queue_that_is_gone_leaves_the_others(answered, refusing):
    def url(params):
        if params["QueueName"] == "a-dead":
            return refusing("AWS.SimpleQueueService.NonExistentQueue")(params)
        return {"QueueUrl": f"https://sqs/{params['QueueName']}"}

    facts = list(queues.collect(answered(**answers(GetQueueUrl=url)), ask()))

    assert names(facts) == ["b-failed", "in", "in-dead"]
    assert [f.gap.scope for f in facts if isinstance(f, Expected)] == [SQS + "a-dead attributes"]
    assert Covered(SQS + "a-dead", WINDOW, 60) in facts


def test_a_denied_queue_is_a_gap_and_the_metrics_are_read_all_the_same(answered, refusing):
    facts = list(queues.collect(answered(**answers(GetQueueUrl=refusing("AccessDenied"))), ask()))

    assert {f.permission for f in facts if isinstance(f, Gap)} == {"sqs:GetQueueUrl"}
    assert len([f for f in facts if isinstance(f, QueueSample)]) == 3
    assert Listed("queue") not in facts


def test_a_queue_of_another_account_is_left_to_that_target(answered):
    known = Inventory(
        mappings=(EventSourceMapping(name="u", function="b", source_arn="arn:aws:sqs:eu-west-1:9:in"),)
    )
    aws = answered(**answers())

    facts = list(queues.collect(aws, ask(known)))

    assert [type(f) for f in facts] == [Expected, Listed, Covered]
    assert not aws.asked


def test_only_the_queues_of_the_run_are_asked_for_and_covered(answered):
    asked = Ask(window=WINDOW, period_s=60, known=KNOWN, newest=False, scopes=(SQS + "in",))

    facts = list(queues.collect(answered(**answers()), asked))

    assert {f.queue for f in facts if isinstance(f, QueueSample)} == {SQS + "in"}
    assert [f.scope for f in facts if isinstance(f, Covered)] == [SQS + "in"]


HERE = "arn:aws:lambda:eu-west-1:111122223333:function:"


def test_a_dead_letter_queue_that_is_only_met_on_the_way_gets_its_history_in_the_same_pass(answered, store):
    aws = answered(**answers())
    functions = [Function(name="a", arn=HERE + "a")]
    store.commit(a_run(aws), [*functions, *KNOWN.mappings], now=NOW)

    collect_due(queues.COLLECTOR, aws, store, CollectSettings(), now=NOW)

    for name in ("in", "in-dead"):
        read = merge(window for window, _ in store.covered("queues", aws.target, SQS + name))
        assert [window.duration > timedelta(days=13) for window in read] == [True]


def test_a_queue_that_is_wired_later_gets_its_history_and_the_others_are_not_read_again(answered, store):
    asked = []

    def metrics(params):
        asked.extend(q["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for q in params["MetricDataQueries"])
        return answers()["GetMetricData"](params)

    aws = answered(**answers(GetMetricData=metrics))
    store.commit(a_run(aws), [Function(name="a", arn=HERE + "a", dead_letter_arn=SQS + "a-dead")], now=NOW)
    collect_due(queues.COLLECTOR, aws, store, CollectSettings(), now=NOW)
    store.commit(a_run(aws), [Function(name="b", arn=HERE + "b", dead_letter_arn=SQS + "late")], now=NOW)
    asked.clear()

    collect_due(queues.COLLECTOR, aws, store, CollectSettings(), now=NOW + timedelta(minutes=5))

    read = merge(window for window, _ in store.covered("queues", aws.target, SQS + "late"))
    assert [window.duration > timedelta(days=13) for window in read] == [True]
    assert asked.count("a-dead") == len(queues.queries([SQS + "a-dead"]))


def a_run(aws):
    about = {"collector": "inventory", "target": aws.target, "window": WINDOW, "period_s": 0}
    return Run(**about, started_at=NOW, finished_at=NOW, outcome="ok")


def test_queues_elsewhere_are_not_planned_for():
    functions = (
        Function(
            name="a",
            arn="arn:aws:lambda:eu-west-1:111122223333:function:a",
            dead_letter_arn="arn:aws:sqs:eu-west-1:999999999999:theirs",
        ),
    )

    assert queues.scopes(Inventory(functions=functions)) == [ACCOUNT]


def test_what_sqs_may_not_tell_leaves_the_metrics_read(answered, refusing):
    facts = list(queues.collect(answered(**answers(GetQueueUrl=refusing("AccessDenied"))), ask()))

    gaps = {f.scope for f in facts if isinstance(f, Gap)}
    assert gaps == {f"{SQS}{name} attributes" for name in ("a-dead", "b-failed", "in")}
    assert not gaps & {f.scope for f in facts if isinstance(f, Covered)}


def test_depths_stay_known_where_metrics_may_not_be_read(answered, refusing):
    aws = answered(**answers(GetMetricData=refusing("AccessDenied")))

    facts = list(queues.collect(aws, ask()))

    assert names(facts) == ["a-dead", "b-failed", "in", "in-dead"]
    assert {(f.permission, f.scope) for f in facts if isinstance(f, Gap)} == {
        ("cloudwatch:GetMetricData", SQS + name) for name in ("a-dead", "b-failed", "in", "in-dead")
    }


def test_a_queue_answered_in_part_is_read_again_and_the_others_are_done(answered):
    def partial(params):
        results = answers()["GetMetricData"](params)["MetricDataResults"]
        results[0]["StatusCode"] = "InternalError"
        return {"MetricDataResults": results}

    facts = list(queues.collect(answered(**answers(GetMetricData=partial)), ask()))

    assert [f.scope for f in facts if isinstance(f, Gap)] == [SQS + "a-dead"]
    assert SQS + "a-dead" not in {f.scope for f in facts if isinstance(f, Covered)}
    assert SQS + "in" in {f.scope for f in facts if isinstance(f, Covered)}


def test_the_estimate_counts_metrics_and_looks():
    metrics = len(queues.queries([SQS + "in"]))
    arns = 3

    assert queues.estimate_usd(ask()) == arns * (metrics * Decimal("0.00001") + 2 * Decimal("0.0000004"))
    assert queues.estimate_usd(ask(newest=False)) == arns * metrics * Decimal("0.00001")


def test_every_field_of_a_sample_is_asked_for():
    asked = {query.metric.field for query in queues.queries([SQS + "in"])}

    assert asked == {f.name for f in fields(QueueSample)} - {"queue", "ts", "period_s"}
