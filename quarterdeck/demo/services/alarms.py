"""CloudWatch: DescribeAlarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.alarms import DAY, PAGER, AlarmSpec, alarms_of, standing
from quarterdeck.demo.wire import Call

PAGE = 50


def describe_alarms(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """Metric alarms, and composite ones when `AlarmTypes` asks for them, as CloudWatch does."""
    params, world = call.params, demo.world
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    found = [
        described(alarm, world.plan.starts, world.now())
        for alarm in alarms_of(account, call.region)
        if ("CompositeAlarm" if alarm.rule else "MetricAlarm") in types and _asked(alarm, params)
    ]
    found = [entry for entry in found if params.get("StateValue") in (None, entry["StateValue"])]
    size = params.get("MaxRecords", PAGE)
    page, token = paged(found, params.get("NextToken"), size, invalid="InvalidNextToken")
    return {
        "MetricAlarms": [entry for entry in page if "AlarmRule" not in entry],
        "CompositeAlarms": [entry for entry in page if "AlarmRule" in entry],
        **({"NextToken": token} if token else {}),
    }


def _asked(alarm: AlarmSpec, params: Mapping[str, Any]) -> bool:
    names = params.get("AlarmNames")
    return (not names or alarm.name in names) and alarm.name.startswith(params.get("AlarmNamePrefix", ""))


def described(alarm: AlarmSpec, starts: tuple[datetime, ...], now: datetime) -> dict[str, Any]:
    state, since = standing(alarm, starts, now)
    place = {"account": alarm.account, "region": alarm.region}
    told = [PAGER.format(**place)] if alarm.tells else []
    return {
        "AlarmName": alarm.name,
        "AlarmArn": f"arn:aws:cloudwatch:{alarm.region}:{alarm.account}:alarm:{alarm.name}",
        "AlarmDescription": alarm.description,
        "AlarmConfigurationUpdatedTimestamp": starts[0] - alarm.days * DAY,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": told,
        "InsufficientDataActions": [],
        "StateValue": state,
        "StateReason": _reason(alarm, state),
        "StateUpdatedTimestamp": since,
        "StateTransitionedTimestamp": since,
        **({"AlarmRule": alarm.rule} if alarm.rule else _watched(alarm)),
    }


def _reason(alarm: AlarmSpec, state: str) -> str:
    if alarm.rule:
        return f"{alarm.name} evaluates to {state}"
    if state == "INSUFFICIENT_DATA":
        return "Insufficient Data: no datapoints were received."
    if state == "OK":
        return "Threshold Crossed: the datapoints were not beyond the threshold."
    return f"Threshold Crossed: a datapoint was beyond the threshold ({alarm.threshold:g})."


def _watched(alarm: AlarmSpec) -> dict[str, Any]:
    common = {
        "EvaluationPeriods": alarm.periods,
        "DatapointsToAlarm": alarm.datapoints,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.missing,
    }
    if alarm.divided_by:
        ratio = {"Id": "ratio", "Expression": "e/i", "ReturnData": True}
        return {
            **common,
            "Metrics": [ratio, _query("e", alarm, alarm.metric), _query("i", alarm, alarm.divided_by)],
        }
    statistic = "ExtendedStatistic" if alarm.statistic.startswith("p") else "Statistic"
    return {**common, **_metric(alarm, alarm.metric), statistic: alarm.statistic, "Period": alarm.period_s}


def _query(id: str, alarm: AlarmSpec, metric: str) -> dict[str, Any]:
    stat = {"Metric": _metric(alarm, metric), "Period": alarm.period_s, "Stat": alarm.statistic}
    return {"Id": id, "MetricStat": stat, "ReturnData": False}


def _metric(alarm: AlarmSpec, metric: str) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in alarm.dimensions.items()]
    return {"Namespace": alarm.namespace, "MetricName": metric, "Dimensions": dimensions}


HANDLERS: dict[str, Handler] = {"DescribeAlarms": describe_alarms}
