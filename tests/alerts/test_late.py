"""Data that comes late is judged then, however late within a day; history that was never watched is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.engine import evaluate
from alerts.judging import judge_all, judged_from
from core.entities import Function
from core.facts import Target
from core.telemetry import MetricPoint
from core.windows import Window

OTHER = Target("222222222222", "eu-west-1")


@pytest.fixture
def bad(rule):
    return rule("bad", above=0.1)


@pytest.fixture
def go(store, settings, world, bad):
    return lambda minute: evaluate(store, [bad], settings(), now=world.at(minute))


def test_hours_that_came_late_open_the_incident_they_would_have_opened(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(10, [0.0] * 20 + [50.0] * 20 + [0.0] * 250, at=300)
    go(300)

    [incident] = table("incident")
    assert incident["opened_at"] == world.at(31)
    assert incident["resolved_at"] == world.at(51)


def test_late_data_tells_the_same_incident_once(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(10, [0.0] * 20 + [50.0] * 20 + [0.0] * 250, at=300)
    for minute in (300, 301, 305, 320, 400):
        go(minute)

    assert len(table("incident")) == 1


def test_no_more_is_judged_when_nothing_came_late(go, store, world, bad):
    world.minutes(0, [0.0] * 100)
    go(100)
    world.minutes(100, [0.0] * 20)

    judged = judge_all(store, [bad], now=world.at(120))

    assert judged_from(judged, now=world.at(120)) == world.at(120 - 46)


def test_what_was_before_watching_began_is_history(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(-600, [50.0] * 300, at=12)
    go(12)

    assert table("incident") == []


def test_history_of_an_account_that_is_new_opens_nothing_while_another_is_late(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.known(Function(name="elsewhere", arn="arn"), target=OTHER)
    world.minutes(10, [0.0] * 290, at=300)
    window = Window(world.at(60), world.at(120))
    points = [
        MetricPoint(
            scope="function", function="elsewhere", ts=world.at(60) + n * timedelta(minutes=1), period_s=60,
            invocations=100.0, errors=50.0,
        )
        for n in range(60)
    ]  # fmt: skip
    world._commit("metrics", window, points, world.at(300), OTHER)
    go(300)

    assert table("incident") == []


def test_a_day_late_is_too_late(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(10, [50.0] * 20, at=30 * 60)
    go(30 * 60)

    assert table("incident") == []


def test_what_is_told_late_says_so_in_its_text_and_in_its_timeline(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(10, [0.0] * 20 + [50.0] * 20 + [0.0] * 250, at=300)
    go(300)

    [incident] = table("incident")
    said = "Told 4 h 29 min late: the minutes were collected at 2026-03-02 17:00 UTC."
    assert incident["text"].endswith(said)
    assert [row["text"] for row in table("incident_event") if row["what"] == "told late"] == [said]
    assert {row["notice"]["text"].endswith(said) for row in table("outbox")} == {True}


def test_what_is_told_in_time_says_nothing_of_it(go, table, world):
    world.minutes(0, [0.0] * 10 + [50.0] * 5)
    go(20)

    [incident] = table("incident")
    assert "late" not in incident["text"]
    assert "told late" not in {row["what"] for row in table("incident_event")}


def test_trouble_that_went_on_when_watching_began_was_not_told_late(go, table, world):
    world.minutes(0, [50.0] * 40)
    go(40)

    [incident] = table("incident")
    assert "late" not in incident["text"]


def test_what_was_collected_in_time_and_judged_late_is_not_said_to_be_collected_late(go, table, world):
    world.minutes(0, [0.0] * 10)
    go(10)
    world.minutes(10, [50.0] * 20)
    go(40)

    [incident] = table("incident")
    assert "late" not in incident["text"]
