"""Metrics of mappings, versions, durable executions, Managed Instances, extensions and queues add up."""

import json
import re
from datetime import timedelta

import pytest

from .conftest import HOUR, NOW, floor_minute

END = floor_minute(NOW) - timedelta(minutes=10)
WINDOW = {"since": 4 * HOUR, "until": END}


def total(aws, metric, **dimensions):
    return sum(aws.values(metric, **WINDOW, **dimensions).values())


def mapping(aws, function):
    (known,) = aws("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    return {"EventSourceMappingUUID": known["UUID"]}


def test_a_queue_s_mapping_counts_what_the_queue_counts(aws):
    orders, here = {"Namespace": "AWS/SQS", "QueueName": "orders"}, mapping(aws, "order-worker")
    polled, invoked = total(aws, "PolledEventCount", **here), total(aws, "InvokedEventCount", **here)
    failed, deleted = total(aws, "FailedInvokeEventCount", **here), total(aws, "DeletedEventCount", **here)

    assert polled == invoked == total(aws, "NumberOfMessagesReceived", **orders) > 1000
    assert deleted == total(aws, "NumberOfMessagesDeleted", **orders)
    assert failed > 10
    assert deleted + failed == pytest.approx(invoked, abs=10)  # what is being worked on at either edge
    assert total(aws, "DroppedEventCount", **here) == 0


def test_items_that_were_handed_back_are_logged_as_metrics(aws):
    lines = aws.messages("/aws/lambda/order-worker", "BatchItemFailures", since=4 * HOUR)
    found = [json.loads(line["message"]) for line in lines]

    assert len(found) > 10
    assert all(0 < said["BatchItemFailures"] < said["BatchItems"] for said in found)
    assert found[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == "BatchItemFailures"


def test_a_kafka_mapping_says_what_it_filtered_how_far_it_is_behind_and_who_polls(aws):
    here = mapping(aws, "price-feed")
    polled, invoked = total(aws, "PolledEventCount", **here), total(aws, "InvokedEventCount", **here)
    most, every = (aws.values(m, "Maximum", **WINDOW, **here) for m in ("MaxOffsetLag", "SumOffsetLag"))

    assert polled == invoked + total(aws, "FilteredOutEventCount", **here) > invoked
    assert total(aws, "CommittedEventCount", **here) <= invoked
    assert all(every[ts] >= value for ts, value in most.items())
    assert max(aws.values("OffsetLag", "Maximum", **WINDOW, FunctionName="price-feed").values()) == max(
        most.values()
    )
    assert 1 <= max(aws.values("ProvisionedPollers", "Maximum", **WINDOW, **here).values()) <= 5
    assert total(aws, "EventPollerThroughputInBytes", **here) > 0
    assert aws.values("IteratorAge", **WINDOW, FunctionName="price-feed") == {}


def test_a_mapping_that_did_not_ask_for_metrics_has_none(aws):
    assert aws.values("PolledEventCount", **WINDOW, **mapping(aws, "payment-capture")) == {}


@pytest.mark.parametrize("metric", ["Invocations", "Errors", "Throttles"])
@pytest.mark.parametrize("name", ["cart-api", "checkout-api", "inventory-reserve"])
def test_versions_behind_an_alias_add_up_to_it_and_to_the_function(aws, metric, name):
    alias = {"FunctionName": name, "Resource": f"{name}:prod"}
    listed = aws("cloudwatch").get_paginator("list_metrics")
    asked = {"MetricName": metric, "Dimensions": [{"Name": "FunctionName", "Value": name}]}
    found = [m["Dimensions"] for p in listed.paginate(**asked) for m in p["Metrics"]]
    versions = {d["Value"] for ds in found for d in ds if d["Name"] == "ExecutedVersion"}

    of_versions = sum(total(aws, metric, **alias, ExecutedVersion=version) for version in versions)
    assert of_versions == total(aws, metric, **alias) == total(aws, metric, FunctionName=name)


def test_durable_executions_that_started_end_in_one_way(aws):
    here = {"FunctionName": "order-approval"}
    ends = {
        how: total(aws, f"DurableExecution{how}", **here)
        for how in ("Succeeded", "Failed", "TimedOut", "Stopped")
    }
    lengths = aws.values("DurableExecutionDuration", "Average", period=3600, **WINDOW, **here)
    running = aws.values("ApproximateRunningDurableExecutions", "Maximum", **WINDOW)

    assert total(aws, "DurableExecutionStarted", **here) == pytest.approx(sum(ends.values()), abs=15)
    assert total(aws, "DurableExecutionStarted", **here) < total(aws, "Invocations", **here)
    assert ends["Succeeded"] > 50
    assert all(20_000 < value < 620_000 for value in lengths.values())
    assert max(running.values()) >= 2
    assert total(aws, "DurableExecutionOperations", **here) >= 3 * sum(ends.values())


def test_a_capacity_provider_reports_every_five_minutes(aws):
    provider = {"CapacityProviderName": "meridian-compute"}
    (known,) = aws("lambda").list_capacity_providers()["CapacityProviders"]
    (kind,) = known["InstanceRequirements"]["AllowedInstanceTypes"]
    cpu = aws.values("CPUUtilization", "Maximum", **WINDOW, **provider, InstanceType=kind)
    used = aws.values(
        "ExecutionEnvironmentConcurrency", "Maximum", **WINDOW, **provider, FunctionName="price-optimizer"
    )
    busy = aws.values("ConcurrentExecutions", "Maximum", **WINDOW, FunctionName="price-optimizer")

    assert known["CapacityProviderArn"].endswith(":capacity-provider:meridian-compute")
    assert {ts.minute % 5 for ts in cpu} == {0}
    assert 40 < len(cpu) <= 48
    assert max(used.values()) == pytest.approx(max(busy.values()))
    assert total(aws, "CPUThrottles", FunctionName="price-optimizer") == 0


def test_records_of_managed_instances_hold_the_duration_alone(aws):
    lines = aws.messages("/aws/lambda/price-optimizer", '{ $.type = "platform.report" }')
    metrics = [json.loads(line["message"])["record"]["metrics"] for line in lines]

    assert len(metrics) > 100
    assert all(set(known) == {"durationMs"} for known in metrics)


def test_the_insights_extension_counts_cold_starts_and_memory(aws):
    group, here = "/aws/lambda/inventory-reserve", {"Namespace": "LambdaInsights"}
    name = {"function_name": "inventory-reserve"}
    cold = aws.values("init_duration", "SampleCount", **WINDOW, **here, **name)
    used = aws.values("used_memory_max", "Maximum", **WINDOW, **here, **name)
    reports = aws.messages(group, "REPORT", **WINDOW)
    cold_records = [r for r in reports if "Init Duration" in r["message"]]
    largest = max(int(re.search(r"Max Memory Used: (\d+)", r["message"])[1]) for r in reports)

    assert sum(cold.values()) == pytest.approx(len(cold_records), abs=2)
    assert max(used.values()) == largest
    assert total(aws, "PostRuntimeExtensionsDuration", FunctionName="inventory-reserve") > 0
    assert aws.values("PostRuntimeExtensionsDuration", **WINDOW, FunctionName="cart-api") == {}


def test_failed_deliveries_and_loops_are_counted(aws):
    day = {"since": 24 * HOUR, "until": END, "period": 3600}
    lost = sum(aws.values("DeadLetterErrors", **day, FunctionName="email-sender").values())
    dropped = sum(aws.values("AsyncEventsDropped", **day, FunctionName="email-sender").values())
    reached = aws.values("NumberOfMessagesSent", Namespace="AWS/SQS", QueueName="email-async-dlq", **day)

    assert 0 < lost < dropped
    assert sum(reached.values()) == dropped - lost
    assert sum(aws.values("DestinationDeliveryFailures", **day, FunctionName="invoice-pdf").values()) > 0
    loops = aws.values("RecursiveInvocationsDropped", **day, region="us-east-1", FunctionName="media-thumbs")
    account = aws.values("RecursiveInvocationsDropped", **day, region="us-east-1")
    assert sum(loops.values()) == sum(account.values()) > 0


def test_an_idle_poller_asks_in_vain_and_messages_have_sizes(aws):
    orders = {"Namespace": "AWS/SQS", "QueueName": "orders"}
    size = aws.values("SentMessageSize", "Average", **WINDOW, **orders)
    counted = aws.values("SentMessageSize", "SampleCount", **WINDOW, **orders)

    assert total(aws, "NumberOfEmptyReceives", **orders) > 0
    assert all(500 < value < 1000 for value in size.values())
    assert sum(counted.values()) == total(aws, "NumberOfMessagesSent", **orders)


def test_logs_may_be_missing_dropped_or_too_quiet(aws):
    groups = {g["logGroupName"] for g in aws("logs").describe_log_groups()["logGroups"]}
    warned = aws.messages("/aws/lambda/gift-cards", since=12 * HOUR)
    kinds = [json.loads(line["message"]) for line in warned]
    dropped = aws.messages("/aws/lambda/ingest-api", "logsDropped", since=24 * HOUR, region="us-east-1")

    assert "/aws/lambda/stock-export" not in groups
    assert total(aws, "Invocations", FunctionName="stock-export") > 0
    reports = [said["record"]["status"] for said in kinds if said.get("type") == "platform.report"]
    assert set(reports) == {"error"}
    assert not any(said.get("type") == "platform.start" for said in kinds)
    assert json.loads(dropped[0]["message"])["record"]["droppedRecords"] == 123


def test_loggers_of_functions_write_levels_their_own_way(aws):
    pino = aws.messages("/aws/lambda/media-thumbs", '"\\"level\\": 50"', since=24 * HOUR, region="us-east-1")
    winston = aws.messages(
        "/aws/lambda/partner-webhook", '"\\"level\\": \\"error\\""', since=24 * HOUR, region="us-east-1"
    )

    assert {json.loads(line["message"])["level"] for line in pino} == {50}
    assert {json.loads(line["message"])["level"] for line in winston} == {"error"}
