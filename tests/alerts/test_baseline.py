"""What is normal: learned from the same time of the week, robust, and not known without history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.baseline import NO_HISTORY, band
from alerts.engine import evaluate
from alerts.grid import Grid
from alerts.judging import judge_all
from alerts.rule import Subject
from core.facts import Target
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window

DAY = 24 * 60
PROD = Target("111122223333", "eu-west-1")


@pytest.fixture
def busy(rule):
    return rule("busy", signal="invocations", above=None, above_normal=4)


@pytest.fixture
def history(world):
    """An hour of so many invocations a minute, so many days ago."""

    def told(days, count, minutes=90):
        world.minutes(-days * DAY - 60, [0.0] * minutes, invocations=float(count))

    return told


@pytest.fixture
def judged(store, world):
    def at(*rules, minute=10):
        return judge_all(store, rules, now=world.at(minute))

    return at


def test_much_more_than_at_this_time_of_the_week_fires(busy, history, judged, world):
    for week in (1, 2, 3, 4):
        history(7 * week, 100)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert one.limit[0, -1] == pytest.approx(100 + 4 * np.sqrt(100))
    assert one.fires[0, -1]


def test_what_is_usual_at_this_time_does_not(busy, history, judged, world):
    for week in (1, 2, 3, 4):
        history(7 * week, 100)
    world.minutes(0, [0.0] * 10, invocations=130.0)

    [one] = judged(busy)

    assert not one.fires.any()


def test_the_time_of_the_week_counts_and_not_other_days(busy, history, judged, world):
    for day in (1, 2, 3, 4, 5, 6):
        history(day, 1000)
    for week in (1, 2):
        history(7 * week, 100)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert one.fires[0, -1]


def test_an_outage_in_the_history_bends_nothing(busy, history, judged, world):
    for week, count in ((1, 100), (2, 5000), (3, 100), (4, 100)):
        history(7 * week, count)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert one.limit[0, -1] == pytest.approx(140)


def test_until_there_are_weeks_some_days_do(busy, history, judged, world):
    for day in (1, 2, 3):
        history(day, 100)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert one.limit[0, -1] == pytest.approx(140)
    assert one.fires[0, -1]


def test_without_history_nothing_is_known_though_the_value_is(busy, history, judged, world):
    history(1, 100)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert set(one.verdict[0].tolist()) == {0}
    assert np.isnan(one.limit).all()
    assert one.value[0, one.grid.ends.index(world.at(10))] == 150


def test_much_less_than_usual_fires_below_normal(rule, history, judged, world):
    for week in (1, 2):
        history(7 * week, 100)
    world.minutes(0, [0.0] * 10, invocations=20.0, at=40)

    [one] = judged(rule("quiet", signal="invocations", above=None, below_normal=4), minute=40)

    assert one.limit[0, -1] == pytest.approx(60)
    assert one.fires[0, one.grid.ends.index(world.at(5))]


def test_history_at_five_minutes_is_history(busy, judged, world, store):
    for week in (1, 2):
        begin = -7 * week * DAY - 60
        window = Window(world.at(begin), world.at(begin + 90))
        points = [
            MetricPoint(
                scope="function", function="checkout", ts=world.at(begin + m), period_s=300, invocations=500.0
            )
            for m in range(0, 90, 5)
        ]
        run = replace(world._run("metrics", window, window.end, PROD), period_s=300)
        store.commit(run, points, now=window.end)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    [one] = judged(busy)

    assert one.limit[0, -1] == pytest.approx(140)


def test_a_subject_without_history_does_not_hide_that_of_others(rule):
    subjects = [Subject("function", "1", "r", name) for name in ("new", "old")]
    now = datetime(2026, 11, 18, 12, tzinfo=UTC)

    def read(window):
        steps = int(window.duration / MINUTE)
        ends = tuple(window.start + (n + 1) * MINUTE for n in range(steps))
        flags = {name: np.full((1, steps), name != "provisional") for name in ("collected", "provisional")}
        return Grid((subjects[1],), ends, {"errors": np.full((1, steps), 9.0)}, flags)

    ends = [now + timedelta(minutes=n) for n in range(3)]
    found = band(rule("a", signal="errors", above=None, above_normal=2), subjects, ends, read)

    assert np.isnan(found.median[0]).all()
    assert found.median[1].tolist() == [9.0] * 3


def test_an_incident_keeps_the_limit_of_its_beginning(busy, history, world, store, settings, table):
    for week in (1, 2, 3, 4):
        history(7 * week, 100)
    world.minutes(0, [0.0] * 10, invocations=150.0)

    evaluate(store, [busy], settings(), now=world.at(10))

    [incident] = table("incident")
    assert (incident["threshold"], incident["value"]) == (pytest.approx(140), 150)
    assert "4 usual spreads above what is normal at this time of the week" in incident["text"]


def test_a_state_says_that_there_is_too_little_history(busy, history, world, store, settings, table):
    world.minutes(0, [0.0] * 10, invocations=150.0)

    evaluate(store, [busy], settings(), now=world.at(10))

    [state] = table("rule_state")
    assert (state["state"], state["reason"]) == ("unknown", NO_HISTORY)
