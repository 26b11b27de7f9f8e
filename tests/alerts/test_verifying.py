"""Did a change help? Minutes since it decide; what is not collected, or from before, does not."""

from __future__ import annotations

import pytest

from alerts.actions.held import Held
from alerts.actions.registry import read_action
from alerts.actions.verifying import condition_of, is_better
from alerts.incident import Incident
from core.facts import Target

PROD = Target("111122223333", "eu-west-1")
DONE_AT, WITHIN = 10, 10


@pytest.fixture
def better(store, world, rule):
    """Whether it is better at minute `at`, with throttles from minute 0 on; changed at minute 10."""

    def go(throttles, *, at=24, verify=None, resolved=False):
        for minute, count in enumerate(throttles):
            world.minutes(minute, [0], throttles=float(count))
        rules = {"throttles": rule("throttles", signal="throttles", above=10)}
        wanted = {"within": f"{WITHIN}m"} | (verify or {})
        act = {"do": "set-reserved-concurrency", "limit": 9, "verify": wanted}
        change = Held(
            id="x", who="q", action=read_action(act), target=PROD, subject="checkout", incident="i1",
            rule="throttles", what="reserved concurrency", thing="checkout", before=8, after=9,
            applied_at=world.at(DONE_AT), expires_at=None, verify_by=world.at(DONE_AT + WITHIN),
            verified_at=None, next_at=None, state="held", said="",
        )  # fmt: skip
        incident = Incident(
            id="i1", rule="throttles", account=PROD.account, region=PROD.region, subject_kind="function",
            subject="checkout", severity="warning", title="t", text="t", opened_at=world.at(5), value=90,
            threshold=10, resolved_at=world.at(12) if resolved else None,
        )  # fmt: skip
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
