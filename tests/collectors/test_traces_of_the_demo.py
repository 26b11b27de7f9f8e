"""The service map that we build of the demo's traces, held against X-Ray's own service graph of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collectors import traces
from collectors.aws import connect
from collectors.runner import run_once
from core.entities import Function
from core.facts import Run
from core.graph import FUNCTION
from core.settings import AwsSettings, CollectSettings, TargetSettings
from core.windows import Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from store.readers.tracing import service_map, why_no_trace

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(minutes=50), NOW - timedelta(minutes=20))


@pytest.fixture
def aws(monkeypatch):
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        environment = {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": "ASIADEMO111122223333",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        reached, _ = connect([TargetSettings(regions=["eu-west-1"])], AwsSettings(calls_per_s={}))
        yield reached[0]


@pytest.fixture
def collected(aws, store):
    about = {"target": aws.target, "window": WINDOW, "period_s": 0, "outcome": "ok"}
    inventory = Run(collector="inventory", started_at=NOW, finished_at=NOW, **about)
    store.commit(inventory, [Function(name="cart-api", arn="a", tracing_mode="Active")], now=NOW)
    settings = CollectSettings(max_traces_per_run=10_000)
    run = run_once(traces.COLLECTOR, aws, store, WINDOW, now=NOW, settings=settings)
    assert (run.outcome, run.error) == ("ok", None)
    return run


def test_our_service_map_counts_what_xrays_own_graph_counts(aws, store, collected):
    answer = aws.client("xray").get_service_graph(StartTime=WINDOW.start, EndTime=WINDOW.end)
    truth = {
        (node["Name"], node["Type"]): (
            node["SummaryStatistics"]["TotalCount"],
            node["SummaryStatistics"]["FaultStatistics"]["TotalCount"],
        )
        for node in answer["Services"]
        if node["Type"] != "AWS::Lambda"
    }

    found = service_map(store, WINDOW, now=NOW)

    ours = {key: (tally.calls, tally.faults) for key, tally in found.graph.nodes.items() if tally.calls}
    functions = {key: counts for key, counts in truth.items() if key[1] == FUNCTION}
    assert functions
    assert {key: ours[key] for key in functions} == functions
    assert {key: counts[0] for key, counts in ours.items()} == {
        key: counts[0] for key, counts in truth.items()
    }
    assert (
        found.read == found.listed == sum(u.units for u in collected.usage if u.operation == "BatchGetTraces")
    )


def test_a_second_run_asks_for_no_segments_again(aws, store, collected):
    again = run_once(traces.COLLECTOR, aws, store, WINDOW, now=NOW)

    assert "BatchGetTraces" not in {usage.operation for usage in again.usage}


def test_a_function_with_traces_has_no_reason_to_miss_them(aws, store, collected):
    assert why_no_trace(store, aws.target, "cart-api", now=NOW).reasons == ()
