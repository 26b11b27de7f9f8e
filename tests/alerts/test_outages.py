"""Late data, holes and restarts lead to the outages that a straight run over complete data tells."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine import decide
from alerts.grid import Grid
from alerts.incident import Incident
from alerts.judge import judge
from alerts.judging import LOOKBACK
from alerts.outages import Outage, outages
from alerts.rule import Rule, Subject
from core.windows import LATENESS, MINUTE

SUBJECT = Subject("function", "111122223333", "eu-west-1", "checkout")
MINUTES, QUIET = 100, 40


def at(start, minute):
    return start + minute * MINUTE


def run(start, text, told=()):
    """`F` fires, `c` clears, `.` neither; a letter a minute."""
    minutes = [(at(start, minute), letter == "F", letter == "c") for minute, letter in enumerate(text)]
    return outages(minutes, told)


def test_opens_at_the_first_minute_that_fires(start):
    assert run(start, "..FF.") == [Outage(at(start, 2))]


def test_closes_at_the_first_minute_that_clears(start):
    assert run(start, ".F..cc") == [Outage(at(start, 1), at(start, 4))]


def test_neither_opens_nor_closes_on_minutes_that_say_nothing(start):
    assert run(start, ".....") == []
    assert run(start, ".....", [Outage(at(start, 0), None, "i")]) == []


def test_what_is_told_is_not_told_again(start):
    assert run(start, ".FFFF", [Outage(at(start, 1), None, "i")]) == []


def test_closes_what_was_told_before(start):
    assert run(start, "..cc", [Outage(at(start, -9), None, "i")]) == [
        Outage(at(start, -9), at(start, 2), "i")
    ]


def test_an_outage_found_to_begin_earlier_stays_the_one_that_was_told(start):
    assert run(start, ".FFFF", [Outage(at(start, 3), None, "i")]) == [Outage(at(start, 1), None, "i")]


def test_one_that_is_over_may_be_found_to_begin_earlier(start):
    told = [Outage(at(start, 3), at(start, 5), "i")]

    assert run(start, ".FFFFcc", told) == [Outage(at(start, 1), at(start, 5), "i")]


def test_one_is_found_to_begin_earlier_and_to_be_over_at_once(start):
    told = [Outage(at(start, 3), None, "i")]

    assert run(start, ".FFFFcc", told) == [Outage(at(start, 1), at(start, 5), "i")]


def test_an_outage_before_the_told_one_is_new(start):
    found = run(start, "Fc..FF", [Outage(at(start, 4), None, "i")])

    assert found == [Outage(at(start, 0), at(start, 1))]


def test_opens_again_after_it_was_closed(start):
    found = run(start, "FFcFF", [Outage(at(start, 0), at(start, 2), "i")])

    assert found == [Outage(at(start, 3))]


def test_opens_again_when_it_was_closed_by_hand_and_still_fires(start):
    assert run(start, "FFFF", [Outage(at(start, 0), at(start, 2), "i")]) == [Outage(at(start, 2))]


def test_a_told_outage_that_the_data_deny_is_closed(start):
    found = run(start, "..ccc", [Outage(at(start, 1), None, "i")])

    assert found == [Outage(at(start, 1), at(start, 2), "i")]


class Late:
    """An engine over a world whose data come late; it keeps nothing but what it told."""

    def __init__(self, rule: Rule, start, errors):
        self.rule, self.start, self.errors = rule, start, np.array(errors, dtype=float)
        self.told: dict[str, Incident] = {}

    def evaluate(self, now: int, *, collected, arrived):
        """As of minute `now`: `collected` minutes are read, those that `arrived` have their number."""
        first = max(now - int(LOOKBACK / MINUTE) - self.rule.reach_minutes, 0)
        minutes = list(range(first, now))
        values = [[self.errors[minute] if minute in arrived else 0.0 for minute in minutes]]
        flags = {
            "collected": np.array([[minute in collected for minute in minutes]], dtype=bool),
            "provisional": np.array([[minute >= now - LATENESS / MINUTE for minute in minutes]], dtype=bool),
        }
        ends = tuple(at(self.start, minute + 1) for minute in minutes)
        grid = Grid((SUBJECT,), ends, {"errors": np.array(values)}, flags)
        since = at(self.start, first)
        touching = [i for i in self.told.values() if i.resolved_at is None or i.resolved_at >= since]
        for finding in decide([judge(self.rule, grid)], touching):
            before = self.told.get(finding.id)
            made = make(finding, self.rule)
            resolved = before.resolved_at if before else None
            self.told[finding.id] = replace(made, resolved_at=resolved or made.resolved_at)

    def outages(self):
        return sorted((i.opened_at, i.resolved_at) for i in self.told.values())


def make(finding, rule):
    account, region, subject = SUBJECT.key
    return Incident(
        id=finding.id, rule=rule.rule, account=account, region=region, subject_kind="function",
        subject=subject,
        severity="info", title="", text="", opened_at=finding.outage.opened_at,
        resolved_at=finding.outage.closed_at,
    )  # fmt: skip


def straight(rule, start, errors):
    """What one pass over complete, settled data tells."""
    grid = Grid(
        (SUBJECT,),
        tuple(at(start, minute + 1) for minute in range(len(errors))),
        {"errors": np.array([errors], dtype=float)},
        {
            "collected": np.ones((1, len(errors)), dtype=bool),
            "provisional": np.zeros((1, len(errors)), dtype=bool),
        },
    )
    found = decide([judge(rule, grid)], [])
    return sorted((f.outage.opened_at, f.outage.closed_at) for f in found)


@st.composite
def worlds(draw):
    minutes = draw(st.integers(1, 6))
    hits = draw(st.integers(1, minutes))
    rule = Rule.model_validate(
        {
            "rule": "r",
            "signal": "errors",
            "above": 5,
            "over": f"{draw(st.integers(1, 3))}m",
            "for": f"{hits} of {minutes}",
        }
    )
    stretches = draw(st.lists(st.tuples(st.sampled_from([0, 0, 4, 9]), st.integers(1, 12)), max_size=16))
    errors = [level for level, length in stretches for _ in range(length)][:MINUTES]
    return rule, errors + [0] * (MINUTES - len(errors) + QUIET)


@settings(max_examples=60, deadline=None)
@given(worlds(), st.data())
def test_numbers_that_come_late_lead_to_the_same_outages(world, data):
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    rule, errors = world
    engine, now = Late(rule, start, errors), 0
    while now < MINUTES + QUIET:
        now = min(now + data.draw(st.integers(1, 15), label="until the next evaluation"), MINUTES + QUIET)
        late = data.draw(st.sets(st.integers(1, 17), max_size=6), label="minutes ago that have no number yet")
        arrived = set(range(now)) - {now - ago for ago in late}
        for _ in range(data.draw(st.integers(1, 2), label="times")):
            engine.evaluate(now, collected=set(range(now)), arrived=arrived)

    expected = straight(rule, start, errors)
    assert engine.outages() == expected


@settings(max_examples=60, deadline=None)
@given(worlds(), st.data())
def test_minutes_collected_late_and_out_of_order_lose_and_invent_no_outage(world, data):
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    rule, errors = world
    holes = data.draw(
        st.dictionaries(st.integers(0, MINUTES), st.integers(1, 25), max_size=30), label="minutes late"
    )
    engine, now = Late(rule, start, errors), 0
    while now < MINUTES + QUIET:
        now = min(now + data.draw(st.integers(1, 12), label="until the next evaluation"), MINUTES + QUIET)
        collected = {minute for minute in range(now) if minute + holes.get(minute, 0) <= now}
        engine.evaluate(now, collected=collected, arrived=collected)

    expected, told = straight(rule, start, errors), engine.outages()
    assert len(told) <= len(expected)
    for opened, closed in expected:
        assert any(first < closed and last > opened for first, last in told), "an outage was lost"
    for first, last in told:
        assert any(first < closed and last > opened for opened, closed in expected), "an outage was invented"
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(told)), "told twice"


@pytest.mark.parametrize("minutes_between", [1, 5, 13])
def test_evaluating_more_or_less_often_tells_the_same(rule, start, minutes_between):
    errors = [0] * 10 + [9] * 20 + [0] * 50
    engine = Late(rule(signal="errors", above=5, **{"for": "3 of 5"}), start, errors)

    for now in range(minutes_between, len(errors) + 1, minutes_between):
        engine.evaluate(now, collected=set(range(now)), arrived=set(range(now)))

    assert engine.outages() == [(at(start, 13), at(start, 35))]


def test_what_was_over_long_before_it_was_collected_is_not_told(rule, start):
    errors = [9] * 10 + [0] * 190
    engine = Late(rule(signal="errors", above=5), start, errors)

    engine.evaluate(200, collected=set(range(200)), arrived=set(range(200)))

    assert engine.outages() == []
    assert timedelta(minutes=45) == LOOKBACK
