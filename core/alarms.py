"""What a CloudWatch alarm says, in words."""

from __future__ import annotations

from collections.abc import Mapping

from core.entities import Alarm

COMPARISONS: Mapping[str, str] = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
    "GreaterThanUpperThreshold": "above the band",
    "LessThanLowerThreshold": "below the band",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside the band",
}
"""Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""

UPWARD = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})


def condition(alarm: Alarm) -> str:
    """`Errors (Sum) above 5 over 5 min, 3 of 3 periods`; a composite's own rule."""
    if alarm.rule is not None:
        return alarm.rule
    what = alarm.metric or "an expression"
    if alarm.kind == "math":
        what = f"an expression of {what}"
    statistic = f" ({alarm.statistic})" if alarm.statistic else ""
    limit = "" if alarm.threshold is None else f" {alarm.threshold:g}"
    text = f"{what}{statistic} {COMPARISONS.get(alarm.comparison or '', alarm.comparison or '?')}{limit}"
    text += f" over {length(alarm.period_s)}" if alarm.period_s else ""
    if alarm.periods and alarm.periods > 1:
        text += f", {alarm.datapoints or alarm.periods} of {alarm.periods} periods"
    return text


def length(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"


def about(alarm: Alarm) -> str:
    """What it watches: a function, a queue, or all functions of the region."""
    if alarm.rule is not None:
        return "other alarms"
    if alarm.function:
        return alarm.function
    named = [value for name, value in alarm.dimensions.items() if name != "Resource"]
    return ", ".join(named) or "the whole region"
