"""What the store and `quarterdeck spend` say of calls, units and USD, against a count made on the wire."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from core.settings import StoreSettings
from quarterdeck.cli import app
from quarterdeck.demo.server import DemoServer
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.demo.specs import REGIONS
from quarterdeck.demo.wire import Call
from store import schema
from store.store import Store
from tests.collectors.proof.serving import Proxy, Seen, Server

TO_CONNECT = {"sts", "iam", "ec2", "account"}
"""Services that are asked who and where we are, before any run."""

USD = {
    "ce:GetCostAndUsage": Decimal("0.01"),
    "cloudwatch:GetMetricData": Decimal("0.01") / 1000,
    "cloudwatch:DescribeAlarms": Decimal("0.01") / 1000,
    "logs:StartQuery": Decimal("0.005") / 10**9,
    "xray:GetTraceSummaries": Decimal("0.50") / 10**6,
    "xray:BatchGetTraces": Decimal("0.50") / 10**6,
    "sqs:GetQueueUrl": Decimal("0.40") / 10**6,
    "sqs:GetQueueAttributes": Decimal("0.40") / 10**6,
}
"""AWS's price of a unit, without free amounts; what is not here is free."""

Place = tuple[str, str, str]
"""Account, region, and service:operation."""


class Unlucky:
    """Some calls go wrong on their way, so that they are made again: each is a call, and perhaps billed."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, call: Call) -> str | None:
        if call.service in TO_CONNECT:
            return None
        self._counts[call.operation] += 1
        number = self._counts[call.operation]
        return {2: "server error", 4: "cut", 7: "lost"}.get(number) if number % 11 < 8 else None


def billed(seen: Iterable[Seen]) -> dict[Place, tuple[int, int]]:
    """Calls and units of what went over the wire, as AWS's price pages count them."""
    calls: Counter[Place] = Counter()
    units: Counter[Place] = Counter()
    scanned: dict[tuple[Place, str], int] = defaultdict(int)
    for one in seen:
        call = one.call
        account = call.access_key.removeprefix("ASIADEMO")
        place = account, call.region, one.name
        calls[place] += 1
        units[place] += units_of(one)
        if call.operation == "GetQueryResults":
            query = (account, call.region, "logs:StartQuery"), call.params["queryId"]
            scanned[query] = max(
                scanned[query], int(answer(one).get("statistics", {}).get("bytesScanned", 0))
            )
    for (place, _), size in scanned.items():
        units[place] += size
    return {place: (calls[place], units[place]) for place in calls}


def units_of(one: Seen) -> int:
    params = one.call.params
    if one.name == "cloudwatch:GetMetricData":
        return len([query for query in params["MetricDataQueries"] if "MetricStat" in query])
    if one.name == "xray:BatchGetTraces":
        return len(params["TraceIds"])
    if one.name == "xray:GetTraceSummaries":
        return int(answer(one).get("TracesProcessedCount", 0))
    return 0 if one.name == "logs:StartQuery" else 1


def answer(one: Seen) -> dict[str, Any]:
    """The answer that arrived, of a service that speaks JSON; empty when none did."""
    found: dict[str, Any] = json.loads(one.answer.body) if one.answer is not None and one.is_answered else {}
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[tuple[Proxy, Path, Any]]:
    """A pass of the command line over the whole demo account, through an unlucky proxy."""
    work = tmp_path_factory.mktemp("billed")
    with (
        DemoServer(seed=7) as demo,
        closing(Proxy(demo.endpoint, Unlucky())) as proxy,
        Server(proxy).running() as front,
    ):
        settings = demo_settings(front.url)
        for target, region in zip(settings["targets"], REGIONS, strict=True):
            target["regions"] = [region]  # another one of each account
        settings["collect"] |= {"backfill": "1h", "backfill_coarse": "2h", "max_traces_per_run": 20}
        settings["collect"]["logs"] = {"functions": {"checkout*": "aggregated"}}
        settings["store"] = {"path": str(work / "store"), "free_space_floor_mb": 0}
        settings["alerts"] = {"starter": False}
        (work / "settings.yml").write_text(yaml.safe_dump(settings))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
            for name, value in environment(front.url, work / "settings.yml").items():
                patch.setenv(name, value)
            made = CliRunner().invoke(app, ["collect", "--once", "--json"])
            told = CliRunner().invoke(app, ["spend", "--json"])
        assert told.exit_code == 0, told.output
        assert made.exit_code in (0, 1), made.output
        yield proxy, work / "store", json.loads(told.stdout)


def test_the_store_counts_calls_and_units_as_the_wire_does(watched):
    proxy, folder, _ = watched
    store = Store.open(StoreSettings(path=folder), create=False)
    table = schema.usage.c
    sums = sa.func.sum(table.calls), sa.func.sum(table.units)
    query = sa.select(table.account, table.region, table.service, table.operation, *sums)
    with store.engine.connect() as connection:
        rows = connection.execute(
            query.group_by(table.account, table.region, table.service, table.operation)
        ).all()
    store.close()
    kept = {
        (account, region, f"{service}:{name}"): (calls, units)
        for account, region, service, name, calls, units in rows
    }
    on_the_wire = billed(one for one in proxy.seen if one.call.service not in TO_CONNECT)
    assert by_endpoint(kept) == on_the_wire


def by_endpoint(kept: Mapping[Place, tuple[int, int]]) -> dict[Place, tuple[int, int]]:
    """Calls are counted for the region that they were made for; prices and costs of all are told in one."""
    found: dict[Place, tuple[int, int]] = {}
    for (account, region, name), (calls, units) in kept.items():
        place = account, "us-east-1" if name.startswith(("pricing:", "ce:")) else region, name
        before = found.get(place, (0, 0))
        found[place] = before[0] + calls, before[1] + units
    return found


def test_spend_tells_the_units_and_usd_of_the_wire(watched):
    proxy, _, told = watched
    expected: Counter[str] = Counter()
    for (_, _, name), (_, units) in billed(
        one for one in proxy.seen if one.call.service not in TO_CONNECT
    ).items():
        expected[name] += units
    found: Counter[str] = Counter()
    for row in told["operations"]:
        found[f"{row['service']}:{row['operation']}"] += row["units"]
    assert found == expected
    usd = sum((units * USD.get(name, Decimal(0)) for name, units in expected.items()), Decimal(0))
    assert usd > Decimal("0.01")
    assert Decimal(str(told["cost_usd"])) == pytest.approx(usd, abs=Decimal("1e-9"))
    assert told["calls"] == len([one for one in proxy.seen if one.call.service not in TO_CONNECT])


def test_the_pass_had_retries_and_every_kind_of_billed_call(watched):
    """Else the counts above would prove less than they say."""
    proxy, _, _ = watched
    assert {one.fault for one in proxy.seen} >= {"server error", "cut", "lost"}
    assert {one.name for one in proxy.seen} >= {*USD, "logs:GetQueryResults"}
