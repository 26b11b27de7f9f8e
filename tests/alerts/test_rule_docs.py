"""docs/rules.md and the schema say what is so: examples load and validate, every signal and key is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.burn import BurnWindow
from alerts.overrides import Override
from alerts.rule import SELECTS, Rule
from alerts.rules import STARTER, load_rules, schema
from alerts.signals import SIGNALS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
PUBLISHED = ROOT / "alerts" / "rules.schema.json"
EXAMPLES = re.findall(r"^```yaml rules\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads_and_is_valid_by_the_schema(example, tmp_path, validator):
    (tmp_path / "example.yml").write_text(example)

    assert load_rules([tmp_path / "example.yml"])
    assert [error.message for error in validator.iter_errors(yaml.safe_load(example))] == []


def test_the_published_schema_is_that_of_the_models():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema(), (
        "write it anew: python -m alerts.rules > alerts/rules.schema.json"
    )


def test_the_starter_rules_are_valid_by_the_schema(validator):
    validator.validate(yaml.safe_load(STARTER.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "rule",
    [
        {"signal": "error_rate", "above": "5%"},
        {"rule": "a", "signal": "eror_rate", "above": 1},
        {"rule": "a", "signal": "errors", "above": 1, "over": "soon"},
        {"rule": "a", "signal": "errors", "above": 1, "colour": "red"},
        {"rule": "a", "signal": "errors", "above": 1, "for": "often"},
        {"rule": "a", "signal": "errors", "above": 1, "act": {"do": "nothing"}},
    ],
)
def test_the_schema_refuses_what_loading_refuses(rule, validator):
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)

    assert list(validator.iter_errors({"rules": [rule]}))


NUMBERS = st.integers(0, 9) | st.sampled_from(["5%", "0.5 %", "much", None])
WORDS = {
    "above": NUMBERS,
    "over": st.sampled_from(["5m", "1h", "soon", 5]),
    "for": st.sampled_from(["2 of 3", "2 of 3 minutes", "5m", "often"]),
    "where": st.sampled_from(
        [{"function": "a*"}, {"function": ["a", "b"]}, {"tag": {"a": "b"}}, {"functio": "a"}]
    ),
    "overrides": st.sampled_from(
        [{"above": 1}, [{"above": "2%", "where": {"region": "eu-*"}}], [{"abov": 1}]]
    ),
    "severity": st.sampled_from(["info", "bad"]),
}


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"rule": st.just("a"), "signal": st.sampled_from(["errors", "error_rate"])}, optional=WORDS
    )
)
def test_what_loads_is_valid_by_the_schema(validator, rule):
    try:
        Rule.model_validate(rule)
    except ValidationError:
        return

    assert [error.message for error in validator.iter_errors({"rules": [rule]})] == []


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_is_documented(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", sorted({word for words in SELECTS.values() for word in words}))
def test_every_selector_is_documented(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize(
    "name",
    sorted({field.alias or key for model in (Rule, BurnWindow) for key, field in model.model_fields.items()}),
)
def test_every_key_is_documented(name):
    assert re.search(rf"\b{name}:|`{name}`", TEXT)


def test_an_override_may_say_only_what_a_rule_may():
    assert {*Override.model_fields} <= {*Rule.model_fields}


def test_every_starter_rule_says_what_to_do():
    assert all(rule.summary for rule in load_rules([STARTER]))
