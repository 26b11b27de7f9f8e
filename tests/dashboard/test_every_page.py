"""Every page of the menu on every kind of store: empty, full, large, and with each collector denied in turn.

A page and a collector are held to this by being in the menu and in the registry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, product
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alerts.engine import evaluate
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from benchmarks import fleet_table
from collectors.registry import COLLECTORS
from core.facts import Covered
from core.settings import StoreSettings
from core.telemetry import LogEvent, TraceRecord
from core.windows import Window
from dashboard.function_tabs import TABS
from dashboard.launch import STORE
from dashboard.links import FUNCTION
from dashboard.menu import MENU
from dashboard.needs import NEEDS, ON_REQUEST
from quarterdeck.demo.server import DemoServer
from store.store import Store
from tests import demo_store
from tests.dashboard.every_page import charts, empty_panels, opened, words

pytestmark = pytest.mark.slow

TITLES = {path: title for path, title, _ in chain(*MENU.values())}
PERMISSIONS = {collector.name: collector.permissions for collector in COLLECTORS}
DENIED = [f"without {name}" for name in PERMISSIONS]
LARGE = Window(fleet_table.NOW - timedelta(hours=3), fleet_table.NOW)
HISTORY = timedelta(minutes=20)
READ = {"from": (demo_store.NOW - HISTORY).isoformat(), "to": demo_store.NOW.isoformat()}
"""Where a collector is denied: the window of all that was read, so that nothing else is missing."""
ALL = "all"
"""In place of a tab: the page of functions without one chosen."""

PAGES = [(path, ALL if path == FUNCTION else "") for path in TITLES]
TABS_TOO = [*PAGES, *((FUNCTION, tab.lower()) for tab in TABS)]


@dataclass(frozen=True)
class Stage:
    """A store, the time at which it is looked at, and a function that it knows."""

    path: Path
    now: datetime
    function: str
    shown: Mapping[str, str] = field(default_factory=lambda: {"range": "3h"})

    def open(self, page: str, tab: str, patch: pytest.MonkeyPatch) -> AppTest:
        """The page of the address, drawn once; for the page of functions `tab` is one's."""
        patch.setenv(STORE, str(self.path))
        patch.setenv("QUARTERDECK_NOW", self.now.isoformat())
        query = {} if tab in ("", ALL) else {"fn": self.function, "tab": tab}
        return opened(page, **self.shown, **query)


class Stages:
    """The stores by name, each built when it is first asked for. Caches hold answers of one store only."""

    def __init__(self, factory: pytest.TempPathFactory, account: DemoServer) -> None:
        self._factory, self._built = factory, dict[str, Stage]()
        self._account = account
        self._last = ""

    def __getitem__(self, name: str) -> Stage:
        if name != self._last:
            forget()
        self._last = name
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> Stage:
        if name == "empty":
            return Stage(self._factory.mktemp("empty") / "store", demo_store.NOW, "1.eu-west-1.orders")
        if name == "demo":
            path = demo_store.demo_store(self._factory)
            return Stage(path, demo_store.NOW, "111122223333.eu-west-1.checkout-api")
        if name == "2,000 functions":
            return Stage(*self._large())
        collector = name.removeprefix("without ")
        path = self._factory.mktemp(collector) / "store"
        demo_store.collect(
            path,
            account=lambda: nullcontext(self._account),
            targets=demo_store.SMALL,
            history=HISTORY,
            denied=own(collector),
        )
        return Stage(path, demo_store.NOW, "444455556666.eu-west-1.checkout-api", READ)

    def _large(self) -> tuple[Path, datetime, str]:
        path = self._factory.mktemp("large") / "store"
        store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
        fleet_table.fill(store, 2_000, LARGE)
        target = fleet_table.TARGETS[0]
        names = fleet_table.names(target, 2_000)
        for collector, told in (("logs", map(_line, names)), ("traces", map(_trace, names))):
            store.commit(
                fleet_table.run(collector, target, LARGE), [*told, Covered("", LARGE)], now=LARGE.end
            )
        evaluate(store, rules_of(AlertSettings()), AlertSettings(), now=LARGE.end)
        store.close()
        name = names[0]
        return path, fleet_table.NOW, f"{target.account}.{target.region}.{name}"


def _line(name: str) -> LogEvent:
    """Of each function another message."""
    about = {"event_id": name, "stream": "s", "request_id": name, "level": "error"}
    ts, said = LARGE.end - timedelta(minutes=30), f"KeyError in {name}"
    return LogEvent(function=name, ts=ts, message=said, signature=said, **about)


def _trace(name: str) -> TraceRecord:
    """Of each function one, which failed."""
    about = {"has_error": False, "has_throttle": False, "has_fault": True, "root": name, "functions": (name,)}
    ts = LARGE.end - timedelta(minutes=30)
    return TraceRecord(trace_id=name, ts=ts, duration_ms=5.0, response_ms=5.0, **about)


def own(collector: str) -> list[str]:
    """The permissions that only this collector has, else all of its own."""
    others = {each for name, held in PERMISSIONS.items() if name != collector for each in held}
    return [each for each in PERMISSIONS[collector] if each not in others] or [*PERMISSIONS[collector]]


def forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with demo_store.account() as account:
        yield Stages(tmp_path_factory, account)
    forget()


OPENED = [
    *product(["empty"], PAGES),
    *product(["demo", "2,000 functions"], TABS_TOO),
    *product(DENIED, [*PAGES, (FUNCTION, "errors")]),
]


@pytest.mark.parametrize(
    ("stage", "page"), OPENED, ids=lambda it: it if isinstance(it, str) else "-".join(it)
)
def test_a_page_opens_and_says_what_is_not_there(stage, page, stages, monkeypatch):
    app = stages[stage].open(*page, monkeypatch)

    assert [box.message for box in app.exception] == []
    assert not app.error
    assert TITLES[page[0]] in [title.value for title in app.title]
    assert empty_panels(app) == []
    assert [alt for alt, rows in charts(app) if rows is not None and rows.empty] == []
    if stage == "empty":
        assert charts(app) == []
        assert re.search(r"\byet\b", words(app))
    collector = stage.removeprefix("without ")
    if collector in NEEDS[TITLES[page[0]]]:
        assert any(permission in words(app) for permission in own(collector))


def test_every_page_of_the_menu_says_which_collectors_it_rests_on():
    assert list(NEEDS) == list(TITLES.values())
    assert {name for names in NEEDS.values() for name in names} == {*PERMISSIONS, *ON_REQUEST}
