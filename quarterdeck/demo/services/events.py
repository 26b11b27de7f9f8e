"""EventBridge: rules and their targets; and EventBridge Scheduler's schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.specs import EU, PROD, Spec
from quarterdeck.demo.stories import DAY
from quarterdeck.demo.wire import ApiError, Call

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. `schedule` or `pattern` says when it fires, `target` what it invokes ("": nothing)."""

    name: str
    schedule: str = ""
    pattern: str = ""
    enabled: bool = True
    target: str = ""


_MORE: dict[tuple[str, str], tuple[Rule, ...]] = {
    (PROD, EU): (
        Rule(name="order-placed", pattern='{"source": ["meridian.orders"]}', target="order-approval"),
        Rule(name="gift-cards-expiry", schedule="rate(1 day)"),
        Rule(name="stock-export-legacy", schedule="cron(0 3 * * ? *)", enabled=False, target="stock-export"),
    )
}
"""Rules beside those of the schedules: one without a target, one that was disabled for good."""


def _rules(demo: Demo, account: str, region: str) -> dict[str, Rule]:
    company = demo.world.company
    scheduled = [
        Rule(
            name=spec.source,
            schedule=_expression(spec.schedule_s),
            enabled=demo.world.timeline(spec).rule_enabled(demo.world.now()),
            target=spec.name,
        )
        for spec in company.functions_of(account, region)
        if spec.trigger == "schedule" and not spec.scheduler
    ]
    more = [
        rule
        for rule in _MORE.get((account, region), ())
        if not rule.target or company.find(account, region, rule.target)
    ]
    return {rule.name: rule for rule in (*scheduled, *more)}


def _rule(demo: Demo, account: str, call: Call) -> Rule:
    name = call.params.get("Name") or call.params.get("Rule", "")
    bus = call.params.get("EventBusName", "default").rsplit("/", 1)[-1]
    rules = _rules(demo, account, call.region) if bus == "default" else {}
    if name not in rules:
        raise ApiError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")
    return rules[name]


def _described(demo: Demo, account: str, region: str, rule: Rule) -> dict[str, Any]:
    state = demo.kept.get(
        account, region, "rule", rule.name, default="ENABLED" if rule.enabled else "DISABLED"
    )
    return {
        "Name": rule.name,
        "Arn": f"arn:aws:events:{region}:{account}:rule/{rule.name}",
        "State": state,
        **({"ScheduleExpression": rule.schedule} if rule.schedule else {"EventPattern": rule.pattern}),
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
        _described(demo, account, call.region, rule)
        for name, rule in _rules(demo, account, call.region).items()
        if name.startswith(prefix)
    ]
    page, token = paged(found, call.params.get("NextToken"), call.params.get("Limit", PAGE))
    return {"Rules": page, **({"NextToken": token} if token else {})}


def describe_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    described = _described(demo, account, call.region, _rule(demo, account, call))
    return {**described, "CreatedBy": account}


def list_targets_by_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    rule = _rule(demo, account, call)
    spec = demo.world.company.find(account, call.region, rule.target)
    return {"Targets": [{"Id": "function", "Arn": _callable(spec)}] if spec else []}


def _callable(spec: Spec) -> str:
    return f"{spec.arn}:{spec.qualifier}" if spec.qualifier else spec.arn


def list_rule_names_by_target(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    found = []
    for rule in _rules(demo, account, call.region).values():
        spec = demo.world.company.find(account, call.region, rule.target)
        if spec and call.params["TargetArn"] == _callable(spec):
            found.append(rule.name)
    return {"RuleNames": found}


def _set_rule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    rule = _rule(demo, account, call)
    state = "ENABLED" if call.operation == "EnableRule" else "DISABLED"
    demo.kept.put(account, call.region, "rule", rule.name, value=state)
    return {}


HANDLERS: dict[str, Handler] = {
    "ListRules": list_rules,
    "DescribeRule": describe_rule,
    "ListTargetsByRule": list_targets_by_rule,
    "ListRuleNamesByTarget": list_rule_names_by_target,
    "EnableRule": _set_rule,
    "DisableRule": _set_rule,
}


# --- EventBridge Scheduler ---------------------------------------------------------------------------------


def get_schedule(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    name, group = call.params["Name"], call.params.get("GroupName", "default")
    for spec in demo.world.company.functions_of(account, call.region):
        if spec.scheduler and spec.source == name and group == "default":
            return _schedule(demo, spec)
    raise ApiError("ResourceNotFoundException", f"Schedule {name} does not exist.", status=404)


def _schedule(demo: Demo, spec: Spec) -> dict[str, Any]:
    here = f"{spec.region}:{spec.account}"
    made = demo.world.plan.start - 150 * DAY
    role = f"arn:aws:iam::{spec.account}:role/scheduler-invoke"
    return {
        "Arn": f"arn:aws:scheduler:{here}:schedule/default/{spec.source}",
        "GroupName": "default",
        "Name": spec.source,
        "ScheduleExpression": _expression(spec.schedule_s),
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "CreationDate": made,
        "LastModificationDate": made,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",
        "Target": {
            "Arn": _callable(spec),
            "RoleArn": role,
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
        },
    }


SCHEDULER_HANDLERS: dict[str, Handler] = {"GetSchedule": get_schedule}
