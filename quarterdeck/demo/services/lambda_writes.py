"""Lambda, changing: what an action does is checked as AWS does, kept, and seen by later reads; and Invoke."""

from __future__ import annotations

import json
from typing import Any

from quarterdeck.demo.account import Demo, Handler
from quarterdeck.demo.services.lambda_ import (
    aliases,
    function,
    get_alias,
    get_function_configuration,
    version_of,
)
from quarterdeck.demo.services.lambda_settings import (
    get_invoke_config,
    get_provisioned,
    invoke_configs,
    provisioned,
    reserved,
    tags,
)
from quarterdeck.demo.specs import CONCURRENCY_LIMIT, Spec
from quarterdeck.demo.wire import ApiError, Call

_CONFIGURABLE = ("MemorySize", "Timeout", "Description", "Handler", "EphemeralStorage", "TracingConfig")


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, Type="User")


# --- concurrency -------------------------------------------------------------------------------------------


def put_function_concurrency(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    wanted = call.params["ReservedConcurrentExecutions"]
    limit = CONCURRENCY_LIMIT.get((account, call.region), 1000)
    here = demo.world.company.functions_of(account, call.region)
    others = sum(reserved(demo, other) or 0 for other in here if other != spec)
    floor = min(100, limit // 4)
    if wanted < 0 or limit - others - wanted < floor:
        raise _invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's"
            f" UnreservedConcurrentExecution below its minimum value of [{floor}]."
        )
    _reserve(demo, spec, wanted)
    return {"ReservedConcurrentExecutions": wanted}


def delete_function_concurrency(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    _reserve(demo, function(demo, account, call)[0], None)
    return {}


def _reserve(demo: Demo, spec: Spec, wanted: int | None) -> None:
    """Keep it; from now on the function is throttled above it."""
    demo.kept.put(*spec.key, "reserved", value=wanted)
    demo.world.reserve(spec, wanted)


def put_provisioned(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    if version_of(demo, spec, qualifier) == 0:
        raise _invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    size = call.params["ProvisionedConcurrentExecutions"]
    demo.kept.put(*spec.key, "provisioned", qualifier, value=size)
    return get_provisioned(demo, account, call)


def delete_provisioned(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    if not any(item["FunctionArn"] == f"{spec.arn}:{qualifier}" for item in provisioned(demo, spec)):
        get_provisioned(demo, account, call)
    demo.kept.put(*spec.key, "provisioned", qualifier, value=None)
    return {}


# --- configuration -----------------------------------------------------------------------------------------


def update_function_configuration(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    if not 128 <= call.params.get("MemorySize", 128) <= 10_240:
        raise _invalid("'MemorySize' value failed to satisfy constraint: between 128 and 10240")
    if not 1 <= call.params.get("Timeout", 1) <= 900:
        raise _invalid("'Timeout' value failed to satisfy constraint: between 1 and 900")
    kept = demo.kept.get(*spec.key, "configuration", default={})
    changed = {name: call.params[name] for name in _CONFIGURABLE if name in call.params}
    demo.kept.put(*spec.key, "configuration", value={**kept, **changed})
    return get_function_configuration(demo, account, call)


def update_alias(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    get_alias(demo, account, call)
    changed = {
        k: call.params[k] for k in ("FunctionVersion", "Description", "RoutingConfig") if k in call.params
    }
    if "FunctionVersion" in changed:
        version_of(demo, spec, changed["FunctionVersion"])
    kept = demo.kept.get(*spec.key, "alias", call.params["Name"], default={})
    demo.kept.put(*spec.key, "alias", call.params["Name"], value={**kept, **changed})
    return next(item for item in aliases(demo, spec) if item["Name"] == call.params["Name"])


def put_invoke_config(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    wanted = f"{spec.arn}:{qualifier or '$LATEST'}"
    before = next((item for item in invoke_configs(demo, spec) if item["FunctionArn"] == wanted), {})
    names = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    kept = {k: v for k, v in before.items() if k in names} if call.operation.startswith("Update") else {}
    value = {
        **kept,
        **{k: call.params[k] for k in names if k in call.params},
        "LastModified": demo.world.now(),
    }
    demo.kept.put(*spec.key, "invoke-config", qualifier or "$LATEST", value=value)
    return get_invoke_config(demo, account, call)


def delete_invoke_config(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    get_invoke_config(demo, account, call)
    demo.kept.put(*spec.key, "invoke-config", qualifier or "$LATEST", value=None)
    return {}


def tag_resource(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    name = call.params["Resource"].split(":function:")[-1]
    spec, _ = function(demo, account, _naming(call, name))
    gone = set(call.params.get("TagKeys", []))
    found = {**tags(demo, spec), **call.params.get("Tags", {})}
    demo.kept.put(*spec.key, "tags", value={k: v for k, v in found.items() if k not in gone})
    return {}


def _naming(call: Call, name: str) -> Call:
    return Call(
        call.service, call.operation, call.region, call.access_key, call.protocol, {"FunctionName": name}
    )


# --- small reads ------------------------------------------------------------------------


def get_recursion_config(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    function(demo, account, call)
    return {"RecursiveLoop": "Terminate"}


# --- invoking ----------------------------------------------------------------------------------------------


def invoke(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """Answer an invocation. `ops-remediator` says what it was asked to do; the call log keeps the payload."""
    spec, qualifier = function(demo, account, call)
    version = version_of(demo, spec, qualifier)
    kind = call.params.get("InvocationType", "RequestResponse")
    if kind == "DryRun":
        return {"StatusCode": 204}
    event = _event(call.params.get("Payload", b"{}"))
    if reserved(demo, spec) == 0 and kind == "RequestResponse":
        raise ApiError(
            "TooManyRequestsException",
            "Rate Exceeded.",
            status=429,
            Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
            Type="User",
        )
    if kind == "Event":
        return {"StatusCode": 202}
    said = {"ok": True, "function": spec.name, "received": event}
    if spec.name == "ops-remediator":
        said["did"] = f"{event.get('action', 'nothing')}" if isinstance(event, dict) else "nothing"
    return {
        "StatusCode": 200,
        "ExecutedVersion": str(version) if version else "$LATEST",
        "Payload": json.dumps(said).encode(),
    }


def _event(payload: bytes | str) -> Any:
    try:
        return json.loads(payload or b"{}")
    except ValueError as error:
        raise ApiError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}", Type="User"
        ) from error


HANDLERS: dict[str, Handler] = {
    "PutFunctionConcurrency": put_function_concurrency,
    "DeleteFunctionConcurrency": delete_function_concurrency,
    "PutProvisionedConcurrencyConfig": put_provisioned,
    "DeleteProvisionedConcurrencyConfig": delete_provisioned,
    "UpdateFunctionConfiguration": update_function_configuration,
    "UpdateAlias": update_alias,
    "PutFunctionEventInvokeConfig": put_invoke_config,
    "UpdateFunctionEventInvokeConfig": put_invoke_config,
    "DeleteFunctionEventInvokeConfig": delete_invoke_config,
    "TagResource": tag_resource,
    "UntagResource": tag_resource,
    "GetFunctionRecursionConfig": get_recursion_config,
    "Invoke": invoke,
}
