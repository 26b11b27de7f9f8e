"""A writer to be killed: commits numbered batches, packs in between, and says what was acknowledged.

Run by `runpy` in a process of its own, with the arguments of `write` (`limit` None: until killed) as
globals.
Batch n holds POINTS functions at minute 40 * n, reads the minute of batch n - 1 again with a newer value, and
a record per point: so a batch that is half there, lost or doubled can be told.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.facts import Run, Target
from core.settings import RetentionSettings, StoreSettings
from core.telemetry import InvocationRecord, MetricPoint
from core.windows import Window
from store.store import Store

ZERO = datetime(2026, 7, 1, tzinfo=UTC)
STEP = timedelta(minutes=40)
POINTS = 50


def facts(n):
    for function in range(POINTS):
        for m in (n - 1, n) if n else (n,):
            yield MetricPoint(
                scope="function",
                function=f"f{function}",
                ts=ZERO + m * STEP,
                period_s=60,
                invocations=float(n),
            )
        yield InvocationRecord(
            function=f"f{function}",
            ts=ZERO + n * STEP,
            event_id=f"{n}-{function}",
            request_id="r",
            stream="s",
            version=str(n),
            duration_ms=1.0,
        )


def batch(store, n):
    ts = ZERO + n * STEP
    run = Run(
        collector="metrics",
        target=Target("111111111111", "eu-west-1"),
        window=Window(ts, ts + STEP),
        period_s=60,
        started_at=ts,
        finished_at=ts,
        outcome="ok",
    )
    store.commit(run, facts(n), now=ts)


def write(path, acks, limit, database, telemetry, environment):
    os.environ.update(environment)
    early = RetentionSettings(one_minute=timedelta(days=1))  # so that days are rolled up while it is killed
    settings = StoreSettings(
        path=Path(path), free_space_floor_mb=0, database=database, retention=early, **telemetry
    )
    store = Store.open(settings)
    log = os.open(acks, os.O_CREAT | os.O_RDWR | os.O_APPEND)
    n = len(os.pread(log, 10**9, 0).split())
    while limit is None or n < limit:
        batch(store, n)
        os.write(log, f"{n}\n".encode())
        n += 1
        if n % 3 == 0:
            store.pack(now=ZERO + n * STEP)
    store.close()


if "path" in globals():
    write(path, acks, limit, database, telemetry, environment)  # noqa: F821
