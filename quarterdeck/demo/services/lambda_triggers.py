"""Lambda, reading: resource policies, function URLs, layers and capacity providers."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.grants import grants, statement
from quarterdeck.demo.instances import INSTANCE_TYPE
from quarterdeck.demo.services.lambda_ import (
    SHARED_LAYER,
    digest,
    function,
    lambda_time,
    missing,
    provider_arn,
    version_of,
)
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.stories import DAY
from quarterdeck.demo.wire import ApiError, Call

PAGE = 50


# --- policies and URLs -------------------------------------------------------------------------------------


def get_policy(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """The statements of a function, or of one alias or version of it: they are separate policies."""
    spec, qualifier = function(demo, account, call)
    if qualifier:
        version_of(demo, spec, qualifier)
    found = [
        statement(spec, grant, qualifier)
        for grant in grants(spec)
        if qualifier == (spec.qualifier if grant.on_alias else "")
    ]
    if not found:
        raise missing("The resource you requested does not exist.")
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": found}
    revision = uuid.UUID(digest(f"policy/{spec.arn}:{qualifier}")[:32])
    return {"Policy": json.dumps(policy), "RevisionId": str(revision)}


def list_function_urls(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, _ = function(demo, account, call)
    found = [_url(demo, spec)] if spec.url else []
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", PAGE), PAGE))
    return {"FunctionUrlConfigs": page, **({"NextMarker": marker} if marker else {})}


def get_function_url(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec, qualifier = function(demo, account, call)
    if not spec.url or qualifier != spec.qualifier:
        raise missing("The resource you requested does not exist.")
    return _url(demo, spec)


def _url(demo: Demo, spec: Spec) -> dict[str, Any]:
    made = (demo.world.plan.start - 200 * DAY).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    host = f"{digest(spec.arn)[:32]}.lambda-url.{spec.region}.on.aws"
    return {
        "FunctionUrl": f"https://{host}/",
        "FunctionArn": f"{spec.arn}:{spec.qualifier}" if spec.qualifier else spec.arn,
        "AuthType": spec.url,
        "CreationTime": made,
        "LastModifiedTime": made,
        "InvokeMode": "RESPONSE_STREAM" if spec.url == "NONE" else "BUFFERED",
    }


# --- layers and capacity providers -------------------------------------------------------------------------

_LAYER, _USED = SHARED_LAYER.removeprefix("layer:").split(":")
NEWEST_LAYER = int(_USED) + 3
_LAYER_EVERY = timedelta(days=60)


def list_layer_versions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """The versions of a layer, newest first. Layers of other accounts may be used, but not listed."""
    name = call.params["LayerName"]
    owner, name = (name.split(":")[4], name.split(":")[6]) if name.startswith("arn:") else (account, name)
    if owner != account:
        raise _not_ours(account, call)
    found = (
        [_layer(demo, account, call.region, n) for n in range(NEWEST_LAYER, 0, -1)] if name == _LAYER else []
    )
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", PAGE), PAGE))
    return {"LayerVersions": page, **({"NextMarker": marker} if marker else {})}


def _layer(demo: Demo, account: str, region: str, version: int) -> dict[str, Any]:
    created = demo.world.plan.start - 21 * DAY - (NEWEST_LAYER - version) * _LAYER_EVERY
    return {
        "LayerVersionArn": f"arn:aws:lambda:{region}:{account}:layer:{_LAYER}:{version}",
        "Version": version,
        "Description": "Logging and clients that Meridian's functions share",
        "CreatedDate": lambda_time(created),
        "CompatibleRuntimes": ["python3.12", "python3.13"],
    }


def _not_ours(account: str, call: Call) -> ApiError:
    who = f"arn:aws:sts::{account}:assumed-role/quarterdeck-read/quarterdeck"
    what = f"lambda:ListLayerVersions on resource: {call.params['LayerName']}"
    why = "no resource-based policy allows the lambda:ListLayerVersions action"
    message = f"User: {who} is not authorized to perform: {what} because {why}"
    return ApiError("AccessDeniedException", message, status=403)


def list_capacity_providers(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    here = demo.world.company.functions_of(account, call.region)
    names = dict.fromkeys(spec.provider for spec in here if spec.provider)
    found = [_provider(demo, account, call.region, name) for name in names]
    page, marker = paged(found, call.params.get("Marker"), min(call.params.get("MaxItems", PAGE), PAGE))
    return {"CapacityProviders": page, **({"NextMarker": marker} if marker else {})}


def _provider(demo: Demo, account: str, region: str, name: str) -> dict[str, Any]:
    role = f"arn:aws:iam::{account}:role/{name}-operator"
    target = {"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 70.0}
    return {
        "CapacityProviderArn": provider_arn(account, region, name),
        "State": "Active",
        "VpcConfig": {"SubnetIds": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0f00ba12"]},
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": role},
        "InstanceRequirements": {"Architectures": ["arm64"], "AllowedInstanceTypes": [INSTANCE_TYPE]},
        "CapacityProviderScalingConfig": {
            "MaxVCpuCount": 32,
            "ScalingMode": "Manual",
            "ScalingPolicies": [target],
        },
        "LastModified": lambda_time(demo.world.plan.start - 90 * DAY),
    }


HANDLERS: dict[str, Handler] = {
    "GetPolicy": get_policy,
    "ListFunctionUrlConfigs": list_function_urls,
    "GetFunctionUrlConfig": get_function_url,
    "ListLayerVersions": list_layer_versions,
    "ListCapacityProviders": list_capacity_providers,
}
