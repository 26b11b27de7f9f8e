"""Lambda, reading: concurrency, asynchronous settings and tags as they are now."""

from __future__ import annotations

from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.services.lambda_ import (
    CODE_BYTES,
    SECRET,
    function,
    get_function_configuration,
    lambda_time,
    missing,
    queue_arn,
    versions,
)
from quarterdeck.demo.specs import CONCURRENCY_LIMIT, Spec
from quarterdeck.demo.wire import ApiError, Call

CONFIGS_PAGE = 50


# --- concurrency -------------------------------------------------------------------------------------------


def reserved(demo: Demo, spec: Spec) -> int | None:
    value: int | None = demo.kept.get(*spec.key, "reserved", default=spec.reserved)
    return value


def get_function_concurrency(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    value = reserved(demo, function(demo, account, call)[0])
    return {} if value is None else {"ReservedConcurrentExecutions": value}


def get_account_settings(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    specs = demo.world.company.functions_of(account, call.region)
    limit = CONCURRENCY_LIMIT.get((account, call.region), 1000)
    kept = sum(reserved(demo, spec) or 0 for spec in specs)
    return {
        "AccountLimit": {
            "TotalCodeSize": 322_122_547_200,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - kept,
        },
        "AccountUsage": {
            "TotalCodeSize": sum(CODE_BYTES * len(versions(demo, spec)) for spec in specs),
            "FunctionCount": len(specs),
        },
    }


def provisioned(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    """Every provisioned concurrency configuration of a function."""
    found: dict[str, int | None] = {spec.provisioned[0]: spec.provisioned[1]} if spec.provisioned else {}
    kept = demo.kept.below(*spec.key, "provisioned")
    found |= {key[-1]: value for key, value in kept.items()}
    modified = lambda_time(demo.world.timeline(spec).changes[0].ts)
    return [
        {
            "FunctionArn": f"{spec.arn}:{qualifier}",
            "RequestedProvisionedConcurrentExecutions": size,
            "AvailableProvisionedConcurrentExecutions": size,
            "AllocatedProvisionedConcurrentExecutions": size,
            "Status": "READY",
            "LastModified": modified,
        }
        for qualifier, size in found.items()
        if size is not None
    ]


def list_provisioned(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    found = provisioned(demo, spec)
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", 50), CONFIGS_PAGE))
    return {"ProvisionedConcurrencyConfigs": page, **({"NextMarker": marker} if marker else {})}


def get_provisioned(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    for item in provisioned(demo, spec):
        if item["FunctionArn"] == f"{spec.arn}:{qualifier}":
            return {key: value for key, value in item.items() if key != "FunctionArn"}
    raise ApiError(
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        status=404,
        Type="User",
    )


# --- asynchronous settings, tags, policies -----------------------------------------------------------------


def invoke_configs(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    made: dict[str, Any] = {}
    if spec.on_failure or spec.on_success:
        destinations = {}
        if spec.on_failure:
            destinations["OnFailure"] = {"Destination": queue_arn(spec, spec.on_failure)}
        if spec.on_success:
            destinations["OnSuccess"] = {"Destination": spec.on_success}
        made[spec.qualifier or "$LATEST"] = {
            "LastModified": demo.world.timeline(spec).changes[0].ts,
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 3600,
            "DestinationConfig": destinations,
        }
    kept = demo.kept.below(*spec.key, "invoke-config")
    made |= {key[-1]: value for key, value in kept.items()}
    return [
        {"FunctionArn": f"{spec.arn}:{qualifier}", **value}
        for qualifier, value in made.items()
        if value is not None
    ]


def list_invoke_configs(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    found = invoke_configs(demo, spec)
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", 50), CONFIGS_PAGE))
    return {"FunctionEventInvokeConfigs": page, **({"NextMarker": marker} if marker else {})}


def get_invoke_config(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    wanted = f"{spec.arn}:{qualifier or '$LATEST'}"
    for item in invoke_configs(demo, spec):
        if item["FunctionArn"] == wanted:
            return item
    raise missing(f"The function {wanted} doesn't have an EventInvokeConfig")


def tags(demo: Demo, spec: Spec) -> dict[str, str]:
    """A function's tags; one without a team was never tagged."""
    own = {"team": spec.team, "env": spec.env, "service": spec.name.split("-")[0]} if spec.team else {}
    found: dict[str, str] = demo.kept.get(*spec.key, "tags", default=own)
    return found


def list_tags(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    named = Call(**{**_fields(call), "params": {"FunctionName": call.params["Resource"]}})
    return {"Tags": tags(demo, function(demo, account, named)[0])}


def _fields(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in Call.__slots__}


def get_function(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    location = f"https://demo-code.s3.amazonaws.com/{spec.name}?X-Amz-Signature={SECRET}"
    return {
        "Configuration": get_function_configuration(demo, account, call),
        "Code": {"RepositoryType": "S3", "Location": location},
        "Tags": tags(demo, spec),
    }


HANDLERS: dict[str, Handler] = {
    "GetFunction": get_function,
    "GetFunctionConcurrency": get_function_concurrency,
    "GetAccountSettings": get_account_settings,
    "ListProvisionedConcurrencyConfigs": list_provisioned,
    "GetProvisionedConcurrencyConfig": get_provisioned,
    "ListFunctionEventInvokeConfigs": list_invoke_configs,
    "GetFunctionEventInvokeConfig": get_invoke_config,
    "ListTags": list_tags,
}
