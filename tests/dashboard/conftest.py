"""Pages in process: the real entry point on a real store, with the clock stopped."""

from __future__ import annotations

import functools
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner, require_widgets_deltas

from core.entities import Function, Version
from core.facts import Covered, Fact, Run, Target
from core.telemetry import InvocationRecord, LogEvent, MetricPoint
from core.windows import Window
from dashboard import links
from dashboard.launch import APP, ENTRANCE, STORE, Entrance
from store import schema
from store.store import Store
from tests.dashboard.every_page import opened as open_address
from tests.dashboard.kept import Answers, Shown, opened

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")
WINDOW = Window(NOW - timedelta(hours=3), NOW)
CONFIG = APP.parent / ".streamlit" / "config.toml"


@pytest.fixture(scope="session", autouse=True)
def _as_served() -> Iterator[None]:
    """Streamlit with the options of the app, and with what a server does once done once: for each app under
    test it would look through every installed package for components (0.2 s)."""
    options = tomllib.loads(CONFIG.read_text("utf-8"))
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        patch.setattr(local_script_runner, "require_widgets_deltas", _wait)
        for section in ("browser", "runner"):
            for name, value in options[section].items():
                st.config.set_option(f"{section}.{name}", value)
        yield


def _wait(runner: LocalScriptRunner, timeout: float, is_over: Any = require_widgets_deltas) -> None:
    """Until the script has run, without looking a thousand times a second whether it has."""
    assert runner._script_thread
    runner._script_thread.join(timeout)
    is_over(runner, timeout=0.1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return opened(tmp_path / "store")


@pytest.fixture(scope="module")
def _answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.drop()


@pytest.fixture
def open_page(
    tmp_path: Path, request: pytest.FixtureRequest, _answers: Answers
) -> Iterator[Callable[..., AppTest]]:
    """`open_page("views/x.py", **query)`: a page of the app on the test's store, drawn once."""
    shown = next((name for name in SHOWN if name in request.fixturenames), None)
    folder: Path = request.getfixturevalue(shown).path if shown else tmp_path / "store"
    is_first = True

    def start(page: str = links.OVERVIEW, **query: str) -> AppTest:
        nonlocal is_first
        if is_first:
            _answers.of(folder)
        is_first = False
        return open_address(page, **query)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(folder))
        patch.setenv("QUARTERDECK_NOW", NOW.isoformat())
        patch.setenv(ENTRANCE, Entrance().model_dump_json())
        yield start
    if not shown or "monkeypatch" in request.fixturenames:
        _answers.drop()


SHOWN = ("firing", "judged", "filled")
"""Stores that tests share; the first that a test names is the one it looks at."""


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    """Of each of these stores what tests look at."""
    place = tmp_path_factory.mktemp("shown")
    _fill(place / "filled")
    for name, row in (("firing", _incident), ("judged", _judgement)):
        shutil.copytree(place / "filled", place / name)
        with closing(opened(place / name)) as store, store.transaction() as connection:
            connection.execute(row())
    return {name: Shown(place / name, place) for name in SHOWN}


@pytest.fixture
def filled(shown: dict[str, Shown], request: pytest.FixtureRequest) -> Store:
    """Three hours of `orders` (1 % errors, a record a minute, an error line, two versions) and `idle`."""
    return shown[next(name for name in SHOWN if name in request.fixturenames)].store()


@pytest.fixture
def firing(filled: Store) -> Store:
    """`filled`, with one critical incident on `orders` since half an hour."""
    return filled


@pytest.fixture
def judged(filled: Store) -> Store:
    """`filled`, on which a rule was evaluated a moment ago and found nothing."""
    return filled


def commit(store: Store, collector: str, facts: Iterable[Fact], **about: Any) -> None:
    """One run over `WINDOW` that ended `at` NOW and went well, unless `about` says otherwise."""
    at = about.pop("at", NOW)
    values = {"target": PROD, "window": WINDOW, "period_s": 60, "started_at": at, "finished_at": at}
    run = Run(collector=collector, **({**values, "outcome": "ok"} | about))
    store.commit(run, facts, now=run.finished_at)


def _fill(folder: Path) -> None:
    store = opened(folder)
    store.remember_target(PROD, "shop", now=NOW)
    commit(store, "inventory", [_function("orders", reserved=5), _function("idle")])
    commit(store, "details", [_version("1", hours_ago=300), _version("2", hours_ago=1)])
    commit(store, "metrics", [_point(minute) for minute in range(180)])
    commit(store, "logs", [*(_record(minute) for minute in range(180)), _line(), Covered("orders", WINDOW)])
    for collector in ("queues", "traces", "triggers", "changes"):
        commit(store, collector, [])
    store.close()


def _incident() -> sa.Insert:
    return schema.incident.insert().values(
        id="i1",
        rule="error-rate",
        account=PROD.account,
        region=PROD.region,
        subject_kind="function",
        subject="orders",
        severity="critical",
        title="orders: error rate 12 %",
        text="Error rate 12 %: above 5 % over 5 min; before it was 0.1 %. Look at the newest deploy.",
        opened_at=NOW - timedelta(minutes=30),
        value=0.12,
        threshold=0.05,
    )


def _judgement() -> sa.Insert:
    row = {"rule": "throttles", "account": PROD.account, "region": PROD.region, "subject": "orders"}
    return schema.rule_state.insert().values(
        **row, since=NOW, evaluated_at=NOW - timedelta(minutes=1), state="ok"
    )


def _function(name: str, reserved: int | None = None) -> Function:
    return Function(
        name=name,
        arn=f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:{name}",
        runtime="python3.13",
        memory_mb=512,
        timeout_s=15,
        tags={"team": "checkout"},
    )


def _version(version: str, *, hours_ago: float) -> Version:
    published = NOW - timedelta(hours=hours_ago)
    return Version(name=f"orders:{version}", function="orders", version=version, published=published)


def _point(minutes_ago: int) -> MetricPoint:
    return MetricPoint(
        scope="function",
        function="orders",
        ts=NOW - timedelta(minutes=minutes_ago + 1),
        period_s=60,
        invocations=100,
        errors=1,
        throttles=0,
        duration_sum_ms=20_000,
        duration_max_ms=900,
        concurrent_max=3,
    )


def _record(minutes_ago: int) -> InvocationRecord:
    return InvocationRecord(
        function="orders",
        ts=NOW - timedelta(minutes=minutes_ago, seconds=30),
        event_id=f"e{minutes_ago}",
        request_id=f"r{minutes_ago}",
        stream="2026/11/20/[2]abc",
        version="2",
        duration_ms=200 + minutes_ago,
        billed_ms=201 + minutes_ago,
        memory_mb=512,
        max_memory_mb=120,
        init_ms=450 if minutes_ago % 60 == 0 else None,
        status="error" if minutes_ago == 5 else "success",
    )


def _line() -> LogEvent:
    return LogEvent(
        function="orders",
        ts=NOW - timedelta(minutes=5, seconds=31),
        event_id="l5",
        stream="2026/11/20/[2]abc",
        request_id="r5",
        level="error",
        message="KeyError: <b>iban</b> **bold** $x$",
        signature="KeyError: <>",
        version="2",
    )


@pytest.fixture
def filled_inventory(store: Store) -> Store:
    """A store whose first pass has read the inventory and nothing else yet."""
    store.remember_target(PROD, "shop", now=NOW)
    minute = Window(NOW - timedelta(minutes=1), NOW)
    commit(store, "inventory", [_function("orders")], window=minute, period_s=0)
    return store
