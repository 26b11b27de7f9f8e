"""The calls of a pass against the least that AWS's limits allow, for fleets of 1, 300 and 2,000 functions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.settings import CollectSettings
from store.store import Store
from tests.collectors.proof.content import opened
from tests.collectors.proof.fleet import MAPPED, QUEUED, Fleet, Params

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 10, 20, 30, tzinfo=UTC)
REGIONS = ("eu-west-1", "us-east-1", "eu-central-1", "us-west-2")
SETTINGS = CollectSettings(backfill=timedelta(hours=2), backfill_coarse=timedelta(hours=20))
"""One piece of history at one minute and one at five: 20 hours of five minutes are 240 points a query."""

METRIC_DATA = "cloudwatch:GetMetricData"
ONCE_A_FUNCTION = (
    "lambda:ListAliases",
    "lambda:GetFunctionConcurrency",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:GetPolicy",
    "lambda:ListFunctionUrlConfigs",
)
"""AWS has no call that answers these for several functions."""


def pages(things: int, a_page: int) -> int:
    """An empty listing is a page, too."""
    return max(1, ceil(things / a_page))


def least(count: int, *, first: bool) -> Counter[str]:
    """Calls for `count` functions of one region, but for GetMetricData; without versions and layers."""
    mappings = len([n for n in range(count) if n % MAPPED == 0 or n % QUEUED == 0])
    queues = ceil(count / QUEUED)
    return Counter(
        {
            "lambda:ListFunctions": 2 * pages(count, 50),  # as they are, and all versions
            "lambda:ListEventSourceMappings": pages(mappings, 100),
            "lambda:GetAccountSettings": 1,
            "lambda:ListCapacityProviders": 1,
            "resourcegroupstaggingapi:GetResources": pages(count, 100),
            "logs:DescribeLogGroups": pages(count, 50),
            "logs:FilterLogEvents": count,
            "sqs:GetQueueAttributes": queues,
            "sqs:GetQueueUrl": queues if first else 0,
            "xray:GetTraceSummaries": 1,
            "xray:GetTraceSegmentDestination": 1,
            "cloudwatch:DescribeAlarms": 1,  # the fake fleet has less than a page of them
            "cloudtrail:LookupEvents": 2 if first else 1,  # the newest three hours come before the rest
            **dict.fromkeys(ONCE_A_FUNCTION, count),
        }
    )


def least_metric_calls(asked: list[Params]) -> int:
    """GetMetricData calls for these queries, packed anew: 500 queries and 100,800 points a call."""
    queries: Counter[tuple[Any, ...]] = Counter()
    for params in asked:
        for query in params["MetricDataQueries"]:
            queries[params["StartTime"], params["EndTime"], query["MetricStat"]["Period"]] += 1
    return sum(
        ceil(count / min(500, 100_800 // ceil((end - start).total_seconds() / period_s)))
        for (start, end, period_s), count in queries.items()
    )


def asked_twice(asked: list[Params]) -> list[str]:
    names = Counter(
        repr((params["StartTime"], params["EndTime"], query["MetricStat"]))
        for params in asked
        for query in params["MetricDataQueries"]
    )
    return [name for name, count in names.items() if count > 1]


def windows(asked: list[Params]) -> set[tuple[Any, Any]]:
    return {(params["StartTime"], params["EndTime"]) for params in asked}


@pytest.mark.parametrize("regions", [1, 4])
@pytest.mark.parametrize("count", [1, 300, 2000])
def test_a_pass_makes_the_fewest_calls_that_the_limits_allow(count, regions, tmp_path):
    fleets = [Fleet(region, max(1, count // regions)) for region in REGIONS[:regions]]
    with opened(tmp_path / "store") as store:
        for now, first in ((NOW, True), (NOW + timedelta(minutes=6), False)):
            for fleet in fleets:
                made = one_pass_of(fleet, store, now, first=first)
                assert made == +least(len(fleet.names), first=first)


def one_pass_of(fleet: Fleet, store: Store, now: datetime, *, first: bool) -> Counter[str]:
    """The calls of a pass but for GetMetricData, which are held to their least collector by collector."""
    made: Counter[str] = Counter()
    for collector in COLLECTORS:
        fleet.asked.clear()
        runs = collect_due(collector, fleet, store, SETTINGS, now=now)
        assert {run.outcome for run in runs} == {"ok"}, [run.error for run in runs]
        made.update(name for name, _ in fleet.asked)
        asked = [params for name, params in fleet.asked if name == METRIC_DATA]
        if collector.name in ("metrics", "queues"):
            assert len(asked) == least_metric_calls(asked), collector.name
            assert asked_twice(asked) == []
            assert len(windows(asked)) == bool(asked) * (2 if first else 1)
    del made[METRIC_DATA]
    return made
