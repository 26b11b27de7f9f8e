"""The demo account collected into a store in this process, at a fixed time: what tests of pages look at."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.engine import evaluate
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from collectors.collector import Collector
from core.facts import Target
from core.settings import CollectSettings
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.specs import ACCOUNTS, EU, PROD, REGIONS, STAGING
from tests.collectors.proof.content import PATIENT, aws_at, one_pass, opened

STARTED = datetime(2026, 11, 18, 10, 10, tzinfo=UTC)
NOW = STARTED + timedelta(minutes=10)
"""Ten minutes after the demo was started: every story has left its marks in the three hours before."""
HISTORY = timedelta(hours=4)
DAYS = timedelta(days=3, hours=6)
TARGETS = tuple(Target(account, region) for account in ACCOUNTS for region in REGIONS)
SMALL = (Target(STAGING, EU),)


def account() -> DemoServer:
    """The demo account at `NOW`, for a `with`: it keeps the days that it has simulated."""
    return DemoServer(seed=7, clock=FrozenClock(NOW), starts=(STARTED,))


def collect(
    folder: Path,
    *,
    account: Callable[[], AbstractContextManager[DemoServer]] = account,
    targets: Sequence[Target] = TARGETS,
    history: timedelta = HISTORY,
    coarse: timedelta | None = None,
    collectors: Sequence[Collector] = PATIENT,
    denied: Sequence[str] = (),
) -> None:
    """Fill a new store by one pass over `targets`, with the actions in `denied` taken away, and judge it.
    `coarse` is how far back points of five minutes reach, if further than `history`."""
    every = dict.fromkeys(("metrics_every", "logs_every", "queues_every"), timedelta(minutes=1))
    settings = CollectSettings(backfill=history, backfill_coarse=coarse or history, **every)
    with account() as demo, opened(folder) as store:
        demo.demo.faults.allow_all()
        demo.demo.faults.deny(list(denied))
        for target in targets:
            store.remember_target(target, ACCOUNTS[target.account], NOW)
            with closing(aws_at(demo.endpoint, target, impatient=False)) as aws:
                one_pass(aws, store, NOW, settings, collectors=collectors)
        store.pack(now=NOW)
        evaluate(store, rules_of(AlertSettings()), AlertSettings(), now=NOW)


def remember_days(folder: Path) -> None:
    """Of production in Europe the numbers of days before too: objectives and what is normal need them."""
    read = [each for each in PATIENT if each.name in {"inventory", "details", "metrics", "triggers"}]
    collect(folder, targets=(Target(PROD, EU),), history=timedelta(hours=6), coarse=DAYS, collectors=read)


def remember_weeks(folder: Path) -> None:
    """Of the small account the numbers of nine days: forecasts and days that are alike need them."""
    read = [each for each in PATIENT if each.name in {"inventory", "metrics"}]
    history, coarse = timedelta(hours=1), timedelta(days=9)
    collect(folder, targets=SMALL, history=history, coarse=coarse, collectors=read)


def shared(name: str, build: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """A copy of a store that is built once, whichever worker of the test run asks first."""
    base = factory.getbasetemp()
    common = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    with common.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not common.exists():
            part = common.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            build(part)
            part.rename(common)
    mine = factory.mktemp(name) / "store"
    shutil.copytree(common, mine)
    return mine


def demo_store(factory: pytest.TempPathFactory) -> Path:
    """The whole demo account with four hours of history, judged once."""
    return shared("demo", collect, factory)


def days_store(factory: pytest.TempPathFactory) -> Path:
    """One region with three days of numbers."""
    return shared("demo-days", remember_days, factory)


def weeks_store(factory: pytest.TempPathFactory) -> Path:
    """A few functions with nine days of numbers."""
    return shared("demo-weeks", remember_weeks, factory)
