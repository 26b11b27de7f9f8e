"""Lambda, reading: functions, versions and aliases as they are now."""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.company import CANARY
from quarterdeck.demo.history import Change, is_canary
from quarterdeck.demo.loglines import runtime_arn
from quarterdeck.demo.metrics import ENVIRONMENT_CONCURRENCY
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.wire import ApiError, Call

FUNCTIONS_PAGE = VERSIONS_PAGE = 50
CODE_BYTES = 3_400_000

_HANDLERS = {
    "python": "app.handler",
    "nodejs": "index.handler",
    "java": "example.meridian.Handler",
    "ruby": "app.run",
}
SHARED_LAYER = "layer:meridian-common:14"
INSIGHTS_LAYER = "580247275435:layer:LambdaInsightsExtension:64"
"""The account, name and version of AWS's own extension: not ours to list."""


def function(demo: Demo, account: str, call: Call) -> tuple[Spec, str]:
    """The function that a call names (name, partial or full ARN) and its qualifier. Raises ApiError."""
    text = call.params["FunctionName"]
    parts = text.split(":")
    if text.startswith("arn:"):
        parts = parts[6:]
    elif len(parts) >= 3 and parts[1] == "function":
        parts = parts[2:]
    spec = demo.world.company.find(account, call.region, parts[0])
    if spec is None:
        raise missing(f"Function not found: {_arn(account, call.region, parts[0])}")
    return spec, call.params.get("Qualifier") or (parts[1] if len(parts) > 1 else "")


def _arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def missing(message: str) -> ApiError:
    return ApiError("ResourceNotFoundException", message, status=404, Type="User")


def lambda_time(ts: datetime) -> str:
    """The manner of Lambda's text times: 2026-11-21T09:00:00.000+0000."""
    return ts.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts.microsecond // 1000:03d}+0000"


# --- configurations ----------------------------------------------------------------------------------------


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
        "RevisionId": str(uuid.UUID(digest(f"{spec.arn}{modified}")[:32])),
        "ConfigSha256": _sha(f"configuration/{spec.arn}/{version}/{modified}"),
        "PackageType": "Zip" if spec.runtime else "Image",
        "Architectures": [spec.architecture],
        "EphemeralStorage": {"Size": spec.tmp_mb},
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
    layers = []
    if family == "python":
        layers.append(
            {"Arn": f"arn:aws:lambda:{spec.region}:{spec.account}:{SHARED_LAYER}", "CodeSize": 810_233}
        )
    if spec.insights:
        layers.append({"Arn": f"arn:aws:lambda:{spec.region}:{INSIGHTS_LAYER}", "CodeSize": 12_944_412})
    return {
        "Runtime": spec.runtime,
        "Handler": _HANDLERS.get(family, "bootstrap"),
        **({"Layers": layers} if layers else {}),
    }


def _wiring(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.dead_letter:
        found["DeadLetterConfig"] = {"TargetArn": queue_arn(spec, spec.dead_letter)}
    if spec.name in ("warehouse-sync", "payment-capture"):
        found["VpcConfig"] = {
            "SubnetIds": ["subnet-0a1b2c3d", "subnet-1b2c3d4e"],
            "SecurityGroupIds": ["sg-0f00ba12"],
            "VpcId": "vpc-0meridian",
            "Ipv6AllowedForDualStack": False,
        }
    return {**found, **_special(spec)}


def _special(spec: Spec) -> dict[str, Any]:
    """Settings that few functions have."""
    found: dict[str, Any] = {}
    if spec.tenants:
        found["TenancyConfig"] = {"TenantIsolationMode": "PER_TENANT"}
    if spec.durable:
        found["DurableConfig"] = {
            "ExecutionTimeout": spec.durable[0],
            "RetentionPeriodInDays": spec.durable[1],
        }
    if spec.provider:
        instances = {
            "CapacityProviderArn": provider_arn(spec.account, spec.region, spec.provider),
            "PerExecutionEnvironmentMaxConcurrency": ENVIRONMENT_CONCURRENCY,
            "ExecutionEnvironmentMemoryGiBPerVCpu": 2.0,
        }
        found["CapacityProviderConfig"] = {"LambdaManagedInstancesCapacityProviderConfig": instances}
    if spec.shared_disk:
        disk = f"arn:aws:elasticfilesystem:{spec.region}:{spec.account}:access-point/fsap-0f1e2d3c4b5a69788"
        found["FileSystemConfigs"] = [{"Arn": disk, "LocalMountPath": "/mnt/warehouse"}]
    return found


def provider_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:lambda:{region}:{account}:capacity-provider:{name}"


def queue_arn(spec: Spec, name: str) -> str:
    return f"arn:aws:sqs:{spec.region}:{spec.account}:{name}"


def _snap_start(spec: Spec, version: int) -> dict[str, str]:
    if not spec.snap_start:
        return {"ApplyOn": "None", "OptimizationStatus": "Off"}
    return {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On" if version else "Off"}


def _logging(spec: Spec) -> dict[str, str]:
    answer = {"LogFormat": spec.log_format, "LogGroup": spec.group}
    if spec.log_format == "JSON":
        answer |= {"ApplicationLogLevel": "INFO", "SystemLogLevel": spec.system_level}
    return answer


def _published(changes: list[Change], version: int) -> datetime:
    return next(change.ts for change in changes if change.version == version)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def versions(demo: Demo, spec: Spec) -> list[int]:
    return sorted(change.version for change in demo.world.timeline(spec).published(demo.world.now()))


def list_functions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    named = sorted(demo.world.company.functions_of(account, call.region), key=lambda spec: spec.name)
    wanted = [(spec, 0) for spec in named]
    every = call.params.get("FunctionVersion") == "ALL"
    if every:
        wanted = [(spec, version) for spec in named for version in (0, *versions(demo, spec))]
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
    wanted = [0, *versions(demo, spec)]
    page, marker = paged(
        wanted, call.params.get("Marker"), min(call.params.get("MaxItems", 50), VERSIONS_PAGE)
    )
    listed = [_qualified(configuration(demo, spec, version=version)) for version in page]
    return {"Versions": listed, **({"NextMarker": marker} if marker else {})}


def get_function_configuration(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    answer = configuration(demo, spec, version=version_of(demo, spec, qualifier))
    return {**answer, "State": "Active", "LastUpdateStatus": "Successful", **_runtime_version(spec)}


def _runtime_version(spec: Spec) -> dict[str, Any]:
    """What ListFunctions leaves out: the version of a managed runtime."""
    arn = runtime_arn(spec)
    return {"RuntimeVersionConfig": {"RuntimeVersionArn": arn}} if arn else {}


def version_of(demo: Demo, spec: Spec, qualifier: str) -> int:
    """The version that a qualifier means; 0 is $LATEST. Raises ApiError for one that does not exist."""
    if qualifier in ("", "$LATEST"):
        return 0
    if qualifier.isdigit() and int(qualifier) in versions(demo, spec):
        return int(qualifier)
    for alias in aliases(demo, spec):
        if alias["Name"] == qualifier:
            return 0 if alias["FunctionVersion"] == "$LATEST" else int(alias["FunctionVersion"])
    raise missing(f"Function not found: {spec.arn}:{qualifier}")


# --- aliases -----------------------------------------------------------------------------------------------


def aliases(demo: Demo, spec: Spec) -> list[dict[str, Any]]:
    """Every alias: dev on $LATEST, stage on the newest version, prod where the last move put it."""
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
        "RevisionId": str(uuid.UUID(digest(f"{spec.arn}:{name}:{version}")[:32])),
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
    raise missing(f"Cannot find alias arn: {spec.arn}:{call.params['Name']}")


HANDLERS: dict[str, Handler] = {
    "ListFunctions": list_functions,
    "ListVersionsByFunction": list_versions,
    "GetFunctionConfiguration": get_function_configuration,
    "ListAliases": list_aliases,
    "GetAlias": get_alias,
}
