"""Several processes on one store: one that is killed, one that reads while another writes, all at once."""

import os
import random
import runpy
import signal
import threading
import time
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from core.errors import StoreError
from core.windows import Window
from store import schema
from store.store import Store
from tests.warm import forking

WRITER = Path(__file__).parents[2] / "benchmarks" / "writer.py"
KILLS = int(os.environ.get("QUARTERDECK_KILLS", "12"))
"""How often the writer is killed; `benchmarks/faults.py` does it fifty times."""


@pytest.fixture(scope="module")
def start():
    """Start the writer in a process of its own; forked from one that has everything imported."""
    context = forking()
    running = []

    def process(settings, acks, limit=None):
        database = settings.database and settings.database.get_secret_value()
        given = {"path": str(settings.path), "acks": str(acks), "limit": limit, "database": database}
        given["telemetry"] = settings.model_dump(include={"telemetry", "telemetry_endpoint_url"})
        given["environment"] = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
        child = context.Process(target=runpy.run_path, args=(str(WRITER), given))
        child.start()
        running.append(child)
        return child

    yield process
    for child in running:
        child.kill()
        child.join()


def acknowledged(acks):
    return [int(n) for n in acks.read_text().split()] if acks.exists() else []


def wait_for(acks, count):
    until = time.monotonic() + 60
    while len(acknowledged(acks)) < count:
        assert time.monotonic() < until, "the writer does not write"
        time.sleep(0.01)


QUESTION = """
    SELECT
        (SELECT count(*) FROM metrics) AS points,
        (SELECT count(DISTINCT (function, ts)) FROM metrics) AS distinct_points,
        (SELECT count(*) FROM invocations) AS records,
        (SELECT count(DISTINCT event_id) FROM invocations) AS distinct_records,
        (SELECT count(*) FROM metrics WHERE invocations = (SELECT max(invocations) FROM metrics)) AS newest
"""


def check_whole(store, zero, points):
    """The store holds whole batches, each once; returns how many."""
    with store.snapshot(Window(zero, zero.replace(year=2027)), ("metrics", "invocations")) as snapshot:
        found = snapshot.frame(QUESTION).iloc[0]
        runs = len(snapshot.state(sa.select(schema.run)))
    assert found.points == found.distinct_points == runs * points
    assert found.records == found.distinct_records == runs * points
    assert found.newest == min(runs, 2) * points
    return runs


class Reading(threading.Thread):
    """Reads all the time, beside whatever else happens; `errors` are what it met."""

    def __init__(self, settings, zero, points):
        super().__init__()
        self.store, self.asked = Store.open(settings), (zero, points)
        self.answers, self.errors, self.is_over = [], [], threading.Event()

    def run(self):
        while not self.is_over.wait(0.02):
            try:
                self.answers.append(check_whole(self.store, *self.asked))
            except (AssertionError, StoreError, duckdb.Error, sa.exc.DBAPIError) as error:
                self.errors.append(error)

    def stop(self):
        self.is_over.set()
        self.join()
        self.store.close()


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_acknowledged(settings, tmp_path, start):
    writer, acks, chance = runpy.run_path(str(WRITER)), tmp_path / "acks", random.Random(7)
    reading = Reading(settings, writer["ZERO"], writer["POINTS"])
    reading.start()
    try:
        runs = kill_often(settings, start, writer, acks, chance)
    finally:
        reading.stop()
    assert reading.errors == []
    assert reading.answers == sorted(reading.answers)
    assert len(set(reading.answers)) > KILLS // 4

    apart = {"path": tmp_path / "undisturbed", "database": None, "telemetry": None}
    undisturbed = Store.open(settings.model_copy(update=apart))
    for n in range(runs):
        writer["batch"](undisturbed, n)
    store = Store.open(settings)
    store.pack(now=writer["ZERO"].replace(day=25))
    assert contents(store, writer["ZERO"]) == contents(undisturbed, writer["ZERO"])
    assert store.check() == []
    store.close()
    undisturbed.close()


def kill_often(settings, start, writer, acks, chance):
    """Kill the writer KILLS times, looking at the store after each; answers how many batches it has."""
    for n in range(KILLS):
        child = start(settings, acks)
        if n % 4:  # else it is killed while it opens the store, makes it even
            wait_for(acks, len(acknowledged(acks)) + 1)
        time.sleep(chance.uniform(0, 0.15))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        store = Store.open(settings)
        runs = check_whole(store, writer["ZERO"], writer["POINTS"])
        store.close()
        done = len(acknowledged(acks))
        assert runs in (done, done + 1)
        acks.write_text("".join(f"{n}\n" for n in range(runs)))  # kept, though killed before it could say so
    return runs


def contents(store, zero):
    window = Window(zero, zero.replace(year=2027))
    with store.snapshot(window, ("metrics", "invocations")) as snapshot:
        frames = [
            snapshot.frame("SELECT * EXCLUDE (period_s) FROM metrics ORDER BY function, ts"),
            snapshot.frame("SELECT * FROM invocations ORDER BY event_id"),
            snapshot.state(
                sa.select(schema.coverage.c.start, schema.coverage.c.end, schema.coverage.c.settled)
            ),
        ]
    return [frame.to_csv() for frame in frames]


def test_a_reader_in_another_process_sees_whole_commits_only(settings, tmp_path, start):
    writer, acks = runpy.run_path(str(WRITER)), tmp_path / "acks"
    child = start(settings, acks, limit=30)
    wait_for(acks, 1)
    store = Store.open(settings, create=False)

    seen = []
    while child.is_alive():
        before = len(acknowledged(acks))
        seen.append(check_whole(store, writer["ZERO"], writer["POINTS"]))
        assert seen[-1] >= before

    child.join()
    assert child.exitcode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert check_whole(store, writer["ZERO"], writer["POINTS"]) == 30
    store.close()


def test_two_processes_may_open_a_new_store_at_once(settings, tmp_path, start):
    children = [start(settings, tmp_path / f"acks{n}", limit=0) for n in range(4)]
    for child in children:
        child.join()

    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    Store.open(settings).close()
