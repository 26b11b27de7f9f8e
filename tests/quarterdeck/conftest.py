"""The command line with no AWS but what a test gives it, and a small filled store."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from core.entities import AccountLimits, Function
from core.facts import Covered, Listed, Run, Target
from core.settings import StoreSettings
from core.telemetry import InvocationRecord, MetricPoint
from core.windows import Window, floor
from quarterdeck.cli import app
from store.store import Store
from tests.store.conftest import admin, database, emptied, own_database, server, template  # noqa: F401 - fixtures

TARGET = Target("111122223333", "eu-west-1")


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    """An environment in which botocore finds nothing, and a current folder without settings."""
    import os

    for name in [name for name in os.environ if name.startswith(("AWS_", "QUARTERDECK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def keys(no_aws):
    """Credentials and a region, as a shell exports them."""
    no_aws.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    no_aws.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return no_aws


@pytest.fixture
def quarterdeck(no_aws):
    """Run a command in this process: `quarterdeck("fleet", "--json")` gives its output and exit code."""
    runner = CliRunner()
    return lambda *words: runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def filled(tmp_path):
    """A store that knows two functions, one of them invoked in the last hour."""
    settings = StoreSettings(path=tmp_path / "store", free_space_floor_mb=0)
    store = Store.open(settings)
    fill(store, now=datetime.now(UTC))
    store.close()
    return settings.path


def fill(store, *, now):
    end = floor(now, timedelta(minutes=1))
    hour = Window(end - timedelta(hours=1), end)
    ts = end - timedelta(minutes=30)
    point = MetricPoint(
        scope="function", function="checkout", ts=ts, period_s=60, invocations=10.0, errors=1.0, throttles=0.0
    )
    record = InvocationRecord(
        function="checkout", ts=ts, event_id="1", request_id="r", stream="s", version="1", duration_ms=12.5,
        billed_ms=13.0, memory_mb=256.0, init_ms=100.0,
    )  # fmt: skip
    functions = [Function(name=name, arn=f"arn:{name}", memory_mb=256) for name in ("checkout", "checkpoint")]
    keep(
        store,
        "inventory",
        hour,
        [*functions, AccountLimits(concurrent_limit=100, unreserved_limit=100), Listed("function")],
    )
    keep(store, "metrics", hour, [point], period_s=60)
    keep(store, "logs", hour, [record, *(Covered(f.name, hour) for f in functions)])
    keep(store, "queues", hour, [], period_s=60)


def keep(store, collector, window, facts, *, period_s=0):
    run = Run(
        collector=collector, target=TARGET, window=window, period_s=period_s, started_at=window.end,
        finished_at=window.end, outcome="ok",
    )  # fmt: skip
    store.commit(run, facts, now=window.end)
