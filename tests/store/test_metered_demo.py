"""The demo account's usage against its own world: by records, by metrics alone, and of services beside."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa

from core.windows import Window
from quarterdeck.demo.queues import queue_day
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.services.logs import stored_bytes
from quarterdeck.demo.traces import traces
from store import schema
from store.metering import hours_of
from tests import demo_store
from tests.collectors.proof.content import PATIENT, opened

TARGET = demo_store.SMALL[0]
PLACE = TARGET.account, TARGET.region
HOUR = timedelta(hours=1)
START = demo_store.STARTED.replace(minute=0) - 2 * HOUR
WINDOW = Window(START, START + HOUR)
START_MS, HOUR_MS = round(START.timestamp() * 1000), 3_600_000
READ = {"inventory", "details", "metrics", "queues", "logs", "traces"}
ROUNDING_MS = 0.5
"""What an estimate from metrics may be off by, an invocation: `core.cost_words.ESTIMATE_ERROR`."""


@pytest.fixture(scope="module")
def world():
    clock = FrozenClock(demo_store.NOW)
    with DemoServer(seed=7, clock=clock, starts=(demo_store.STARTED,)) as server:
        yield server.demo


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """The hour's usage from records where there are any, and from metrics alone."""
    whole = tmp_path_factory.mktemp("metered") / "whole"
    read = [each for each in PATIENT if each.name in READ]
    demo_store.collect(whole, targets=demo_store.SMALL, history=3 * HOUR, collectors=read)
    bare = whole.with_name("bare")
    shutil.copytree(whole, bare)
    with opened(bare) as store, store.engine.begin() as connection:
        connection.execute(sa.delete(schema.coverage).where(schema.coverage.c.collector == "logs"))
    return SimpleNamespace(records=usage(whole), metrics=usage(bare))


def usage(folder):
    with opened(folder) as store:
        return hours_of(store, TARGET, WINDOW, now=demo_store.NOW).to_pandas()


def total(rows, column):
    """By function, where there is any."""
    found = rows.groupby("function")[column].sum()
    return {name: float(amount) for name, amount in found.items() if amount}


def days(world):
    """Each function with its invocations of the day."""
    for spec in world.world.company.functions_of(*PLACE):
        if spec.trigger != "none":
            yield spec, world.world.day(spec, START_MS // (24 * HOUR_MS))


def within(ts_ms):
    return (ts_ms >= START_MS) & (ts_ms < START_MS + HOUR_MS)


def names(rows, basis):
    return {name for name, bases in rows.groupby("function")["basis"] if set(bases) == {basis}}


def test_time_from_records_is_that_of_the_accounts_own_invocations(world, counted):
    wanted = defaultdict(dict)
    recorded = names(counted.records, "records")
    for spec, day in days(world):
        ended, whole = within(day.end_ms), np.ceil(np.round(day.duration_ms, 2))
        if spec.name in recorded and ended.any():
            memory = day.memory_mb[ended]
            wanted["duration_mb_ms"][spec.name] = float((whole[ended] * memory).sum())
            init = np.where(day.cold, day.billed_ms - whole, 0.0)[ended]
            wanted["init_mb_ms"][spec.name] = float((init * memory).sum())

    assert wanted["duration_mb_ms"], "the hour must hold something"
    for column, amounts in wanted.items():
        found = total(counted.records, column)
        for name, amount in amounts.items():
            assert found.get(name, 0.0) == pytest.approx(amount, abs=1e-3), (column, name)


def test_metrics_alone_agree_with_records_within_the_stated_error(world, counted):
    exact, estimated = (total(rows, "duration_mb_ms") for rows in (counted.records, counted.metrics))
    recorded = names(counted.records, "records") & names(counted.metrics, "metrics, estimated")
    compared = 0
    for spec, day in days(world):
        begun, ended = within(day.start_ms), within(day.end_ms)
        if spec.name not in recorded or not begun.any():
            continue
        crossing = float((np.ceil(day.duration_ms) * day.memory_mb)[begun != ended].sum())
        allowed = ROUNDING_MS * float(day.memory_mb[begun].sum()) + crossing
        assert abs(estimated[spec.name] - exact.get(spec.name, 0.0)) <= allowed + 1, spec.name
        by_hand = (day.duration_ms + ROUNDING_MS)[begun] * day.memory_mb[begun]
        assert estimated[spec.name] == pytest.approx(float(by_hand.sum()), rel=1e-6), spec.name
        compared += 1

    assert compared >= 3
    assert not total(counted.metrics, "init_mb_ms"), "metrics do not tell of initialization"


def test_requests_are_the_same_from_either(world, counted):
    wanted = {spec.name: float(n) for spec, day in days(world) if (n := within(day.start_ms).sum())}

    assert total(counted.metrics, "requests") == wanted
    assert total(counted.records, "requests") == wanted


def test_snapshots_are_those_of_the_versions_published_so_far(world, counted):
    cached, restored = {}, {}
    for spec, day in days(world):
        if spec.snap_start:
            published = world.world.timeline(spec).published(demo_store.NOW)
            ms = [max(0.0, min(HOUR_MS, (WINDOW.end - c.ts) / timedelta(milliseconds=1))) for c in published]
            cached[spec.name] = pytest.approx(spec.memory_mb * sum(ms), rel=1e-6)
            restored[spec.name] = float(day.memory_mb[within(day.end_ms) & day.cold].sum())

    assert total(counted.records, "snapstart_cache_mb_ms") == cached != {}
    assert total(counted.records, "snapstart_restore_mb") == {k: v for k, v in restored.items() if v}


def test_traces_are_those_that_x_ray_has_of_the_hour(world, counted):
    wanted = defaultdict(float)
    for trace in traces(world.world, *PLACE, START_MS, START_MS + HOUR_MS):
        wanted[trace.spec.name] += 1

    assert total(counted.records, "traces") == wanted != {}


def test_queue_requests_are_what_the_queues_of_a_function_had(world, counted):
    first, wanted = START_MS // 60_000 % 1440, 0.0
    for queue in world.world.company.queues_of(*PLACE):
        day = queue_day(world.world, queue, START_MS // (24 * HOUR_MS))
        for name in ("sent", "received", "deleted", "empty"):
            wanted += float(getattr(day, name)[first : first + 60].sum())

    assert total(counted.records, "queue_requests") == {"order-worker": wanted}


def test_stored_logs_are_what_each_group_holds(world, counted):
    wanted = {}
    for specs in world.world.company.groups_of(*PLACE).values():
        yesterday = START_MS // (24 * HOUR_MS) - 1
        if stored := stored_bytes(world.world, specs, specs[0].retention_days, yesterday):
            wanted[specs[0].name] = float(stored)

    assert total(counted.records, "log_storage_byte_hours") == pytest.approx(wanted)


def test_logs_of_infrequent_access_are_counted_apart(world, counted):
    wanted, rest = {}, {}
    for group, specs in world.world.company.groups_of(*PLACE).items():
        series = world.catalogue.find(PLACE, "AWS/Logs", "IncomingBytes", {"LogGroupName": group})
        samples = series.samples(START_MS // (24 * HOUR_MS))
        volume = float(samples.value[within(samples.minute * 60_000)].sum())
        (rest if specs[0].log_class == "STANDARD" else wanted)[specs[0].name] = volume

    assert total(counted.records, "log_ingest_ia_bytes") == wanted != {}
    assert total(counted.records, "log_ingest_bytes") == {name: n for name, n in rest.items() if n}
