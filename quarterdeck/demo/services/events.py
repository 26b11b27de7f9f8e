"""EventBridge rules of the schedules, and CloudTrail's record of who changed what."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.company import functions_of
from quarterdeck.demo.history import Change
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.wire import ApiError, Call

TRAIL_DELAY = timedelta(minutes=5)
TRAIL_PAGE = 50
_PEOPLE = ("ana.kowalski", "deploy-pipeline", "jonas.berg", "priya.nair")


# --- EventBridge -------------------------------------------------------------------------------------------


def _rules(account: str, region: str) -> dict[str, Spec]:
    return {spec.source: spec for spec in functions_of(account, region) if spec.trigger == "schedule"}


def _rule(demo: Demo, account: str, call: Call) -> Spec:
    name = call.params.get("Name") or call.params.get("Rule", "")
    rules = _rules(account, call.region)
    if name not in rules:
        raise ApiError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
    return rules[name]


def rule_arn(spec: Spec) -> str:
    return f"arn:aws:events:{spec.region}:{spec.account}:rule/{spec.source}"


def described(demo: Demo, spec: Spec) -> dict[str, Any]:
    enabled = demo.world.timeline(spec).rule_enabled(demo.world.now())
    state = demo.kept.get(
        spec.account, spec.region, "rule", spec.source, default="ENABLED" if enabled else "DISABLED"
    )
    return {
        "Name": spec.source,
        "Arn": rule_arn(spec),
        "State": state,
        "ScheduleExpression": _expression(spec.schedule_s),
        "EventBusName": "default",
    }


def _expression(every_s: int) -> str:
    if every_s == 86_400:
        return "cron(0 2 * * ? *)"
    minutes = every_s // 60
    if minutes == 60:
        return "rate(1 hour)"
    return "rate(1 minute)" if minutes == 1 else f"rate({minutes} minutes)"


def list_rules(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    prefix = call.params.get("NamePrefix", "")
    found = [
        described(demo, s) for name, s in _rules(account, call.region).items() if name.startswith(prefix)
    ]
    page, token = paged(found, call.params.get("NextToken"), call.params.get("Limit", 100))
    return {"Rules": page, **({"NextToken": token} if token else {})}


def describe_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return described(demo, _rule(demo, account, call))


def list_targets_by_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return {"Targets": [{"Id": "function", "Arn": _rule(demo, account, call).arn}]}


def list_rule_names_by_target(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    target = call.params["TargetArn"]
    return {"RuleNames": [name for name, spec in _rules(account, call.region).items() if spec.arn == target]}


def _set_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    spec = _rule(demo, account, call)
    state = "ENABLED" if call.operation == "EnableRule" else "DISABLED"
    demo.kept.put(account, call.region, "rule", spec.source, value=state)
    return {}


HANDLERS: dict[str, Handler] = {
    "ListRules": list_rules,
    "DescribeRule": describe_rule,
    "ListTargetsByRule": list_targets_by_rule,
    "ListRuleNamesByTarget": list_rule_names_by_target,
    "EnableRule": _set_rule,
    "DisableRule": _set_rule,
}


# --- CloudTrail --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    ts: datetime
    name: str
    source: str
    spec: Spec
    parameters: dict[str, Any]

    @property
    def id(self) -> str:
        return str(uuid.UUID(hashlib.md5(f"{self.ts}{self.name}{self.spec.arn}".encode()).hexdigest()))

    @property
    def user(self) -> str:
        return _PEOPLE[self.spec.number % len(_PEOPLE)]

    def event(self) -> dict[str, Any]:
        kind = "AWS::Lambda::Function" if self.source.startswith("lambda") else "AWS::Events::Rule"
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": "false",
            "EventTime": self.ts,
            "EventSource": self.source,
            "Username": self.user,
            "Resources": [{"ResourceType": kind, "ResourceName": self.resource}],
            "CloudTrailEvent": json.dumps(
                {
                    "eventVersion": "1.11",
                    "eventTime": self.ts.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "eventName": self.name,
                    "eventSource": self.source,
                    "awsRegion": self.spec.region,
                    "eventID": self.id,
                    "userIdentity": {
                        "type": "IAMUser",
                        "accountId": self.spec.account,
                        "userName": self.user,
                    },
                    "requestParameters": self.parameters,
                    "recipientAccountId": self.spec.account,
                }
            ),
        }

    @property
    def resource(self) -> str:
        return self.spec.name if self.source.startswith("lambda") else self.spec.source


def _records(spec: Spec, change: Change) -> list[_Record]:
    name = {"functionName": spec.name}
    if change.kind == "publish":
        code = _Record(change.ts - timedelta(seconds=20), "UpdateFunctionCode20150331v2", _LAMBDA, spec, name)
        return [code, _Record(change.ts, "PublishVersion20150331", _LAMBDA, spec, name)]
    if change.kind == "move" and spec.qualifier:
        parameters = {**name, "name": spec.qualifier, "functionVersion": str(change.version)}
        return [_Record(change.ts, "UpdateAlias20150331", _LAMBDA, spec, parameters)]
    if change.kind == "memory":
        parameters = {**name, "memorySize": str(change.memory_mb)}
        return [_Record(change.ts, "UpdateFunctionConfiguration20150331v2", _LAMBDA, spec, parameters)]
    if change.kind in ("rule-off", "rule-on"):
        event = "DisableRule" if change.kind == "rule-off" else "EnableRule"
        return [_Record(change.ts, event, "events.amazonaws.com", spec, {"name": spec.source})]
    return []


_LAMBDA = "lambda.amazonaws.com"


def lookup_events(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params, now = call.params, demo.world.now()
    begin, end = params.get("StartTime", now - timedelta(days=90)), params.get("EndTime", now)
    found = [
        record
        for spec in functions_of(account, call.region)
        for change in demo.world.timeline(spec).changes
        for record in _records(spec, change)
        if begin <= record.ts <= min(end, now - TRAIL_DELAY)
        and _is(record, params.get("LookupAttributes", []))
    ]
    found.sort(key=lambda record: (record.ts, record.id), reverse=True)
    size = min(params.get("MaxResults", TRAIL_PAGE), TRAIL_PAGE)
    page, token = paged(found, params.get("NextToken"), size, invalid="InvalidNextTokenException")
    return {"Events": [record.event() for record in page], **({"NextToken": token} if token else {})}


def _is(record: _Record, wanted: list[dict[str, str]]) -> bool:
    if len(wanted) > 1:
        raise ApiError("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    known = {
        "EventName": {record.name},
        "EventSource": {record.source},
        "Username": {record.user},
        "ResourceName": {record.resource, record.spec.arn},
        "EventId": {record.id},
        "ReadOnly": {"false"},
    }
    return all(item["AttributeValue"] in known.get(item["AttributeKey"], set()) for item in wanted)


TRAIL_HANDLERS: dict[str, Handler] = {"LookupEvents": lookup_events}
