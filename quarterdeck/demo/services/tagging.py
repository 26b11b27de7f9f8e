"""Resource Groups Tagging: GetResources, which leaves out what was never tagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.services.lambda_settings import tags
from quarterdeck.demo.wire import Call

PAGE = 100


def get_resources(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    wanted = params.get("ResourceTypeFilters", [])
    found = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tagged.items()]}
        for kind, arn, tagged in _resources(demo, account, call.region)
        if tagged and (not wanted or kind in wanted or kind.split(":")[0] in wanted)
        and _matches(tagged, params.get("TagFilters", []))
    ]  # fmt: skip
    size = min(params.get("ResourcesPerPage", PAGE), PAGE)
    token = params.get("PaginationToken") or None
    page, rest = paged(found, token, size, invalid="PaginationTokenExpiredException")
    return {"ResourceTagMappingList": page, "PaginationToken": rest or ""}


def _resources(demo: Demo, account: str, region: str) -> list[tuple[str, str, dict[str, str]]]:
    company = demo.world.company
    named = company.functions_of(account, region)
    functions = [("lambda:function", spec.arn, tags(demo, spec)) for spec in named]
    queues = [("sqs", queue.arn, {"team": "fulfilment"}) for queue in company.queues_of(account, region)]
    return functions + queues


def _matches(tagged: Mapping[str, str], filters: Sequence[Mapping[str, Any]]) -> bool:
    return all(
        item["Key"] in tagged and (not item.get("Values") or tagged[item["Key"]] in item["Values"])
        for item in filters
    )


HANDLERS: dict[str, Handler] = {"GetResources": get_resources}
