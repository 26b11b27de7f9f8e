"""How long a commit takes until it is acknowledged, beside two processes that ask for the fleet table.

`acknowledge.py [functions] [commits]`: a minute of 500 functions x 14 metrics (7,000 points) is committed at
a time; then passes as the service makes them, which read the last 23 minutes again.
Write amplification is what the process wrote (/proc/self/io) over eight bytes a point.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import load
import numpy as np
import pyarrow as pa
from clock import calibration
from load import HOUR, METRICS, MINUTE, NOW, Fleet

from core.settings import StoreSettings
from core.telemetry import MetricPoint, Rows
from core.windows import Window
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
COMMITS = int(sys.argv[2]) if len(sys.argv) > 2 else 120
AGAIN = 22
"""Minutes that a pass reads again: the lateness, and its turn of five minutes."""


def settings(folder: str) -> StoreSettings:
    return StoreSettings(path=Path(folder) / "store", free_space_floor_mb=0)


def minutes(fleet: Fleet, window: Window) -> list[Rows]:
    """The points of each minute, as a pass would bring them."""
    found = []
    for hour in load.hours(window):
        rows = fleet.metrics(hour.start)
        at = (np.asarray(rows.columns["ts"]) - int(hour.start.timestamp() * 1000)) // 60_000
        table = pa.table({name: pa.array(values) for name, values in rows.columns.items()})
        found += [_rows(table.filter(pa.array(at == n))) for n in range(60)]
    return found


def _rows(table: pa.Table) -> Rows:
    return Rows(MetricPoint, {name: table[name].combine_chunks() for name in table.column_names})


def read(folder: str, ready: Event, stop: Event) -> None:
    """Ask for the fleet's sums of the hours before, until told to stop."""
    store = Store.open(settings(folder))
    sql = 'SELECT "function", sum(invocations) AS n FROM metrics GROUP BY ALL'
    while not stop.is_set():
        with store.snapshot(Window(NOW - 24 * HOUR, NOW + 24 * HOUR), ("metrics",)) as snapshot:
            snapshot.frame(sql)
        ready.set()
    store.close()


@contextmanager
def readers(folder: str) -> Iterator[None]:
    spawn = multiprocessing.get_context("spawn")
    stop, started = spawn.Event(), [spawn.Event() for _ in range(2)]
    processes = [spawn.Process(target=read, args=(folder, ready, stop)) for ready in started]
    for process in processes:
        process.start()
    try:
        for ready in started:
            ready.wait(60)
        yield
    finally:
        stop.set()
        for process in processes:
            process.join()


def written() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])


def commit(store: Store, facts: list[Rows], window: Window) -> float:
    began = time.perf_counter()
    store.commit(load.a_run(window), facts, now=window.end)
    return (time.perf_counter() - began) * 1000


def measure(what: str, store: Store, batches: list[Rows], start: int, back: int) -> None:
    """Commit batch after batch, each with the `back` ones before it, and print what it took."""
    before, cpu, took, points = written(), time.process_time(), [], 0
    for n in range(start, len(batches)):
        facts = batches[max(0, n - back) : n + 1]
        took.append(commit(store, facts, Window(NOW + max(0, n - back) * MINUTE, NOW + (n + 1) * MINUTE)))
        points += sum(len(rows) for rows in facts) * len(METRICS)
    times = f"{statistics.median(took):.1f} | {np.percentile(took, 99):.1f}"
    cpu_ms = (time.process_time() - cpu) * 1000 / len(took)
    amplified = (written() - before) / points / 8
    print(f"| {what} | {points // len(took):,} | {times} | {cpu_ms:.1f} | {amplified:.1f} |")


def main() -> None:
    fleet = Fleet(FUNCTIONS)
    batches = minutes(fleet, Window(NOW, NOW + 2 * HOUR))[:COMMITS]
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(settings(folder))
        for hour in load.hours(Window(NOW - 6 * HOUR, NOW)):
            store.commit(load.a_run(hour), [fleet.metrics(hour.start)], now=hour.end)
        store.pack(now=NOW)
        print(f"{FUNCTIONS} functions, {COMMITS} commits; the calibration loop takes {calibration()} ms\n")
        print("| batch | points | median ms | p99 ms | CPU ms | bytes written / bytes |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        with readers(folder):
            measure("a minute", store, batches, 0, 0)
            measure(f"a minute and {AGAIN} again", store, batches[: COMMITS // 2], AGAIN, AGAIN)
        store.close()


if __name__ == "__main__":
    main()
