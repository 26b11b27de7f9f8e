"""CloudWatch alarms beside ours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.alarms import about, condition
from core.entities import Alarm
from core.facts import Listed
from store.readers.alarms import alarm_facts, alarms
from store.store import Filter

SINCE = datetime(2026, 11, 18, 9, tzinfo=UTC)


def an_alarm(name="a", state="OK", **fields):
    values = {"kind": "metric", "metric": "Errors", "function": "orders", "state_since": SINCE}
    return Alarm(name=name, state=state, **(values | fields))


def test_those_in_alarm_come_first_then_those_that_know_nothing(world):
    world.run("alarms", [an_alarm("a"), an_alarm("b", "INSUFFICIENT_DATA"), an_alarm("c", "ALARM")])

    assert list(alarms(world.store)["name"]) == ["c", "b", "a"]


def test_there_may_be_none(world):
    frame = alarms(world.store)

    assert frame.empty
    assert str(frame["state_since"].dtype) == "datetime64[us, UTC]"


def test_one_that_was_deleted_is_gone(world):
    world.run("alarms", [an_alarm("a"), an_alarm("b"), Listed("alarm")])
    world.run("alarms", [an_alarm("a"), Listed("alarm")])

    assert list(alarms(world.store)["name"]) == ["a"]
    assert [alarm.name for *_, alarm in alarm_facts(world.store)] == ["a"]


def test_they_are_asked_for_by_function(world):
    world.run("alarms", [an_alarm("a"), an_alarm("b", function="other"), an_alarm("c", function=None)])

    assert list(alarms(world.store, where=Filter(function="orders"))["name"]) == ["a", "c"]


def test_actions_that_are_switched_off_count_for_none(world):
    world.run("alarms", [an_alarm(alarm_actions=2, actions_enabled=False)])

    assert alarms(world.store)["actions"].tolist() == [0]


@pytest.mark.parametrize(
    ("alarm", "what", "words"),
    [
        (
            an_alarm(statistic="Sum", comparison="GreaterThanThreshold", threshold=5.0, period_s=300),
            "orders",
            "Errors (Sum) above 5 over 5 min",
        ),
        (
            an_alarm(
                metric="Duration", statistic="p95", comparison="LessThanOrEqualToThreshold", threshold=1.5,
                period_s=10, periods=5, datapoints=3,
            ),
            "orders",
            "Duration (p95) at most 1.5 over 10 s, 3 of 5 periods",
        ),
        (
            an_alarm(kind="math", comparison="GreaterThanThreshold", threshold=0.05, period_s=60),
            "orders",
            "an expression of Errors above 0.05 over 1 min",
        ),
        (
            an_alarm(kind="composite", metric=None, function=None, rule="ALARM(a) OR ALARM(b)"),
            "other alarms",
            "ALARM(a) OR ALARM(b)",
        ),
        (
            an_alarm(kind="anomaly", comparison="GreaterThanUpperThreshold", function=None),
            "the whole region",
            "Errors above the band",
        ),
        (
            an_alarm(function=None, dimensions={"QueueName": "q"}, comparison="LessThanThreshold"),
            "q",
            "Errors below",
        ),
    ],
)  # fmt: skip
def test_an_alarm_is_told_in_words(alarm, what, words):
    assert (about(alarm), condition(alarm)) == (what, words)
