"""The cap: reserved before a run, taken from before each call, never passed, whatever is killed when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collectors.budget import Hold, StoreBank, held, history_waits, live_usd, spent_usd
from collectors.collector import Ask, Collector
from collectors.runner import run_once
from core.errors import BudgetError
from core.facts import Listed, Target, Usage
from core.settings import AwsSettings, CollectSettings
from core.windows import Window
from store import bill

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
HERE, THERE = Target("1", "eu-west-1"), Target("2", "us-east-1")
HOUR = timedelta(hours=1)


def bank(store, target=HERE, cap="1", now=NOW):
    return StoreBank(store, target, "metrics", Decimal(cap), now)


def metrics_call(usd):
    units = int(Decimal(usd) / Decimal("0.00001"))
    return Usage(service="cloudwatch", operation="GetMetricData", calls=1, units=units, cost_usd=usd)


def test_a_reservation_counts_as_spent_until_it_is_given_back(store):
    hold = Hold(bank(store), Decimal(1), Decimal("0.4"))

    assert spent_usd(store, NOW) == Decimal("0.4")
    hold.release()
    assert spent_usd(store, NOW) == 0


def test_runs_side_by_side_cannot_both_have_the_rest(store):
    first = Hold(bank(store), Decimal(1), Decimal("0.6"))
    second = Hold(bank(store, THERE), Decimal(1), Decimal("0.6"))

    assert (first.is_open, second.is_open) == (True, False)


def test_a_killed_run_leaves_its_reservation_on_the_bill(store):
    Hold(bank(store), Decimal(1), Decimal("0.6"))  # and no release: the process is gone

    assert not Hold(bank(store), Decimal(1), Decimal("0.6")).is_open


def test_a_new_month_starts_with_the_whole_cap(store):
    Hold(bank(store), Decimal(1), Decimal("0.9"))
    december = bank(store, now=datetime(2026, 12, 1, tzinfo=UTC))

    assert Hold(december, Decimal(1), Decimal("0.9")).is_open


def test_the_month_is_remembered_after_a_restart(store):
    store.count(HERE, "metrics", [metrics_call("0.7")], now=NOW - timedelta(days=3))

    assert not Hold(bank(store), Decimal(1), Decimal("0.4")).is_open


def test_more_than_was_expected_is_reserved_while_there_is_some(store):
    hold = Hold(bank(store), Decimal(1), Decimal("0.1"))

    hold.take(Decimal("0.3"))

    assert spent_usd(store, NOW) == Decimal("0.3")
    with pytest.raises(BudgetError, match="1 USD a month"):
        hold.take(Decimal("0.8"))


def test_free_calls_need_no_budget(store):
    hold = Hold(bank(store, cap="0"), Decimal(0))

    hold.take(Decimal(0))

    assert hold.is_open


def test_what_was_used_already_is_on_the_bill_beyond_the_cap_too(store):
    hold = Hold(bank(store), Decimal(1), Decimal("0.9"))

    hold.settle(Decimal("1.2"))

    assert spent_usd(store, NOW) == Decimal("1.2")


def test_without_a_cap_nothing_is_reserved(store, answered):
    collector = Collector(
        name="probe", what="", every="metrics_every", permissions=(), collect=lambda *_: iter(()),
        estimate_usd=lambda ask: Decimal(5),
    )  # fmt: skip

    with held(collector, answered(), store, Ask(window=Window.last(HOUR, now=NOW)), now=NOW) as refusal:
        assert refusal is None
        assert spent_usd(store, NOW) == 0


def traced(scanned, answered):
    """An AWS with a cap whose X-Ray scans so many traces a page, and the run that asks for one page."""
    aws = answered(GetTraceSummaries=lambda _: {"TraceSummaries": [], "TracesProcessedCount": scanned})
    aws.settings = AwsSettings(budget_usd_per_month=0.02, calls_per_s={})

    def collect(aws, ask):
        aws.client("xray").get_trace_summaries(StartTime=ask.window.start, EndTime=ask.window.end)
        yield Listed("queue")

    return aws, Collector(name="inventory", what="", every="metrics_every", permissions=(), collect=collect)


def test_what_only_the_answer_tells_is_paid_from_the_same_cap(store, answered):
    aws, probe = traced(10_000, answered)

    ran = run_once(probe, aws, store, Window.last(HOUR, now=NOW), now=NOW)

    assert ran.outcome == "ok"
    assert spent_usd(store, NOW) == Decimal("0.005")
    with store.engine.connect() as connection:
        assert bill.spent_usd(connection, NOW) == Decimal("0.005"), "the reservation is given back"


@pytest.mark.parametrize(
    ("spent", "live", "estimate", "waits"),
    [
        ("0", "0.6", "0.2", False),  # half of the 0.4 that live reading leaves
        ("0", "0.6", "0.21", True),
        ("0.4", "0.6", "0.0001", True),  # live reading needs all that is left
        ("0.9", "0.6", "0.0001", True),
        ("0.9", "0.6", "0", False),  # what costs nothing never waits
    ],
)
def test_history_takes_half_of_what_live_reading_leaves(spent, live, estimate, waits):
    why = history_waits(Decimal(1), Decimal(spent), Decimal(live), Decimal(estimate))

    assert (why is not None) == waits


def test_live_reading_is_that_of_every_target_watched_of_late(store):
    settings = CollectSettings()
    for target, seen in ((HERE, NOW), (THERE, NOW - timedelta(days=3))):
        store.remember_target(target, None, seen)

    one = live_usd(store, settings, now=NOW)
    store.remember_target(THERE, None, NOW)

    assert one > 0
    assert live_usd(store, settings, now=NOW) == 2 * one
    assert live_usd(store, settings, now=NOW + timedelta(hours=12)) < 2 * one


class AMonth(RuleBasedStateMachine):
    """Runs of several targets start, pay, end or are killed, in any order: the cap is never passed."""

    def __init__(self):
        super().__init__()
        self.cap, self.billed, self.reserved = Decimal("0.5"), Decimal(0), Decimal(0)
        self.running: list[Hold] = []

    def reserve(self, usd, *, anyway=False):
        if not anyway and self.billed + self.reserved + usd > self.cap:
            return False
        self.reserved += usd
        return True

    def release(self, usd):
        self.reserved -= usd

    @rule(cents=st.integers(0, 30))
    def starts(self, cents):
        hold = Hold(self, self.cap, Decimal(cents) / 100)
        if hold.is_open:
            self.running.append(hold)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), mills=st.integers(0, 300))
    def pays(self, data, mills):
        hold = data.draw(st.sampled_from(self.running))
        try:
            hold.take(Decimal(mills) / 1000)
        except BudgetError:
            assert hold.spent_usd + Decimal(mills) / 1000 > hold.reserved_usd

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def ends(self, data):
        hold = data.draw(st.sampled_from(self.running))
        self.running.remove(hold)
        self.billed += hold.spent_usd
        hold.release()

    @rule()
    def is_killed(self):
        self.running.clear()

    @invariant()
    def the_cap_holds(self):
        assert self.billed + sum(hold.spent_usd for hold in self.running) <= self.cap
        assert self.billed + self.reserved <= self.cap

    @invariant()
    def nothing_is_spent_that_is_not_reserved(self):
        assert all(hold.spent_usd <= hold.reserved_usd for hold in self.running)


TestAMonth = AMonth.TestCase
TestAMonth.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.decimals("0.00001", "0.5", places=5), min_size=1, max_size=12))
def test_a_hold_never_spends_more_than_its_bank_grants(costs):
    month = AMonth()
    hold = Hold(month, month.cap)
    for usd in costs:
        try:
            hold.take(usd)
        except BudgetError:
            assert hold.spent_usd + usd > month.cap
    assert hold.spent_usd <= month.cap
