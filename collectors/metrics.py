"""What CloudWatch counted of functions, aliases, event source mappings, capacity and the account as such."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from collectors import cloudwatch
from collectors.aws import Aws
from collectors.cloudwatch import Answers, Query
from collectors.collector import CLOUDWATCH_LAG, HOUR, Ask, Collector, Learned, Reach
from collectors.metric_queries import queries, scopes
from core.facts import ACCOUNT, Covered, Gap, Inventory
from core.metrics import CAPACITY_PERIOD_S
from core.telemetry import CapacitySample, MappingSample, MetricPoint, Rows, Telemetry
from core.windows import Window, floor

__all__ = ["COLLECTOR", "collect", "estimate_usd", "paces", "queries", "scopes"]

CAPACITY = frozenset({"instances", "environments"})
"""Subjects that report every five minutes."""

KINDS: tuple[tuple[type[Telemetry], frozenset[str], tuple[str, ...]], ...] = (
    (
        MetricPoint,
        frozenset({"account", "function", "resource", "executed"}),
        ("scope", "function", "resource"),
    ),
    (MappingSample, frozenset({"mapping"}), ("", "mapping", "function")),
    (CapacitySample, CAPACITY, ("", "provider", "instance_type", "function")),
)
"""Which facts are made of which subjects, and the fields that the subject's words fill."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """A wide row per thing and period that has any value; CloudWatch writes none where nothing happened."""
    found = queries(ask.known, ask.scopes)
    quick = [query for query in found if query.subject[0] not in CAPACITY]
    slow = [query for query in found if query.subject[0] in CAPACITY]
    answers = cloudwatch.fetch(aws, quick, ask.window, ask.period_s)
    yield from to_rows(answers, ask.period_s)
    yield from to_coverage(answers, quick, ask)
    if slow:
        yield from _capacity(aws, slow, ask)


def _capacity(aws: Aws, slow: list[Query], ask: Ask) -> Iterator[Learned]:
    """Whole periods of five minutes: a part of one would be no sample."""
    period_s = max(CAPACITY_PERIOD_S, ask.period_s)
    window = Window(floor(ask.window.start, timedelta(seconds=period_s)), ask.window.end)
    answers = cloudwatch.fetch(aws, slow, window, period_s)
    yield from to_rows(answers, period_s)
    yield from to_coverage(answers, slow, ask)


def to_rows(answers: Answers, period_s: int) -> Iterator[Rows]:
    for kind, of, names in KINDS:
        rows = answers.points.rows(kind, names, of=of, period_s=period_s)
        if len(rows):
            yield rows


def to_coverage(answers: Answers, asked: list[Query], ask: Ask) -> Iterator[Covered | Gap]:
    """A scope is read when all its queries were answered in full. One that CloudWatch refuses would be
    refused again: its gap is named after its metric, and its scope counts as read without it."""
    incomplete: dict[str, list[str]] = defaultdict(list)
    for query, said in answers.incomplete.items():
        incomplete[query.of].append(f"CloudWatch answered {title(query)} in part only: {said}")
    for scope in dict.fromkeys(query.of for query in asked):
        if scope not in incomplete:
            yield Covered(scope, ask.window, ask.period_s)
    for scope, said_of in incomplete.items():
        more = f" (and {len(said_of) - 1} more metrics)" if len(said_of) > 1 else ""
        yield Gap(scope, ask.window, said_of[0] + more)
    for name, why in sorted({(title(query), str(error)) for query, error in answers.failed.items()}):
        yield Gap(name, ask.window, f"{name} could not be read: {why}")


def title(query: Query) -> str:
    return f"{query.metric.name} {query.metric.statistic}"


def estimate_usd(ask: Ask) -> Decimal:
    """Exact, unless AWS fails and a call is made again."""
    return cloudwatch.estimate_usd(len(queries(ask.known, ask.scopes)))


def estimate_calls(ask: Ask) -> int:
    found = queries(ask.known, ask.scopes)
    slow = sum(query.subject[0] in CAPACITY for query in found)
    slow_s = max(CAPACITY_PERIOD_S, ask.period_s)
    quick = cloudwatch.calls_needed(len(found) - slow, ask.window, ask.period_s)
    return quick + cloudwatch.calls_needed(slow, ask.window, slow_s)


def paces(known: Inventory) -> Mapping[str, int]:
    """Seconds between two reads of the scopes that have a pace of their own: a function's goes for its
    aliases and mappings too, the account's for capacity providers."""
    of_function = {cadence.name: cadence.every_s for cadence in known.cadences}
    if not of_function:
        return {}
    found = {scope: of_function.get(scope.partition(":")[0]) for scope in scopes(known)}
    found |= {mapping.name: of_function.get(mapping.function) for mapping in known.mappings}
    found |= {provider.arn: of_function.get(ACCOUNT) for provider in known.capacity_providers}
    return {scope: every_s for scope, every_s in found.items() if every_s is not None}


COLLECTOR = Collector(
    name="metrics",
    what="CloudWatch metrics of functions, aliases, mappings, capacity and the account, a point a minute.",
    every="metrics_every",
    permissions=("cloudwatch:GetMetricData",),
    collect=collect,
    reach=Reach(
        period_s=60,
        coarse=True,
        lag=CLOUDWATCH_LAG,
        piece=12 * HOUR,
        scopes=scopes,
        scopes_per_run=2_500,
        paces=paces,
    ),
    estimate_usd=estimate_usd,
    estimate_calls=estimate_calls,
)
