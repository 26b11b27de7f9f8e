"""Errors on demand: each service refuses, throttles and breaks in its own protocol and words."""

import json
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from .conftest import HOUR, NOW, PROD, STAGING, query

WINDOW = {"StartTime": NOW - HOUR, "EndTime": NOW}
CALLS = [
    ("lambda", "list_functions", {}, "lambda:ListFunctions", "AccessDeniedException"),
    ("lambda", "get_policy", {"FunctionName": "a"}, "lambda:GetPolicy", "AccessDeniedException"),
    ("lambda", "invoke", {"FunctionName": "a"}, "lambda:InvokeFunction", "AccessDeniedException"),
    ("logs", "filter_log_events", {"logGroupName": "a"}, "logs:FilterLogEvents", "AccessDeniedException"),
    ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups", "AccessDeniedException"),
    (
        "cloudwatch",
        "get_metric_data",
        {"MetricDataQueries": [query("a", "Errors")], **WINDOW},
        "cloudwatch:GetMetricData",
        "AccessDenied",
    ),
    ("sqs", "get_queue_attributes", {"QueueUrl": "a"}, "sqs:GetQueueAttributes", "AccessDenied"),
    ("xray", "get_trace_summaries", WINDOW, "xray:GetTraceSummaries", "AccessDeniedException"),
    ("sts", "get_caller_identity", {}, "sts:GetCallerIdentity", "AccessDenied"),
    ("iam", "list_account_aliases", {}, "iam:ListAccountAliases", "AccessDenied"),
    ("resourcegroupstaggingapi", "get_resources", {}, "tag:GetResources", "AccessDeniedException"),
    ("cloudtrail", "lookup_events", {}, "cloudtrail:LookupEvents", "AccessDeniedException"),
    ("events", "describe_rule", {"Name": "a"}, "events:DescribeRule", "AccessDeniedException"),
    ("scheduler", "get_schedule", {"Name": "a"}, "scheduler:GetSchedule", "AccessDeniedException"),
    ("ec2", "describe_regions", {}, "ec2:DescribeRegions", "UnauthorizedOperation"),
    ("account", "list_regions", {}, "account:ListRegions", "AccessDeniedException"),
]


def switch(aws, path, content=None, *, method="POST"):
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(aws.endpoint + path, data=body, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def refusal(call, **asked):
    with pytest.raises(ClientError) as refused:
        call(**asked)
    return refused.value.response


@pytest.mark.parametrize(
    ("service", "operation", "asked", "action", "code"), CALLS, ids=lambda v: str(v)[:40]
)
def test_a_denied_action_is_refused_and_named_in_the_words_of_its_service(
    fresh, service, operation, asked, action, code
):
    aws, _ = fresh
    switch(aws, "/demo/deny", {"actions": [action]})
    answer = refusal(getattr(aws(service), operation), **asked)

    assert answer["Error"]["Code"] == code
    assert action.lower() in answer["Error"]["Message"].lower()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_all_else_works_while_an_action_is_denied_and_all_after_it_is_allowed(fresh):
    aws, _ = fresh
    assert switch(aws, "/demo/deny", {"actions": ["lambda:List*"]})[0]["action"] == "lambda:List*"

    assert aws("lambda").get_account_settings()
    refusal(aws("lambda").list_functions)
    assert switch(aws, "/demo/deny", method="DELETE") == aws.get("/demo/deny") == []
    assert aws("lambda").list_functions()["Functions"]


def test_an_action_is_denied_in_one_account_or_region_only(fresh):
    aws, _ = fresh
    switch(aws, "/demo/deny", {"actions": ["lambda:ListFunctions"], "account": PROD, "region": "us-east-1"})

    refusal(aws("lambda", "us-east-1").list_functions)
    assert aws("lambda", "eu-west-1").list_functions()
    assert aws("lambda", "us-east-1", STAGING).list_functions()


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("lambda", "list_functions", "TooManyRequestsException", 429),
        ("logs", "describe_log_groups", "ThrottlingException", 400),
        ("cloudwatch", "list_metrics", "Throttling", 400),
        ("sts", "get_caller_identity", "Throttling", 400),
        ("ec2", "describe_regions", "RequestLimitExceeded", 503),
    ],
)
def test_the_next_calls_are_throttled_and_then_answered(fresh, service, operation, code, status):
    aws, _ = fresh
    client = aws(service)
    name = f"{service}:{client.meta.method_to_api_mapping[operation]}"
    switch(aws, "/demo/fail", {"operation": name, "times": 2, "kind": "throttled"})

    for left in (1, 0):
        answer = refusal(getattr(client, operation))
        assert answer["Error"]["Code"] == code
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        assert sum(known["times"] for known in aws.get("/demo/fail")) == left
    assert getattr(client, operation)()


def test_a_service_breaks_until_it_is_mended(fresh):
    aws, _ = fresh
    switch(aws, "/demo/fail", {"operation": "logs:*", "times": 100})
    answer = refusal(aws("logs").describe_log_groups)
    switch(aws, "/demo/fail", method="DELETE")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert aws("logs").describe_log_groups()["logGroups"]


@pytest.mark.parametrize(
    ("path", "content"), [("/demo/deny", {}), ("/demo/fail", {"operation": "a:b", "kind": "odd"})]
)
def test_a_switch_says_what_it_cannot_read(fresh, path, content):
    with pytest.raises(urllib.error.HTTPError) as refused:
        switch(fresh[0], path, content)

    assert refused.value.code == 400
    assert "cannot read" in json.load(refused.value)["error"]


def test_calls_are_counted_with_the_units_that_aws_bills_refused_ones_included(fresh):
    aws, _ = fresh
    queries = [query(f"q{number}", "Invocations") for number in range(300)]
    aws("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=NOW - HOUR, EndTime=NOW)
    switch(aws, "/demo/deny", {"actions": ["lambda:ListFunctions"]})
    refusal(aws("lambda").list_functions)

    counts = aws.get("/demo/counts")
    assert counts["cloudwatch:GetMetricData"] == {"calls": 1, "units": 300, "errors": 0}
    assert counts["lambda:ListFunctions"] == {"calls": 1, "units": 1, "errors": 1}
    assert [c["error"] for c in aws.get("/demo/calls?operation=ListFunctions")] == ["AccessDeniedException"]
    switch(aws, "/demo/calls", method="DELETE")
    assert aws.get("/demo/counts") == {}


def test_regions_of_the_account_are_told_with_those_that_are_not_enabled(aws):
    enabled = {r["RegionName"] for r in aws("ec2").describe_regions()["Regions"]}
    every = {
        r["RegionName"]: r["OptInStatus"] for r in aws("ec2").describe_regions(AllRegions=True)["Regions"]
    }
    listed = aws("account").list_regions(RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])["Regions"]

    assert enabled == {r["RegionName"] for r in listed} == {"eu-west-1", "us-east-1", "eu-central-1"}
    assert every["af-south-1"] == "not-opted-in"
    assert aws("lambda", "eu-central-1").list_functions()["Functions"] == []


def test_an_account_has_an_alias_and_says_where_its_spans_go(aws):
    destinations = {
        region: aws("xray", region, STAGING).get_trace_segment_destination()["Destination"]
        for region in ("eu-west-1", "us-east-1")
    }
    (rule,) = aws("xray", "us-east-1", STAGING).get_indexing_rules()["IndexingRules"]

    assert aws("iam").list_account_aliases()["AccountAliases"] == ["meridian-prod"]
    assert destinations == {"eu-west-1": "XRay", "us-east-1": "CloudWatchLogs"}
    assert rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == 5.0
    assert timedelta(0) < NOW - rule["ModifiedAt"]
