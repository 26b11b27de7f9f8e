"""The fleet's numbers worked out from the AWS endpoint with plain boto3, sharing nothing with our code."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import boto3
import numpy as np
from botocore.config import Config

REPORT_FIELD = {
    "duration": r"(?<!Billed )(?<!Init )(?<!Restore )Duration: ([\d.]+) ms",
    "billed": r"Billed Duration: ([\d.]+) ms",
    "init": r"Init Duration: ([\d.]+) ms",
    "restore": r"(?<!Billed )Restore Duration: ([\d.]+) ms",
    "memory": r"Memory Size: (\d+) MB",
    "used": r"Max Memory Used: (\d+) MB",
    "status": r"Status: (\w+)",
    "error_type": r"Error Type: (\S+)",
}
JSON_FIELD = {
    "duration": "durationMs",
    "billed": "billedDurationMs",
    "init": "initDurationMs",
    "restore": "restoreDurationMs",
    "memory": "memorySizeMB",
    "used": "maxMemoryUsedMB",
}


@dataclass
class Report:
    request: str
    stream: str
    at: int
    duration: float
    billed: float
    memory: float
    used: float
    init: float | None
    restore: float | None
    status: str | None
    error_type: str | None


def read_report(event: dict[str, Any]) -> Report | None:
    """A REPORT line or a platform.report record; None for any other line."""
    text = event["message"]
    if text.startswith("REPORT RequestId:"):
        found = {k: re.search(p, text) for k, p in REPORT_FIELD.items()}
        values: dict[str, Any] = {k: m[1] if m else None for k, m in found.items()}
        request = text.split()[2]
    elif '"platform.report"' in text:
        record = json.loads(text)["record"]
        values = {k: record["metrics"].get(name) for k, name in JSON_FIELD.items()}
        values |= {"status": record.get("status"), "error_type": record.get("errorType")}
        request = record["requestId"]
    else:
        return None
    number = {k: None if values[k] is None else float(values[k]) for k in JSON_FIELD}
    return Report(
        request=request,
        stream=event["logStreamName"],
        at=event["timestamp"],
        status=values["status"],
        error_type=values["error_type"],
        **number,  # type: ignore[arg-type]
    )


class Oracle:
    """One account and region of the endpoint over one window."""

    def __init__(self, endpoint: str, role: str, region: str, start: datetime, end: datetime) -> None:
        self.start, self.end = start, end
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        common = {"region_name": region, "endpoint_url": endpoint, "config": Config(read_timeout=60)}
        answer = boto3.client("sts", **keys, **common).assume_role(RoleArn=role, RoleSessionName="oracle")
        given = answer["Credentials"]
        self.session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        self.common = common
        self.account = role.split(":")[4]
        self.region = region

    def client(self, service: str) -> Any:
        return self.session.client(service, **self.common)

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        pages = self.client("lambda").get_paginator("list_functions").paginate()
        return {f["FunctionName"]: f for page in pages for f in page["Functions"]}

    @cached_property
    def all_groups(self) -> list[dict[str, Any]]:
        pages = self.client("logs").get_paginator("describe_log_groups").paginate()
        return [group for page in pages for group in page["logGroups"]]

    @cached_property
    def groups(self) -> dict[str, int]:
        """Log groups that can be searched, and the bytes that they store."""
        return {each["logGroupName"]: each["storedBytes"] for each in self.all_groups if is_searchable(each)}

    def is_for_queries_only(self, name: str) -> bool:
        return self._group(name) in {e["logGroupName"] for e in self.all_groups if not is_searchable(e)}

    def logs_everything(self, name: str) -> bool:
        """Whether a log has a record of each invocation: not without a group, not at level WARN."""
        logging = self.functions[name].get("LoggingConfig", {})
        was_invoked = self.total("Invocations", name) > 0
        readable = logging.get("LogGroup") in self.groups and logging.get("SystemLogLevel") != "WARN"
        return readable or not was_invoked

    @cached_property
    def reports(self) -> dict[str, list[Report]]:
        """A function that was never invoked has no log group, and no records."""
        return {name: self.reports_until(self.end, name) for name in self.functions}

    def reports_until(self, end: datetime, name: str) -> list[Report]:
        return list(self._reports(name, end)) if self._group(name) in self.groups else []

    def _group(self, name: str) -> str:
        found: str = self.functions[name].get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")
        return found

    def _events(self, name: str, end: datetime) -> Iterator[dict[str, Any]]:
        group = self._group(name)
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=group,
                startTime=int(self.start.timestamp() * 1000),
                endTime=int(end.timestamp() * 1000) - 1,
            )
        )
        own = group == f"/aws/lambda/{name}"
        for page in pages:
            yield from (e for e in page["events"] if own or f"/{name}[" in e["logStreamName"])

    def _reports(self, name: str, end: datetime) -> Iterator[Report]:
        events = list(self._events(name, end))
        killed = {
            m[1]
            for e in events
            if (m := re.search(r"RequestId: (\S+) Error: .*signal: killed", e["message"]))
        }
        for event in events:
            if report := read_report(event):
                if report.request in killed and report.used >= report.memory:
                    report.error_type = "Runtime.OutOfMemory"
                yield report

    def metric(
        self, name: str, stat: str, dimensions: dict[str, str], namespace: str = "AWS/Lambda"
    ) -> dict[datetime, float]:
        query = {
            "Id": "q",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                },
                "Period": 60,
                "Stat": stat,
            },
        }
        pages = (
            self.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(MetricDataQueries=[query], StartTime=self.start, EndTime=self.end)
        )
        found: dict[datetime, float] = {}
        for page in pages:
            for result in page["MetricDataResults"]:
                found |= dict(zip(result["Timestamps"], result["Values"], strict=True))
        return found

    def total(self, metric: str, function: str) -> float:
        return sum(self.metric(metric, "Sum", {"FunctionName": function}).values())

    def largest(self, metric: str, function: str) -> float | None:
        return max(self.metric(metric, "Maximum", {"FunctionName": function}).values(), default=None)

    def dead_letter_queues(self, function: str) -> set[str]:
        """Where this function's failed work ends up: ARNs."""
        arns = {self.functions[function].get("DeadLetterConfig", {}).get("TargetArn")}
        aws = self.client("lambda")
        configs = aws.list_function_event_invoke_configs(FunctionName=function)["FunctionEventInvokeConfigs"]
        arns |= {c.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") for c in configs}
        for mapping in aws.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            arns.add(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
            if ":sqs:" in mapping.get("EventSourceArn", ""):
                arns.add(self.redrive_target(mapping["EventSourceArn"]))
        return {a for a in arns if a and ":sqs:" in a}

    def redrive_target(self, arn: str) -> str | None:
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=arn.split(":")[-1])["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        policy = json.loads(attributes.get("RedrivePolicy", "{}"))
        return policy.get("deadLetterTargetArn")

    def arrivals(self, arn: str) -> float:
        """What was sent, or how much more there is at the end plus what was deleted meanwhile."""
        queue = {"QueueName": arn.split(":")[-1]}
        depth: dict[datetime, float] = {}
        for name in ("Visible", "NotVisible", "Delayed"):
            metric = f"ApproximateNumberOfMessages{name}"
            for ts, value in self.metric(metric, "Maximum", queue, "AWS/SQS").items():
                depth[ts] = depth.get(ts, 0.0) + value
        sent = sum(self.metric("NumberOfMessagesSent", "Sum", queue, "AWS/SQS").values())
        deleted = sum(self.metric("NumberOfMessagesDeleted", "Sum", queue, "AWS/SQS").values())
        grown = depth[max(depth)] - depth[min(depth)] if depth else 0.0
        return max(sent, grown + deleted)


def is_searchable(group: dict[str, Any]) -> bool:
    return group.get("logGroupClass") != "INFREQUENT_ACCESS"


def percentile(values: list[float], p: float) -> float | None:
    return float(np.percentile(values, p)) if values else None


def compute_usd(reports: list[Report], *, requests: int, gb_second: str, request: str) -> Decimal:
    """Requests and billed duration at first-tier prices; provisioned concurrency and logs are left out."""
    billed = sum((Decimal(str(r.billed)) * Decimal(str(r.memory)) for r in reports), Decimal())
    return requests * Decimal(request) + billed / 1000 / 1024 * Decimal(gb_second)


def close(ours: float | None, theirs: float | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
