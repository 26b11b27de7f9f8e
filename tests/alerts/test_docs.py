"""docs/alerts.md says what is so: its examples load, it names every signal, key and setting."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from alerts.actions import ACTIONS, Occasion
from alerts.actions.event import remediation_event
from alerts.rule import SELECTS, Rule
from alerts.rules import STARTER, load_rules
from alerts.settings import ActionSettings, AlertSettings
from alerts.signals import SIGNALS
from core.facts import Target

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"
TEXT = DOCS.read_text(encoding="utf-8")


def examples(kind):
    found = re.findall(rf"^```\w+ {kind}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert found
    return found


@pytest.mark.parametrize("example", examples("rules"))
def test_every_example_rule_loads(example, tmp_path):
    (tmp_path / "example.yml").write_text(example)

    assert load_rules([tmp_path / "example.yml"])


@pytest.mark.parametrize("example", examples("settings"))
def test_every_example_setting_loads(example):
    AlertSettings.model_validate(yaml.safe_load(example)["alerts"])


def test_the_event_has_the_documented_keys():
    def shape(value):
        return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None

    documented = json.loads(examples("event")[0]) | {"input": {}}
    occasion = Occasion(id="x", target=Target("1", "r"), subject_kind="function", subject="f", who="ada")
    sent = remediation_event(occasion, {}, now=datetime(2026, 3, 2, tzinfo=UTC))

    assert shape(sent) == shape(documented)


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_is_documented(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", sorted({word for words in SELECTS.values() for word in words}))
def test_every_selector_is_documented(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", [field.alias or key for key, field in Rule.model_fields.items()])
def test_every_key_of_a_rule_is_documented(name):
    assert re.search(rf"\b{name}:|`{name}`|{name}: ", TEXT)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_and_its_keys_are_documented(action):
    keys = ["do", *(key for key in action.model_fields if key != "do")]

    assert action.model_fields["do"].default in TEXT
    assert [key for key in keys if f"{key}:" not in TEXT] == []
    assert [permission for permission in action.permissions if f"`{permission}`" not in TEXT] == []


def test_every_setting_is_documented():
    names = [
        f"alerts.{name}"
        for name in AlertSettings.model_fields
        if name not in {"actions", "delivery", "channels", "routes", "base_url"}
    ]
    names += [f"alerts.actions.{name}" for name in ActionSettings.model_fields]

    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_every_starter_rule_says_what_to_do():
    assert all(rule.summary for rule in load_rules([STARTER]))
