"""The cheapest call that proves a permission, a row per IAM action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from collectors.asking import UNKNOWN_HERE
from collectors.aws import Aws
from core.entities import Function
from core.errors import AccessDeniedError, AwsError, NotFoundError


@dataclass(frozen=True, slots=True)
class Known:
    """What the calls need to name: a function that exists if there is one, and the time."""

    function: str
    log_group: str
    queue_url: str
    now: datetime


Parameters = Callable[[Known], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Probe:
    service: str
    method: str
    parameters: Parameters


def _none(known: Known) -> Mapping[str, Any]:
    return {}


def _function(known: Known) -> Mapping[str, Any]:
    return {"FunctionName": known.function}


def _one_metric(known: Known) -> Mapping[str, Any]:
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Invocations"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    return {"MetricDataQueries": [{"Id": "probe", "MetricStat": stat}], **_minute(known)}


def _minute(known: Known) -> Mapping[str, Any]:
    return {"StartTime": known.now - timedelta(minutes=1), "EndTime": known.now}


def _log_events(known: Known) -> Mapping[str, Any]:
    start = int((known.now - timedelta(seconds=1)).timestamp() * 1000)
    return {"logGroupName": known.log_group, "limit": 1, "startTime": start}


def _query(known: Known) -> Mapping[str, Any]:
    """A second long ago: nothing is scanned, so nothing is paid."""
    return {"logGroupName": known.log_group, "startTime": 0, "endTime": 1, "queryString": "limit 1"}


def _no_day(known: Known) -> Mapping[str, Any]:
    """A stretch without a day: AWS says so, and charges for no answer."""
    day = known.now.date().isoformat()
    return {"TimePeriod": {"Start": day, "End": day}, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]}


def _no_query(known: Known) -> Mapping[str, Any]:
    return {"queryId": "00000000-0000-0000-0000-000000000000"}


NO_RULE = "quarterdeck-probe"
NO_TRACE = "1-00000000-000000000000000000000000"

PROBES: Mapping[str, Probe] = {
    "sts:GetCallerIdentity": Probe("sts", "get_caller_identity", _none),
    "lambda:ListFunctions": Probe("lambda", "list_functions", lambda known: {"MaxItems": 1}),
    "lambda:ListEventSourceMappings": Probe(
        "lambda", "list_event_source_mappings", lambda known: {"MaxItems": 1}
    ),
    "lambda:GetAccountSettings": Probe("lambda", "get_account_settings", _none),
    "lambda:ListAliases": Probe("lambda", "list_aliases", _function),
    "lambda:ListVersionsByFunction": Probe("lambda", "list_versions_by_function", _function),
    "lambda:GetFunctionConfiguration": Probe("lambda", "get_function_configuration", _function),
    "lambda:GetFunctionConcurrency": Probe("lambda", "get_function_concurrency", _function),
    "lambda:ListProvisionedConcurrencyConfigs": Probe(
        "lambda", "list_provisioned_concurrency_configs", _function
    ),
    "lambda:GetProvisionedConcurrencyConfig": Probe(
        "lambda",
        "get_provisioned_concurrency_config",
        lambda known: {**_function(known), "Qualifier": "probe"},
    ),
    "lambda:ListFunctionEventInvokeConfigs": Probe("lambda", "list_function_event_invoke_configs", _function),
    "lambda:GetFunctionEventInvokeConfig": Probe("lambda", "get_function_event_invoke_config", _function),
    "tag:GetResources": Probe(
        "resourcegroupstaggingapi", "get_resources", lambda known: {"ResourcesPerPage": 1}
    ),
    "compute-optimizer:GetLambdaFunctionRecommendations": Probe(
        "compute-optimizer", "get_lambda_function_recommendations", lambda known: {"maxResults": 1}
    ),
    "ce:GetCostAndUsage": Probe("ce", "get_cost_and_usage", _no_day),
    "pricing:GetProducts": Probe(
        "pricing", "get_products", lambda known: {"ServiceCode": "AWSLambda", "MaxResults": 1}
    ),
    "cloudwatch:GetMetricData": Probe("cloudwatch", "get_metric_data", _one_metric),
    "cloudwatch:DescribeAlarms": Probe("cloudwatch", "describe_alarms", lambda known: {"MaxRecords": 1}),
    "lambda:GetPolicy": Probe("lambda", "get_policy", _function),
    "lambda:ListFunctionUrlConfigs": Probe("lambda", "list_function_url_configs", _function),
    "lambda:ListLayerVersions": Probe(
        "lambda", "list_layer_versions", lambda known: {"LayerName": "quarterdeck-probe", "MaxItems": 1}
    ),
    "lambda:ListCapacityProviders": Probe("lambda", "list_capacity_providers", lambda known: {"MaxItems": 1}),
    "events:DescribeRule": Probe("events", "describe_rule", lambda known: {"Name": NO_RULE}),
    "events:ListTargetsByRule": Probe("events", "list_targets_by_rule", lambda known: {"Rule": NO_RULE}),
    "scheduler:GetSchedule": Probe("scheduler", "get_schedule", lambda known: {"Name": NO_RULE}),
    "cloudtrail:LookupEvents": Probe("cloudtrail", "lookup_events", lambda known: {"MaxResults": 1}),
    "logs:StartQuery": Probe("logs", "start_query", _query),
    "logs:GetQueryResults": Probe("logs", "get_query_results", _no_query),
    "logs:StopQuery": Probe("logs", "stop_query", _no_query),
    "logs:DescribeLogGroups": Probe("logs", "describe_log_groups", lambda known: {"limit": 1}),
    "logs:FilterLogEvents": Probe("logs", "filter_log_events", _log_events),
    "xray:GetTraceSummaries": Probe("xray", "get_trace_summaries", _minute),
    "xray:BatchGetTraces": Probe("xray", "batch_get_traces", lambda known: {"TraceIds": [NO_TRACE]}),
    "xray:GetTraceSegmentDestination": Probe("xray", "get_trace_segment_destination", _none),
    "xray:GetIndexingRules": Probe("xray", "get_indexing_rules", _none),
    "sqs:GetQueueAttributes": Probe(
        "sqs",
        "get_queue_attributes",
        lambda known: {"QueueUrl": known.queue_url, "AttributeNames": ["QueueArn"]},
    ),
    "sqs:GetQueueUrl": Probe("sqs", "get_queue_url", lambda known: {"QueueName": "quarterdeck-probe"}),
    "sqs:ListQueues": Probe("sqs", "list_queues", lambda known: {"MaxResults": 1}),
    "sqs:ListDeadLetterSourceQueues": Probe(
        "sqs", "list_dead_letter_source_queues", lambda known: {"QueueUrl": known.queue_url}
    ),
}


def what_to_name(aws: Aws, function: Function | None, *, now: datetime) -> Known:
    """Names for the probes: those of a real function, else of one that does not exist. A refusal comes before
    a `not found` in AWS, so a made-up name proves a permission too."""
    name = function.name if function else "quarterdeck-probe"
    group = function.log_group if function and function.log_group else f"/aws/lambda/{name}"
    return Known(name, group, _queue_url(aws), now)


def _queue_url(aws: Aws) -> str:
    return f"https://sqs.{aws.target.region}.amazonaws.com/{aws.target.account}/quarterdeck-probe"


def refused(aws: Aws, action: str, known: Known) -> AccessDeniedError | None:
    """None when `action` is allowed (finding nothing is an answer too), else the refusal, which names it.

    Raises AwsError when the call failed for another reason, KeyError for an action without a probe.
    """
    probe = PROBES[action]
    try:
        getattr(aws.client(probe.service), probe.method)(**probe.parameters(known))
    except AccessDeniedError as error:
        return error
    except NotFoundError:
        return None
    except AwsError as error:
        if error.code in UNKNOWN_HERE or error.code.startswith(FOUND_FAULT):
            return None
        raise
    return None


FOUND_FAULT = ("Validation", "InvalidParameter", "InvalidRequest", "MalformedQuery", "OptInRequired")
"""What AWS answers who may ask, but asks amiss, as probes with made-up names do, or where a service was never
switched on."""
