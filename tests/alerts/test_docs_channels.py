"""docs/channels.md says what is so: its examples load, it names every kind, key and setting."""

import re
from pathlib import Path

import pytest
import yaml

from alerts.channels import KINDS
from alerts.delivery import DeliverySettings
from alerts.routes import Hours, Route
from alerts.settings import AlertSettings
from tests.alerts.kinds import EVERY

TEXT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml settings\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example):
    assert AlertSettings.model_validate(yaml.safe_load(example)["alerts"]).channels


def test_every_kind_has_an_example():
    shown = {kind for example in EXAMPLES for kind in re.findall(r"kind: ([a-z-]+)", example)}

    assert shown == set(EVERY)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_key_of_a_channel_is_told(kind):
    assert [key for key in kind.model_fields if not re.search(rf"\b{key}\b", TEXT)] == []
    assert [permission for permission in kind.permissions if permission not in TEXT] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_table_says_what_a_kind_takes_and_whether_it_knows_a_repetition(kind):
    name = kind.model_fields["kind"].annotation.__args__[0]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]

    assert int(cells[4]) == kind.rate.per_minute
    assert cells[3].startswith("is shown twice") is kind.takes_duplicates
    assert (cells[5] == "digest") is kind.folds


def test_every_setting_of_delivery_is_told_with_its_default():
    for name, field in DeliverySettings.model_fields.items():
        assert f"| `alerts.delivery.{name}` | {field.default} |" in TEXT


def test_every_key_of_a_route_is_told():
    keys = [field.alias or key for model in (Route, Hours) for key, field in model.model_fields.items()]

    assert [key for key in keys if not re.search(rf"\b{key}\b", TEXT)] == []
