"""The docs keep their word: settings load; every command, collector, setting and permission is there."""

import json
import re
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from collectors.registry import COLLECTORS, OPTIONAL_TO_CONNECT
from quarterdeck.cli import app
from quarterdeck.policy import INSIGHTS, policy
from quarterdeck.policy_forms import FORMATS, Wish, policy_text
from quarterdeck.settings import Settings, load

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def examples(file, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / file).read_text(), re.DOTALL)


@pytest.mark.parametrize("file", ["settings.md", "iam.md"])
def test_settings_in_the_docs_load(tmp_path, file):
    found = examples(file, "yaml")

    assert found
    for at, text in enumerate(found):
        (tmp_path / f"{at}.yml").write_text(text)
        load([tmp_path / f"{at}.yml"])


def commands():
    group = typer.main.get_command(app)
    return sorted(group.commands)


@pytest.mark.parametrize("command", commands())
@pytest.mark.parametrize("file", ["docs/cli.md", "README.md"])
def test_every_command_is_in_the_docs(command, file):
    assert re.search(rf"`(quarterdeck )?{command}\b", (ROOT / file).read_text())


def leaves(model: type[BaseModel], path: str = ""):
    for name, field in model.model_fields.items():
        inner = field.annotation
        args = [inner, *getattr(inner, "__args__", ())]
        models = [part for part in args if isinstance(part, type) and issubclass(part, BaseModel)]
        if models and len(models) == 1 and "channel" not in name:
            yield from leaves(models[0], f"{path}{name}.")
        else:
            yield f"{path}{name}"


@pytest.mark.parametrize("setting", list(leaves(Settings)))
def test_every_setting_is_in_the_docs(setting):
    assert f"`{setting}`" in (DOCS / "settings.md").read_text()


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda collector: collector.name)
def test_every_collector_and_its_permissions_are_in_the_docs(collector):
    row = next(line for line in (DOCS / "iam.md").read_text().splitlines() if f"`{collector.name}`" in line)

    assert collector.what in row
    assert set(re.findall(r"`(\w+:\w+)`", row)) == set(collector.permissions)


def test_the_policy_in_the_docs_is_the_one_that_is_printed():
    assert json.loads(examples("iam.md", "json")[0]) == policy()


def test_the_policy_is_the_union_of_all_permissions():
    allowed = {action for statement in policy()["Statement"] for action in statement["Action"]}

    wanted = {p for c in COLLECTORS for p in c.permissions}
    assert allowed == {"sts:GetCallerIdentity", *OPTIONAL_TO_CONNECT, *wanted}


def test_reading_needs_no_action_that_changes_anything():
    actions = {action for statement in policy()["Statement"] for action in statement["Action"]} - INSIGHTS
    verbs = {action.split(":")[1] for action in actions}

    assert all(verb.startswith(("Get", "List", "Describe", "Filter", "BatchGet", "Lookup")) for verb in verbs)


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_the_policy_names_every_action(form):
    text = policy_text(form, Wish(actions=True))

    for statement in policy(actions=True)["Statement"]:
        assert all(f'"{action}"' in text for action in statement["Action"])


@pytest.mark.parametrize(
    "file", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda file: file.name
)
def test_links_between_the_docs_lead_somewhere(file):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text())
    missing = [target for target in targets if not (file.parent / target).exists()]

    assert [target for target in missing if not target.endswith(".png")] == []


def test_fleet_keys_of_the_docs_are_those_of_the_reader():
    row = json.loads(examples("cli.md", "json")[0])["functions"][0]

    from store.readers.fleet import fleet

    assert all(key in (fleet.__doc__ or "") for key in row)
