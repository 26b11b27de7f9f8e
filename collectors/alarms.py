"""CloudWatch alarms that are about Lambda, as they stand now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Learned
from collectors.meter import unit_price_usd
from collectors.parse import Answer, Unreadable, each_parsed, parse_time, part
from core.entities import Alarm
from core.facts import Covered, Gap, Listed

PAGE = 100
"""The largest page that DescribeAlarms gives."""

KINDS = ("MetricAlarm", "CompositeAlarm")
"""Asked for by name: left out, only metric alarms are answered."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """All alarms of the region are listed, those about Lambda are kept: of a function's metric or log group,
    of a queue that we know, of Lambda as a whole, and composites over one of these."""
    pages = list(aws.pages("cloudwatch", "describe_alarms", AlarmTypes=list(KINDS), PageSize=PAGE))
    queues = frozenset(queue.name.rpartition(":")[2] for queue in ask.known.queues)
    alarms = [entry for page in pages for entry in page.get("MetricAlarms", ())]
    composites = [entry for page in pages for entry in page.get("CompositeAlarms", ())]
    ours = [entry for entry in alarms if is_ours(entry, queues)]
    is_whole = True
    for item in each_parsed(parse, [*ours, *over(composites, ours)], what="the alarm", key="AlarmName"):
        if isinstance(item, Unreadable):
            is_whole = False
            yield Gap(item.name, ask.window, item.why)
        else:
            yield item
    if is_whole:
        yield Listed("alarm")
    yield Covered("", ask.window)


def is_ours(entry: Answer, queues: frozenset[str]) -> bool:
    """Whether a metric alarm is about Lambda. A namespace that only looks like Lambda's is too: it is a
    mistake that somebody should be told of."""
    return any(_is_ours(metric, queues) for metric in _metrics(entry))


def _is_ours(metric: Answer, queues: frozenset[str]) -> bool:
    dimensions, namespace = _dimensions(metric), str(metric.get("Namespace") or "")
    return (
        "lambda" in namespace.lower()
        or "FunctionName" in dimensions
        or dimensions.get("LogGroupName", "").startswith("/aws/lambda/")
        or (namespace == "AWS/SQS" and dimensions.get("QueueName") in queues)
    )


def over(composites: Iterable[Answer], ours: Iterable[Answer]) -> list[Answer]:
    """The composites whose rule names one of `ours`, or a composite that does."""
    found, names = list[Answer](), {str(entry.get("AlarmName")) for entry in ours}
    left = list(composites)
    while more := [entry for entry in left if names & _named(entry)]:
        found += more
        names |= {str(entry.get("AlarmName")) for entry in more}
        left = [entry for entry in left if entry not in more]
    return found


def _named(composite: Answer) -> set[str]:
    """Alarms in a rule such as `ALARM("a") OR ALARM(arn:...:alarm:b)`, by name."""
    rule = str(composite.get("AlarmRule") or "")
    quoted = re.findall(r"""\(\s*(?:"([^"]*)"|'([^']*)'|([^\s()"']+))\s*\)""", rule)
    return {"".join(groups).rpartition(":alarm:")[2] for groups in quoted}


def _metrics(entry: Answer) -> Iterator[Answer]:
    """What the alarm looks at: its metric, or those of its expression. Each has its statistic and period."""
    if "MetricName" in entry:
        yield entry
    for query in entry.get("Metrics") or ():
        stat = part(query, "MetricStat")
        if stat:
            yield {**stat["Metric"], "Statistic": stat.get("Stat"), "Period": stat.get("Period")}


def _dimensions(metric: Answer) -> Mapping[str, str]:
    return {item["Name"]: item["Value"] for item in metric.get("Dimensions") or ()}


def parse(entry: Answer) -> Alarm:
    """An entry of DescribeAlarms.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    metric = next(iter(sorted(_metrics(entry), key=lambda m: not _is_ours(m, frozenset()))), {})
    dimensions = _dimensions(metric)
    resource = dimensions.get("Resource", "").partition(":")[0]
    return Alarm(
        name=entry["AlarmName"],
        kind=_kind(entry),
        state=entry["StateValue"],
        reason=part(entry, "StateReason"),
        state_since=parse_time(entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp")),
        last_modified=parse_time(entry.get("AlarmConfigurationUpdatedTimestamp")),
        description=part(entry, "AlarmDescription"),
        function=dimensions.get("FunctionName") or resource or None,
        namespace=part(metric, "Namespace"),
        metric=part(metric, "MetricName"),
        statistic=part(metric, "Statistic") or part(metric, "ExtendedStatistic"),
        dimensions=dimensions,
        period_s=part(metric, "Period"),
        periods=part(entry, "EvaluationPeriods"),
        datapoints=part(entry, "DatapointsToAlarm"),
        comparison=part(entry, "ComparisonOperator"),
        threshold=entry.get("Threshold"),
        missing=None if "AlarmRule" in entry else part(entry, "TreatMissingData") or "missing",
        rule=part(entry, "AlarmRule"),
        **_actions(entry),
    )


def _kind(entry: Answer) -> str:
    if "AlarmRule" in entry:
        return "composite"
    if "ThresholdMetricId" in entry:
        return "anomaly"
    return "metric" if "MetricName" in entry else "math"


def _actions(entry: Answer) -> Mapping[str, Any]:
    return {
        "actions_enabled": entry.get("ActionsEnabled", True),
        "alarm_actions": len(entry.get("AlarmActions") or ()),
        "ok_actions": len(entry.get("OKActions") or ()),
        "no_data_actions": len(entry.get("InsufficientDataActions") or ()),
    }


def estimate_usd(ask: Ask) -> Decimal:
    """Of as many pages as last time."""
    price = unit_price_usd("cloudwatch", "DescribeAlarms") or Decimal(0)
    return price * max(1, -(-len(ask.known.alarms) // PAGE))


COLLECTOR = Collector(
    name="alarms",
    what="CloudWatch alarms about Lambda: what they watch, how they stand, whether they tell anybody.",
    every="alarms_every",
    permissions=("cloudwatch:DescribeAlarms",),
    collect=collect,
    estimate_usd=estimate_usd,
)
