"""The docs keep their word: settings load; every command, collector, setting and permission is there."""

import ast
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
from pydantic import BaseModel

from collectors.registry import EVERY, OPTIONAL_TO_CONNECT
from dashboard import links
from dashboard.menu import MENU
from quarterdeck.cli import app
from quarterdeck.demo.stories import STORIES
from quarterdeck.policy import INSIGHTS, policy
from quarterdeck.policy_forms import FORMATS, Wish, policy_text
from quarterdeck.settings import Settings, load

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAGES = {title: path for group in MENU.values() for path, title, _ in group}


def examples(file, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / file).read_text(), re.DOTALL)


@pytest.mark.parametrize("file", ["settings.md", "iam.md", "store.md", "access.md", "bills.md", "budgets.md"])
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
            yield f"{path}{field.alias or name}"


@pytest.mark.parametrize("setting", list(leaves(Settings)))
def test_every_setting_is_in_the_docs(setting):
    assert any(f"`{setting}`" in file.read_text() for file in DOCS.glob("*.md"))


@pytest.mark.parametrize("collector", EVERY, ids=lambda collector: collector.name)
def test_every_collector_and_its_permissions_are_in_the_docs(collector):
    row = next(line for line in (DOCS / "iam.md").read_text().splitlines() if f"`{collector.name}`" in line)

    assert collector.what in row
    assert set(re.findall(r"`([\w-]+:\w+)`", row)) == set(collector.permissions)


def test_the_policy_in_the_docs_is_the_one_that_is_printed():
    assert json.loads(examples("iam.md", "json")[0]) == policy()


def test_the_policy_is_the_union_of_all_permissions():
    allowed = {action for statement in policy()["Statement"] for action in statement["Action"]}

    wanted = {p for c in EVERY for p in c.permissions}
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


# --- commands that people copy ------------------------------------------------------------------------------


def typed():
    """Every line of the docs that starts our program, as words behind its name."""
    for file in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]:
        for block in re.findall(r"```sh\n(.*?)```", file.read_text(), re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].rpartition("/")[2] == "quarterdeck":
                    yield pytest.param(words[1:], id=f"{file.name} {' '.join(words[1:])}")


@pytest.mark.parametrize("words", list(typed()))
def test_every_command_line_of_the_docs_can_be_typed(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for word in words:
        if word.endswith((".parquet", ".csv")):
            Path(word).touch()
    command, left = typer.main.get_command(app), list(words)
    while hasattr(command, "commands"):
        command = command.commands[left.pop(0)]

    command.make_context(command.name, left)  # raises on what the command does not take


# --- pages --------------------------------------------------------------------------------------------------

TEXT = {name: (DOCS / f"{name}.md").read_text() for name in ("pages", "proof")}


def pictures(text):
    return re.findall(r"!\[[^]]*\]\(images/([a-z-]+)-light\.png\)", text)


def test_every_page_of_the_menu_is_told_with_its_picture():
    names = {"Functions": "Function"}

    assert set(pictures(TEXT["pages"])) == {names.get(t, t).lower().replace(" ", "-") for t in PAGES}
    assert [title for title in PAGES if f"\n| {title} | " not in TEXT["pages"]] == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_story_of_the_demo_account_is_walked(story):
    assert f"`{story.function[2]}`" in TEXT["pages"]


ADDRESSES = examples("pages.md", "text")[0].split()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_the_docs_is_one_that_pages_read(address):
    parts = urlsplit(address)
    page = next(path for path in PAGES.values() if links.path(path, {}) == parts.path)
    read = "".join(file.read_text() for file in (ROOT / "dashboard").rglob("*.py"))

    query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
    assert page
    assert [name for name in query if f'"{name}"' not in read] == []
    assert query.get("range") in {None, *links.RANGES}
    assert (
        "from" not in query or links.read_window(query, now=NOW, fresh=None).end.isoformat()[:16] in address
    )


# --- proof --------------------------------------------------------------------------------------------------


def named_tests():
    """File below `tests/` and test, of every name in docs/proof.md."""
    return sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT["proof"])))


@pytest.mark.parametrize("file", sorted({file for file, _ in named_tests()}))
def test_every_test_that_proves_a_number_is_there(file):
    there = {
        node.name for node in ast.parse((ROOT / "tests" / file).read_text()).body if hasattr(node, "name")
    }

    assert {test for at, test in named_tests() if at == file} <= there


def sections():
    """What docs/proof.md says of each page."""
    _, *parts = TEXT["proof"].split("\n## ")
    return dict(part.split("\n", 1) for part in parts)


def test_every_page_has_its_proof():
    assert list(sections()) == list(PAGES)


FIGURES = {
    "Overview": ("overview",),
    "Rules": ("rules",),
    "Functions": ("function",),
    "Cold starts": ("cold", "what_if"),
    "Concurrency": ("concurrency",),
    "Queues": ("queues",),
    "Silent stops": ("silent",),
    "Traces": ("traces",),
    "Spend": ("cost",),
    "Function cost": ("function_cost",),
    "Savings": ("savings",),
    "Chargeback": ("chargeback",),
    "Reconciliation": ("reconciliation",),
    "Collection health": ("collection",),
}
CARD = re.compile(r'(?:label=|\b_?card\(\s*|_sum\(\s*\w+,\s*\w+,\s*"\w+",\s*)"([A-Za-z][^"]*)"')
"""A card's label where it is written down."""


@pytest.mark.parametrize("page", FIGURES)
def test_every_card_of_a_page_has_its_proof(page):
    files = [ROOT / "dashboard" / f"figures_{name}.py" for name in FIGURES[page]]
    labels = {label for file in files for label in CARD.findall(file.read_text())}

    assert labels
    assert [label for label in sorted(labels) if label not in sections()[page]] == []


def test_no_file_of_cards_is_without_a_page():
    files = (ROOT / "dashboard").glob("figures_*.py")
    with_cards = {f.stem.removeprefix("figures_") for f in files if "Card(" in f.read_text()}

    assert with_cards == {name for names in FIGURES.values() for name in names}
