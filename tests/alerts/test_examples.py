"""Every example rule of the docs does on the demo account what its comment says: `demo: checkout-api`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from alerts.backtest import backtest
from alerts.judging import judge_over
from alerts.rule import Rule
from alerts.rules import load_rules
from core.settings import CostSettings, StoreSettings
from core.windows import MINUTE, Window
from store.store import Store
from tests.demo_store import HISTORY, NOW, days_store, demo_store, weeks_store

DOCS = Path(__file__).parents[2] / "docs"
SAYS = re.compile(r"^  - rule: (\S+) +# demo: (.+)$", re.MULTILINE)
RECENT = timedelta(hours=3)
HOURS, DAYS, WEEKS = "hours", "days", "weeks"
NEEDS_WEEKS = {"budget-nearly-used", "budget-will-not-do", "dear-day"}
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
    """By how much history is needed."""
    made = {HOURS: demo_store, DAYS: days_store, WEEKS: weeks_store}
    opened = {
        name: Store.open(StoreSettings(path=build(tmp_path_factory), free_space_floor_mb=0))
        for name, build in made.items()
    }
    yield opened
    for store in opened.values():
        store.close()


@pytest.fixture(scope="module")
def cost():
    """What the page's settings say."""
    text = (DOCS / "rules.md").read_text("utf-8")
    (block,) = re.findall(r"^```yaml settings\ncost:\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return CostSettings.model_validate(yaml.safe_load(block))


def needed_by(example: Example) -> str:
    if example.name in NEEDS_WEEKS:
        return WEEKS
    return DAYS if example.name in NEEDS_DAYS else HOURS


def fired(store: Store, rule: Rule, others: list[Rule], window: Window, cost: CostSettings) -> set[str]:
    found = backtest(store, rule, window, now=NOW, others=others, cost=cost).replay
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
def test_every_example_fires_in_a_backtest_of_the_demo_as_its_text_says(example, stores, cost, tmp_path):
    rule, rules = loaded(example, tmp_path)
    needed = needed_by(example)
    window = Window(NOW - (HISTORY if needed == HOURS else RECENT), NOW)
    told = fired(stores[needed], rule, rules, window, cost) if rule.enabled else set()
    says = example.says or ""
    named, others, _ = says.partition(" and others")

    if says.startswith("nothing, "):
        assert told == set()
    elif others:
        assert set(named.split(", ")) < told
    else:
        assert set(named.split(", ")) == told


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_could_be_judged(example, stores, cost, tmp_path):
    rule, rules = loaded(example, tmp_path)
    whole = rule.model_copy(update={"part": False})
    others = [other for other in rules if other.rule != rule.rule and other.rule in rule.parts]
    store, window = stores[needed_by(example)], Window(NOW - 20 * MINUTE, NOW)

    judged = judge_over(store, [*others, whole], window, now=NOW, cost=cost)

    mine = [one for one in judged if one.rule.rule == rule.rule]
    assert sum(len(one.grid.subjects) for one in mine) > 0
    assert any((one.verdict > 0).any() for one in mine)
