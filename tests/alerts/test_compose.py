"""Rules made of rules: three values, subjects of several kinds, hysteresis, and what cannot be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from alerts.compose import Truth, holds, mistakes, ordered
from alerts.engine import evaluate
from alerts.judge import BETWEEN, BREACH, CLEAR, UNKNOWN, judge
from alerts.judging import judge_all
from core.entities import AccountLimits, EventSourceMapping, Function, Queue
from core.errors import SettingsError
from core.telemetry import MetricPoint, QueueSample
from core.windows import Window

SOURCE = "arn:aws:sqs:eu-west-1:111122223333:orders"
VALUES = {"yes": (True, False), "no": (False, True), "unknown": (False, False)}


def truth(word):
    yes, no = VALUES[word]
    return Truth(np.array([yes]), np.array([no]))


def word(one):
    return next(name for name, value in VALUES.items() if value == (bool(one.yes[0]), bool(one.no[0])))


@pytest.mark.parametrize(("a", "b"), list(product(VALUES, VALUES)))
def test_unknown_is_not_false(a, b):
    rank = {"no": 0, "unknown": 1, "yes": 2}
    names = {number: name for name, number in rank.items()}

    assert word(truth(a) & truth(b)) == names[min(rank[a], rank[b])]
    assert word(truth(a) | truth(b)) == names[max(rank[a], rank[b])]
    assert word(~truth(a)) == names[2 - rank[a]]


def test_m_of_n_is_unknown_when_what_is_not_collected_could_decide(rule, grid):
    two_of_three = rule("a", signal="errors", above=0, **{"for": "2 of 3"})
    told = grid(errors=[1, 0, 0, 0, 0], collected=[True, False, True, True, True])

    found = holds(judge(two_of_three, told))

    assert found.yes[0].tolist() == [False] * 5
    assert found.no[0].tolist() == [True, False, False, True, True]


@pytest.fixture
def judged(store, world):
    """The only judgement of the rules, whose parts tell nobody."""

    def at(minute, *rules):
        [one] = judge_all(store, rules, now=world.at(minute))
        return one

    return at


@pytest.fixture
def part(rule):
    return lambda name, **given: rule(name, part=True, **given)


@pytest.fixture
def whole(rule):
    return lambda **given: rule("whole", signal=None, above=None, **given)


def test_fires_where_all_parts_do(judged, part, whole, world):
    world.minutes(0, [50.0] * 5, throttles=0.0)
    world.minutes(5, [50.0] * 5, throttles=9.0)

    one = judged(10, part("bad"), part("full", signal="throttles", above=5), whole(all=["bad", "full"]))

    assert one.fires[0, -10:].tolist() == [False] * 5 + [True] * 5
    assert one.value[0, -10:].tolist() == [1.0] * 5 + [2.0] * 5
    assert one.rule.condition() == "bad and full"


def test_is_held_by_a_rule_of_the_account(judged, part, whole, world):
    world.known(AccountLimits(concurrent_limit=100, unreserved_limit=50), Function(name="other", arn="arn"))
    point = MetricPoint(scope="account", ts=world.at(9), period_s=60, claimed_max=95.0)
    world.minutes(0, [50.0] * 10)
    world.told("metrics", Window(world.at(9), world.at(10)), [point])
    near = part("near", signal="concurrency_headroom", above=None, below="10%")

    one = judged(10, part("bad"), near, whole(all=["bad", "near"]))

    assert [subject.name for subject in one.grid.subjects] == ["checkout", "other"]
    assert one.fires[:, -1].tolist() == [True, False]
    assert one.verdict[0, -2] == BETWEEN  # the account said nothing in that minute


def test_is_held_by_a_rule_of_the_queue_that_feeds_it(judged, part, whole, world):
    world.known(
        EventSourceMapping(name="u-1", function="checkout", source_arn=SOURCE),
        Function(name="other", arn="arn"),
    )
    sample = QueueSample(queue=SOURCE, ts=world.at(9), period_s=60, visible_max=2.0, oldest_age_max_s=900.0)
    world.told("queues", Window(world.at(0), world.at(10)), [Queue(name=SOURCE), sample])
    world.minutes(0, [50.0] * 10)
    world.minutes(0, [50.0] * 10, function="other")
    late = part("late", signal="queue_age", above=600)

    one = judged(10, part("bad"), late, whole(all=["bad", "late"]))

    fires = {
        subject.name: bool(fires) for subject, fires in zip(one.grid.subjects, one.fires[:, -1], strict=True)
    }
    assert fires == {"checkout": True, "other": False}


def test_unless_holds_it_back_for_as_long_as_that_is_so(judged, part, whole, world, store):
    world.minutes(0, [50.0] * 10)
    broken = part("broken", signal="collection_failing", above=0)
    rules = [part("bad"), broken, whole(any="bad", unless="broken")]
    before = judged(10, *rules).fires[0, -1]
    world.failed("queues", 9)

    assert before
    assert not judged(11, *rules).fires.any()


def test_what_is_unknown_neither_fires_nor_resolves(judged, part, whole, world):
    world.minutes(0, [0.0] * 10, throttles=0.0)

    logs = part("cold", signal="cold_start_rate", above=0.5)
    one = judged(10, part("bad"), logs, whole(any=["bad", "cold"]))

    assert set(one.verdict[0].tolist()) == {UNKNOWN}
    assert not one.fires.any()
    assert not one.clears.any()


def test_resolves_no_sooner_than_its_parts(judged, part, whole, world):
    world.minutes(0, [50.0] * 5 + [6.0] * 5 + [0.0] * 5, at=40)
    bad = part("bad", above=0.1, resolve_below=0.05)

    one = judged(40, bad, whole(all="bad"))

    first = one.grid.ends.index(world.at(1))
    assert one.verdict[0, first : first + 15].tolist() == [BREACH] * 5 + [BETWEEN] * 5 + [CLEAR] * 5
    assert one.clears[0, first : first + 15].tolist() == [False] * 10 + [True] * 5


def test_its_own_m_of_n_counts_minutes_of_the_whole(judged, part, whole, world):
    world.minutes(0, [50.0] * 2 + [0.0] + [50.0] * 3)

    one = judged(6, part("bad"), whole(all="bad", **{"for": "3 of 3"}))

    assert one.fires[0, -6:].tolist() == [False] * 5 + [True]


def test_rules_of_queues_make_a_rule_of_queues(judged, part, whole, world):
    sample = QueueSample(queue=SOURCE, ts=world.at(9), period_s=60, visible_max=9.0, oldest_age_max_s=900.0)
    world.told("queues", Window(world.at(0), world.at(10)), [Queue(name=SOURCE), sample])
    deep = part("deep", signal="queue_depth", above=5)

    one = judged(10, deep, part("late", signal="queue_age", above=600), whole(all=["deep", "late"]))

    assert [subject.kind for subject in one.grid.subjects] == ["queue"]
    assert one.fires[0, -1]


def test_a_part_is_judged_before_what_is_made_of_it_and_tells_nobody(part, whole, judged, world):
    world.minutes(0, [50.0] * 10)

    rules = [whole(all="middle"), part("middle", signal=None, above=None, any=["bad"]), part("bad")]

    assert [rule.rule for rule in ordered(rules)] == ["bad", "middle", "whole"]
    assert judged(10, *rules).rule.rule == "whole"


def test_a_part_that_there_is_not_is_named(whole, part):
    with pytest.raises(SettingsError, match=r"rule whole: all: there is no rule 'bat'.*did you mean `bad`"):
        ordered([whole(all="bat"), part("bad")])


def test_a_circle_is_named(rule):
    circle = [
        rule(name, signal=None, above=None, all=of) for name, of in (("a", "b"), ("b", "c"), ("c", "a"))
    ]

    assert list(mistakes(circle)) == ["rule a: is made of itself: a > b > c > a"]


def test_silence_of_a_part_neither_fires_nor_resolves(judged, part, whole, world):
    world.minutes(0, [0.0] * 10, invocations=0.0, at=40)

    one = judged(40, part("bad"), whole(all="bad"))

    assert one.verdict[0, one.grid.ends.index(world.at(5))] == BETWEEN
    assert not one.fires.any()
    assert not one.clears.any()


def test_a_rule_made_of_rules_opens_an_incident_and_says_what_holds(
    part, whole, world, store, settings, table
):
    world.minutes(0, [50.0] * 10, throttles=9.0)
    rules = [part("bad"), part("full", signal="throttles", above=5), whole(all=["bad", "full"])]

    evaluate(store, rules, settings(), now=world.at(10))

    [incident] = table("incident")
    assert incident["title"] == "checkout: whole 2 conditions met"
    assert incident["text"].startswith("whole 2 conditions met: bad and full")
    assert [row["reason"] for row in table("outbox")] == ["firing"]
