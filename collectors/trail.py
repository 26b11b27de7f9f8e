"""Events of CloudTrail read as calls: who, through what, on which function. Their parameters are not kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from collectors.parse import Answer, function_and_qualifier, parse_time, part
from core.signatures import keepable
from core.telemetry import ApiCall

LONGEST = 200
_SUFFIX = re.compile(r"\d{8}(v\d+)?$")
_FUNCTION_NAME = re.compile(r"[\w-]{1,140}")
_PRODUCT = re.compile(r"[A-Za-z][\w .+-]{0,40}")

TOOLS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), tool)
    for pattern, tool in (
        (r"\bquarterdeck\b", "Quarterdeck"),
        (r"\bpulumi", "Pulumi"),
        (r"\bopentofu", "OpenTofu"),
        (r"\bterraform", "Terraform"),
        (r"\baws-sam-cli|\bsamcli", "SAM"),
        (r"\baws-cdk|\bcdk-", "CDK"),
        (r"\bserverless[-_ /]|\bosls\b", "Serverless Framework"),
        (r"\bansible", "Ansible"),
        (r"\baws-cli/|exec-env/cloudshell", "AWS CLI"),
        (r"console\.amazonaws\.com|signin\.amazonaws\.com|\bmozilla/|aws-internal.*console", "console"),
        (r"\bboto3?/|\bbotocore/", "SDK for Python"),
        (r"\baws-sdk-js|\baws-sdk-nodejs", "SDK for JavaScript"),
        (r"\baws-sdk-go", "SDK for Go"),
        (r"\baws-sdk-java|\baws-sdk-kotlin", "SDK for Java"),
        (r"\baws-sdk-dotnet", "SDK for .NET"),
        (r"\baws-sdk-ruby", "SDK for Ruby"),
        (r"\baws-sdk-php", "SDK for PHP"),
        (r"\baws-sdk-rust", "SDK for Rust"),
    )
)
"""What a user agent says, the first that fits: tools come before the SDK that they are built with."""

_SERVICES: Mapping[str, str] = {
    "application-autoscaling": "Application Auto Scaling",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "codedeploy": "CodeDeploy",
    "lambda": "Lambda",
    "replicator.lambda": "Lambda@Edge",
}


def parse_event(answer: Answer) -> ApiCall | None:
    """An entry of LookupEvents; None for reads, for dry runs, and for what is no event."""
    event = _document(answer)
    event_id, ts = answer.get("EventId"), parse_time(answer.get("EventTime"))
    action = action_of(str(answer.get("EventName") or ""))
    is_read = str(answer.get("ReadOnly")).lower() == "true" or event.get("readOnly") is True
    if not event_id or ts is None or not action or is_read or part(event, "requestParameters", "dryRun"):
        return None
    return ApiCall(
        event_id=str(event_id),
        ts=ts,
        action=action,
        function=_function(event, answer),
        resource=_resource(event),
        who=_who(event, answer),
        via=via_of(event),
        error=_short(event.get("errorCode")),
    )


def action_of(event_name: str) -> str:
    """`UpdateFunctionCode20150331v2` is UpdateFunctionCode."""
    return _SUFFIX.sub("", event_name)[:LONGEST]


def _document(answer: Answer) -> Mapping[str, Any]:
    text = answer.get("CloudTrailEvent")
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}


def _short(value: Any) -> str | None:
    """Text of somebody else's made safe to keep."""
    return keepable(value, LONGEST) or None if isinstance(value, str) else None


def _function(event: Mapping[str, Any], answer: Answer) -> str:
    """The function's name, "" when the event names none."""
    asked = [part(event, "requestParameters", key) for key in ("functionName", "resource", "resourceArn")]
    answered = [part(event, "responseElements", key) for key in ("functionName", "functionArn")]
    listed = [part(item, "ResourceName") for item in answer.get("Resources") or () if _is_function(item)]
    return next((name for text in (*asked, *answered, *listed) if (name := _name(text))), "")


def _is_function(resource: Any) -> bool:
    return bool(part(resource, "ResourceType") == "AWS::Lambda::Function")


def _name(text: Any) -> str:
    """The function that a name, an ARN or `account:function:name` names; "" if none."""
    if not isinstance(text, str) or (text.startswith("arn:") and ":function:" not in text):
        return ""
    after = text.partition(":function:")[2] if ":function:" in text else text.removeprefix("function:")
    name = function_and_qualifier(after)[0]
    return name if _FUNCTION_NAME.fullmatch(name) else ""


def _resource(event: Mapping[str, Any]) -> str | None:
    """What of the function it was about: an alias, a version, a mapping, a statement; or a layer."""
    paths = (
        ("requestParameters", "name"),
        ("requestParameters", "uUID"),
        ("responseElements", "uUID"),
        ("requestParameters", "qualifier"),
        ("requestParameters", "statementId"),
        ("requestParameters", "layerName"),
        ("responseElements", "version"),
    )
    return next((text for path in paths if (text := _short(part(event, *path)))), None)


def _who(event: Mapping[str, Any], answer: Answer) -> str | None:
    """A person's name where there is one, else the role and its session, the account or the service."""
    identity = part(event, "userIdentity") or {}
    if part(identity, "type") == "Root":
        return "root"
    named = _short(part(identity, "userName"))
    assumed = _assumed(str(part(identity, "arn") or ""))
    called = _short(part(identity, "invokedBy")) or _short(part(identity, "accountId"))
    return named or assumed or _short(answer.get("Username")) or called


def _assumed(arn: str) -> str | None:
    """`jane@example.com` of a session that a person's sign-in made, else `role/session`."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    role, _, session = rest.partition("/")
    if kind != "assumed-role" or not session:
        return None
    return _short(session if "@" in session or role.startswith("AWSReservedSSO_") else f"{role}/{session}")


def via_of(event: Mapping[str, Any]) -> str | None:
    """What the call was made with: a tool, an SDK, the console, or the AWS service that made it."""
    agent = str(part(event, "userAgent") or "")
    service = str(part(event, "userIdentity", "invokedBy") or "")
    if not service and agent.endswith(".amazonaws.com") and "console" not in agent and "signin" not in agent:
        service = agent
    if service and service != "AWS Internal":
        return _service(service, event)
    if str(part(event, "sessionCredentialFromConsole")).lower() == "true":
        return "console"
    return next((tool for pattern, tool in TOOLS if pattern.search(agent)), None) or _product(agent)


def _service(principal: str, event: Mapping[str, Any]) -> str:
    name = principal.removesuffix(".amazonaws.com")
    role = str(part(event, "userIdentity", "arn") or "").rpartition(":")[2]
    if name == "cloudformation" and role.startswith("assumed-role/cdk-"):
        return "CDK"
    return _SERVICES.get(name) or _short(name) or principal[:LONGEST]


def _product(agent: str) -> str | None:
    found = _PRODUCT.match(agent.removeprefix("[").partition("/")[0])
    return found[0].strip() if found else None
