"""A backtest tells what the live engine told, what it could not judge, and whether the rule was right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import backtest as replaying
from alerts.backtest import FLAP, Stretch, backtest, compare, replay
from alerts.engine import evaluate
from alerts.grid import Grid
from alerts.judge import judge
from alerts.known import Known
from alerts.outages import Outage, outages
from alerts.rule import Rule, Subject
from core.windows import LATENESS, MINUTE, Window
from store.readers.history import Coarse

BEGIN = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
SUBJECTS = tuple(Subject("function", "111122223333", "eu-west-1", name) for name in ("checkout", "search"))


def at(minute):
    return BEGIN + minute * MINUTE


def a_grid(errors, *, collected=None, young=None, first=0):
    """Rows of errors per minute from minute `first` on; `young` minutes are provisional."""
    shape = np.shape(errors)
    return Grid(
        SUBJECTS[: shape[0]],
        tuple(at(first + minute + 1) for minute in range(shape[1])),
        {"errors": np.array(errors, dtype=float)},
        {
            "collected": np.ones(shape, dtype=bool) if collected is None else np.array(collected, dtype=bool),
            "provisional": np.zeros(shape, dtype=bool) if young is None else np.array(young, dtype=bool),
        },
    )


def stretches(rule, errors, *, collected=None, cuts=(), coarse=()):
    """The whole in pieces cut at minutes, each with the minutes before it that a judgement looks back on."""
    minutes = np.shape(errors)[1]
    for start, end in zip([0, *cuts], [*cuts, minutes], strict=True):
        first = max(start - rule.reach_minutes, 0)
        known = None if collected is None else np.array(collected)[:, first:end]
        grid = a_grid(np.array(errors)[:, first:end], collected=known, first=first)
        yield Stretch(Window(at(start), at(end)), (judge(rule, grid),), tuple(coarse))


def told(replayed):
    return [(f.subject.name, f.opened_at, f.resolved_at) for f in replayed.firings]


@pytest.fixture
def errors_rule(rule):
    return partial(rule, "errors", signal="errors", above=5)


# --- the oracle ---------------------------------------------------------------------------------------------


def live(rule, errors):
    """What an engine tells that judges every minute anew, when what is younger than 18 may still change."""
    found = dict[tuple[str, datetime], datetime | None]()
    for now in range(1, len(errors[0]) + 1):
        first = max(now - 45 - rule.reach_minutes, 0)
        young = [[minute >= now - LATENESS / MINUTE for minute in range(first, now)]] * len(errors)
        one = judge(rule, a_grid([row[first:now] for row in errors], young=young, first=first))
        for row, subject in enumerate(one.grid.subjects):
            minutes = zip(one.grid.ends, one.fires[row], one.clears[row], strict=True)
            before = [
                Outage(opened, closed, f"{opened}") for (name, opened), closed in found.items()
                if name == subject.name and (closed is None or closed >= at(first))
            ]  # fmt: skip
            for outage in outages(minutes, before):
                found[subject.name, outage.opened_at] = outage.closed_at
    return sorted((name, opened, closed) for (name, opened), closed in found.items())


@st.composite
def histories(draw):
    minutes = draw(st.integers(1, 6))
    rule = Rule.model_validate(
        {
            "rule": "r",
            "signal": "errors",
            "above": 5,
            "over": f"{draw(st.integers(1, 4))}m",
            "for": f"{draw(st.integers(1, minutes))} of {minutes}",
        }
    )
    levels = st.lists(st.tuples(st.sampled_from([0, 0, 4, 9]), st.integers(1, 15)), max_size=14)
    rows = [[level for level, length in draw(levels) for _ in range(length)][:90] for _ in SUBJECTS]
    return rule, [row + [0] * (130 - len(row)) for row in rows]


@settings(max_examples=40, deadline=None)
@given(histories(), st.sets(st.integers(1, 129), max_size=5))
def test_a_replay_in_any_pieces_tells_what_the_engine_told_minute_by_minute(world, cuts):
    rule, errors = world

    replayed = replay(stretches(rule, errors, cuts=sorted(cuts)))

    assert sorted(told(replayed)) == live(rule, errors)


def test_a_backtest_of_the_store_tells_the_incidents_of_the_engine(store, world, rule, settings, table):
    rules = [rule("rate", above=0.1, over="2m", minimum_samples=20, **{"for": "2 of 3"})]
    errors = [0.0] * 10 + [50.0] * 6 + [0.0] * 25 + [30.0] * 5 + [0.0] * 40
    for minute in (*range(2, len(errors), 4), len(errors)):
        first = max(minute - 24, 0)  # until they are settled
        world.minutes(first, errors[first:minute], at=minute)
        evaluate(store, rules, settings(), now=world.at(minute))

    window = Window(world.at(0), world.at(len(errors)))
    found = backtest(store, rules[0], window, now=window.end)

    incidents = [(row["subject"], row["opened_at"], row["resolved_at"]) for row in table("incident")]
    assert len(incidents) == 2
    assert told(found.replay) == sorted(incidents, key=lambda row: row[1])
    assert [firing.worst for firing in found.replay.firings] == [0.5, 0.3]
    assert found.replay.judged == len(errors) - 1  # nothing is known of the minute before the first


def test_the_store_is_read_in_pieces_without_a_seam(store, world, rule, monkeypatch):
    world.minutes(0, [0.0] * 55 + [50.0] * 20 + [0.0] * 105)
    window = Window(world.at(0), world.at(180))
    given = rule("rate", above=0.1, over="5m", **{"for": "3 of 5"})
    whole = backtest(store, given, window, now=world.at(300)).replay

    monkeypatch.setattr(replaying, "CELLS", 1)
    pieces = backtest(store, given, window, now=world.at(300)).replay

    assert len(list(replaying.history(store, given, window, now=world.at(300)))) == 3
    assert pieces == whole
    assert len(whole.firings) == 1


# --- what it counts -----------------------------------------------------------------------------------------


def test_the_worst_value_is_of_all_pieces(errors_rule):
    errors = [[0, 6, 9, 7, 6, 8, 0, 0]]

    (firing,) = replay(stretches(errors_rule(), errors, cuts=[4])).firings

    assert (firing.opened_at, firing.resolved_at, firing.worst) == (at(2), at(7), 9)


def test_what_fires_at_the_end_has_not_resolved(errors_rule):
    (firing,) = replay(stretches(errors_rule(), [[0, 0, 9, 9]])).firings

    assert (firing.opened_at, firing.resolved_at) == (at(3), None)


def test_a_flap_fires_soon_after_it_resolved(errors_rule):
    errors = [[9] + [0] * 20 + [9] + [0] * 40 + [9, 0], [0] * 30 + [9] + [0] * 33]

    found = replay(stretches(errors_rule(), errors))

    assert [(f.subject.name, f.is_flap) for f in found.firings] == [
        ("checkout", False), ("checkout", True), ("search", False), ("checkout", False),
    ]  # fmt: skip
    assert found.flaps == 1
    assert timedelta(minutes=20) < FLAP < timedelta(minutes=40)


def test_firings_per_week_are_of_the_time_that_was_judged(errors_rule):
    errors = [[9] + [0] * 59]
    collected = [[True] * 30 + [False] * 30]

    found = replay(stretches(errors_rule(), errors, collected=collected))

    assert found.span == timedelta(minutes=30)
    assert found.per_week == pytest.approx(7 * 24 * 2)
    assert (found.judged, found.minutes, found.judged_share) == (30, 60, 0.5)


def test_nothing_judged_is_no_rate_of_zero(errors_rule):
    found = replay(stretches(errors_rule(), [[0] * 9], collected=[[False] * 9]))

    assert (found.per_week, found.judged_share) == (None, 0)


def test_minutes_that_are_kept_coarser_are_counted_apart(errors_rule):
    coarse = [Coarse("111122223333", "eu-west-1", Window(at(0), at(20)))]
    collected = [[False] * 20 + [True] * 35 + [False] * 5]

    found = replay(stretches(errors_rule(), [[0] * 60], collected=collected, coarse=coarse))

    assert (found.judged, found.coarse, found.minutes) == (35, 20, 60)


def test_history_at_five_minutes_is_not_judged_and_counted(store, world, rule):
    world.minutes(60, [0.0] * 60)
    world.coarse(0, 60)

    window = Window(world.at(0), world.at(120))
    found = backtest(store, rule(), window, now=world.at(200)).replay

    assert (found.judged, found.coarse, found.minutes) == (60, 60, 120)


def test_what_only_tells_of_now_was_judged_at_no_time(store, world, rule):
    world.minutes(0, [0.0] * 60)

    window = Window(world.at(0), world.at(60))
    given = rule(signal="collection_failing", above=5)
    found = backtest(store, given, window, now=world.at(200)).replay

    assert found.judged_share is not None
    assert found.judged_share < 0.02


# --- was it right? ------------------------------------------------------------------------------------------


def known(first, last, *, is_real=True, of=None, subject="checkout"):
    end = None if last is None else at(last)
    return Known("111122223333", "eu-west-1", subject, at(first), end, is_real, "x", rule=of)


def compared(rule, errors, *trouble, collected=None):
    return compare(rule, replay(stretches(rule, errors, collected=collected), trouble), trouble)


QUIET = [0] * 60
FIRED = [0] * 30 + [9] * 5 + [0] * 25


def test_a_marked_outage_that_fired_is_a_hit_with_its_delay(errors_rule):
    found = compared(errors_rule(), [FIRED], known(28, 40))

    assert (len(found.hits), found.misses, found.real, found.unmarked) == (1, (), 1, 0)
    assert (found.precision, found.recall, found.delay) == (1, 1, timedelta(minutes=3))


def test_a_marked_outage_without_a_firing_is_a_miss(errors_rule):
    found = compared(errors_rule(), [QUIET], known(28, 40))

    assert (found.hits, len(found.misses), found.recall, found.precision) == ((), 1, 0, None)


def test_an_outage_that_was_not_judged_says_nothing_about_the_rule(errors_rule):
    found = compared(errors_rule(), [QUIET], known(28, 40), collected=[[True] * 25 + [False] * 35])

    assert (found.hits, found.misses, len(found.unjudged), found.recall) == ((), (), 1, None)


def test_an_outage_of_another_function_is_no_business_of_the_rule(errors_rule):
    found = compared(errors_rule(), [QUIET], known(28, 40, subject="elsewhere"))

    assert (found.misses, found.recall) == ((), None)


def test_a_firing_that_was_called_noise_is_a_false_alarm(errors_rule):
    noise = known(31, 36, is_real=False, of="errors")

    found = compared(errors_rule(), [FIRED], noise)

    assert (found.real, found.false, found.precision) == (0, 1, 0)


def test_noise_of_another_rule_says_nothing_about_this_one(errors_rule):
    found = compared(errors_rule(), [FIRED], known(31, 36, is_real=False, of="throttles"))

    assert (found.false, found.unmarked, found.precision) == (0, 1, None)


def test_a_real_incident_of_another_rule_is_no_miss_but_makes_a_firing_real(errors_rule):
    real = known(31, 36, of="throttles")

    assert compared(errors_rule(), [QUIET], real).misses == ()
    assert compared(errors_rule(), [FIRED], real).real == 1


def test_a_firing_before_the_mark_has_a_negative_delay(errors_rule):
    assert compared(errors_rule(), [FIRED], known(35, 50)).delay == timedelta(minutes=-4)


def test_a_firing_far_from_the_mark_is_none_of_it(errors_rule):
    found = compared(errors_rule(), [FIRED + QUIET], known(80, 90))

    assert (len(found.misses), found.unmarked) == (1, 1)
