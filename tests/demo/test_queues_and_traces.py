"""SQS attributes and metrics agree; X-Ray's traces are those of the REPORT lines."""

import json
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from .conftest import HOUR, NOW, floor_minute

END = floor_minute(NOW)


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


def attributes(aws, name):
    client = aws("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    return client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def queue_values(aws, queue, metric, stat, **window):
    return aws.values(metric, stat, Namespace="AWS/SQS", QueueName=queue, **window)


def test_the_depth_of_a_dead_letter_queue_is_the_same_both_ways(fresh):
    aws, clock = fresh
    clock.now = NOW + timedelta(minutes=45)
    depth = int(attributes(aws, "orders-dlq")["ApproximateNumberOfMessages"])
    clock.now = NOW + timedelta(minutes=48)
    window = {"since": timedelta(minutes=1), "until": END + timedelta(minutes=46)}
    (seen,) = queue_values(
        aws, "orders-dlq", "ApproximateNumberOfMessagesVisible", "Maximum", **window
    ).values()

    assert abs(seen - depth) <= 1
    assert depth > 0


def test_a_redrive_is_not_counted_as_sent_but_an_async_dead_letter_is(aws):
    window = {"since": 12 * HOUR, "period": 43200}
    (redriven,) = queue_values(aws, "orders-dlq", "NumberOfMessagesSent", "Sum", **window).values()
    (dropped,) = queue_values(aws, "email-async-dlq", "NumberOfMessagesSent", "Sum", **window).values()
    (counted,) = aws.values("AsyncEventsDropped", FunctionName="email-sender", **window).values()

    assert redriven == 0
    lost = aws.values("DeadLetterErrors", FunctionName="email-sender", **window)
    assert dropped == counted - sum(lost.values()) > 0


def test_what_is_sent_to_a_source_queue_is_deleted_but_for_poison(aws):
    window = {"since": 6 * HOUR, "period": 21600, "until": END - 10 * timedelta(minutes=1)}
    (sent,) = queue_values(aws, "payments", "NumberOfMessagesSent", "Sum", **window).values()
    (deleted,) = queue_values(aws, "payments", "NumberOfMessagesDeleted", "Sum", **window).values()

    assert sent > 500
    assert deleted == pytest.approx(sent, abs=5)


def test_an_idle_queue_has_no_metrics(aws):
    assert queue_values(aws, "payments-dlq", "ApproximateNumberOfMessagesVisible", "Maximum") == {}


def test_a_queue_tells_where_it_redrives(aws):
    client = aws("sqs")
    policy = json.loads(attributes(aws, "orders")["RedrivePolicy"])
    url = client.get_queue_url(QueueName="orders-dlq")["QueueUrl"]

    assert policy["deadLetterTargetArn"] == attributes(aws, "orders-dlq")["QueueArn"]
    assert policy["maxReceiveCount"] == 3
    (source,) = client.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"]
    assert source.endswith("/orders")


def test_an_unknown_queue_does_not_exist(aws):
    assert refused(aws("sqs").get_queue_url, QueueName="none") == "AWS.SimpleQueueService.NonExistentQueue"


def test_queues_are_listed_in_pages(aws):
    pages = list(aws("sqs").get_paginator("list_queues").paginate(MaxResults=4))

    assert [len(p["QueueUrls"]) for p in pages] == [4, 2]


def summaries(aws, **more):
    pages = (
        aws("xray")
        .get_paginator("get_trace_summaries")
        .paginate(StartTime=NOW - HOUR, EndTime=NOW, Sampling=False, **more)
    )
    return [t for p in pages for t in p["TraceSummaries"]]


def test_traces_are_those_of_sampled_invocations(aws):
    found = {t["Id"]: t for t in summaries(aws, FilterExpression='service("checkout-api")')}
    lines = aws.messages("/aws/lambda/checkout-api", '"Sampled: true"', until=NOW - timedelta(seconds=30))
    ids = {re.search(r"XRAY TraceId: (\S+)", e["message"])[1]: e["message"] for e in lines}

    assert set(ids) <= set(found)
    assert len(ids) > 20
    for identity, message in ids.items():
        duration_ms = float(re.search(r"Duration: ([\d.]+)", message)[1])
        assert found[identity]["Duration"] * 1000 >= duration_ms


def test_a_trace_holds_its_segments_and_causes(aws):
    (failed, *_) = summaries(aws, FilterExpression='service("checkout-api") AND fault')
    (trace,) = aws("xray").batch_get_traces(TraceIds=[failed["Id"]])["Traces"]
    segments = [json.loads(s["Document"]) for s in trace["Segments"]]

    origins = [s["origin"] for s in segments]
    assert origins == ["AWS::ApiGateway::Stage", "AWS::Lambda", "AWS::Lambda::Function"]
    assert segments[2]["cause"]["exceptions"][0]["type"] == "TypeError"
    assert [s.get("parent_id") for s in segments] == [None, segments[0]["id"], segments[1]["id"]]


def test_only_five_traces_are_read_at_once(aws):
    ids = [t["Id"] for t in summaries(aws)[:6]]

    assert refused(aws("xray").batch_get_traces, TraceIds=ids) == "InvalidRequestException"
    assert len(aws("xray").batch_get_traces(TraceIds=ids[:5])["Traces"]) == 5


def test_an_unknown_trace_is_unprocessed(aws):
    answer = aws("xray").batch_get_traces(TraceIds=["1-00000000-000000000000000000000000", "what"])

    assert answer["Traces"] == []
    assert len(answer["UnprocessedTraceIds"]) == 2


@pytest.mark.parametrize("operation", ["get_trace_summaries", "get_service_graph"])
def test_a_window_is_at_most_six_hours(aws, operation):
    call = getattr(aws("xray"), operation)

    assert refused(call, StartTime=NOW - timedelta(hours=7), EndTime=NOW) == "InvalidRequestException"


def test_the_service_graph_leads_from_the_api_to_the_table(aws):
    services = {
        s["ReferenceId"]: s
        for s in aws("xray").get_service_graph(StartTime=NOW - HOUR, EndTime=NOW)["Services"]
    }
    (function,) = [
        s for s in services.values() if (s["Name"], s["Type"]) == ("cart-api", "AWS::Lambda::Function")
    ]
    (edge,) = function["Edges"]

    assert services[edge["ReferenceId"]]["Type"] == "AWS::DynamoDB::Table"
    assert function["SummaryStatistics"]["TotalCount"] == len(
        summaries(aws, FilterExpression='service("cart-api")')
    )
