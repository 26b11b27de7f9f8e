"""Every example rule of the docs does on the demo account what its comment says: `demo: checkout-api`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.backtest import backtest
from alerts.judging import judge_over
from alerts.rule import Rule
from alerts.rules import load_rules
from core.settings import StoreSettings
from core.windows import MINUTE, Window
from store.store import Store
from tests.demo_store import HISTORY, NOW, days_store, demo_store

DOCS = Path(__file__).parents[2] / "docs"
SAYS = re.compile(r"^  - rule: (\S+) +# demo: (.+)$", re.MULTILINE)
RECENT = timedelta(hours=3)
NEEDS_DAYS = {"run-is-overdue", "unusual-traffic", "unusually-quiet", "checkout-slowly"}
"""Whose verdict rests on more than the last hours."""


@dataclass(frozen=True)
class Example:
    page: str
    text: str
    name: str
    says: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.name}"


def examples() -> Iterator[Example]:
    for page in sorted(DOCS.glob("*.md")):
        for text in re.findall(
            r"^```yaml rules\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        ):
            said = dict(SAYS.findall(text))
            for name in re.findall(r"^  - rule: (\S+)", text, re.MULTILINE):
                yield Example(page.name, text, name, said.get(name))


EXAMPLES = list(examples())


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """By whether days are needed."""
    folders = {False: demo_store(tmp_path_factory), True: days_store(tmp_path_factory)}
    opened = {
        days: Store.open(StoreSettings(path=folder, free_space_floor_mb=0))
        for days, folder in folders.items()
    }
    yield opened
    for store in opened.values():
        store.close()


def fired(store: Store, rule: Rule, others: list[Rule], window: Window) -> set[str]:
    found = backtest(store, rule, window, now=NOW, others=others).replay
    return {firing.subject.short for firing in found.firings}


def loaded(example: Example, folder: Path) -> tuple[Rule, list[Rule]]:
    (folder / "example.yml").write_text(example.text, encoding="utf-8")
    rules = load_rules([folder / "example.yml"])
    return next(rule for rule in rules if rule.rule == example.name), rules


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_says_what_it_does_on_the_demo(example):
    assert example.says, f"write `# demo: WHAT` or `# demo: nothing, WHY` behind {example.name}"


def test_no_name_of_an_example_is_said_twice_on_a_page():
    assert [name for name, count in Counter(map(str, EXAMPLES)).items() if count > 1] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_fires_in_a_backtest_of_the_demo_as_its_text_says(example, stores, tmp_path):
    rule, rules = loaded(example, tmp_path)
    days = example.name in NEEDS_DAYS
    window = Window(NOW - (RECENT if days else HISTORY), NOW)
    told = fired(stores[days], rule, rules, window) if rule.enabled else set()
    says = example.says or ""
    named, others, _ = says.partition(" and others")

    if says.startswith("nothing, "):
        assert told == set()
    elif others:
        assert set(named.split(", ")) < told
    else:
        assert set(named.split(", ")) == told


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_could_be_judged(example, stores, tmp_path):
    rule, rules = loaded(example, tmp_path)
    whole = rule.model_copy(update={"part": False})
    others = [other for other in rules if other.rule != rule.rule and other.rule in rule.parts]
    store = stores[example.name in NEEDS_DAYS]

    judged = judge_over(store, [*others, whole], Window(NOW - 20 * MINUTE, NOW), now=NOW)

    mine = [one for one in judged if one.rule.rule == rule.rule]
    assert sum(len(one.grid.subjects) for one in mine) > 0
    assert any((one.verdict > 0).any() for one in mine)
