"""docs/alerts.md says what is so: its examples load, it names every setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from alerts.rules import load_rules
from alerts.settings import AlertSettings

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


def test_every_setting_is_documented():
    names = [
        f"alerts.{name}"
        for name in AlertSettings.model_fields
        if name not in {"actions", "delivery", "channels", "routes", "base_url"}
    ]

    assert [name for name in names if f"`{name}`" not in TEXT] == []
