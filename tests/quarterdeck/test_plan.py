"""The plan is what a pass then costs: computed another way, and compared with what the meter counts."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest

from collectors import plan
from collectors.aws import Aws
from collectors.meter import unit_price_usd
from collectors.registry import COLLECTORS
from collectors.runner import collect_due, due
from core.entities import EventSourceMapping, Function, LogMode, TraceSettings
from core.facts import Inventory, Target
from core.settings import AwsSettings, CollectSettings, RetentionSettings, StoreSettings, TargetSettings
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.pricing import basis, guessed, plan_document
from quarterdeck.settings import Settings
from store.store import Store

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)

HERE = Target("111122223333", "eu-west-1")
COLLECT = CollectSettings(backfill="3h", backfill_coarse="3h", max_traces_per_run=20)
KEPT = RetentionSettings()
BY_NAME = {collector.name: collector for collector in COLLECTORS}


def line(name, known, settings=COLLECT, retention=KEPT):
    return plan.price({HERE: known}, settings, [BY_NAME[name]], retention=retention, now=NOW)[0]


def functions(count):
    return Inventory(functions=tuple(Function(name=f"f{n}", arn=f"arn:{n}") for n in range(count)))


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (50, 1), (51, 2), (2000, 40)])
def test_listings_are_counted_by_the_page(count, pages):
    calls = {call.operation: call.calls for call in line("inventory", functions(count)).a_pass}

    assert calls["ListFunctions"] == pages
    assert calls["GetAccountSettings"] == 1


def test_a_month_of_metrics_is_units_times_passes_times_price():
    found = line("metrics", functions(300))

    units = plan.units(found.a_pass)
    a_function = plan.units(line("metrics", functions(301)).a_pass) - units
    assert units == 300 * a_function + plan.units(line("metrics", functions(0)).a_pass)
    assert found.usd_a_month == Decimal(units) * 8640 * Decimal("0.00001")
    assert plan.total_calls(found.a_pass) == -(-units // 500)


def test_half_the_pace_costs_half():
    slow = CollectSettings(metrics_every="10m")

    assert line("metrics", functions(9), slow).usd_a_month * 2 == line("metrics", functions(9)).usd_a_month


def test_history_is_priced_once_by_its_pieces():
    settings = CollectSettings(backfill="3d", backfill_coarse="14d")

    found = line("metrics", functions(10), settings)

    units_a_read = plan.units(found.a_pass)
    assert plan.units(found.backfill) % units_a_read == 0
    # the newest 3 h, the other 69 h by 12 h, then 11 days by 96 h
    assert plan.units(found.backfill) // units_a_read == 1 + 6 + 3


@pytest.mark.parametrize(
    ("backfill", "coarse", "kept"),
    [
        ("14d", "14d", {}),  # one minute is kept for three days only
        ("2d", "60d", {"metrics": "10d", "five_minute": "5d"}),
        ("14d", "60d", {"one_minute": "5d", "five_minute": "20d", "metrics": "40d"}),
    ],
)
def test_no_history_is_priced_that_the_store_would_not_keep(tmp_path, backfill, coarse, kept):
    settings = CollectSettings(backfill=backfill, backfill_coarse=coarse)
    retention = RetentionSettings(**kept)
    store = Store.open(StoreSettings(path=tmp_path, free_space_floor_mb=0, retention=retention))

    found = line("metrics", functions(10), settings, retention)

    pieces = due(BY_NAME["metrics"], HERE, store, settings, now=NOW, known=functions(10))
    of_one = [piece for piece in pieces if "f0" in piece.scopes]
    assert plan.units(found.backfill) == len(of_one) * plan.units(found.a_pass)
    unclipped = line(
        "metrics", functions(10), settings, RetentionSettings(one_minute="90d", five_minute="200d")
    )
    assert plan.units(found.backfill) < plan.units(unclipped.backfill)
    store.close()


@pytest.mark.parametrize(("name", "days"), [("logs", "invocations"), ("traces", "traces")])
def test_no_records_are_priced_that_the_store_would_remove(name, days):
    settings = CollectSettings(backfill="14d")

    short = line(name, functions(10), settings, RetentionSettings(**{days: "2d"}))
    same = line(name, functions(10), CollectSettings(backfill="58h"), KEPT)

    assert plan.total_calls(short.backfill) == plan.total_calls(same.backfill)
    assert plan.total_calls(short.backfill) < plan.total_calls(line(name, functions(10), settings).backfill)


def test_nothing_known_has_no_history_to_read():
    assert line("metrics", Inventory()).backfill == ()


def test_scans_of_summaries_are_priced_once_they_are_known():
    told = TraceSettings(scanned_per_hour=1000.0)

    unknown, known = line("traces", Inventory()), line("traces", Inventory(trace_settings=told))

    assert known.usd_a_month > unknown.usd_a_month
    assert unknown.notes


def test_aggregated_logs_cost_what_their_mode_says():
    mode = LogMode(name="f0", mode="aggregated", why="large", usd_a_month=3.0)
    known = Inventory(functions=functions(1).functions, log_modes=(mode,))

    assert line("logs", known).usd_a_month == pytest.approx(Decimal(3), rel=Decimal("0.0001"))


def test_a_queue_costs_its_metrics_and_a_look():
    arn = "arn:aws:sqs:eu-west-1:111122223333:orders"
    function = Function(name="f", arn="arn:aws:lambda:eu-west-1:111122223333:function:f")
    mapping = EventSourceMapping(name="u", function="f", source_arn=arn)

    calls = {c.operation: c for c in line("queues", Inventory((function,), mappings=(mapping,))).a_pass}

    assert calls["GetQueueAttributes"].units == 1
    assert calls["GetMetricData"].cost_usd == calls["GetMetricData"].units * Decimal("0.00001")


def test_a_supposed_fleet_is_priced_without_a_call(no_aws):
    settings = Settings(
        targets=[TargetSettings(name="prod", regions=["eu-west-1", "us-east-1"])],
        aws=AwsSettings(endpoint_url="http://127.0.0.1:9"),
    )

    document = plan_document(settings, basis(settings, 300, now=NOW), now=NOW)

    assert document["functions"] == 600
    assert document["usd_per_month"] == sum(row["usd_per_month"] for row in document["lines"])
    assert document["cap_usd"] is None


@pytest.mark.parametrize(
    ("cap", "says"), [(100_000, "fits"), (60, "quiet functions are read every"), (0.05, "too low")]
)
def test_the_plan_says_what_the_cap_would_make_of_it(cap, says):
    settings = Settings(aws=AwsSettings(budget_usd_per_month=cap))

    assert says in plan_document(settings, guessed(settings, 300), now=NOW)["verdict"]


# --- against the meter -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """(plan, usage by collector and operation) of a usual pass on one target of the demo account."""
    clock = FrozenClock(NOW)
    with DemoServer(seed=7, clock=clock) as server:
        session = boto3.Session(f"ASIADEMO{HERE.account}", "demo", region_name=HERE.region)
        aws = Aws(session, HERE, AwsSettings(endpoint_url=server.endpoint, calls_per_s={}), attempts=1)
        store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("store"), free_space_floor_mb=0))
        for collector in (*COLLECTORS, BY_NAME["queues"]):  # the queues know then where they redrive to
            collect_due(collector, aws, store, COLLECT, now=NOW, since=timedelta(minutes=5))
        priced = plan.price(
            {aws.target: store.inventory(aws.target)}, COLLECT, COLLECTORS, retention=KEPT, now=NOW
        )
        later = NOW + timedelta(minutes=60)
        clock.now = later
        used = {
            (collector.name, usage.operation): usage
            for collector in COLLECTORS
            for run in collect_due(collector, aws, store, COLLECT, now=later, since=timedelta(minutes=5))
            for usage in run.usage
        }
        store.close()
    return {each.collector: each for each in priced}, used


@pytest.mark.parametrize("name", ["inventory", "details", "triggers", "metrics", "queues"])
def test_a_pass_makes_the_calls_and_bills_the_units_that_were_planned(measured, name):
    planned, used = measured
    wanted = {call.operation: (call.calls, call.units) for call in planned[name].a_pass}

    found = {op: (u.calls, u.units) for (collector, op), u in used.items() if collector == name}

    assert found == wanted


def test_each_log_group_is_asked_at_least_once_as_planned(measured):
    planned, used = measured

    (call,) = (c for c in planned["logs"].a_pass if c.operation == "FilterLogEvents")
    assert used["logs", "FilterLogEvents"].calls >= call.calls


def test_traces_cost_no_more_than_was_planned(measured):
    planned, used = measured
    call = next(c for c in planned["traces"].a_pass if c.operation == "BatchGetTraces")

    assert used["traces", "BatchGetTraces"].units <= call.units
    assert unit_price_usd("xray", "BatchGetTraces") * call.units == call.cost_usd


def test_the_command_prices_a_supposed_fleet(quarterdeck):
    result = quarterdeck("plan", "--functions", "10", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["collector"] for row in document["lines"]] == [c.name for c in COLLECTORS]
