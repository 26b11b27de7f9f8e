"""CloudWatch alarms that can never fire, never resolve or tell nobody, each with its reason; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.faults import Fault, Verdict, Why, days, some
from alerts.fleet import WORDS, Fleet, Place
from core.alarms import UPWARD, length
from core.entities import Alarm
from core.facts import Target
from core.metrics import METRICS, Metric

WEEKS = timedelta(days=14)
"""No data, or one state, for longer is no passing trouble."""

ENOUGH = timedelta(hours=3)
"""How much of a function's minutes must have been read before their gaps say anything."""

DIMENSIONS: Mapping[str, frozenset[str]] = {
    "AWS/Lambda": frozenset(
        {
            "FunctionName",
            "Resource",
            "ExecutedVersion",
            "EventSourceMappingUUID",
            "CapacityProviderName",
            "InstanceType",
        }
    ),
    "LambdaInsights": frozenset({"function_name", "version"}),
    "AWS/SQS": frozenset({"QueueName"}),
}
"""Those that metrics are published with.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

PUBLISHED: Mapping[str, frozenset[str]] = {
    namespace: frozenset(metric.name for metric in METRICS if metric.namespace == namespace)
    for namespace in DIMENSIONS
}
ONLY_WHEN_BAD = frozenset({"DeadLetterErrors", "DestinationDeliveryFailures", "RecursiveInvocationsDropped"})
"""Metrics without a datapoint where all is well."""


@dataclass(frozen=True)
class Heard:
    """In which minutes of the last day the functions of alarms had a datapoint: by place and field of the
    metric, minutes since the epoch; `read` is how much of the day was read."""

    minutes: Mapping[tuple[Place, str], NDArray[np.int64]] = field(default_factory=dict)
    read: Mapping[Place, timedelta] = field(default_factory=dict)


def audit_alarm(
    target: Target, alarm: Alarm, fleet: Fleet, heard: Heard, *, now: datetime
) -> Iterator[Fault]:
    """All that is wrong with one alarm."""
    for verdict, why, reason, evidence in _faults(target, alarm, fleet, heard, now):
        yield Fault("alarm", alarm.name, verdict, why, reason, evidence, target.account, target.region)


Said = tuple[Verdict, Why, str, str]


def _faults(target: Target, alarm: Alarm, fleet: Fleet, heard: Heard, now: datetime) -> Iterator[Said]:
    place = (target.account, target.region, alarm.function or "")
    if alarm.kind != "composite":
        fault = (
            no_such_metric(alarm)
            or no_such_function(place, alarm, fleet)
            or no_such_queue(place, alarm, fleet)
            or not_for_it(place, alarm, fleet)
            or out_of_reach(place, alarm, fleet)
            or too_short(place, alarm, heard)
        )
        fault = fault or no_data(alarm, now)
        yield from (each for each in (fault, never_resolves(place, alarm, heard, now)) if each)
    yield from tells_nobody(target, alarm, fleet)
    if alarm.state == "ALARM" and alarm.state_since and now - alarm.state_since > WEEKS:
        reason = f"it has been in ALARM for {days(alarm.state_since, now)}: nobody acts on it"
        yield "stuck", "for weeks", reason, alarm.reason or ""


# --- never fires --------------------------------------------------------------------------------------------


def no_such_metric(alarm: Alarm) -> Said | None:
    namespace, name = alarm.namespace or "", alarm.metric or ""
    known = next((known for known in DIMENSIONS if known.lower() == namespace.lower()), None)
    if known is None:
        return None  # a namespace of their own
    if namespace != known:
        return "never fires", "no such metric", f"the namespace is written {known}", f"it says {namespace}"
    if name not in PUBLISHED[known]:
        right = next((each for each in PUBLISHED[known] if each.lower() == name.lower()), None)
        hint = f"; it is written {right}" if right else ""
        return "never fires", "no such metric", f"{known} has no metric {name}{hint}", ""
    strange = sorted(set(alarm.dimensions) - DIMENSIONS[known])
    if strange:
        reason = f"{name} is published with {some(sorted(DIMENSIONS[known]))}, not with {some(strange)}"
        return "never fires", "wrong dimension", reason, ""
    return None


def no_such_function(place: Place, alarm: Alarm, fleet: Fleet) -> Said | None:
    account, region, name = place
    if not name or place in fleet.functions or (account, region) not in fleet.targets:
        return None
    evidence = f"{len([p for p in fleet.functions if p[:2] == place[:2]])} functions are known there"
    if place in fleet.gone:
        evidence = f"it was deleted by {fleet.gone[place]:%Y-%m-%d}"
    elif other := fleet.elsewhere(name):
        evidence = f"there is one in {' '.join(other[0][:2])}"
    return "never fires", "no such function", f"there is no function {name} in {region}", evidence


def no_such_queue(place: Place, alarm: Alarm, fleet: Fleet) -> Said | None:
    name = alarm.dimensions.get("QueueName")
    if alarm.namespace != "AWS/SQS" or name is None or (*place[:2], name) in fleet.queues:
        return None
    return "never fires", "no such queue", f"no function uses a queue {name} in {place[1]} any more", ""


def not_for_it(place: Place, alarm: Alarm, fleet: Fleet) -> Said | None:
    """A metric that the function does not have."""
    metric = metric_of(alarm)
    needs = metric.when if metric else ""
    if place not in fleet.functions or needs not in WORDS or needs in fleet.traits.get(place, frozenset()):
        return None
    return "never fires", "not for this function", f"{place[2]} has no {alarm.metric}: {WORDS[needs]}", ""


def metric_of(alarm: Alarm) -> Metric | None:
    """What we read of the alarm's metric, of the scope that its dimensions mean. All statistics of a metric
    have data in the same minutes."""
    scope = "resource" if "Resource" in alarm.dimensions else "function" if alarm.function else "account"
    found = [m for m in METRICS if (m.namespace, m.name) == (alarm.namespace, alarm.metric)]
    return next((m for m in found if m.scope == scope), found[0] if found else None)


def out_of_reach(place: Place, alarm: Alarm, fleet: Fleet) -> Said | None:
    """A threshold that no value can pass."""
    limit = alarm.threshold
    if limit is None or alarm.kind != "metric":
        return None
    if alarm.comparison == "LessThanThreshold" and limit <= 0:
        return "never fires", "out of reach", f"{alarm.metric} is never below {limit:g}", ""
    most, what = _most(place, alarm, fleet)
    passes = alarm.comparison == "GreaterThanOrEqualToThreshold" and limit == most
    if most is None or alarm.comparison not in UPWARD or limit < most or passes:
        return None
    return "never fires", "out of reach", f"{alarm.metric} is never above {most:,.0f}, {what}", (
        f"the alarm asks for {limit:,.0f}"
    )  # fmt: skip


def _most(place: Place, alarm: Alarm, fleet: Fleet) -> tuple[float | None, str]:
    """The most that the metric can be, and why."""
    function = fleet.functions.get(place)
    if alarm.metric == "Duration" and function and function.timeout_s and alarm.statistic != "Sum":
        return function.timeout_s * 1000.0, "its timeout in ms"
    if alarm.metric == "ProvisionedConcurrencyUtilization":
        return 1.0, "which is all of it"
    if alarm.metric in {
        "ConcurrentExecutions",
        "UnreservedConcurrentExecutions",
        "ClaimedAccountConcurrency",
    }:
        if alarm.function and place in fleet.reserved:
            return float(fleet.reserved[place]), "its reserved concurrency"
        if (limit := fleet.limits.get(place[:2])) is not None and alarm.statistic != "Sum":
            return float(limit), "the limit of the account and region"
    return None, ""


def too_short(place: Place, alarm: Alarm, heard: Heard) -> Said | None:
    """Periods so short that too few of them have data, where missing data counts as good."""
    if alarm.missing != "notBreaching" or not alarm.period_s or not alarm.periods:
        return None
    most = most_periods(place, alarm, heard)
    needed = alarm.datapoints or alarm.periods
    if most is None or most >= needed:
        return None
    reason = (
        f"it needs data in {needed} of {alarm.periods} periods of {length(alarm.period_s)}, the rest is good"
    )
    evidence = f"{place[2]} had data in at most {most} of {alarm.periods} in the last 24 h"
    return "never fires", "period shorter than the data", reason, evidence


def most_periods(place: Place, alarm: Alarm, heard: Heard) -> int | None:
    """In how many of the alarm's periods there was data at most; None when too little was read to say."""
    metric = metric_of(alarm)
    minutes = heard.minutes.get((place, metric.field)) if metric else None
    if minutes is None or heard.read.get(place, timedelta()) < ENOUGH or not alarm.period_s:
        return None
    periods = np.unique(minutes * 60 // alarm.period_s)
    within = np.searchsorted(periods, periods + (alarm.periods or 1), side="left")
    return int((within - np.arange(len(periods))).max(initial=0))


def no_data(alarm: Alarm, now: datetime) -> Said | None:
    since = alarm.state_since
    if alarm.state != "INSUFFICIENT_DATA" or since is None or now - since < WEEKS:
        return None
    reason = f"it has had no data for {days(since, now)}"
    return "never fires", "no data", reason, alarm.reason or ""


# --- never resolves, tells nobody ---------------------------------------------------------------------------


def never_resolves(place: Place, alarm: Alarm, heard: Heard, now: datetime) -> Said | None:
    if alarm.missing == "ignore" and alarm.metric in ONLY_WHEN_BAD:
        reason = f"{alarm.metric} has data only when something is bad, and missing data changes nothing"
        return "never resolves", "missing data", reason, "treat missing data: ignore"
    if alarm.missing != "breaching" or alarm.state != "ALARM" or not alarm.periods:
        return None
    most, needed = most_periods(place, alarm, heard), alarm.periods - (alarm.datapoints or alarm.periods) + 1
    if most is None or most >= needed:
        return None
    reason = (
        f"missing data counts as bad, and it takes data in {needed} of {alarm.periods} periods to resolve"
    )
    evidence = f"{place[2]} had data in at most {most} in the last 24 h"
    if alarm.state_since:
        evidence += f"; in ALARM for {days(alarm.state_since, now)}"
    return "never resolves", "missing data", reason, evidence


def tells_nobody(target: Target, alarm: Alarm, fleet: Fleet) -> Iterator[Said]:
    if alarm.alarm_actions and alarm.actions_enabled:
        return
    above = [
        other.name
        for where, other in fleet.alarms
        if where == target and other.rule and alarm.name in other.rule and other.name != alarm.name
    ]
    if above:
        return  # a composite tells
    reason = "its actions are switched off" if alarm.alarm_actions else "it has no action for ALARM"
    yield "tells nobody", "no action", reason, ""


def audit_alarms(
    alarms: Sequence[tuple[Target, Alarm]], fleet: Fleet, heard: Heard, *, now: datetime
) -> list[Fault]:
    return [f for target, alarm in alarms for f in audit_alarm(target, alarm, fleet, heard, now=now)]
