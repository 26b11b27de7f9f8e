"""A real store in a temporary folder, and runs and facts to put into it."""

from datetime import UTC, datetime, timedelta

import pytest

from core.facts import MetricPoint, Run, Target
from core.settings import StoreSettings
from core.windows import Window
from store.store import Store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")


@pytest.fixture
def noon():
    return NOON


@pytest.fixture
def prod():
    return PROD


@pytest.fixture
def settings(tmp_path):
    return StoreSettings(path=tmp_path / "store", free_space_floor_mb=0)


@pytest.fixture
def store(settings):
    opened = Store.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def a_run():
    def make(start=NOON - timedelta(hours=1), end=NOON, **changed):
        at = changed.pop("at", end)
        values = {"collector": "metrics", "target": PROD, "window": Window(start, end), "period_s": 60}
        return Run(**(values | {"started_at": at, "finished_at": at, "outcome": "ok"} | changed))

    return make


@pytest.fixture
def a_point():
    def make(function="checkout", ts=NOON - timedelta(minutes=30), **values):
        return MetricPoint(scope="function", function=function, ts=ts, period_s=60, **values)

    return make


@pytest.fixture
def read():
    """All rows of a kind as a list of dicts, over a window wide enough for any test."""

    def rows(store, kind="metrics", *, start=NOON - timedelta(days=500), end=NOON + timedelta(days=500)):
        with store.snapshot(Window(start, end), (kind,)) as snapshot:
            return snapshot.frame(f"SELECT * FROM {kind} ORDER BY ALL").to_dict("records")

    return rows
