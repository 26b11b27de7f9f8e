"""What CloudWatch counted: invocations, errors, throttles, durations, concurrency, async and stream lag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from collectors import cloudwatch
from collectors.aws import Aws
from collectors.cloudwatch import Answers, Query
from collectors.collector import CLOUDWATCH_LAG, HOUR, Ask, Collector, Learned, Reach
from collectors.parse import default_log_group
from core.facts import Covered, Function, Gap, Inventory, MetricPoint
from core.metrics import is_stream, metrics_of


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """A wide point per thing and period that has any value; CloudWatch writes none where nothing happened."""
    answers = cloudwatch.fetch(aws, queries(ask.known), ask.window, ask.period_s)
    yield from to_points(answers, ask.period_s)
    yield from to_coverage(answers, ask)


def queries(known: Inventory) -> list[Query]:
    """Every query for what is known of a target, in a stable order."""
    streams = {m.function for m in known.mappings if is_stream(m.source_arn)}
    users = Counter(_log_group(function) for function in known.functions)
    found = [Query(("account", "", ""), metric) for metric in metrics_of("account")]
    for function in sorted(known.functions, key=lambda f: f.name):
        own_group = users[_log_group(function)] == 1
        found += _of_function(function, is_fed_by_stream=function.name in streams, own_group=own_group)
    for place in sorted(known.provisioned, key=lambda p: p.name):
        subject = ("resource", place.function, place.qualifier)
        resource = (("FunctionName", place.function), ("Resource", place.name))
        found += [Query(subject, metric, resource) for metric in metrics_of("resource")]
    return found


def _log_group(function: Function) -> str:
    return function.log_group or default_log_group(function.name)


def _of_function(function: Function, *, is_fed_by_stream: bool, own_group: bool) -> list[Query]:
    """Bytes of a log group that functions share belong to none of them, so they are not asked for."""
    subject, applies = ("function", function.name, ""), {"": True, "stream": is_fed_by_stream}
    name = (("FunctionName", function.name),)
    found = [Query(subject, m, name) for m in metrics_of("function") if applies[m.when]]
    group = (("LogGroupName", _log_group(function)),)
    return found + [Query(subject, m, group) for m in metrics_of("log_group") if own_group]


def to_points(answers: Answers, period_s: int) -> Iterator[MetricPoint]:
    for (scope, function, resource), series in answers.values.items():
        for ts, values in series.items():
            yield MetricPoint(
                scope=scope, function=function, resource=resource, ts=ts, period_s=period_s, **values
            )


def to_coverage(answers: Answers, ask: Ask) -> Iterator[Covered | Gap]:
    """All of the window is read, but stays provisional, to be read again, while an answer is incomplete.

    Gaps of queries that CloudWatch answered in part, or refuses, are named after their metric.
    """
    yield Covered("", ask.window, ask.period_s, settled=not answers.incomplete)
    for name, said in sorted({(_title(q), said) for q, said in answers.incomplete.items()}):
        yield Gap(name, ask.window, f"CloudWatch answered {name} in part only: {said}")
    for name, why in sorted({(_title(q), str(error)) for q, error in answers.failed.items()}):
        yield Gap(name, ask.window, f"{name} could not be read: {why}")


def _title(query: Query) -> str:
    return f"{query.metric.name} {query.metric.statistic}"


def estimate_usd(ask: Ask) -> Decimal:
    return cloudwatch.estimate_usd(len(queries(ask.known)))


COLLECTOR = Collector(
    name="metrics",
    what="CloudWatch metrics of functions, of provisioned aliases and of the account, a point a minute.",
    every="metrics_every",
    permissions=("cloudwatch:GetMetricData",),
    collect=collect,
    reach=Reach(period_s=60, coarse=True, lag=CLOUDWATCH_LAG, piece=12 * HOUR),
    estimate_usd=estimate_usd,
)
