"""A small AWS over a World: it pages, it is late, and it can be made to answer badly."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from quarterdeck.demo.wire import ApiError, Call, model
from tests.collectors.proof.world import ACCOUNT, FLEET, JSON_LOGS, REGION, SILENT, Invocation, World

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
MAPPING = "11111111-2222-4333-8444-555555555555"

Answer = dict[str, Any]

WHIMS = (
    "small pages",
    "empty page",
    "repeated token",
    "overlap",
    "shuffled",
    "partial",
    "internal",
    "omitted",
)
"""Ways to answer badly with status 200."""


@dataclass
class Endpoint:
    """Answers calls as of `now`, which is AWS's own time."""

    world: World
    now: datetime
    whim: str | None = None
    """How the call being answered is answered badly, if so."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def answer(self, call: Call, whim: str | None) -> Answer:
        self.whim = whim
        handler = getattr(self, f"_{call.operation}", None)
        if handler is None:
            return nothing(call.service, call.operation)
        found: Answer = handler(call.params)
        return found

    # --- paging ---

    def _paged(
        self, name: str, items: Sequence[Any], params: Mapping[str, Any], token: str, out: str = ""
    ) -> Answer:
        """A page of a listing. A token is where to go on, and how many empty pages came before."""
        at = int(str(params.get(token) or "0").split("-")[0])
        if self.whim == "empty page" and "-" not in str(params.get(token) or ""):
            return {name: [], out or token: f"{at}-empty"}
        if self.whim == "repeated token" and params.get(token):
            return {name: [], out or token: params[token]}
        end = at + (2 if self.whim in ("small pages", "overlap", "repeated token") else 50)
        page = list(items[max(0, at - (self.whim == "overlap")) : end])
        if self.whim == "shuffled":
            self._chance.shuffle(page)
        return {name: page} | ({out or token: f"{end}"} if end < len(items) else {})

    # --- Lambda ---

    def _ListFunctions(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802 - an operation's name
        versions = ("$LATEST", "1") if params.get("FunctionVersion") == "ALL" else ("$LATEST",)
        names = [*sorted(FLEET), SILENT]
        found = [_configuration(name, version) for name in names for version in versions]
        return self._paged("Functions", found, params, "Marker", "NextMarker")

    def _ListAliases(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        alias = {"Name": "live", "FunctionVersion": "1", "AliasArn": f"{ARN}orders:live"}
        return {"Aliases": [alias] if params["FunctionName"] == "orders" else []}

    def _ListProvisionedConcurrencyConfigs(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        config = {"FunctionArn": f"{ARN}orders:live", "RequestedProvisionedConcurrentExecutions": 2}
        return {"ProvisionedConcurrencyConfigs": [config] if params["FunctionName"] == "orders" else []}

    def _ListEventSourceMappings(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        kafka = {"Metrics": ["EventCount", "ErrorCount"]}
        one = {"UUID": MAPPING, "FunctionArn": f"{ARN}etl", "EventSourceArn": STREAM, "State": "Enabled"}
        return self._paged(
            "EventSourceMappings", [{**one, "MetricsConfig": kafka}], params, "Marker", "NextMarker"
        )

    def _GetAccountSettings(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}}

    def _GetPolicy(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        raise ApiError("ResourceNotFoundException", "The resource you requested does not exist.", status=404)

    def _GetResources(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        tagged = [
            {"ResourceARN": ARN + name, "Tags": [{"Key": "team", "Value": name}]} for name in sorted(FLEET)
        ]
        return self._paged("ResourceTagMappingList", tagged, params, "PaginationToken")

    # --- SQS ---

    def _GetQueueUrl(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{params['QueueName']}"}

    def _GetQueueAttributes(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        return {"Attributes": {"QueueArn": DEAD, "ApproximateNumberOfMessages": "3"}}

    # --- CloudWatch ---

    def _GetMetricData(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        counted = self.world.counted(self.now)
        results = [_result(query, params, counted) for query in params["MetricDataQueries"]]
        begin = int(str(params.get("NextToken") or "0").split("-")[0])
        if self.whim == "repeated token" and params.get("NextToken"):
            return {"MetricDataResults": [], "NextToken": params["NextToken"]}
        if self.whim == "empty page" and not params.get("NextToken"):
            return {"MetricDataResults": [], "NextToken": "0-empty"}
        paged = self.whim in ("small pages", "repeated token")
        page, following = _points(results, begin, 40 if paged else 100_800)
        return {"MetricDataResults": self._badly(page), "Messages": []} | (
            {"NextToken": str(following)} if following else {}
        )

    def _badly(self, results: list[Answer]) -> list[Answer]:
        """Some of the results cut, failed, left out or in another order, as the whim is."""
        if self.whim == "shuffled":
            self._chance.shuffle(results)
            return [_reversed(result) for result in results]
        spoil = {"partial": _cut, "internal": _failed, "omitted": lambda result: None}.get(self.whim or "")
        if spoil is None:
            return results
        made = [spoil(r) if self._chance.random() < 0.4 else r for r in results]
        return [result for result in made if result is not None]

    # --- Logs ---

    def _DescribeLogGroups(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        prefix = params.get("logGroupNamePrefix", "")
        groups = [name for name in sorted(set(FLEET.values())) if name.startswith(prefix)]
        found = [
            {"logGroupName": name, "retentionInDays": 30, "logGroupClass": "STANDARD"} for name in groups
        ]
        return self._paged("logGroups", found, params, "nextToken")

    def _FilterLogEvents(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        group = params["logGroupName"]
        if group not in FLEET.values():
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        found = [
            {
                "eventId": line.event_id,
                "timestamp": _ms(line.ts),
                "ingestionTime": _ms(line.ingested),
                "logStreamName": line.stream,
                "message": line.message,
            }
            for line in self.world.logged(group, self.now)
            if params["startTime"] <= _ms(line.ts) < params["endTime"]
        ]
        return self._paged("events", found, params, "nextToken")

    # --- X-Ray ---

    def _GetTraceSummaries(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        found = [
            _summary(one)
            for one in self.world.counted(self.now)
            if params["StartTime"] <= one.start < params["EndTime"]
        ]
        page = self._paged("TraceSummaries", found, params, "NextToken")
        return {**page, "TracesProcessedCount": len(page["TraceSummaries"]), "ApproximateTime": self.now}

    def _BatchGetTraces(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        wanted = list(params["TraceIds"])
        left = wanted[1:] if self.whim in ("partial", "omitted") else []
        by_id = {one.trace_id: one for one in self.world.invocations}
        found = [_trace(by_id[id_]) for id_ in wanted if id_ in by_id and id_ not in left]
        return {"Traces": found, "UnprocessedTraceIds": left}

    def _GetTraceSegmentDestination(self, params: Mapping[str, Any]) -> Answer:  # noqa: N802
        return {"Destination": "XRay", "Status": "ACTIVE"}


def _configuration(name: str, version: str) -> Answer:
    return {
        "FunctionName": name,
        "FunctionArn": ARN + name,
        "Version": version,
        "Runtime": "python3.13",
        "MemorySize": 256,
        "Timeout": 900,
        "LastModified": "2026-11-01T08:00:00.000+0000",
        "LoggingConfig": {
            "LogGroup": FLEET.get(name, f"/aws/lambda/{name}"),
            "LogFormat": "JSON" if name in JSON_LOGS else "Text",
        },
        "TracingConfig": {"Mode": "Active"},
        **({"DeadLetterConfig": {"TargetArn": DEAD}} if name == "orders" else {}),
    }


def nothing(service: str, operation: str) -> Answer:
    """An answer without anything in it: every list of the operation is empty."""
    return {name: [] for name in _lists(service, operation)}


@cache
def _lists(service: str, operation: str) -> tuple[str, ...]:
    shape = model(service).operation_model(operation).output_shape
    members = shape.members if shape is not None else {}
    return tuple(name for name, member in members.items() if member.type_name == "list")


def _ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)


def _result(query: Mapping[str, Any], params: Mapping[str, Any], counted: Sequence[Invocation]) -> Answer:
    stat = query["MetricStat"]
    metric, period_s = stat["Metric"], stat["Period"]
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", ())}
    buckets: dict[int, list[float]] = {}
    for one in counted:
        value = one.sample(metric["MetricName"]) if _is_of(one, dimensions) else None
        at = int(one.start.timestamp()) // period_s * period_s
        if value is not None and params["StartTime"].timestamp() <= at < params["EndTime"].timestamp():
            buckets.setdefault(at, []).append(value)
    times = sorted(buckets)
    return {
        "Id": query["Id"],
        "Label": metric["MetricName"],
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at in times],
        "Values": [_statistic(stat["Stat"], buckets[at]) for at in times],
        "StatusCode": "Complete",
    }


def _is_of(one: Invocation, dimensions: Mapping[str, str]) -> bool:
    if "FunctionName" in dimensions:
        return dimensions["FunctionName"] == one.function
    if "LogGroupName" in dimensions:
        return dimensions["LogGroupName"] == FLEET[one.function]
    if "EventSourceMappingUUID" in dimensions:
        return one.function == "etl"
    return not dimensions or dimensions.get("QueueName") == "dead"


def _statistic(name: str, values: Sequence[float]) -> float:
    ordered = sorted(values)
    if name[:1] == "p":
        return ordered[math.ceil(float(name[1:]) / 100 * len(ordered)) - 1]
    known: Mapping[str, Callable[[Sequence[float]], float]] = {
        "Sum": math.fsum,
        "Maximum": max,
        "Minimum": min,
        "SampleCount": lambda found: float(len(found)),
        "Average": lambda found: math.fsum(found) / len(found),
    }
    return known[name](ordered)


def _points(results: Sequence[Answer], begin: int, limit: int) -> tuple[list[Answer], int]:
    """Points `begin` to `begin + limit` of all results in a row, and where the next page begins (0: none)."""
    page, offset = [], 0
    for result in results:
        count = len(result["Values"])
        first, last = max(begin - offset, 0), min(begin + limit - offset, count)
        if first < last or (not count and begin == 0):
            more = {"StatusCode": "PartialData"} if last < count else {}
            part = {name: result[name][first:last] for name in ("Timestamps", "Values")}
            page.append({**result, **part, **more})
        offset += count
    return page, begin + limit if begin + limit < offset else 0


def _cut(result: Answer) -> Answer:
    half = len(result["Values"]) // 2
    part = {name: result[name][:half] for name in ("Timestamps", "Values")}
    return {**result, **part, "StatusCode": "PartialData"}


def _failed(result: Answer) -> Answer:
    return {**result, "Timestamps": [], "Values": [], "StatusCode": "InternalError"}


def _reversed(result: Answer) -> Answer:
    return {**result, **{name: result[name][::-1] for name in ("Timestamps", "Values")}}


def _summary(one: Invocation) -> Answer:
    return {
        "Id": one.trace_id,
        "StartTime": one.start,
        "Duration": one.duration_ms / 1000,
        "ResponseTime": one.duration_ms / 1000,
        "HasFault": one.status != "success",
        "HasError": False,
        "HasThrottle": False,
        "EntryPoint": {"Name": one.function, "Type": "AWS::Lambda"},
        "ServiceIds": [{"Name": one.function, "Type": "AWS::Lambda::Function"}],
    }


def _trace(one: Invocation) -> Answer:
    begin = one.start.timestamp()
    document = {
        "id": f"{one.number:016x}",
        "trace_id": one.trace_id,
        "name": one.function,
        "origin": "AWS::Lambda::Function",
        "start_time": begin,
        "end_time": begin + one.duration_ms / 1000,
    }
    segment = {"Id": document["id"], "Document": json.dumps(document)}
    return {"Id": one.trace_id, "Duration": one.duration_ms / 1000, "Segments": [segment]}


SKEW_REFUSED = timedelta(minutes=5)
"""AWS refuses signatures that are this far off its own time."""
