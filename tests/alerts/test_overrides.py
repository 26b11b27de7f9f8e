"""What is different for some: by `overrides`, and by tags that cannot stop anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.auditing import audit
from alerts.judging import judge_all, problems
from alerts.overrides import by_tag, changed
from alerts.rule import Rule
from core.entities import Function

CRITICAL = {"where": {"tag": {"tier": "critical"}}, "above": "1%", "severity": "critical"}


@pytest.fixture
def functions(world):
    def told(**tags):
        world.known(
            *(Function(name=name, arn="arn", tags=own) for name, own in tags.items()), now=world.at(-1)
        )
        for name in tags:
            world.minutes(0, [3.0] * 10, function=name)

    return told


@pytest.fixture
def judged(store, world):
    """Function to (fires, threshold, severity)."""

    def look(rule):
        return {
            subject.name: (bool(one.fires[at, -1]), float(one.limit[at, -1]), one.rule.severity)
            for one in judge_all(store, [rule], now=world.at(10))
            for at, subject in enumerate(one.grid.subjects)
        }

    return look


@pytest.fixture
def said(store, world):
    return lambda *rules: [(p.rule, p.subject.name, p.text) for p in problems(store, rules, now=world.at(10))]


def test_an_override_has_its_own_threshold_and_severity(functions, judged, rule):
    functions(checkout={"tier": "critical"}, report={})

    found = judged(rule("bad", above="10%", overrides=CRITICAL))

    assert found == {"checkout": (True, 0.01, "critical"), "report": (False, 0.1, "warning")}


def test_the_first_override_that_matches_counts(functions, judged, rule):
    functions(checkout={"tier": "critical"})
    never = {"where": {"function": "check*"}, "enabled": False}

    assert judged(rule("bad", overrides=[CRITICAL, never]))["checkout"][0]
    assert judged(rule("bad", overrides=[never, CRITICAL])) == {}


def test_a_new_threshold_takes_the_old_hysteresis_away(rule):

    wide = rule("bad", above="10%", resolve_below="5%")

    assert changed(wide, {"above": 0.01}).resolve_at == 0.01
    assert changed(wide, {"severity": "critical"}).resolve_at == 0.05


@pytest.mark.parametrize(
    "value",
    ["above=0.01 severity=critical", "above=1%, severity: critical", " above = 0.01;severity=critical"],
)
def test_a_tag_on_the_function_changes_a_rule(functions, judged, rule, value):
    functions(checkout={"quarterdeck:bad": value}, report={})

    assert judged(rule("bad", above="10%"))["checkout"] == (True, 0.01, "critical")


def test_a_tag_switches_a_rule_off(functions, judged, rule, said):
    functions(checkout={"quarterdeck:bad": "Off"}, report={})

    assert list(judged(rule("bad"))) == ["report"]
    assert said(rule("bad")) == []


def test_a_tag_comes_on_top_of_an_override(functions, judged, rule):
    functions(checkout={"tier": "critical", "quarterdeck:bad": "above=0.02"})

    assert judged(rule("bad", overrides=CRITICAL))["checkout"] == (True, 0.02, "critical")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("nonsense", "is neither `off` nor settings such as `above=0.1`"),
        ("above=much", "above: "),
        ("above=5", "error_rate is a share from 0 to 1"),
        ("abve=0.1", "'abve' is no setting"),
        ("", "is neither `off`"),
    ],
)
def test_a_bad_tag_is_told_and_the_rule_goes_on(functions, judged, rule, said, value, told):
    functions(checkout={"quarterdeck:bad": value})

    assert judged(rule("bad", above="10%"))["checkout"] == (False, 0.1, "warning")
    [(name, function, text)] = said(rule("bad", above="10%"))
    assert (name, function) == ("bad", "checkout")
    assert told in text


def test_a_tag_of_no_rule_is_told(functions, said, rule):
    functions(checkout={"quarterdeck:bat": "off"})

    assert said(rule("bad")) == [("bat", "checkout", "there is no rule 'bat'; did you mean `bad`?")]


def test_a_composed_rule_may_be_off_for_some(functions, judged, rule, world, store):
    functions(checkout={"quarterdeck:whole": "off"}, report={})
    rules = [rule("bad", above="1%", part=True), rule("whole", signal=None, above=None, all="bad")]

    found = [s.name for one in judge_all(store, rules, now=world.at(10)) for s in one.grid.subjects]

    assert found == ["report"]


@settings(max_examples=200, deadline=timedelta(seconds=2))
@given(
    st.text(max_size=40) | st.from_regex(r"(above|below|severity|for|over|slo)=[\w.%-]{0,8}", fullmatch=True)
)
def test_no_tag_raises(value):
    rule = Rule.model_validate({"rule": "a", "signal": "error_rate", "above": 0.1})

    changed, problem = by_tag(rule, value)

    assert changed is None or changed.rule == "a"
    assert problem is None or changed is rule


def test_the_audit_names_tags_that_are_not_followed(functions, store, world, rule, settings):
    functions(checkout={"quarterdeck:bad": "nonsense"})

    faults = audit(store, [rule("bad")], settings(), now=world.at(10))

    [fault] = [fault for fault in faults if fault.why == "tag not followed"]
    assert (fault.name, fault.verdict) == ("bad", "partly blind")
    assert "checkout" in fault.evidence
