"""Fleets: thousands of functions that are listed, measured and logged like any others."""

from collections import Counter
from datetime import timedelta

import pytest

from core.settings import TargetSettings
from quarterdeck.demo.fleet import FLEET_REGIONS, fleet
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.settings import demo_settings

from .conftest import HOUR, NOW, PROD, Aws, floor_minute, query

END = floor_minute(NOW)


@pytest.fixture(scope="module")
def big():
    with DemoServer(seed=7, clock=FrozenClock(NOW), company=fleet(2000, regions=4)) as server:
        yield Aws(server.endpoint)


def names(aws, region="eu-west-1"):
    pages = aws("lambda", region).get_paginator("list_functions").paginate()
    return [f["FunctionName"] for page in pages for f in page["Functions"]]


@pytest.mark.parametrize(("functions", "regions"), [(1, 1), (300, 1), (300, 4), (2000, 4)])
def test_a_fleet_is_spread_evenly_over_its_regions(functions, regions):
    company = fleet(functions, regions=regions)
    found = Counter(spec.region for spec in company.functions)

    assert len(company.functions) == functions
    assert set(found) == set(FLEET_REGIONS[: min(functions, regions)])
    assert max(found.values()) - min(found.values()) <= 1
    assert len({spec.key for spec in company.functions}) == functions


@pytest.mark.parametrize(("functions", "regions"), [(0, 1), (5, 0), (5, 9)])
def test_a_fleet_must_have_functions_and_known_regions(functions, regions):
    with pytest.raises(ValueError, match="must be"):
        fleet(functions, regions=regions)


def test_every_region_lists_its_functions(big):
    found = [name for region in FLEET_REGIONS for name in names(big, region)]

    assert len(found) == len(set(found)) == 2000


def test_five_hundred_queries_are_answered_with_each_function_s_own_name(big):
    asked = [query(f"q{n}", "Invocations", FunctionName=name) for n, name in enumerate(names(big)[:500])]
    answer = big("cloudwatch").get_metric_data(
        MetricDataQueries=asked, StartTime=END - 3 * HOUR, EndTime=END, ScanBy="TimestampAscending"
    )
    busy = [r for r in answer["MetricDataResults"] if r["Values"]]

    assert len(answer["MetricDataResults"]) == 500
    assert 200 < len(busy) < 450
    assert all(r["Label"].split()[0].startswith("fleet-") for r in busy)


def test_the_account_counts_every_function_of_its_fleet(big):
    window = {"since": 30 * timedelta(minutes=1), "until": END - 10 * timedelta(minutes=1), "period": 1800}
    (account,) = big.values("Invocations", **window).values()
    by_template: dict[str, float] = {}
    found = Counter(name.rsplit("-", 1)[0] for name in names(big))
    for name in names(big):
        kind = name.rsplit("-", 1)[0]
        if kind not in by_template:
            by_template[kind] = sum(big.values("Invocations", FunctionName=name, **window).values())

    assert account == sum(by_template[kind] * number for kind, number in found.items()) > 5000


def test_logs_of_a_fleet_are_those_that_its_metrics_count(big):
    name = next(n for n in names(big) if n.startswith("fleet-json"))
    window = {"since": HOUR, "until": END - timedelta(minutes=5)}
    group = f"/aws/lambda/{name}"
    events = big.messages(group, **window)
    counted = big.values("IncomingLogEvents", Namespace="AWS/Logs", LogGroupName=group, **window)
    size = big.values("IncomingBytes", Namespace="AWS/Logs", LogGroupName=group, **window)

    assert len(events) == pytest.approx(sum(counted.values()), abs=6)  # an invocation at either edge
    assert sum(len(e["message"]) + 26 for e in events) == pytest.approx(sum(size.values()), rel=0.02)
    assert any(f'"functionName":"{name}"' in e["message"] for e in big.messages(group, since=6 * HOUR))


def test_queues_of_a_fleet_feed_its_workers(big):
    pages = big("lambda").get_paginator("list_event_source_mappings").paginate()
    sources = [m["EventSourceArn"] for p in pages for m in p["EventSourceMappings"]]
    queue = next(arn for arn in sources if ":sqs:" in arn).rsplit(":", 1)[1]
    sent = big.values("NumberOfMessagesSent", Namespace="AWS/SQS", QueueName=queue, until=END - HOUR)

    assert len(sources) == len(set(sources)) > 100
    assert sum(sent.values()) > 20


def test_settings_of_a_fleet_watch_its_regions_only():
    (target,) = demo_settings("http://127.0.0.1:1", fleet(8, regions=4))["targets"]

    assert TargetSettings(**target).regions == list(FLEET_REGIONS)
    assert PROD in target["role_arn"]
