"""Moving a threshold over history in memory tells what a backtest of the changed rule tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import backtest as replaying
from alerts import trying
from alerts.backtest import backtest
from alerts.known import Known
from alerts.trying import changed, gather, tried, why_fixed, worst_by_step
from core.entities import Function
from core.windows import Window

ERRORS = [0.0] * 10 + [50.0] * 6 + [0.0] * 25 + [30.0] * 5 + [0.0] * 74


@pytest.fixture
def window(world):
    """Two hours of `checkout`, which failed twice, and of `search`, which did not."""
    world.known(Function(name="search", arn="arn"))
    world.minutes(0, ERRORS, at=200)
    world.minutes(0, [0.0] * 120, at=200, function="search")
    return Window(world.at(5), world.at(120))


@pytest.fixture
def held(store, world, window, rule):
    def hold(given, **more):
        return gather(store, given, window, now=world.at(200), **more)

    return hold


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.2, 0.31, 0.49, 0.6])
@pytest.mark.parametrize("minutes", ["1 of 1", "2 of 3", "4 of 10"])
def test_what_is_tried_is_what_a_backtest_tells(store, world, window, held, rule, threshold, minutes):
    hits, of = (int(word) for word in minutes.split(" of "))
    given = rule(over="2m", **{"for": "4 of 10"})
    other = changed(given, threshold=threshold, hits=hits, minutes=of)

    found = tried(held(given), other)

    assert found.found.replay == backtest(store, other, window, now=world.at(200)).replay


@pytest.mark.parametrize("signal", ["errors", "error_rate"])
def test_a_moved_threshold_is_drawn_on_the_values_that_it_sees(held, rule, signal):
    given = rule(signal=signal, above=0.2)

    found = tried(held(given), changed(given, threshold=0.4, hits=1, minutes=1))

    assert found.line.tolist() == held(found.found.rule).line.tolist()


def test_history_read_in_pieces_is_tried_as_one(held, rule, monkeypatch):
    given = rule(over="5m", above=0.2, **{"for": "3 of 5"})
    other = changed(given, threshold=0.1, hits=2, minutes=5)
    whole = tried(held(given), other).found.replay

    monkeypatch.setattr(replaying, "CELLS", 1)

    assert tried(held(given), other).found.replay == whole
    assert len(whole.firings) == 2


def test_a_function_that_never_fails_is_not_held_but_counted(held, rule):
    found = held(rule())

    assert [subject.name for subject in found.grid.subjects] == ["checkout"]
    assert len(found.found.replay.subjects) == 2
    assert found.found.replay.judged_share == 1


def test_known_trouble_is_compared_anew(held, rule, world):
    mark = Known("111122223333", "eu-west-1", "checkout", world.at(41), world.at(47), True, "x")
    given = rule(above=0.2)
    before = held(given, known=[mark])

    after = tried(before, changed(given, threshold=0.4, hits=1, minutes=1))

    assert (before.found.compared.recall, after.found.compared.recall) == (1, 0)


def test_a_large_fleet_is_tried_on_less_history(held, rule, monkeypatch, world):
    monkeypatch.setattr(trying, "MOST_CELLS", 60)  # two functions

    assert held(rule()).found.window == Window(world.at(90), world.at(120))


def test_what_it_resolves_at_moves_with_the_threshold(rule):
    given = rule(above=0.1, resolve_below=0.04)

    other = changed(given, threshold=0.2, hits=1, minutes=1)

    assert (other.threshold, other.resolve_at) == (0.2, 0.08)


@pytest.mark.parametrize(
    "given",
    [
        {"signal": "collection_failing", "above": 5},
        {"above": 0.1, "overrides": [{"where": {"tag": {"team": "x"}}, "above": 0.2}]},
    ],
)
def test_a_rule_without_one_threshold_says_why_it_cannot_be_moved(held, rule, given):
    made = rule(**given)

    found = held(made)

    assert why_fixed(made)
    assert (found.grid, found.why_fixed) == (None, why_fixed(made))
    assert tried(found, made) is found


def test_the_worst_value_of_each_step_is_what_the_rule_saw(held, rule, world):
    given = rule()

    found = worst_by_step(held(given), timedelta(minutes=30), world.at(5))

    assert [(ts, round(value, 3)) for ts, value in found] == [
        (world.at(35), 0.5), (world.at(65), 0.3), (world.at(95), 0.0), (world.at(120), 0.0),
    ]  # fmt: skip
