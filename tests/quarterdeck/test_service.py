"""The schedule: new hours of everything first, one target's trouble is its own, and a stop is quick."""

import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
import sqlalchemy as sa

from collectors.clock import Clock
from collectors.collector import Collector, Reach
from core.entities import Alias, Function
from core.errors import AwsError
from core.facts import Listed, Target
from core.settings import AwsSettings, CollectSettings, CostSettings, StoreSettings
from core.telemetry import MetricPoint
from core.windows import floor
from quarterdeck.service import FRESH, USUAL, Schedule, Service, utc_now
from quarterdeck.settings import Settings
from store import journal, packing
from store.schema import run
from store.store import Store

HOUR = timedelta(hours=1)
HERE, THERE = Target("111122223333", "eu-west-1"), Target("444455556666", "eu-west-1")


class FakeAws:
    """A target without AWS: collectors of these tests know what they say."""

    alias = "prod"
    settings = AwsSettings()

    def __init__(self, target=HERE):
        self.target = target
        self.clock = Clock()

    @property
    def where(self):
        return f"{self.alias} in {self.target.region}"

    def take_usage(self):
        return ()


class Noted:
    """Collectors that note what they were asked for."""

    def __init__(self):
        self.asked = []

    def collector(self, name, *, reach=None, facts=(), wait=None):
        def collect(aws, ask):
            self.asked.append((name, aws.target, ask.window))
            if wait:
                wait.wait(30)
            yield from facts

        return Collector(
            name=name, what=name, every="metrics_every", permissions=(), collect=collect, reach=reach
        )


@pytest.fixture
def store(tmp_path):
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield opened
    opened.close()


@pytest.fixture
def start(store):
    services = []

    def run_service(*collectors, rules=(), targets=(HERE,), every="1h", schedule=USUAL, bills=()):
        collect = CollectSettings(metrics_every=every, backfill="6h", backfill_coarse="6h")
        settings = Settings(collect=collect, cost=CostSettings(bills=list(bills)))
        http = httpx.Client()
        service = Service(settings, store, rules, http, collectors=collectors, schedule=schedule)
        services.append(service)
        service.start()
        for target in targets:
            service.watch(FakeAws(target))
        return service

    yield run_service
    for service in services:
        service.stop()
        service.http.close()


def until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("not in time")


INVENTORY = (Function(name="checkout", arn="arn:checkout"), Listed("function"))
MINUTES = Reach(period_s=60)


def troubles(store):
    return " ".join(entry.text for entry in journal.entries(store) if entry.until is None)


def test_every_collector_reads_the_last_hours_before_any_reads_older_history(start):
    note = Noted()
    first = note.collector("inventory", facts=INVENTORY)

    start(first, note.collector("metrics", reach=MINUTES), note.collector("logs", reach=MINUTES))
    until(lambda: any(window.start < floor(utc_now(), HOUR) - 4 * HOUR for _, _, window in note.asked))

    fresh = note.asked[:3]
    assert [name for name, _, _ in fresh] == ["inventory", "metrics", "logs"]
    assert all(window.start > utc_now() - FRESH - HOUR for _, _, window in fresh)


def test_what_history_brings_is_packed_before_its_turn_when_it_is_much(start, store, monkeypatch):
    monkeypatch.setattr(packing, "CROWD", 3)
    old = [floor(utc_now(), HOUR) - n * HOUR for n in (3, 4, 5)]
    points = [MetricPoint(scope="function", function="checkout", ts=ts, period_s=60) for ts in old]
    looks = []

    def collect(aws, ask):
        looks.append(ask)
        yield from (INVENTORY if len(looks) < 3 else (*INVENTORY, *points))

    look = Collector(name="inventory", what="x", every="metrics_every", permissions=(), collect=collect)
    start(look, every="1s", schedule=Schedule(relieve=timedelta(seconds=0.2)))

    until(lambda: store.filed("metrics", HERE))


def test_it_keeps_reading_on_its_schedule(start):
    note = Noted()

    start(note.collector("inventory", facts=INVENTORY), every="1s")

    until(lambda: len(note.asked) >= 3)


def test_triggers_are_read_when_details_have_told_of_aliases(start):
    note = Noted()
    alias = Alias(name="checkout:prod", function="checkout", alias="prod", version="1")
    known = []

    def collect(aws, ask):
        known.extend(ask.known.aliases)
        yield from ()

    first, details = note.collector("inventory", facts=INVENTORY), note.collector("details", facts=(alias,))
    triggers = Collector(name="triggers", what="x", every="metrics_every", permissions=(), collect=collect)
    start(first, details, triggers)

    until(lambda: known == [alias])


def test_a_look_that_failed_is_made_again_before_its_hour(start):
    asked = []

    def collect(aws, ask):
        asked.append(ask)
        if len(asked) < 3:
            raise AwsError("no answer", retryable=True)
        yield from INVENTORY

    look = Collector(name="inventory", what="x", every="metrics_every", permissions=(), collect=collect)
    start(look, schedule=Schedule(again=timedelta(seconds=0.2)))

    until(lambda: len(asked) == 3)
    with pytest.raises(AssertionError, match="not in time"):
        until(lambda: len(asked) > 3, seconds=1)


def test_a_target_that_hangs_delays_no_other(start):
    note, stuck = Noted(), threading.Event()

    def collect(aws, ask):
        note.asked.append(aws.target)
        if aws.target == HERE:
            stuck.wait(30)
        yield from INVENTORY

    slow = Collector(name="inventory", what="x", every="metrics_every", permissions=(), collect=collect)
    start(slow, note.collector("details"), targets=(HERE, THERE))

    until(lambda: ("details", THERE) in [asked[:2] for asked in note.asked if isinstance(asked, tuple)])
    stuck.set()


def test_a_collector_that_breaks_is_recorded_and_the_next_one_runs(start, store):
    note = Noted()

    def breaks(aws, ask):
        raise ValueError("odd answer")
        yield

    broken = Collector(name="queues", what="x", every="metrics_every", permissions=(), collect=breaks)
    start(note.collector("inventory", facts=INVENTORY), broken, note.collector("details"))
    until(lambda: "details" in [name for name, _, _ in note.asked])

    with store.engine.connect() as connection:
        outcomes = {row.collector: row.outcome for row in connection.execute(sa.select(run))}
    assert outcomes["queues"] == "failed"


def test_a_job_that_crashes_is_recorded_and_ends_nothing(start, store):
    note = Noted()

    start(note.collector("inventory", facts=INVENTORY), rules=["not a rule"])

    assert "AttributeError" in until(lambda: troubles(store))
    until(lambda: note.asked)


def test_a_broken_bill_of_the_settings_is_told_with_file_and_line(start, store, tmp_path):
    broken = tmp_path / "cur.csv"
    broken.write_text("line_item_usage_type,bill_payer_account_id\n")
    os.utime(broken, (0, 0))

    start(bills=[broken])

    assert f"{broken}:1: columns missing" in until(lambda: troubles(store))


def test_what_is_free_is_tried_again_soon_and_what_is_paid_waits_for_its_turn(start):
    service, free = start(), Noted().collector("free")
    paid = replace(free, name="paid", estimate_usd=lambda ask: Decimal("0.02"))

    assert service._turn(free) == USUAL.again
    assert service._turn(paid) == HOUR


def test_a_full_disk_pauses_collection_and_the_schedule_goes_on(start, store):
    note = Noted()
    store.settings = store.settings.model_copy(update={"free_space_floor_mb": 10**9})

    start(note.collector("inventory", facts=INVENTORY), every="1s")

    assert "collection pauses" in until(lambda: troubles(store))
    until(lambda: len(note.asked) >= 3)


def test_a_stop_waits_for_a_read_to_end(start):
    note, going_on = Noted(), threading.Event()
    service = start(note.collector("inventory", facts=INVENTORY, wait=going_on))
    until(lambda: note.asked)

    threading.Timer(0.3, going_on.set).start()

    assert service.stop()


def test_a_stop_does_not_wait_for_ever(start, monkeypatch):
    monkeypatch.setattr("quarterdeck.service.GRACE_S", 0.2)
    note, stuck = Noted(), threading.Event()
    service = start(note.collector("inventory", facts=INVENTORY, wait=stuck))
    until(lambda: note.asked)

    assert not service.stop(), "it did not wait until the run was over"
    stuck.set()


def test_actions_reach_only_targets_that_are_watched(start):
    service = start()

    assert service.duty.aws_for(HERE).target == HERE
    with pytest.raises(Exception, match="is not reached now"):
        service.duty.aws_for(THERE)
