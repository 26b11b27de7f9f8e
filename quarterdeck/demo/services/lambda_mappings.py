"""Lambda, reading: event source mappings as they are now."""

from __future__ import annotations

from typing import Any

import numpy as np

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.mappings import mapping_id
from quarterdeck.demo.services.lambda_ import function, missing
from quarterdeck.demo.specs import PROD, Spec
from quarterdeck.demo.stories import stories_of
from quarterdeck.demo.wire import Call

MAPPINGS_PAGE = 100
_RETIRED = (PROD, "order-audit")
"""A function with a second mapping, to the table that it followed before, disabled since."""


def source_arn(spec: Spec) -> str:
    here = f"{spec.region}:{spec.account}"
    if spec.trigger == "dynamodb":
        return f"arn:aws:dynamodb:{here}:table/{spec.source}/stream/2026-01-15T08:00:00.000"
    prefix = "stream/" if spec.trigger == "kinesis" else ""
    return f"arn:aws:{spec.trigger}:{here}:{prefix}{spec.source}"


def mapping(demo: Demo, spec: Spec, *, retired: bool = False) -> dict[str, Any]:
    """A function's mapping, or the one that it had before."""
    identity = mapping_id(spec, retired=retired)
    answer: dict[str, Any] = {
        "UUID": identity,
        "BatchSize": spec.batch if spec.mode == "stream" else 10,
        "MaximumBatchingWindowInSeconds": 5 if spec.mode == "stream" else 0,
        "EventSourceArn": source_arn(spec),
        "FunctionArn": f"{spec.arn}:{spec.qualifier}" if spec.qualifier else spec.arn,
        "LastModified": demo.world.plan.start.replace(microsecond=0, day=1, hour=0, minute=0, second=0),
        "State": "Enabled",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if spec.name == "order-worker" else [],
        "EventSourceMappingArn": f"{spec.arn.rsplit(':', 2)[0]}:event-source-mapping:{identity}",
        **_of_mode(demo, spec),
        **_of_spec(spec),
        **(_disabled(spec) if retired else {}),
    }
    return {**answer, **demo.kept.get(spec.account, spec.region, "mapping", identity, default={})}


def _of_mode(demo: Demo, spec: Spec) -> dict[str, Any]:
    if spec.trigger == "kafka":
        return {
            "StartingPosition": "TRIM_HORIZON",
            "Topics": ["prices"],
            "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": f"{spec.name}-live"},
            "DestinationConfig": {"OnFailure": {}},
            "LastProcessingResult": "OK",
        }
    if spec.mode != "stream":
        return {}
    return {
        "StartingPosition": "LATEST",
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {}},
        "LastProcessingResult": "PROBLEM: Function call failed" if _is_failing(demo, spec) else "OK",
    }


def _is_failing(demo: Demo, spec: Spec) -> bool:
    now = np.array([demo.world.now_ms()], dtype=np.int64)
    failing = (tale for tale in stories_of(spec.key) if tale.failure)
    return any(bool(tale.active(now, demo.world.plan.starts)[0]) for tale in failing)


def _of_spec(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.maximum_concurrency:
        found["ScalingConfig"] = {"MaximumConcurrency": spec.maximum_concurrency}
    if spec.mapping_metrics:
        found["MetricsConfig"] = {"Metrics": list(spec.mapping_metrics)}
    if spec.filters:
        found["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in spec.filters]}
    if spec.pollers:
        minimum, maximum = spec.pollers
        found["ProvisionedPollerConfig"] = {"MinimumPollers": minimum, "MaximumPollers": maximum}
    return found


def _disabled(spec: Spec) -> dict[str, Any]:
    table = f"arn:aws:dynamodb:{spec.region}:{spec.account}:table/{spec.source}-archive"
    return {
        "EventSourceArn": f"{table}/stream/2025-03-02T11:40:17.331",
        "State": "Disabled",
        "StateTransitionReason": "User action",
        "LastProcessingResult": "No records processed",
    }


def mappings_of(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    found = [mapping(demo, spec)] if spec.mode in ("queue", "stream") else []
    return [*found, mapping(demo, spec, retired=True)] if (spec.account, spec.name) == _RETIRED else found


def list_mappings(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    specs = demo.world.company.functions_of(account, call.region)
    if call.params.get("FunctionName"):
        specs = (function(demo, account, call)[0],)
    found = [item for spec in specs for item in mappings_of(demo, spec)]
    if arn := call.params.get("EventSourceArn"):
        found = [item for item in found if item["EventSourceArn"] == arn]
    size = min(call.params.get("MaxItems", MAPPINGS_PAGE), MAPPINGS_PAGE)
    page, marker = paged(found, call.params.get("Marker"), size)
    return {"EventSourceMappings": page, **({"NextMarker": marker} if marker else {})}


def get_mapping(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    for spec in demo.world.company.functions_of(account, call.region):
        for item in mappings_of(demo, spec):
            if item["UUID"] == call.params["UUID"]:
                return item
    raise missing("The resource you requested does not exist.")


def update_mapping(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    get_mapping(demo, account, call)
    changed: dict[str, Any] = {k: call.params[k] for k in ("BatchSize", "ScalingConfig") if k in call.params}
    if "Enabled" in call.params:
        changed["State"] = "Enabled" if call.params["Enabled"] else "Disabled"
    changed["LastModified"] = demo.world.now()
    key = (account, call.region, "mapping", call.params["UUID"])
    demo.kept.put(*key, value={**demo.kept.get(*key, default={}), **changed})
    return get_mapping(demo, account, call)


HANDLERS: dict[str, Handler] = {
    "ListEventSourceMappings": list_mappings,
    "GetEventSourceMapping": get_mapping,
    "UpdateEventSourceMapping": update_mapping,
}
