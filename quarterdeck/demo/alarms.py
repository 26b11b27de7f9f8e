"""CloudWatch alarms that the company made over the years: some of use, some that never fire or resolve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.windows import Window
from quarterdeck.demo.specs import EU, PROD, STAGING, US
from quarterdeck.demo.stories import story

DAY = timedelta(days=1)
PAGER = "arn:aws:sns:{region}:{account}:ops-pager"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """One alarm. It is in ALARM while its `story` goes on and `lag` longer; without one it `stands` as it is,
    since `days` ago. `rule` makes it a composite of the alarms it names; `numerator` of a metric math one."""

    name: str
    account: str = PROD
    region: str = EU
    story: str = ""
    lag: timedelta = timedelta(minutes=15)
    stands: str = "OK"
    days: int = 30
    namespace: str = "AWS/Lambda"
    metric: str = ""
    statistic: str = "Sum"
    dimensions: Mapping[str, str] = field(default_factory=dict)
    period_s: int = 300
    periods: int = 1
    datapoints: int = 1
    comparison: str = "GreaterThanThreshold"
    threshold: float = 0.0
    missing: str = "missing"
    divided_by: str = ""
    rule: str = ""
    tells: bool = True
    description: str = ""


def _of(function: str) -> dict[str, str]:
    return {"FunctionName": function}


ALARMS: tuple[AlarmSpec, ...] = (
    AlarmSpec(
        name="inventory-reserve-throttled",
        story="throttled-pool",
        metric="Throttles",
        dimensions=_of("inventory-reserve"),
        periods=3,
        missing="notBreaching",
        description="Flash sales run into the reserved concurrency",
    ),
    AlarmSpec(
        name="checkout-api-error-rate",
        story="bad-deploy",
        metric="Errors",
        divided_by="Invocations",
        dimensions=_of("checkout-api"),
        threshold=0.05,
        periods=2,
        datapoints=2,
        missing="notBreaching",
    ),
    AlarmSpec(
        name="storefront", rule='ALARM("checkout-api-error-rate") OR ALARM("inventory-reserve-throttled")'
    ),
    AlarmSpec(
        name="checkout-legacy-errors",
        stands="INSUFFICIENT_DATA",
        days=214,
        metric="Errors",
        dimensions=_of("checkout-legacy"),
        threshold=5,
        description="Kept when checkout-legacy became checkout-api",
    ),
    AlarmSpec(
        name="stock-export-slow",
        days=95,
        metric="Duration",
        statistic="p95",
        dimensions=_of("stock-export"),
        period_s=60,
        periods=3,
        datapoints=3,
        threshold=15_000,
        missing="notBreaching",
    ),
    AlarmSpec(
        name="nightly-seed-did-not-run",
        account=STAGING,
        region=US,
        stands="ALARM",
        days=161,
        metric="Invocations",
        dimensions=_of("nightly-seed"),
        comparison="LessThanThreshold",
        periods=3,
        threshold=1,
        missing="breaching",
    ),
    AlarmSpec(
        name="orders-dlq-not-empty",
        stands="ALARM",
        days=3,
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        statistic="Maximum",
        dimensions={"QueueName": "orders-dlq"},
        tells=False,
    ),
    AlarmSpec(
        name="concurrency-high",
        region=US,
        days=420,
        metric="ConcurrentExecutions",
        statistic="Maximum",
        threshold=900,
        description="Written for a limit of 1,000",
    ),
    AlarmSpec(
        name="session-auth-iterator-age",
        stands="INSUFFICIENT_DATA",
        days=88,
        metric="IteratorAge",
        statistic="Maximum",
        dimensions=_of("session-auth"),
        threshold=60_000,
    ),
)


def alarms_of(account: str, region: str) -> tuple[AlarmSpec, ...]:
    return tuple(alarm for alarm in ALARMS if (alarm.account, alarm.region) == (account, region))


def standing(alarm: AlarmSpec, starts: tuple[datetime, ...], now: datetime) -> tuple[str, datetime]:
    """How the alarm stands at `now`, and since when."""
    if alarm.rule:
        parts = [standing(other, starts, now) for other in ALARMS if f'"{other.name}"' in alarm.rule]
        firing = [since for state, since in parts if state == "ALARM"]
        return ("ALARM", min(firing)) if firing else ("OK", max(since for _, since in parts))
    if not alarm.story:
        return alarm.stands, starts[0] - alarm.days * DAY
    went = list(story(alarm.story).windows(Window(now - 3 * DAY, now), starts))
    spans = [Window(each.start, each.end + alarm.lag) for each in went]
    inside = [span for span in spans if span.start <= now < span.end]
    if inside:
        return "ALARM", inside[0].start
    return "OK", max((span.end for span in spans), default=starts[0] - alarm.days * DAY)
