from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.rule import MinutesOf, Rule, Subject, Where
from alerts.rules import STARTER, load_rules, rules_of
from alerts.settings import AlertSettings
from alerts.signals import SIGNALS
from core.errors import SettingsError

GOOD = "rules:\n  - rule: a\n    signal: errors\n    above: 3\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="rules.yml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def mistakes(file):
    def load(text):
        with pytest.raises(SettingsError) as failure:
            load_rules([file(text)])
        return [mistake.split("rules.yml:", 1)[1] for mistake in failure.value.mistakes]

    return load


def test_starter_covers_the_six_worries():
    signals = {rule.signal for rule in load_rules([STARTER])}

    assert signals == {
        "error_rate", "throttles", "concurrency_headroom", "dead_letter_arrivals", "cold_start_rate",
        "collection_failing",
    }  # fmt: skip


def test_starter_error_rate_needs_samples():
    rule = next(rule for rule in load_rules([STARTER]) if rule.signal == "error_rate")

    assert rule.minimum_samples > 1


def test_reads_everything_a_rule_may_say(file):
    [rule] = load_rules(
        [
            file("""
rules:
  - rule: checkout-errors
    signal: error_rate
    above: 5%
    over: 10m
    for: 3 of 5 minutes
    minimum_samples: 20
    resolve_below: 0.01
    severity: critical
    missing: ok
    where: {account: prod, function: [checkout-*, pay-*], tag: {team: payments}}
    repeat: 4h
    labels: {team: payments}
    runbook: https://wiki.example.com/checkout
    notify: [chat]
    act: {do: invoke-function, function: mend}
""")
        ]
    )

    assert rule.threshold == pytest.approx(0.05)
    assert rule.for_ == MinutesOf(3, 5)
    assert rule.reach_minutes == 14
    assert rule.where.function == ("checkout-*", "pay-*")
    assert [action.name for action in rule.act] == ["invoke-function"]


def test_reads_several_documents_and_folders(file, tmp_path):
    file(GOOD + "---\n" + GOOD.replace("rule: a", "rule: b"), "one.yml")
    file(GOOD.replace("rule: a", "rule: c"), "two.yaml")

    assert [rule.rule for rule in load_rules([tmp_path])] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("colour: red", "5: rules.0.colour: no such key"),
        (
            "minimun_samples: 4",
            "5: rules.0.minimun_samples: there is no such key; did you mean `minimum_samples`?",
        ),
        ("above: much", "5: rules.0.above: "),
        ("above: .nan", "5: rules.0.above: "),
        ("severity: bad", "5: rules.0.severity: "),
        ("over: 90s", "5: rules.0.over: must be whole minutes, from 1m to 6h"),
        ("over: soon", "5: rules.0.over: 'soon' is not a duration"),
        ("for: 6 of 5", "5: rules.0.for: needs 1 <= m <= n"),
        ("for: often", "5: rules.0.for: is written `3 of 5 minutes` or `5m`"),
        ("below: 3", "2: rules.0: needs `above` or `below`, one of them"),
        ("resolve_below: 9", "5: rules.0.resolve_below: must not be higher than `above`"),
        ("resolve_above: 9", "2: rules.0: `resolve_below` goes with `above`"),
        ("where: {functio: x}", "5: rules.0.where.functio: there is no such key; did you mean `function`?"),
        ("where: {queue: x}", "5: rules.0.where.queue: errors is about a function"),
        ("minimum_samples: 5", "5: rules.0.minimum_samples: errors has no samples to count"),
        ("runbook: javascript:alert(1)", "5: rules.0.runbook: "),
        ("act: {do: invoke-function}", "5: rules.0.act.function: is required"),
        ("repeat: 5s", "5: rules.0.repeat: must be at least 1m"),
        ("labels: {a: 1}", "5: rules.0.labels.a: "),
        ("slo: 99%", "2: rules.0: needs `above` or `below`, one of them"),
        ("statistic: Sum", "5: rules.0.statistic: goes with a CloudWatch metric"),
        ("windows: []", "5: rules.0.windows: goes with `slo`"),
        ("all: [b]", "2: rules.0: has a `signal` or names other rules"),
        ("overrides: {abov: 1}", "5: rules.0.overrides.abov: there is no such key; did you mean `above`?"),
        (
            "overrides: [{where: {regio: x}}]",
            "5: rules.0.overrides.0.where.regio: there is no such key; did you",
        ),
        ("overrides: [{slo: 99%}]", "5: rules.0.overrides.0: slo: errors is no share of bad ones"),
        (
            "overrides: [{where: {queue: x}}]",
            "5: rules.0.overrides.0.where.queue: errors is about a function",
        ),
    ],
)
def test_names_a_mistake_by_line_and_field(mistakes, line, told):
    text = "rules:\n  - rule: a\n    signal: errors\n    above: 3\n"
    text = text.replace("    above: 3\n", "    severity: info\n") if line.startswith("above") else text

    found = mistakes(f"{text}    {line}\n")

    assert len(found) == 1
    assert found[0].startswith(told)


def test_names_all_mistakes_of_all_rules_at_once(mistakes):
    text = "rules:\n  - rule: a\n    signal: erors\n    above: 1\n"
    text += "  - rule: b b\n    signal: errors\n    above: x\n"

    assert [mistake.split(":")[0] for mistake in mistakes(text)] == ["3", "5", "7"]


def test_suggests_the_signal_that_was_meant(mistakes):
    assert "did you mean `error_rate`?" in mistakes("rules: [{rule: a, signal: eror_rate, above: 1}]")[0]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("{rule: a, signal: throttles2, above: 1}", "did you mean `throttles`?"),
        (
            "{rule: a, signal: ConcurrentExecutions, above: 1}",
            "did you mean `AWS/Lambda.ConcurrentExecutions`?",
        ),
        ("{rule: a, signal: AWS/Lambda.Error, above: 1}", "did you mean `AWS/Lambda.Errors`?"),
        (
            "{rule: a, signal: AWS/Lambda.Duration, above: 1}",
            "is read as Sum of function, Maximum of function",
        ),
        ("{rule: a, signal: AWS/Lambda.Errors, statistic: p99, above: 1}", "is read as Sum of function"),
        ("{rule: a, signal: errors, slo: 99%}", "slo: errors is no share of bad ones"),
        ("{rule: a, signal: error_rate, slo: 99%, over: 5m}", "over: `slo` has `windows` instead"),
        ("{rule: a, signal: silent_stop, above: 1, for: 5m}", "for: silent_stop tells of now only"),
        ("{rule: a, signal: silent_stop, above_normal: 1}", "silent_stop tells of now only"),
        ("{rule: a, all: b, above: 1}", "above: a rule of other rules compares nothing itself"),
        ("{rule: a, unless: b}", "signal: is required (or `all` or `any`, which name other rules)"),
        ("{rule: a, signal: errors, above_normal: 0}", "above_normal: "),
        ("{rule: a, signal: throttles, per: duration_p95, above: 1}", "per: divides a count by another"),
        ("{rule: a, signal: duration_p95, per: invocations, above: 1}", "per: divides a count by another"),
        ("{rule: a, signal: queue_depth, per: invocations, above: 1}", "of the same queue"),
        ("{rule: a, signal: timeouts, per: invocations, above: 1}", "from different sources"),
        ("{rule: a, signal: throttles, per: invocation, above: 1}", "did you mean `invocations`?"),
        ("{rule: a, signal: log_lines, above: 1}", "lines: says what log_lines looks for"),
        ("{rule: a, signal: errors, lines: declined, above: 1}", "and goes with no other signal"),
        (
            "{rule: a, signal: error_rate, slo: 99%, windows: [{long: 5m, short: 1h, above: 1}]}",
            "must not be longer",
        ),
        (
            "{rule: a, signal: error_rate, slo: 99%, windows: [{long: 4d, short: 1h, above: 1}]}",
            "may be up to 3d",
        ),
    ],
)
def test_says_what_of_a_condition_makes_no_sense(mistakes, rule, told):
    [mistake] = mistakes(f"rules: [{rule}]")

    assert mistake.startswith("1: ")
    assert (
        told.removeprefix("over: ").removeprefix("for: ").removeprefix("slo: ").removeprefix("above: ")
        in mistake
    )


def test_names_a_part_that_there_is_not_by_its_file_and_line(file):
    path = file(GOOD + "  - rule: whole\n    all: [a, throttle]\n")

    with pytest.raises(SettingsError, match=r"rules.yml:5: all: there is no rule 'throttle'.*`throttles`"):
        rules_of(AlertSettings(rules=[path]))


def test_a_part_may_be_a_starter_rule_unless_that_is_switched_off(file):
    whole = "rules:\n  - {rule: whole, any: throttles}\n"
    off = "  - {rule: throttles, signal: throttles, above: 1, enabled: false}\n"

    assert rules_of(AlertSettings(rules=[file(whole)]))[-1].parts == ("throttles",)
    with pytest.raises(SettingsError, match="or it is switched off"):
        rules_of(AlertSettings(rules=[file(whole + off)]))


def test_says_that_a_share_is_not_a_percentage(mistakes):
    found = mistakes("rules: [{rule: a, signal: error_rate, above: 5}]")

    assert found == ["1: rules.0.above: error_rate is a share from 0 to 1: write 0.05 or 5%"]


@pytest.mark.parametrize(
    "text", ["- rule: a", "rules: 3", "a: [", "rules: [{a: 1, a: 2}]", "rules: []\nmore: 1", "\x00"]
)
def test_says_what_a_rule_file_looks_like_when_it_is_none(mistakes, text):
    assert len(mistakes(text)) >= 1


def test_refuses_two_rules_of_one_name(file):
    with pytest.raises(SettingsError, match=r"two.yml:2: rule: 'a' is already at .*one.yml:2"):
        load_rules([file(GOOD, "one.yml"), file(GOOD, "two.yml")])


def test_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"gone.yml: the rule file cannot be read: No such file"):
        load_rules([tmp_path / "gone.yml"])


def test_own_rule_replaces_a_starter_rule_of_its_name(file):
    path = file("rules: [{rule: throttles, signal: throttles, above: 99}]")

    rules = rules_of(AlertSettings(rules=[path]))

    assert [rule.threshold for rule in rules if rule.rule == "throttles"] == [99]
    assert len(rules) == 6


def test_starter_rule_is_switched_off_by_name(file):
    path = file("rules: [{rule: throttles, signal: throttles, above: 99, enabled: false}]")

    assert "throttles" not in [rule.rule for rule in rules_of(AlertSettings(rules=[path]))]


def test_refuses_a_channel_that_there_is_not(file):
    path = file(GOOD + "    notify: [chatt]\n")

    with pytest.raises(SettingsError, match="there is no channel 'chatt'"):
        rules_of(AlertSettings(rules=[path]))


@given(st.text(max_size=200))
def test_any_text_loads_or_is_refused_with_a_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_text(text, encoding="utf-8", errors="replace")

    mistakes = ()
    try:
        load_rules([path])
    except SettingsError as error:
        mistakes = error.mistakes

    assert all(mistake.startswith(f"{path}:") for mistake in mistakes)


WORDS = st.sampled_from([*(field.alias or key for key, field in Rule.model_fields.items()), "abov", "1"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["5%", "5m", "a", "error_rate", "3 of 5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(WORDS, VALUES, max_size=6), max_size=3))
def test_any_yaml_loads_or_is_refused_with_a_line(tmp_path_factory, rules):
    path = tmp_path_factory.getbasetemp() / "fuzz.yml"
    path.write_text(yaml.safe_dump({"rules": rules}), encoding="utf-8")

    mistakes = ()
    try:
        load_rules([path])
    except SettingsError as error:
        mistakes = error.mistakes

    assert all(mistake.startswith(f"{path}:") for mistake in mistakes)


@given(st.integers(1, 240), st.integers(1, 240))
def test_m_of_n_is_read_as_written(hits, minutes):
    def read():
        return Rule.model_validate(
            {"rule": "a", "signal": "errors", "above": 1, "for": f"{hits} of {minutes}"}
        ).for_

    if hits <= minutes:
        assert read() == MinutesOf(hits, minutes)
    else:
        with pytest.raises(ValidationError):
            read()


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ({}, True),
        ({"account": "prod"}, True),
        ({"account": "1111*"}, True),
        ({"account": "dev"}, False),
        ({"function": "check*"}, True),
        ({"function": ["pay*", "check*"]}, True),
        ({"function": "check*", "region": "us-*"}, False),
        ({"runtime": "python3.*"}, True),
        ({"tag": {"team": "pay*"}}, True),
        ({"tag": {"env": "*"}}, False),
    ],
)
def test_selects_what_everything_given_matches(where, matches):
    subject = Subject(
        "function",
        "111122223333",
        "eu-west-1",
        "checkout",
        alias="prod",
        runtime="python3.13",
        tags={"team": "payments"},
    )

    assert Where.model_validate(where).matches(subject) is matches


def test_every_signal_names_its_subject_and_unit():
    assert all(signal.unit and signal.subject and signal.title for signal in SIGNALS.values())


def test_a_nested_alias_bomb_is_refused_or_read_quickly(mistakes: object, tmp_path: Path):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(8)
    )
    path = tmp_path / "bomb.yml"
    path.write_text(bomb)

    with pytest.raises(SettingsError):
        load_rules([path])
