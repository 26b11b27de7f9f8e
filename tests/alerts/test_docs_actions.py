"""docs/actions.md says what is so: its examples load, it names every action, key, permission and setting."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from alerts.actions import ACTIONS, Occasion
from alerts.actions.event import remediation_event
from alerts.actions.settings import ActionSettings
from alerts.rules import load_rules
from alerts.settings import AlertSettings
from core.facts import Target

TEXT = (Path(__file__).parents[2] / "docs" / "actions.md").read_text(encoding="utf-8")


def examples(kind):
    found = re.findall(rf"^```\w+ {kind}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert found
    return found


@pytest.mark.parametrize("example", examples("rules"))
def test_every_example_rule_loads(example, tmp_path):
    (tmp_path / "example.yml").write_text(example)

    assert load_rules([tmp_path / "example.yml"])


def test_every_action_has_an_example():
    rules = [rule for text in examples("rules") for rule in yaml.safe_load(text)["rules"]]
    shown = [
        each for rule in rules for each in (rule["act"] if isinstance(rule["act"], list) else [rule["act"]])
    ]

    assert {each["do"] for each in shown} == {action.model_fields["do"].default for action in ACTIONS}


def test_the_example_setting_loads():
    [example] = examples("settings")

    assert AlertSettings.model_validate(yaml.safe_load(example)["alerts"]).actions.enabled


def test_the_event_has_the_documented_keys():
    def shape(value):
        return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None

    documented = json.loads(examples("event")[0]) | {"input": {}}
    occasion = Occasion(id="x", target=Target("1", "r"), subject_kind="function", subject="f", who="ada")
    sent = remediation_event(occasion, {}, now=datetime(2026, 3, 2, tzinfo=UTC))

    assert shape(sent) == shape(documented)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_and_its_keys_are_documented(action):
    keys = ["do", *(key for key in action.model_fields if key != "do")]

    assert action.model_fields["do"].default in TEXT
    assert [key for key in keys if f"{key}:" not in TEXT] == []
    assert [permission for permission in action.permissions if f"`{permission}`" not in TEXT] == []


@pytest.mark.parametrize("name", ActionSettings.model_fields)
def test_every_setting_is_documented(name):
    assert f"`alerts.actions.{name}`" in TEXT


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("{do: set-reserved-concurency, limit: 1}", "set-reserved-concurrency"),
        ("{do: set-reserved-concurrency}", "limit: is required"),
        ("{do: set-reserved-concurrency, limit: 1, lese: 5m}", "did you mean `lease`"),
    ],
)
def test_a_mistake_in_an_action_is_named_with_its_line(act, said, tmp_path):
    file = tmp_path / "rules.yml"
    file.write_text(f"rules:\n  - rule: r\n    signal: throttles\n    above: 0\n    act: {act}\n")
    with pytest.raises(Exception, match=said) as mistake:
        load_rules([file])

    assert f"{file}:5: " in str(mistake.value)
