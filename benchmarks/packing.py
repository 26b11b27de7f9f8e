"""What packing a day of a fleet costs: time, memory and how long writers have to wait, step by step.

`packing.py [functions]` (2,000): a day at one minute is sealed hour by hour and joined, brought to five
minutes, then to an hour, and joined to its month with the next day. It is collected an hour a run, a scope of
coverage per function. Write transactions are told in CPU time too: on a busy machine the rest is waiting.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from load import DAY, HOUR, NOW, Fleet, a_run

from core.facts import Covered
from core.settings import StoreSettings
from core.windows import Window
from store import schema
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000


class Held:
    """How long each write transaction of a store is held, from having the lock to having let go."""

    def __init__(self, store: Store) -> None:
        self.longest_s = self.longest_cpu_s = 0.0
        self._begin, store.transaction = store.transaction, self._timed  # type: ignore[method-assign]

    @contextmanager
    def _timed(self) -> Iterator[sa.Connection]:
        with self._begin() as connection:
            began, cpu = time.perf_counter(), time.thread_time()
            yield connection
        self.longest_s = max(self.longest_s, time.perf_counter() - began)
        self.longest_cpu_s = max(self.longest_cpu_s, time.thread_time() - cpu)


def collect(store: Store, fleet: Fleet, day: datetime, step: timedelta) -> Iterator[datetime]:
    """Answers the end of each hour once it is kept."""
    period_s = round(step.total_seconds())
    for window in Window(day, day + DAY).chunks(HOUR):
        rows = fleet.metrics(window.start, steps=HOUR // step, step=step)
        covered = [Covered(name, window, period_s) for name in fleet.names]
        late = window.end + HOUR  # as it is once the newest minutes were read again
        run = replace(a_run(window), started_at=late, finished_at=late)
        store.commit(run, [rows, *covered], now=late)
        yield window.end


def packed(store: Store, now: datetime, what: str) -> None:
    held, peak = Held(store), Peak()
    began, cpu = time.perf_counter(), time.process_time()
    with peak:
        store.pack(now=now)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    del store.transaction
    files, rows, size = sizes(store)
    print(
        f"| {what} | {took:.1f} s | {used:.1f} s | {held.longest_s * 1000:.0f} ms"
        f" | {held.longest_cpu_s * 1000:.0f} ms | {peak.mb:,.0f} MB"
        f" | {files} | {rows:,} | {size / 1e6:.1f} MB |"
    )


class Peak:
    """The most memory that the process had while it lasted."""

    mb = 0.0

    def __enter__(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.mb = max(self.mb, pages * resource.getpagesize() / 1e6)


def sizes(store: Store) -> Any:
    file = schema.file.c
    with store.engine.connect() as connection:
        query = sa.select(sa.func.count(), sa.func.sum(file.rows), sa.func.sum(file.bytes))
        return connection.execute(query.where(file.replaced_at.is_(None))).one()


def main() -> None:
    fleet, day = Fleet(FUNCTIONS), NOW.replace(month=5, day=20)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(StoreSettings(path=Path(folder), free_space_floor_mb=0))
        print(f"{FUNCTIONS:,} functions\n")
        print("| step | time | CPU | longest write | its CPU | memory | files | rows | bytes |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for end in collect(store, fleet, day, timedelta(minutes=1)):
            if end < day + DAY - HOUR:
                store.pack(now=end + HOUR)
        packed(store, day + 2 * DAY, "the last hours, and the day")
        packed(store, day + 5 * DAY, "to five minutes")
        packed(store, day + 32 * DAY, "to an hour")
        for _ in collect(store, fleet, day + DAY, HOUR):
            pass
        packed(store, day + 43 * DAY, "the next day, and both to their month")
        store.close()


main()
