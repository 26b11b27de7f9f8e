"""A fleet of any size whose calls cost next to nothing: answers without HTTP, paged as AWS pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import boto3
import botocore.session
from botocore import xform_name

from collectors.aws import Aws
from core.errors import NotFoundError
from core.facts import Target
from core.settings import AwsSettings
from tests.collectors.proof.endpoint import nothing

Params = dict[str, Any]
Answer = dict[str, Any]
ACCOUNT = "111122223333"
MAPPED, QUEUED = 4, 10
"""Every fourth function has a mapping, every tenth one's feeds from a queue."""


class Fleet(Aws):
    """`count` functions in one region; `asked` has every call in order."""

    def __init__(self, region: str, count: int) -> None:
        session = boto3.Session("key", "secret", region_name=region)
        super().__init__(session, Target(ACCOUNT, region), AwsSettings(calls_per_s={}), attempts=1)
        self.names = [f"function-{number:04d}" for number in range(count)]
        self.asked: list[tuple[str, Params]] = []

    def client(self, service: str) -> Any:
        return _Client(self, service)

    def pages(self, service: str, operation: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        rule = _paging(service, operation)
        size = params.pop("PageSize", None)
        params |= {rule["limit_key"]: size} if size and "limit_key" in rule else {}
        while True:
            page = getattr(self.client(service), operation)(**params)
            yield page
            token = page.get(rule["output_token"])
            if not token:
                return
            params[rule["input_token"]] = token

    def answer(self, service: str, operation: str, params: Params) -> Answer:
        self.asked.append((f"{service}:{operation}", params))
        handler = getattr(self, f"_{xform_name(operation)}", None)
        found: Answer = handler(params) if handler else nothing(service, operation)
        return found

    # --- answers ---

    def _list_functions(self, params: Params) -> Answer:
        return _page(
            "Functions", self._functions, params, "Marker", "NextMarker", min(params["MaxItems"], 50)
        )

    @cached_property
    def _functions(self) -> list[Answer]:
        return [
            {"FunctionName": name, "FunctionArn": self._arn(name), "Version": "$LATEST"}
            for name in self.names
        ]

    def _list_event_source_mappings(self, params: Params) -> Answer:
        return _page("EventSourceMappings", self._mappings, params, "Marker", "NextMarker", 100)

    @cached_property
    def _mappings(self) -> list[Answer]:
        return [
            {"UUID": name, "FunctionArn": self._arn(name), "EventSourceArn": self._source(number, name)}
            for number, name in enumerate(self.names)
            if number % MAPPED == 0 or number % QUEUED == 0
        ]

    def _source(self, number: int, name: str) -> str:
        kind = (
            f"sqs:{self.target.region}:{ACCOUNT}:{name}"
            if number % QUEUED == 0
            else f"kinesis:{self.target.region}:{ACCOUNT}:stream/{name}"
        )
        return f"arn:aws:{kind}"

    def _get_resources(self, params: Params) -> Answer:
        found = [{"ResourceARN": self._arn(name), "Tags": []} for name in self.names]
        return _page("ResourceTagMappingList", found, params, "PaginationToken", "PaginationToken", 100)

    def _describe_log_groups(self, params: Params) -> Answer:
        found = [{"logGroupName": f"/aws/lambda/{name}"} for name in self.names]
        return _page("logGroups", found, params, "nextToken", "nextToken", 50)

    def _get_account_settings(self, params: Params) -> Answer:
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}}

    def _get_policy(self, params: Params) -> Answer:
        raise NotFoundError("no policy", code="ResourceNotFoundException")

    def _get_metric_data(self, params: Params) -> Answer:
        empty: Answer = {"Timestamps": [], "Values": [], "StatusCode": "Complete"}
        return {"MetricDataResults": [{"Id": query["Id"], **empty} for query in params["MetricDataQueries"]]}

    def _get_queue_url(self, params: Params) -> Answer:
        return {"QueueUrl": f"https://sqs.{self.target.region}.amazonaws.com/{ACCOUNT}/{params['QueueName']}"}

    def _get_trace_segment_destination(self, params: Params) -> Answer:
        return {"Destination": "XRay", "Status": "ACTIVE"}

    def _arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.target.region}:{ACCOUNT}:function:{name}"


class _Client:
    def __init__(self, fleet: Fleet, service: str) -> None:
        self._fleet, self._service = fleet, service

    def __getattr__(self, method: str) -> Any:
        operation = _operations(self._service)[method]
        return lambda **params: self._fleet.answer(self._service, operation, params)


def _page(name: str, items: Sequence[Answer], params: Params, token: str, out: str, size: int) -> Answer:
    at = int(params.get(token) or 0)
    return {name: list(items[at : at + size])} | ({out: str(at + size)} if at + size < len(items) else {})


@cache
def _paging(service: str, operation: str) -> Mapping[str, Any]:
    pagers = botocore.session.get_session().get_paginator_model(service)
    rule: Mapping[str, Any] = pagers.get_paginator(_operations(service)[operation])
    return rule


@cache
def _operations(service: str) -> Mapping[str, str]:
    names = botocore.session.get_session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}
