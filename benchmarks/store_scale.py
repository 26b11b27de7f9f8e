"""The store at full size: its bytes, its files, and the readers of pages on it.

`store_scale.py [fraction]` (1): 2,000 functions x 14 metrics, three days at one minute, to thirty days at
five, to fifteen months hourly; 50 million invocation records, 10 million kept log lines and 500,000 traces
over thirty days. Files are made by the store's own writer, without commits. A fraction leaves the times as
they are and makes fewer functions, records, lines and traces. `store_scale.py 1 FOLDER` keeps the store
there, and uses the one that it finds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import load
import numpy as np
import sqlalchemy as sa
from clock import calibration, measure
from filing import metrics_at, put, put_minutes, settle
from load import DAY, HOUR, MINUTE, NOW, TARGET, Fleet

from core.entities import Function
from core.facts import Covered
from core.settings import StoreSettings
from core.telemetry import Rows, TraceRecord
from core.windows import Window
from store import schema
from store.readers import cold, cost, distributions, functions, log_search, rightsizing, slow, totals, tracing
from store.readers import fleet as fleets
from store.readers.log_search import Search
from store.store import Filter, Store

FRACTION = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
FUNCTIONS, RECORDS = round(2000 * FRACTION), round(50_000_000 * FRACTION)
KEPT = sys.argv[2] if len(sys.argv) > 2 else None
LINES, TRACES = round(10_000_000 * FRACTION), round(500_000 * FRACTION)
DAYS = 30
FIVE, HOURLY, OLDEST = NOW - 3 * DAY, NOW - DAYS * DAY, NOW - 450 * DAY


def traces(fleet: Fleet, day: datetime, count: int) -> Rows:
    chance = np.random.default_rng([fleet.seed, day.toordinal(), 3])
    ms = int(day.timestamp() * 1000) + np.sort(chance.integers(0, 86_400_000, count))
    names = [fleet.names[n] for n in chance.integers(0, fleet.functions, count)]
    ids = [f"1-{at // 1000:08x}-{tail}" for at, tail in zip(ms, load._hex(chance, count, 24), strict=True)]
    took = chance.lognormal(4, 1, count).round(3)
    parts = '{{"id":"{0}","name":"{1}","start_time":{2},"end_time":{3},"http":{{"response":null}}}}'
    return Rows(
        TraceRecord,
        {
            "trace_id": ids,
            "ts": ms,
            "duration_ms": took,
            "response_ms": took,
            "has_error": chance.random(count) < 0.02,
            "has_fault": chance.random(count) < 0.01,
            "has_throttle": np.zeros(count, dtype=bool),
            "root": names,
            "functions": [(name,) for name in names],
            "document": [
                parts.format(i[-16:], n, at / 1000, (at + t) / 1000)
                for i, n, at, t in zip(ids, names, ms, took, strict=True)
            ],
        },
    )


def fill(store: Store, fleet: Fleet) -> None:
    """Everything, a file at a time."""
    for n in range(DAYS):
        day = NOW - (n + 1) * DAY
        window = Window(day, day + DAY)
        hours = list(load.hours(window))
        put(store, window, [fleet.records(h.start, RECORDS // DAYS // 24) for h in hours])
        put(store, window, [fleet.lines(h.start, LINES // DAYS // 24) for h in hours])
        put(store, window, [traces(fleet, day, TRACES // DAYS)])
        if n < 3:
            put_minutes(store, fleet, day)
        else:
            put(store, window, metrics_at(fleet, window, 5 * MINUTE), period_s=300)
    for window in Window(OLDEST, HOURLY).chunks(DAYS * DAY):
        put(store, window, metrics_at(fleet, window, HOUR), period_s=3600)
    settle(store, FIVE, HOURLY)


def know(store: Store, fleet: Fleet) -> None:
    """The functions, and that all of it was read."""
    window = Window(OLDEST, NOW)
    things = [Function(name=n, arn=f"arn:aws:lambda:::{n}", memory_mb=512) for n in fleet.names]
    store.commit(load.a_run(window, "inventory"), things, now=NOW)
    for collector, since in (("metrics", OLDEST), ("logs", HOURLY), ("traces", HOURLY)):
        read = Window(since, NOW)
        scopes = fleet.names if collector == "logs" else [""]
        store.commit(load.a_run(read, collector), [Covered(s, read) for s in scopes], now=NOW)


def sizes(store: Store) -> None:
    files = schema.file.c
    columns = (files.kind, files.period_s, sa.func.count(), sa.func.sum(files.rows), sa.func.sum(files.bytes))
    with store.engine.connect() as connection:
        found = connection.execute(sa.select(*columns).group_by(files.kind, files.period_s)).all()
    print("\n| kind | period | files | rows | MB | bytes a row |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind, period_s, count, rows, size in found:
        print(f"| {kind} | {period_s} s | {count} | {rows:,} | {size / 1e6:,.1f} | {size / rows:.1f} |")
    total = sum(row[-1] for row in found)
    print(f"\nall files {total / 1e9:.2f} GB, state {store.state_size()[1] / 1e6:.1f} MB")


def questions(store: Store, fleet: Fleet) -> dict[str, Callable[[], object]]:
    name = fleet.names[FUNCTIONS // 2]
    day, three, month = (Window(NOW - n * DAY, NOW) for n in (1, 3, 30))
    year = Window(NOW - 365 * DAY, NOW)
    one = Filter(function=name)
    return {
        "fleet table, 24 h": lambda: fleets.fleet(store, day, now=NOW),
        "fleet table, 30 d": lambda: fleets.fleet(store, month, now=NOW),
        "all records together, 30 d": lambda: totals.record_totals(store, month),
        "cold starts by function, 30 d": lambda: cold.cold_starts(store, month, now=NOW),
        "memory by function, 30 d": lambda: distributions.memory_use(store, month, now=NOW),
        "evidence to size functions by, 30 d": lambda: rightsizing.observed(store, month, now=NOW),
        "slowest invocations, 30 d": lambda: slow.slow_invocations(store, month),
        "a text in log lines, 30 d": lambda: log_search.log_events(store, month, Search(text="timed out")),
        "fleet over time, 24 h": lambda: fleets.fleet_series(store, day, now=NOW),
        "fleet over time, 30 d": lambda: fleets.fleet_series(store, month, now=NOW),
        "sparklines, 24 h": lambda: fleets.sparklines(store, day, now=NOW),
        "one function, 24 h": lambda: functions.function_series(store, TARGET, name, day, now=NOW),
        "one function, 30 d": lambda: functions.function_series(store, TARGET, name, month, now=NOW),
        "one function, 12 months": lambda: functions.function_series(store, TARGET, name, year, now=NOW),
        "errors by signature, 24 h": lambda: functions.errors_by_signature(store, TARGET, name, day),
        "costs, 30 d": lambda: cost.costs(store, month, now=NOW),
        "a function's traces, 3 d": lambda: tracing.traces(store, three, where=one),
        "nearest the timeout, 30 d": lambda: slow.slow_invocations(store, month, order="nearest timeout"),
    }


def main() -> None:
    fleet = Fleet(FUNCTIONS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(KEPT or folder)
        is_there = path.exists() and any(path.iterdir())
        store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
        began = time.perf_counter()
        if not is_there:
            fill(store, fleet)
            know(store, fleet)
        print(f"{FUNCTIONS} functions, {RECORDS:,} records, {LINES:,} lines, {TRACES:,} traces")
        print(f"filled in {time.perf_counter() - began:.0f} s; the calibration loop takes {calibration()} ms")
        sizes(store)
        print("\n| reader | ms (CPU ms) |\n| --- | ---: |")
        for what, ask in questions(store, fleet).items():
            print(f"| {what} | {measure({what: ask}, rounds=3)[what]} |", flush=True)
        store.close()


if __name__ == "__main__":
    main()
