"""Each single permission missing in turn: all else works, nothing known is lost, and exactly it is named."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.aws import Aws
from collectors.registry import COLLECTORS
from core.facts import Run, Target
from core.settings import CollectSettings, LogSettings, StoreSettings
from core.windows import Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.doctor import Check, examine
from quarterdeck.settings import Settings
from store.readers import collection
from tests.collectors.proof.content import PATIENT, Content, aws_at, content, one_pass, opened

NOW = datetime(2026, 11, 18, 10, 20, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=6)
EU, US = Target("444455556666", "eu-west-1"), Target("444455556666", "us-east-1")
EVERYTHING = Window(NOW - timedelta(days=2), NOW + timedelta(hours=1))
SETTINGS = CollectSettings(
    backfill=timedelta(minutes=10),
    backfill_coarse=timedelta(minutes=10),
    changes_every=timedelta(minutes=5),
    max_traces_per_run=20,
    logs=LogSettings(functions={"checkout*": "aggregated"}),
)
ACTIONS = sorted({action for collector in COLLECTORS for action in collector.permissions})
IN_US = {"scheduler:GetSchedule", "xray:GetIndexingRules"}
"""Permissions that only a pass over that region needs."""
NOT_CALLED = {"logs:StopQuery": "it stops a query that takes too long, and the demo's are quick"}

WRITES = {
    "metrics": {"metrics", "mapping_samples", "capacity_samples"},
    "queues": {"queue_samples"},
    "logs": {"invocations", "log_events", "batch_failures", "environment_starts", "invocation_summaries"},
    "traces": {"traces"},
    "changes": {"api_calls"},
}
"""The telemetry of each collector."""


@dataclass(frozen=True)
class Usual:
    """A store, and how a pass with it goes when nothing is denied."""

    folder: Path
    runs: list[Run]
    held: Content
    calls: Counter[str]


@dataclass(frozen=True)
class Base:
    """A region of the demo account, with a store that knows it (warm), and one that knows only functions."""

    demo: DemoServer
    aws: Aws
    warm: Usual
    cold: Usual

    def usual(self, action: str) -> Usual:
        """The pass that needs `action`; some things are looked up once only."""
        return self.warm if self.warm.calls[action] else self.cold


def calls_of(demo: DemoServer) -> Counter[str]:
    names = (f"{call['service']}:{call['operation']}" for call in demo.demo.calls)
    return Counter(name.replace("resourcegroupstaggingapi:", "tag:") for name in names)


def passed(known: Path, folder: Path, aws: Aws) -> tuple[list[Run], Content]:
    """A pass with a copy of a store, which is left in `folder`."""
    shutil.copytree(known, folder)
    with opened(folder) as store:
        return one_pass(aws, store, LATER, SETTINGS), content(store, EVERYTHING)


def usual(known: Path, demo: DemoServer, aws: Aws) -> Usual:
    before = calls_of(demo)
    runs, held = passed(known, known.with_name(f"{known.name}-after"), aws)
    return Usual(known, runs, held, calls_of(demo) - before)


def region(target: Target, work: Path) -> Iterator[Base]:
    clock = FrozenClock(NOW)
    with (
        DemoServer(seed=7, clock=clock) as demo,
        closing(aws_at(demo.endpoint, target, impatient=False)) as aws,
    ):
        for name, collectors in (("cold", PATIENT[:1]), ("warm", PATIENT)):
            with opened(work / name) as store:
                one_pass(aws, store, NOW, SETTINGS, collectors=collectors)
        clock.now = LATER
        yield Base(demo, aws, usual(work / "warm", demo, aws), usual(work / "cold", demo, aws))


@pytest.fixture(scope="module")
def eu(tmp_path_factory) -> Iterator[Base]:
    yield from region(EU, tmp_path_factory.mktemp("eu"))


@pytest.fixture(scope="module")
def us(tmp_path_factory) -> Iterator[Base]:
    yield from region(US, tmp_path_factory.mktemp("us"))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_missing_permission_is_named_and_leaves_all_else_working(action, request, tmp_path, monkeypatch):
    base: Base = request.getfixturevalue("us" if action in IN_US else "eu")
    as_usual = base.usual(action)
    assert (action in NOT_CALLED) == (as_usual.calls[action] == 0)
    if action in NOT_CALLED:
        pytest.skip(NOT_CALLED[action])
    base.demo.demo.faults.deny([action])
    try:
        found, held = passed(as_usual.folder, tmp_path / "store", base.aws)
        checks = list(doctor(base, tmp_path / "store", monkeypatch))
    finally:
        base.demo.demo.faults.allow_all()

    users = {collector.name for collector in COLLECTORS if action in collector.permissions}
    hit = bad(found) - bad(as_usual.runs)
    assert hit == users
    assert {run.permission for run in found if run.collector in hit and run.outcome != "ok"} == {action}
    assert outcomes(found, users) == outcomes(as_usual.runs, users), "collectors that do not need it"
    for kind in set().union(*(WRITES[name] for name in WRITES if name not in users)):
        assert held[kind] == as_usual.held[kind], kind
    if as_usual is base.warm:
        assert held["entity"] == as_usual.held["entity"], "what was known is kept"
    with opened(tmp_path / "store") as store:
        told = collection.collectors(store, now=LATER)
    assert set(told.loc[told["permission"] == action, "collector"]) == hit
    assert {check.name for check in checks if action in check.text} == users
    others = [check for check in checks if check.outcome == "failed" and action not in check.text]
    assert [check.name for check in others if check.name != "clock"] == []  # the demo's stands still


def bad(runs: list[Run]) -> set[str]:
    return {run.collector for run in runs if run.outcome != "ok"}


def outcomes(runs: list[Run], without: set[str]) -> list[tuple[str, str]]:
    return [(run.collector, run.outcome) for run in runs if run.collector not in without]


def doctor(base: Base, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """Every check of `quarterdeck doctor`, over the connection that there is."""
    monkeypatch.setattr("quarterdeck.doctor.connect", lambda targets, settings: ([base.aws], []))
    settings = Settings(store=StoreSettings(path=store, free_space_floor_mb=0))
    return examine(settings, [], now=LATER)
