"""Did a change help? Minutes since it decide; what is not collected, or from before, does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from alerts.actions.held import Held
from alerts.actions.registry import read_action
from alerts.actions.verifying import condition_of, is_better
from alerts.incident import Incident
from alerts.rule import Rule
from core.entities import AccountLimits, EventSourceMapping, Function, Queue
from core.facts import Target
from core.settings import CostSettings
from core.telemetry import MetricPoint, QueueSample
from core.windows import Window

PROD = Target("111122223333", "eu-west-1")
DONE_AT, WITHIN = 10, 10


def changed(world, act):
    """A change that was made at minute 10."""
    return Held(
        id="x", who="q", action=read_action(act), target=PROD, subject="checkout", incident="i1",
        rule="throttles", what="reserved concurrency", thing="checkout", before=8, after=9,
        applied_at=world.at(DONE_AT), expires_at=None, verify_by=world.at(DONE_AT + WITHIN),
        verified_at=None, next_at=None, state="held", said="",
    )  # fmt: skip


def opened(world):
    return Incident(
        id="i1", rule="throttles", account=PROD.account, region=PROD.region, subject_kind="function",
        subject="checkout", severity="warning", title="t", text="t", opened_at=world.at(5), value=90,
        threshold=10,
    )  # fmt: skip


@pytest.fixture
def better(store, world, rule):
    """Whether it is better at minute `at`, with throttles from minute 0 on; changed at minute 10."""

    def go(throttles, *, at=24, verify=None, resolved=False):
        for minute, count in enumerate(throttles):
            world.minutes(minute, [0], throttles=float(count))
        rules = {"throttles": rule("throttles", signal="throttles", above=10)}
        wanted = {"within": f"{WITHIN}m"} | (verify or {})
        act = {"do": "set-reserved-concurrency", "limit": 9, "verify": wanted}
        change = changed(world, act)
        incident = replace(opened(world), resolved_at=world.at(12) if resolved else None)
        condition = condition_of(change, rules)
        return is_better(store, change, condition, rules, incident, now=world.at(at))

    return go


def test_throttles_that_ended_are_better(better):
    assert better([90] * 10 + [0] * 10) is True


def test_throttles_that_go_on_are_not(better):
    assert better([90] * 20) is False


def test_half_way_back_to_the_threshold_is_better_and_a_little_less_is_not(better):
    assert better([90] * 10 + [50] * 10) is True
    assert better([90] * 10 + [51] * 10) is False


def test_one_bad_minute_since_is_enough_to_be_worse(better):
    assert better([90] * 10 + [0] * 5 + [80] + [0] * 4) is False


def test_what_is_not_collected_is_not_known(better):
    assert better([90] * 10) is None
    assert better([90] * 10 + [0] * 5) is None


def test_an_incident_that_is_over_is_better(better):
    assert better([90] * 20, resolved=True) is True


def test_another_signal_may_decide(better):
    assert better([90] * 20, verify={"signal": "error_rate", "above": "5%"}) is True


def test_what_is_breached_no_more_in_time_stays_so_later(better):
    assert better([90] * 10 + [0] * 10 + [90] * 5, at=26) is True


BUDGETS = CostSettings(budgets=[{"name": "all", "usd_per_month": 1}, {"name": "none", "usd_per_month": 99}])


@pytest.mark.parametrize(("budget", "expected"), [("all", False), ("none", True)])
def test_a_budget_decides_by_its_own_share_however_late_one_looks(store, world, rule, budget, expected):
    world.known(Function(name="checkout", arn="arn", memory_mb=1024, architecture="x86_64", timeout_s=3))
    world.minutes(-60, [0.0] * 60, duration_sum_ms=6e7)
    of_budget = rule("spent", signal="budget_used", above="80%")
    act = {
        "do": "publish-sns",
        "topic": "arn:aws:sns:eu-west-1:111122223333:spend",
        "verify": {"within": "5m"},
    }
    change = replace(
        changed(world, act), subject=budget, rule="spent", applied_at=world.at(0), verify_by=world.at(5)
    )
    incident = replace(opened(world), rule="spent", account="", region="", subject=budget, value=60.0)
    look = {"rules": {"spent": of_budget}, "incident": incident, "now": world.at(8)}

    assert is_better(store, change, of_budget, **look, cost=BUDGETS) is expected
    assert is_better(store, change, of_budget, **look) is None


def test_half_way_back_is_a_matter_of_the_rules_own_signal(better):
    assert better([90] * 10 + [70] * 10, verify={"signal": "throttles", "above": 60}) is False


def verified_by(world, signal, **condition):
    verify = {"within": f"{WITHIN}m", "signal": signal, **condition}
    return changed(world, {"do": "set-reserved-concurrency", "limit": 9, "verify": verify})


@pytest.mark.parametrize(("claimed", "expected"), [(50.0, True), (95.0, False)])
def test_the_accounts_headroom_may_decide_about_a_function(store, world, claimed, expected):
    window = Window(world.at(0), world.at(20))
    points = [
        MetricPoint(scope="account", ts=world.at(minute), period_s=60, claimed_max=claimed)
        for minute in range(20)
    ]
    world.known(AccountLimits(concurrent_limit=100, unreserved_limit=50))
    world.told("metrics", window, points)
    change = verified_by(world, "concurrency_headroom", below="10%")

    found = is_better(store, change, condition_of(change, {}), {}, opened(world), now=world.at(24))

    assert found is expected


@pytest.mark.parametrize(("letters", "expected"), [((0.0, 0.0), True), ((0.0, 3.0), False)])
def test_every_queue_of_a_function_must_be_well_if_a_queue_decides(store, world, letters, expected):
    arns = [f"arn:aws:sqs:eu-west-1:111122223333:{name}" for name in ("orders", "returns")]
    for arn in arns:
        world.known(EventSourceMapping(name=f"of {arn}", function="checkout", source_arn=arn))
    samples = [
        QueueSample(queue=arn, ts=world.at(minute), period_s=60, visible_max=depth)
        for arn, depth in zip(arns, letters, strict=True)
        for minute in range(20)
    ]
    world.told("queues", Window(world.at(0), world.at(20)), [*(Queue(name=arn) for arn in arns), *samples])
    change = verified_by(world, "queue_depth", above=1)

    found = is_better(store, change, condition_of(change, {}), {}, opened(world), now=world.at(24))

    assert found is expected


def test_a_signal_of_nothing_that_was_changed_is_refused():
    act = {"do": "set-reserved-concurrency", "limit": 9, "verify": {"signal": "budget_used", "above": "80%"}}

    with pytest.raises(ValidationError, match=r"act\.0\.verify\.signal: budget_used is about a budget"):
        Rule.model_validate({"rule": "a", "signal": "throttles", "above": 10, "act": act})
