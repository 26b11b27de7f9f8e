"""The inventory of the demo account over HTTP: triggers, layers, pools and callers as a reader gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from collectors import changes, details, inventory, triggers
from collectors.aws import Aws
from collectors.runner import collect_due, run_once
from core.facts import Target
from core.settings import AwsSettings, CollectSettings, StoreSettings
from core.triggers import KINDS
from core.windows import Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from store.readers.callers import calls
from store.readers.changes import changes as changes_of
from store.readers.lifecycle import layers, provisioned, runtimes
from store.readers.triggers import all_triggers
from store.store import Store

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
PROD = Target("111122223333", "eu-west-1")


@pytest.fixture(scope="module")
def endpoint():
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        yield server.endpoint


@pytest.fixture(scope="module")
def collected(endpoint, tmp_path_factory):
    """A store that knows the production account, and the runs that filled it."""
    settings = AwsSettings(endpoint_url=endpoint, calls_per_s={})
    session = boto3.Session(f"ASIADEMO{PROD.account}", "demo", region_name=PROD.region)
    aws = Aws(session, PROD, settings, attempts=1)
    store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("demo") / "store", free_space_floor_mb=0))
    window = Window.last(timedelta(minutes=10), now=NOW)
    runs = [
        run_once(module.COLLECTOR, aws, store, window, now=NOW) for module in (inventory, details, triggers)
    ]
    runs += collect_due(changes.COLLECTOR, aws, store, CollectSettings(), now=NOW)
    yield store, runs
    store.close()


@pytest.fixture
def store(collected):
    return collected[0]


def test_every_run_over_the_demo_account_is_whole(collected):
    assert {(run.collector, run.outcome, run.error) for run in collected[1]} == {
        (name, "ok", None) for name in ("inventory", "details", "triggers", "changes")
    }


def test_what_invokes_the_demo_fleet_has_titles_and_states(store):
    frame = all_triggers(store)

    assert set(frame["kind"]) <= set(KINDS)
    assert {"sqs", "s3", "sns", "api-gateway", "eventbridge-rule", "function-url"} <= set(frame["kind"])
    rules = frame[(frame["kind"] == "eventbridge-rule") & frame["state"].notna()]
    assert not rules.empty
    assert set(rules["state"]) <= {"ENABLED", "DISABLED", "NOT_FOUND"}


def test_layers_and_runtimes_of_the_demo_fleet_have_ages(store):
    used = layers(store, now=NOW)

    assert not used.empty
    assert used["age_days"].notna().any()
    assert "unknown" not in set(runtimes(store, now=NOW).dropna(subset=["runtime"])["state"])


def test_pools_of_the_demo_fleet_stand_for_versions(store):
    pools = provisioned(store, Window.last(timedelta(hours=1), now=NOW))

    assert not pools.empty
    assert pools[["version", "orphan"]].notna().any(axis=1).all()


def test_deploys_of_the_demo_fleet_say_who_made_them(store):
    window = Window.last(timedelta(days=14), now=NOW)

    deploys = changes_of(store, window)
    told = deploys[(deploys["kind"] == "deploy") & (deploys["ts"] < NOW - timedelta(minutes=30))]

    assert not told.empty
    assert told["who"].notna().all()
    assert not calls(store, window).empty
