"""How long a lease's beat waits: alone, and with two readers that query and one writer that commits batches.

A beat is due every 5 s, and a service believes in its leases for 15 s: a beat may take seconds, not more.
`lease_beat.py [POSTGRESQL_URL]`: SQLite in a temporary folder, or that database.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from core.facts import Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import Window, floor
from store import leases
from store.leases import Member, Pulse
from store.readers import fleet
from store.store import Store

FUNCTIONS, BEATS = 500, 60
TARGETS = [Target(f"{n:012}", "eu-west-1") for n in range(40)]


def settings(folder: str, database: str | None) -> StoreSettings:
    return StoreSettings(path=Path(folder), free_space_floor_mb=0, database=database)


def batch(store: Store, minute: datetime) -> None:
    """One minute of every function."""
    points = [
        MetricPoint(scope="function", function=f"f{n}", ts=minute, period_s=60, invocations=float(n))
        for n in range(FUNCTIONS)
    ]
    window = Window(minute, minute + timedelta(minutes=1))
    run = Run(
        collector="metrics", target=TARGETS[0], window=window, period_s=60, started_at=window.end,
        finished_at=window.end, outcome="ok",
    )  # fmt: skip
    store.commit(run, points, now=window.end)


def work(what: str, folder: str, database: str | None) -> None:
    """A process beside the beats, until it is killed."""
    store, minute = Store.open(settings(folder, database)), floor(datetime.now(UTC), timedelta(minutes=1))
    while True:
        if what == "write":
            minute += timedelta(minutes=1)
            batch(store, minute)
        else:
            now = datetime.now(UTC)
            fleet.fleet(store, Window(now - timedelta(hours=1), now), now=now)


def beats(store: Store) -> list[float]:
    """Milliseconds of each beat of one service, with a second one beside it."""
    took, both = [], [Member(name, name, frozenset(TARGETS)) for name in ("one", "two")]
    pulses = [Pulse(), Pulse()]
    for n in range(BEATS):
        began = time.perf_counter()
        with store.transaction() as connection:
            leases.beat(connection, both[n % 2], pulses[n % 2], now=datetime.now(UTC), at_s=time.monotonic())
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(0.05)
    return took


def main(database: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(settings(folder, database))
        batch(store, floor(datetime.now(UTC), timedelta(minutes=1)) - timedelta(minutes=30))
        report("alone", beats(store))
        words = [
            [sys.executable, __file__, what, folder, database or ""] for what in ("read", "read", "write")
        ]
        beside = [subprocess.Popen(each) for each in words]
        try:
            time.sleep(8)
            report("beside two readers and a writer", beats(store))
        finally:
            for process in beside:
                process.kill()
                process.wait()
        store.close()


def report(name: str, took_ms: list[float]) -> None:
    p50, p99 = np.percentile(took_ms, [50, 99])
    print(
        f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {p99 / 15_000:.2%} of the time a lease is believed in"
    )


if __name__ == "__main__":
    if sys.argv[1:2] in (["read"], ["write"]):
        work(sys.argv[1], sys.argv[2], sys.argv[3] or None)
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
