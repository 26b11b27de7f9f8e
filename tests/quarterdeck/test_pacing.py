"""The service's pace: from the store's facts to each function's cadence, and collectors that rest."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
import sqlalchemy as sa

from collectors import metrics
from collectors.registry import COLLECTORS
from core.entities import Cadence, CapacityProvider, Function
from core.facts import ACCOUNT, Covered, Inventory, Listed, Run, Target, Usage
from core.settings import CollectSettings, StoreSettings
from core.telemetry import MetricPoint
from core.windows import Window
from quarterdeck.pacing import Pacer
from quarterdeck.service import DENIED_AGAIN, Service
from quarterdeck.settings import Settings
from store.readers.budget import budget
from store.schema import change, incident
from store.store import Store

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
HERE, THERE = Target("111122223333", "eu-west-1"), Target("444455556666", "us-east-1")
DAY = timedelta(days=1)
SETTINGS = CollectSettings()


@pytest.fixture
def store(tmp_path):
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield opened
    opened.close()


def keep(store, target, collector, facts, window):
    run = Run(collector=collector, target=target, window=window, period_s=60, started_at=window.end,
              finished_at=window.end, outcome="ok")  # fmt: skip
    store.commit(run, facts, now=window.end)


def watched(store, target=HERE, names=("busy", "idle", "alarmed")):
    """Functions read for two days, of which only `busy` was invoked."""
    window = Window.last(2 * DAY, now=NOW)
    functions = [Function(name=name, arn=f"arn:aws:lambda:{target.region}:{target.account}:function:{name}")
                 for name in names]  # fmt: skip
    keep(store, target, "inventory", [*functions, Listed("function")], window)
    point = MetricPoint(
        scope="function", function="busy", ts=NOW - timedelta(hours=1), period_s=60, invocations=3.0
    )
    keep(store, target, "metrics", [point, *(Covered(name, window, 60) for name in names)], window)


def alarm(store, function="alarmed"):
    with store.transaction() as connection:
        connection.execute(
            sa.insert(incident).values(
                id="i", rule="errors", account=HERE.account, region=HERE.region, subject_kind="function",
                subject=function, severity="page", title="t", text="t", opened_at=NOW,
            )
        )  # fmt: skip


def pacer(store, cap=None):
    return Pacer(store, SETTINGS, None if cap is None else Decimal(cap), COLLECTORS)


def paces(store, target=HERE):
    return {cadence.name: cadence.every_s for cadence in store.inventory(target).cadences}


def test_without_a_cap_only_what_fires_has_another_pace(store):
    watched(store)
    alarm(store)

    pacer(store).set_pace([HERE], now=NOW)

    assert paces(store) == {ACCOUNT: 300, "busy": 300, "idle": 300, "alarmed": 60}


def test_a_cap_slows_what_is_quiet_and_says_so(store):
    watched(store)
    settings_cap = "9"

    decision = pacer(store, settings_cap).set_pace([HERE], now=NOW.replace(day=1))

    assert decision.step == 0, "a month that was not read is not known to be quiet"
    pacer(store, "0.8").set_pace([HERE], now=NOW)
    assert paces(store)["idle"] > 300
    found = budget(store, now=NOW)
    assert found.cap_usd == Decimal("0.8")
    assert {each.activity for each in found.slowed} >= {"quiet"}


def test_the_account_is_slowed_as_active_functions_are_and_counts_as_none(store):
    watched(store)
    keep(store, THERE, "inventory", [Listed("function")], Window.last(DAY, now=NOW))

    decision = pacer(store, "0.3").set_pace([HERE, THERE], now=NOW)

    assert paces(store)[ACCOUNT] == decision.pace.active.total_seconds() > 300
    assert paces(store, THERE)[ACCOUNT] == decision.pace.quiet.total_seconds(), "there are no functions"
    assert sum(decision.slowed.values()) <= 3


def test_the_accounts_pace_goes_for_capacity_providers():
    known = Inventory(
        capacity_providers=(CapacityProvider(name="p", arn="arn:p"),),
        cadences=(Cadence(name=ACCOUNT, every_s=600, why=""),),
    )

    assert metrics.paces(known) == {ACCOUNT: 600, "arn:p": 600}


def test_targets_share_one_cap(store):
    watched(store)
    watched(store, THERE)
    alone, both = pacer(store, "3"), pacer(store, "3")

    one = alone.set_pace([HERE], now=NOW)
    two = both.set_pace([HERE, THERE], now=NOW)

    assert two.usd_a_day * 10 <= Decimal(3)
    assert two.step >= one.step


def test_a_changed_pace_is_no_configuration_change(store):
    watched(store)
    mine = pacer(store)
    mine.set_pace([HERE], now=NOW)
    alarm(store)

    mine.set_pace([HERE], now=NOW)

    with store.engine.connect() as connection:
        assert connection.execute(sa.select(change)).all() == []


def test_a_restart_does_not_forget_the_month(store):
    watched(store)
    spent = Usage(service="cloudwatch", operation="GetMetricData", calls=1, units=1, cost_usd="4.9")
    store.count(HERE, "metrics", [spent], now=NOW - 3 * DAY)

    assert pacer(store, "5").set_pace([HERE], now=NOW).step > 0


def test_paid_collectors_are_slowed_with_the_rest_and_free_ones_are_not(store):
    watched(store)
    mine = pacer(store, "0.05")
    by_name = {collector.name: collector for collector in COLLECTORS}

    mine.set_pace([HERE], now=NOW)

    assert mine.others_every(by_name["queues"]) > SETTINGS.queues_every
    assert mine.others_every(by_name["inventory"]) == SETTINGS.inventory_every


# --- rest after a denial -----------------------------------------------------------------------------------


class Clock:
    now = NOW

    def __call__(self):
        return self.now


def test_a_denied_collector_rests_and_is_tried_again_later(store):
    clock = Clock()
    service = Service(Settings(), store, (), httpx.Client(), clock=clock)
    collector = next(each for each in COLLECTORS if each.name == "metrics")
    denied = Run(collector="metrics", target=HERE, window=Window(NOW, NOW), period_s=60, started_at=NOW,
                 finished_at=NOW, outcome="denied", permission="cloudwatch:GetMetricData")  # fmt: skip

    service._ran(denied)

    assert not service._is_due(collector, HERE, NOW + timedelta(minutes=5))
    assert service._is_due(collector, THERE, NOW + timedelta(minutes=5)), "other targets go on"
    assert service._is_due(collector, HERE, NOW + DENIED_AGAIN)
    service.http.close()
