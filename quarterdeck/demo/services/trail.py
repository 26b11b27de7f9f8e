"""CloudTrail: LookupEvents, of what the plan of deploys says and of what was changed through the endpoint."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from quarterdeck.demo.account import SESSION_PREFIX, Demo, Handler, paged
from quarterdeck.demo.history import Change
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.wire import ApiError, Call

DELAY_MIN = (5, 15)
"""How many minutes an event takes to be found: at least, and less than."""

PAGE = 50
KEPT = timedelta(days=90)
_EARLIEST = timedelta(minutes=10)
"""How long before a change its first record may lie."""

_LAMBDA, _EVENTS, _LOGS = "lambda.amazonaws.com", "events.amazonaws.com", "logs.amazonaws.com"


# --- who ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Actor:
    """Who called: `name` is the user's or the session's, `role` that of an assumed role ("" for a user)."""

    name: str
    agent: str
    role: str = ""

    def identity(self, account: str) -> dict[str, Any]:
        if not self.role:
            arn = f"arn:aws:iam::{account}:user/{self.name}"
            return {"type": "IAMUser", "accountId": account, "arn": arn, "userName": self.name}
        issuer = {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{self.role}", "userName": self.role}
        return {
            "type": "AssumedRole",
            "accountId": account,
            "principalId": f"AROADEMO:{self.name}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{self.role}/{self.name}",
            "sessionContext": {"sessionIssuer": {**issuer, "accountId": account}},
        }


_PIPELINE = Actor("run-81723", "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux", "github-deploy")
_TERRAFORM = Actor(
    "tfc-run-Xq81", "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 terraform-provider-aws/6.21.0", "terraform"
)
_STACKS = Actor("AWSCloudFormation", "cloudformation.amazonaws.com", "cdk-deploy")
_CONSOLE = Actor("ana.kowalski", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
_TRAINEE = Actor("jonas.berg", "Boto3/1.41.0 md/Botocore#1.41.0 os/linux lang/python#3.13")


def _deployer(spec: Spec) -> Actor:
    return (_PIPELINE, _TERRAFORM, _STACKS)[spec.number % 3]


# --- what --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One management event. `resource` is the name of what was changed, `kind` its CloudFormation type."""

    ts: datetime
    name: str
    source: str
    account: str
    region: str
    actor: Actor
    resource: str
    kind: str = "AWS::Lambda::Function"
    parameters: dict[str, Any]
    error: str = ""

    @property
    def id(self) -> str:
        text = f"{self.ts}{self.name}{self.account}{self.region}{self.resource}{self.error}"
        return str(uuid.UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))

    @property
    def visible_at(self) -> datetime:
        least, below = DELAY_MIN
        return self.ts + timedelta(minutes=least + int(self.id[:4], 16) % (below - least))

    def event(self) -> dict[str, Any]:
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": "false",
            "EventTime": self.ts,
            "EventSource": self.source,
            "Username": self.actor.name,
            "Resources": [{"ResourceType": self.kind, "ResourceName": self.resource}],
            "CloudTrailEvent": json.dumps(self._document()),
        }

    def _document(self) -> dict[str, Any]:
        failed = {"errorCode": self.error, "errorMessage": "not authorized"} if self.error else {}
        return {
            "eventVersion": "1.11",
            "userIdentity": self.actor.identity(self.account),
            "eventTime": self.ts.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": "198.51.100.17",
            "userAgent": self.actor.agent,
            **failed,
            "requestParameters": self.parameters,
            "responseElements": None,
            "eventID": self.id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }


def _of(spec: Spec, ts: datetime, event: str, actor: Actor, *, error: str = "", **parameters: Any) -> Record:
    return Record(
        ts=ts,
        name=event,
        source=_LAMBDA,
        account=spec.account,
        region=spec.region,
        actor=actor,
        resource=spec.name,
        parameters={"functionName": spec.name, **parameters},
        error=error,
    )


def _planned(spec: Spec, change: Change) -> Iterator[Record]:
    if change.kind == "publish":
        before, actor = change.ts - timedelta(seconds=20), _deployer(spec)
        yield _of(spec, before, "UpdateFunctionCode20150331v2", actor, dryRun=False)
        yield _of(spec, change.ts, "PublishVersion20150331", actor)
    elif change.kind == "move" and spec.qualifier:
        moved = {"name": spec.qualifier, "functionVersion": str(change.version)}
        yield _of(spec, change.ts, "UpdateAlias20150331", _deployer(spec), **moved)
    elif change.kind == "memory":
        name, size = "UpdateFunctionConfiguration20150331v2", str(change.memory_mb)
        refused = change.ts - timedelta(minutes=7)
        yield _of(spec, refused, name, _TRAINEE, error="AccessDenied", memorySize=size)
        yield _of(spec, change.ts, name, _CONSOLE, memorySize=size)
    elif change.kind in ("rule-off", "rule-on"):
        yield Record(
            ts=change.ts,
            name="DisableRule" if change.kind == "rule-off" else "EnableRule",
            source=_EVENTS,
            account=spec.account,
            region=spec.region,
            actor=_CONSOLE,
            resource=spec.source,
            kind="AWS::Events::Rule",
            parameters={"name": spec.source},
        )


# --- changes through the endpoint --------------------------------------------------------------------------

_NAMES = {
    "PutFunctionConcurrency": "PutFunctionConcurrency20171031",
    "DeleteFunctionConcurrency": "DeleteFunctionConcurrency20171031",
    "PutProvisionedConcurrencyConfig": "PutProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig": "DeleteProvisionedConcurrencyConfig",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    "UpdateAlias": "UpdateAlias20150331",
    "UpdateEventSourceMapping": "UpdateEventSourceMapping20150331",
    "PutFunctionEventInvokeConfig": "PutFunctionEventInvokeConfig",
    "UpdateFunctionEventInvokeConfig": "UpdateFunctionEventInvokeConfig",
    "DeleteFunctionEventInvokeConfig": "DeleteFunctionEventInvokeConfig",
    "TagResource": "TagResource20170331v2",
    "UntagResource": "UntagResource20170331v2",
    "EnableRule": "EnableRule",
    "DisableRule": "DisableRule",
    "PutRetentionPolicy": "PutRetentionPolicy",
    "DeleteRetentionPolicy": "DeleteRetentionPolicy",
}
"""Calls that change something, and CloudTrail's names for them."""

_SOURCES = {
    "lambda": (_LAMBDA, "AWS::Lambda::Function"),
    "events": (_EVENTS, "AWS::Events::Rule"),
    "logs": (_LOGS, "AWS::Logs::LogGroup"),
}


def record(demo: Demo, account: str, call: Call) -> None:
    """Remember a call that changed something, for LookupEvents."""
    if call.operation not in _NAMES:
        return
    source, kind = _SOURCES[call.service]
    user = "quarterdeck" if call.access_key.startswith(SESSION_PREFIX) else "demo"
    role = "quarterdeck-read" if user == "quarterdeck" else ""
    parameters = {_camel(name): value for name, value in call.params.items()}
    demo.trail.append(
        Record(
            ts=demo.world.now(),
            name=_NAMES[call.operation],
            source=source,
            account=account,
            region=call.region,
            actor=Actor(user, "Boto3/1.44.5 md/Botocore#1.44.5 lang/python#3.13", role),
            resource=_resource(call.params),
            kind=kind,
            parameters=json.loads(json.dumps(parameters, default=str)),
        )
    )


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _resource(params: dict[str, Any]) -> str:
    keys = ("FunctionName", "Resource", "Name", "logGroupName", "UUID")
    named = next((str(params[key]) for key in keys if key in params), "")
    return named.split(":function:")[-1].split(":")[0]


# --- LookupEvents ------------------------------------------------------------------------------------------


def lookup_events(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params, now = call.params, demo.world.now()
    begin, end = params.get("StartTime", now - KEPT), params.get("EndTime", now)
    if begin > end:
        raise ApiError("InvalidTimeRangeException", "The start time must be before the end time.")
    size = params.get("MaxResults", PAGE)
    if not 1 <= size <= PAGE:
        raise ApiError("InvalidMaxResultsException", f"MaxResults must be between 1 and {PAGE}.")
    begin = max(begin, now - KEPT)
    attributes = params.get("LookupAttributes", [])
    found = [
        known
        for known in _records(demo, account, call.region, begin, end)
        if begin <= known.ts <= end and known.visible_at <= now and _is(known, attributes)
    ]
    found.sort(key=lambda known: (known.ts, known.id), reverse=True)
    page, token = paged(found, params.get("NextToken"), size, invalid="InvalidNextTokenException")
    return {"Events": [known.event() for known in page], **({"NextToken": token} if token else {})}


def _records(demo: Demo, account: str, region: str, begin: datetime, end: datetime) -> Iterator[Record]:
    """What may have been recorded in a stretch of time, and a little more."""
    for spec in demo.world.company.functions_of(account, region):
        for change in demo.world.timeline(spec).changes:
            if begin <= change.ts <= end + _EARLIEST:
                yield from _planned(spec, change)
    made: Iterable[Record] = list(demo.trail)
    yield from (known for known in made if (known.account, known.region) == (account, region))


def _is(known: Record, wanted: list[dict[str, str]]) -> bool:
    if len(wanted) > 1:
        raise ApiError("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    values = {
        "EventName": known.name,
        "EventSource": known.source,
        "Username": known.actor.name,
        "ResourceName": known.resource,
        "ResourceType": known.kind,
        "EventId": known.id,
        "ReadOnly": "false",
    }
    return all(values.get(item["AttributeKey"]) == item["AttributeValue"] for item in wanted)


HANDLERS: dict[str, Handler] = {"LookupEvents": lookup_events}
