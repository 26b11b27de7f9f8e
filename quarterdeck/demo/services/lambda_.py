"""Lambda, reading: functions, versions, aliases, mappings, concurrency and settings as they are now."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.company import CANARY, functions_of
from quarterdeck.demo.history import Change, is_canary
from quarterdeck.demo.specs import CONCURRENCY_LIMIT, Spec
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import find

FUNCTIONS_PAGE = VERSIONS_PAGE = 50
MAPPINGS_PAGE = 100
CONFIGS_PAGE = 50
CODE_BYTES = 3_400_000

_HANDLERS = {
    "python": "app.handler",
    "nodejs": "index.handler",
    "java": "example.meridian.Handler",
    "ruby": "app.run",
}
_SHARED_LAYER = "layer:meridian-common:14"


def function(demo: Demo, account: str, call: Call) -> tuple[Spec, str]:
    """The function that a call names (name, partial or full ARN) and its qualifier. Raises ApiError."""
    text = call.params["FunctionName"]
    parts = text.split(":")
    if text.startswith("arn:"):
        parts = parts[6:]
    elif len(parts) >= 3 and parts[1] == "function":
        parts = parts[2:]
    spec = find(account, call.region, parts[0])
    if spec is None:
        raise _missing(f"Function not found: {_arn(account, call.region, parts[0])}")
    return spec, call.params.get("Qualifier") or (parts[1] if len(parts) > 1 else "")


def _arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def _missing(message: str) -> ApiError:
    return ApiError("ResourceNotFoundException", message, status=404, Type="User")


def lambda_time(ts: datetime) -> str:
    """The manner of Lambda's text times: 2026-11-21T09:00:00.000+0000."""
    return ts.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts.microsecond // 1000:03d}+0000"


# --- configurations --------------------------------------------------------------------------------------------


def configuration(demo: Demo, spec: Spec, *, version: int = 0) -> dict[str, Any]:
    """A function's configuration as ListFunctions gives it; `version` 0 is $LATEST."""
    now, known = demo.world.now(), demo.world.timeline(spec)
    changes = known.published(now)
    code = version or max(change.version for change in changes)
    modified = _published(changes, version) if version else known.last_modified(now)
    answer: dict[str, Any] = {
        "FunctionName": spec.name,
        "FunctionArn": spec.arn if not version else f"{spec.arn}:{version}",
        "Role": f"arn:aws:iam::{spec.account}:role/{spec.name}",
        "CodeSize": CODE_BYTES + spec.number % 9_000_000,
        "Description": spec.summary,
        "Timeout": spec.timeout_s,
        "MemorySize": spec.memory_mb if version else known.memory_at(now),
        "LastModified": lambda_time(modified),
        "CodeSha256": _sha(f"{'/'.join(spec.key)}/{code}"),
        "Version": str(version) if version else "$LATEST",
        "Environment": {"Variables": {"TABLE": f"{spec.name}-table", "API_KEY": f"{SECRET}-{spec.number}"}},
        "KMSKeyArn": f"arn:aws:kms:{spec.region}:{spec.account}:key/{uuid.UUID(int=spec.number)}",
        "TracingConfig": {"Mode": "Active" if spec.tracing else "PassThrough"},
        "RevisionId": str(uuid.UUID(_sha256(f"{spec.arn}{modified}")[:32])),
        "PackageType": "Zip" if spec.runtime else "Image",
        "Architectures": [spec.architecture],
        "EphemeralStorage": {"Size": 2048 if spec.team == "media" else 512},
        "SnapStart": _snap_start(spec, version),
        "LoggingConfig": _logging(spec),
        **_of_zip(spec),
        **_wiring(spec),
    }
    return {**answer, **(demo.kept.get(*spec.key, "configuration", default={}) if not version else {})}


SECRET = "demo-secret-never-stored"
"""Begins the value of an environment variable of every function: tests look for it where it must not be."""


def _of_zip(spec: Spec) -> dict[str, Any]:
    if spec.runtime is None:
        return {}
    family = next((known for known in _HANDLERS if spec.runtime.startswith(known)), "")
    layers = [{"Arn": f"arn:aws:lambda:{spec.region}:{spec.account}:{_SHARED_LAYER}", "CodeSize": 810_233}]
    return {
        "Runtime": spec.runtime,
        "Handler": _HANDLERS.get(family, "bootstrap"),
        **({"Layers": layers} if family == "python" else {}),
    }


def _wiring(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.dead_letter:
        found["DeadLetterConfig"] = {"TargetArn": _queue_arn(spec, spec.dead_letter)}
    if spec.name in ("warehouse-sync", "payment-capture"):
        found["VpcConfig"] = {
            "SubnetIds": ["subnet-0a1b2c3d", "subnet-1b2c3d4e"],
            "SecurityGroupIds": ["sg-0f00ba12"],
            "VpcId": "vpc-0meridian",
            "Ipv6AllowedForDualStack": False,
        }
    return found


def _queue_arn(spec: Spec, name: str) -> str:
    return f"arn:aws:sqs:{spec.region}:{spec.account}:{name}"


def _snap_start(spec: Spec, version: int) -> dict[str, str]:
    if not spec.snap_start:
        return {"ApplyOn": "None", "OptimizationStatus": "Off"}
    return {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On" if version else "Off"}


def _logging(spec: Spec) -> dict[str, str]:
    answer = {"LogFormat": spec.log_format, "LogGroup": spec.group}
    if spec.log_format == "JSON":
        answer |= {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    return answer


def _published(changes: list[Change], version: int) -> datetime:
    return next(change.ts for change in changes if change.version == version)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha(text: str) -> str:
    import base64

    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _versions(demo: Demo, spec: Spec) -> list[int]:
    return sorted(change.version for change in demo.world.timeline(spec).published(demo.world.now()))


def list_functions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    named = sorted(functions_of(account, call.region), key=lambda spec: spec.name)
    wanted = [(spec, 0) for spec in named]
    every = call.params.get("FunctionVersion") == "ALL"
    if every:
        wanted = [(spec, version) for spec in named for version in (0, *_versions(demo, spec))]
    page, marker = paged(
        wanted, call.params.get("Marker"), min(call.params.get("MaxItems", 50), FUNCTIONS_PAGE)
    )
    listed = [configuration(demo, spec, version=version) for spec, version in page]
    if every:
        listed = [_qualified(item) for item in listed]
    return {"Functions": listed, **({"NextMarker": marker} if marker else {})}


def _qualified(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "FunctionArn": f"{item['FunctionArn']}:$LATEST"} if item["Version"] == "$LATEST" else item


def list_versions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    wanted = [0, *_versions(demo, spec)]
    page, marker = paged(
        wanted, call.params.get("Marker"), min(call.params.get("MaxItems", 50), VERSIONS_PAGE)
    )
    listed = [_qualified(configuration(demo, spec, version=version)) for version in page]
    return {"Versions": listed, **({"NextMarker": marker} if marker else {})}


def get_function_configuration(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    answer = configuration(demo, spec, version=version_of(demo, spec, qualifier))
    return {**answer, "State": "Active", "LastUpdateStatus": "Successful"}


def get_function(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    location = f"https://demo-code.s3.amazonaws.com/{spec.name}?X-Amz-Signature={SECRET}"
    return {
        "Configuration": get_function_configuration(demo, account, call),
        "Code": {"RepositoryType": "S3", "Location": location},
        "Tags": tags(demo, spec),
    }


def version_of(demo: Demo, spec: Spec, qualifier: str) -> int:
    """The version that a qualifier means; 0 is $LATEST. Raises ApiError for one that does not exist."""
    if qualifier in ("", "$LATEST"):
        return 0
    if qualifier.isdigit() and int(qualifier) in _versions(demo, spec):
        return int(qualifier)
    for alias in aliases(demo, spec):
        if alias["Name"] == qualifier:
            return 0 if alias["FunctionVersion"] == "$LATEST" else int(alias["FunctionVersion"])
    raise _missing(f"Function not found: {spec.arn}:{qualifier}")


# --- aliases ---------------------------------------------------------------------------------------------------


def aliases(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    """Every alias of a function: dev on $LATEST, stage on the newest version, prod where the last move put it."""
    if not spec.qualifier:
        return []
    known, now = demo.world.timeline(spec), demo.world.now()
    points = {"dev": "$LATEST", "stage": str(known.newest_at(now))}
    points[spec.qualifier] = str(known.live_at(now))
    made = [_alias(spec, name, version) for name, version in points.items()]
    if is_canary(spec):
        weights = {"AdditionalVersionWeights": {str(spec.versions): CANARY[1]}}
        made = [
            {**item, "RoutingConfig": weights} if item["Name"] == spec.qualifier else item for item in made
        ]
    kept = demo.kept.below(*spec.key, "alias")
    changed = {key[-1]: value for key, value in kept.items()}
    return [{**item, **changed.get(item["Name"], {})} for item in made]


def _alias(spec: Spec, name: str, version: str) -> dict[str, Any]:
    return {
        "AliasArn": f"{spec.arn}:{name}",
        "Name": name,
        "FunctionVersion": version,
        "Description": "",
        "RevisionId": str(uuid.UUID(_sha256(f"{spec.arn}:{name}:{version}")[:32])),
    }


def list_aliases(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    found = aliases(demo, spec)
    if version := call.params.get("FunctionVersion"):
        found = [item for item in found if item["FunctionVersion"] == version]
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", 50), 50))
    return {"Aliases": page, **({"NextMarker": marker} if marker else {})}


def get_alias(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    for item in aliases(demo, spec):
        if item["Name"] == call.params["Name"]:
            return item
    raise _missing(f"Cannot find alias arn: {spec.arn}:{call.params['Name']}")


# --- mappings --------------------------------------------------------------------------------------------------


def mapping_id(spec: Spec) -> str:
    return str(uuid.UUID(_sha256(f"mapping/{spec.arn}")[:32]))


def source_arn(spec: Spec) -> str:
    here = f"{spec.region}:{spec.account}"
    if spec.trigger == "dynamodb":
        return f"arn:aws:dynamodb:{here}:table/{spec.source}/stream/2026-01-15T08:00:00.000"
    prefix = "stream/" if spec.trigger == "kinesis" else ""
    return f"arn:aws:{spec.trigger}:{here}:{prefix}{spec.source}"


def mapping(demo: Demo, spec: Spec) -> dict[str, Any]:
    stream = spec.mode == "stream"
    answer: dict[str, Any] = {
        "UUID": mapping_id(spec),
        "BatchSize": spec.batch if stream else 10,
        "MaximumBatchingWindowInSeconds": 5 if stream else 0,
        "EventSourceArn": source_arn(spec),
        "FunctionArn": f"{spec.arn}:{spec.qualifier}" if spec.qualifier else spec.arn,
        "LastModified": demo.world.plan.start.replace(microsecond=0, day=1, hour=0, minute=0, second=0),
        "State": "Enabled",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if spec.name == "order-worker" else [],
        "EventSourceMappingArn": f"arn:aws:lambda:{spec.region}:{spec.account}:event-source-mapping:{mapping_id(spec)}",
    }
    if stream:
        answer |= {"StartingPosition": "LATEST", "ParallelizationFactor": 1, "MaximumRetryAttempts": -1}
        answer |= {
            "MaximumRecordAgeInSeconds": -1,
            "BisectBatchOnFunctionError": False,
            "TumblingWindowInSeconds": 0,
        }
        answer |= {"DestinationConfig": {"OnFailure": {}}, "LastProcessingResult": "OK"}
    if spec.maximum_concurrency:
        answer["ScalingConfig"] = {"MaximumConcurrency": spec.maximum_concurrency}
    return {**answer, **demo.kept.get(spec.account, spec.region, "mapping", mapping_id(spec), default={})}


def mapped(account: str, region: str) -> list[Spec]:
    return [spec for spec in functions_of(account, region) if spec.mode in ("queue", "stream")]


def list_mappings(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    found = [mapping(demo, spec) for spec in mapped(account, call.region)]
    if call.params.get("FunctionName"):
        spec, _ = function(demo, account, call)
        found = [item for item in found if item["FunctionArn"].startswith((f"{spec.arn}:", spec.arn))]
        found = [item for item in found if item["UUID"] == mapping_id(spec)]
    if arn := call.params.get("EventSourceArn"):
        found = [item for item in found if item["EventSourceArn"] == arn]
    page, marker = paged(
        found, call.params.get("Marker"), min(call.params.get("MaxItems", 100), MAPPINGS_PAGE)
    )
    return {"EventSourceMappings": page, **({"NextMarker": marker} if marker else {})}


def get_mapping(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return mapping(demo, mapping_spec(account, call))


def mapping_spec(account: str, call: Call) -> Spec:
    for spec in mapped(account, call.region):
        if mapping_id(spec) == call.params["UUID"]:
            return spec
    raise _missing("The resource you requested does not exist.")


# --- concurrency -----------------------------------------------------------------------------------------------


def reserved(demo: Demo, spec: Spec) -> int | None:
    value: int | None = demo.kept.get(*spec.key, "reserved", default=spec.reserved)
    return value


def get_function_concurrency(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    value = reserved(demo, function(demo, account, call)[0])
    return {} if value is None else {"ReservedConcurrentExecutions": value}


def get_account_settings(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    specs = functions_of(account, call.region)
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
            "TotalCodeSize": sum(CODE_BYTES * len(_versions(demo, spec)) for spec in specs),
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


# --- asynchronous settings, tags, policies ---------------------------------------------------------------------


def invoke_configs(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    made: dict[str, Any] = {}
    if spec.on_failure or spec.on_success:
        destinations = {}
        if spec.on_failure:
            destinations["OnFailure"] = {"Destination": _queue_arn(spec, spec.on_failure)}
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
    raise _missing(f"The function {wanted} doesn't have an EventInvokeConfig")


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


HANDLERS: dict[str, Handler] = {
    "ListFunctions": list_functions,
    "ListVersionsByFunction": list_versions,
    "GetFunctionConfiguration": get_function_configuration,
    "GetFunction": get_function,
    "ListAliases": list_aliases,
    "GetAlias": get_alias,
    "ListEventSourceMappings": list_mappings,
    "GetEventSourceMapping": get_mapping,
    "GetFunctionConcurrency": get_function_concurrency,
    "GetAccountSettings": get_account_settings,
    "ListProvisionedConcurrencyConfigs": list_provisioned,
    "GetProvisionedConcurrencyConfig": get_provisioned,
    "ListFunctionEventInvokeConfigs": list_invoke_configs,
    "GetFunctionEventInvokeConfig": get_invoke_config,
    "ListTags": list_tags,
}
