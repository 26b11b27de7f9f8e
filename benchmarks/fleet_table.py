"""What pages and rules ask of a whole fleet, at 300 and 2,000 functions (or as many as the arguments say).

A store of a day and a half at one minute, four targets, 14 fields a row; 1,000 records a function and day;
tags, versions, aliases, mappings, queues, coverage per function. Each reader is asked over the newest 24 h,
warm. Beside the time stand the process's CPU time and both as multiples of a fixed calibration loop, so that
another machine can be compared; on a busy one, only CPU times can. `--keep FOLDER` keeps the stores there,
and uses those it finds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.entities import (
    AccountLimits,
    Alias,
    Cadence,
    EventSourceMapping,
    Function,
    InvokeConfig,
    LogMode,
    Queue,
    Reserved,
    Version,
)
from core.facts import ACCOUNT, Covered, Fact, Listed, Run, Target
from core.settings import StoreSettings
from core.telemetry import InvocationRecord, MetricPoint, QueueSample, Rows
from core.windows import Window
from store.metering import meter
from store.readers import completeness, concurrency, cost, fleet, functions, signals, totals
from store.store import Filter, Store

NOW = datetime(2026, 7, 2, 12, 30, tzinfo=UTC)
BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
WHOLE = Window(BEGAN, NOW)
DAY = Window(NOW - timedelta(days=1), NOW)
QUARTER = Window(NOW - timedelta(minutes=15), NOW)
TARGETS = [
    Target(account, region)
    for account in ("111111111111", "222222222222")
    for region in ("eu-west-1", "us-east-1")
]
RECORDS_A_DAY = 1_000
MEMORY_MB = (128, 256, 512, 1024, 3008)
PIECE = timedelta(hours=6)
AGAIN = timedelta(minutes=30)
"""How far back each run reads what was provisional."""


def names(target: Target, count: int) -> list[str]:
    return [f"service-{n // 20:02d}-function-{n:04d}" for n in range(count) if TARGETS[n % 4] == target]


# --- a fleet ------------------------------------------------------------------------------------------------


def entities(target: Target, mine: list[str]) -> Iterator[Fact]:
    where = f"{target.region}:{target.account}"
    yield AccountLimits(concurrent_limit=10_000, unreserved_limit=9_000)
    for n, name in enumerate(mine):
        letters, memory_mb = f"arn:aws:sqs:{where}:{name}-dead", MEMORY_MB[n % len(MEMORY_MB)]
        yield Function(
            name=name,
            arn=f"arn:aws:lambda:{where}:function:{name}",
            runtime="python3.13" if n % 3 else "nodejs22.x",
            architecture="arm64" if n % 2 else "x86_64",
            memory_mb=memory_mb,
            timeout_s=30,
            ephemeral_mb=512,
            handler="app.handler",
            log_group=f"/aws/lambda/{name}",
            role=f"arn:aws:iam::{target.account}:role/{name}",
            dead_letter_arn=letters if n % 10 == 0 else None,
            last_modified=BEGAN - timedelta(days=n % 400),
            tags={"team": f"team-{n % 12}", "stage": "prod", "service": name[:10]},
        )
        yield LogMode(name=name, mode="every", why="its log is small")
        yield Cadence(name=name, every_s=300 if n % 10 else 3600, why="every five minutes fits the budget")
        for version in ("41", "42", "43"):
            yield Version(
                name=f"{name}:{version}",
                function=name,
                version=version,
                memory_mb=memory_mb,
                architecture="arm64" if n % 2 else "x86_64",
                published=BEGAN,
            )
        yield Alias(name=f"{name}:live", function=name, alias="live", version="43", weights={})
        yield InvokeConfig(name=f"{name}:$LATEST", function=name, qualifier="$LATEST", max_retries=1)
        yield Reserved(name=name, reserved=50 if n % 25 == 0 else None)
        if n % 2:
            source = f"arn:aws:sqs:{where}:{name}-work"
            yield EventSourceMapping(name=f"uuid-{name}", function=name, source_arn=source, state="Enabled")
        if n % 10 == 0:
            yield Queue(name=letters)


def metrics(window: Window, mine: list[str], chance: np.random.Generator) -> Rows:
    """A row per function and minute, and one of the account."""
    minutes = np.arange(window.start.timestamp(), window.end.timestamp(), 60).astype(np.int64) * 1000
    count = len(mine) * len(minutes)
    busy = np.repeat(1 + chance.pareto(1.2, len(mine)), len(minutes))
    calls = np.floor(chance.exponential(busy)).astype(float)
    used = calls > 0
    duration = np.where(used, np.round(chance.lognormal(4, 1, count), 1), np.nan)
    columns: dict[str, Any] = {
        "scope": ["function"] * count + ["account"] * len(minutes),
        "function": [name for name in mine for _ in range(len(minutes))] + [""] * len(minutes),
        "ts": np.concatenate([np.tile(minutes, len(mine)), minutes]),
        "period_s": np.full(count + len(minutes), 60),
    }
    values: dict[str, Any] = {
        "invocations": calls,
        "errors": np.where(used, chance.binomial(1, 0.01, count), 0).astype(float),
        "throttles": (chance.random(count) < 0.001).astype(float),
        "duration_sum_ms": np.nan_to_num(duration) * calls,
        "duration_max_ms": duration * 3,
        "duration_p50_ms": duration,
        "duration_p95_ms": duration * 2,
        "duration_p99_ms": duration * 2.5,
        "concurrent_max": np.where(used, np.ceil(calls / 10), np.nan),
        "async_received": calls,
        "async_dropped": np.zeros(count),
        "dead_letter_errors": np.zeros(count),
        "log_bytes": calls * 700,
    }
    unknown = np.full(len(minutes), np.nan)
    columns |= {name: np.concatenate([value, unknown]) for name, value in values.items()}
    columns["claimed_max"] = np.concatenate([np.full(count, np.nan), np.full(len(minutes), 250.0)])
    return Rows(MetricPoint, columns)


def records(window: Window, mine: list[str], chance: np.random.Generator) -> Rows:
    """1,000 records a function and day, most of them of few functions."""
    count = round(RECORDS_A_DAY * len(mine) * (window.duration / timedelta(days=1)))
    share = 1 / np.arange(1, len(mine) + 1) ** 0.8
    which = np.sort(chance.choice(len(mine), count, p=share / share.sum()))
    start, end = (round(ts.timestamp() * 1000) for ts in (window.start, window.end))
    times, duration = chance.integers(start, end, count), np.round(chance.lognormal(4, 1, count), 2)
    cold = chance.random(count) < 0.02
    events = [f"{ts:015d}{n:041d}" for n, ts in enumerate(times.tolist())]
    columns = {
        "function": [mine[n] for n in which.tolist()],
        "ts": times,
        "event_id": events,
        "request_id": [chance.bytes(16).hex() for _ in range(count)],
        "stream": [f"2026/07/02/[43]{n % 50:032x}" for n in range(count)],
        "version": ["43"] * count,
        "duration_ms": duration,
        "billed_ms": np.ceil(duration),
        "memory_mb": np.array(MEMORY_MB, dtype=float)[which % len(MEMORY_MB)],
        "max_memory_mb": chance.integers(60, 128, count).astype(float),
        "init_ms": np.where(cold, np.round(chance.lognormal(5, 0.5, count), 2), np.nan),
        "init_type": ["on-demand"] * count,
        "status": np.where(chance.random(count) < 0.01, "error", "success").tolist(),
        "out_of_memory": np.zeros(count, dtype=bool),
    }
    return Rows(InvocationRecord, columns)


def samples(window: Window, target: Target, mine: list[str], chance: np.random.Generator) -> Rows:
    queues = [f"arn:aws:sqs:{target.region}:{target.account}:{name}-dead" for name in mine[::10]]
    minutes = np.arange(window.start.timestamp(), window.end.timestamp(), 60).astype(np.int64) * 1000
    count = len(queues) * len(minutes)
    none, few = np.zeros(count), (chance.random(count) < 0.001).astype(float)
    columns: dict[str, Any] = {
        "queue": [queue for queue in queues for _ in range(len(minutes))],
        "ts": np.tile(minutes, len(queues)),
        "period_s": np.full(count, 60),
    }
    depths = {"visible_max": few, "not_visible_max": none, "delayed_max": none}
    return Rows(QueueSample, columns | depths | {"sent": few, "deleted": few})


# --- a store ------------------------------------------------------------------------------------------------


def run(collector: str, target: Target, window: Window) -> Run:
    at = window.end
    about: dict[str, Any] = {"period_s": 60, "started_at": at, "finished_at": at, "outcome": "ok"}
    return Run(collector=collector, target=target, window=window, **about)


def fill(store: Store, count: int, whole: Window = WHOLE) -> None:
    """What collecting over a window leaves, packed and its usage filed as the service would have at its
    end."""
    chance = np.random.default_rng(7)
    for target in TARGETS:
        mine = names(target, count)
        listed = [Listed(kind) for kind in ("function", "mapping", "queue")]
        store.commit(run("inventory", target, whole), [*entities(target, mine), *listed], now=whole.end)
        store.commit(run("details", target, whole), [Listed("provisioned")], now=whole.end)
        store.commit(run("triggers", target, whole), [], now=whole.end)
        for part in whole.chunks(PIECE):
            again = Window(max(whole.start, part.start - AGAIN), part.end)
            read = [Covered(name, again) for name in mine]
            told: Mapping[str, list[Fact | Rows]] = {
                "metrics": [metrics(part, mine, chance), *read, Covered(ACCOUNT, again)],
                "logs": [records(part, mine, chance), *read],
                "queues": [samples(part, target, mine, chance), Covered("", again)],
            }
            for collector, facts in told.items():
                store.commit(run(collector, target, again), facts, now=part.end)
    store.pack(now=whole.end)
    meter(store, now=whole.end)


def opened(folder: Path, count: int) -> Store:
    path = folder / str(count)
    is_new = not path.exists()
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    if is_new:
        fill(store, count)
    return store


# --- questions ----------------------------------------------------------------------------------------------


def questions(store: Store) -> dict[str, Callable[[], object]]:
    one = names(TARGETS[0], 5)[-1]
    return {
        "fleet": lambda: fleet.fleet(store, DAY, now=NOW),
        "fleet, one function": lambda: fleet.fleet(store, DAY, now=NOW, where=Filter(*_key(), one)),
        "fleet_series": lambda: fleet.fleet_series(store, DAY, now=NOW),
        "sparklines": lambda: fleet.sparklines(store, DAY, now=NOW),
        "record_totals": lambda: totals.record_totals(store, DAY),
        "limits": lambda: concurrency.limits(store, DAY, now=NOW),
        "pools": lambda: concurrency.pools(store, DAY, now=NOW),
        "throttle_series": lambda: concurrency.throttle_series(store, DAY, now=NOW),
        "costs by function": lambda: cost.costs(store, DAY, now=NOW),
        "cost_series": lambda: cost.cost_series(store, DAY, now=NOW),
        "completeness": lambda: completeness.completeness(store, DAY, now=NOW),
        "function_series": lambda: functions.function_series(store, TARGETS[0], one, DAY, now=NOW),
        "function_minutes, 15 min": lambda: signals.function_minutes(store, QUARTER, now=NOW).frame(),
        "queue_minutes, 15 min": lambda: signals.queue_minutes(store, QUARTER, now=NOW).frame(),
    }


def _key() -> tuple[str, str]:
    return TARGETS[0].account, TARGETS[0].region


def calibration() -> None:
    """A fixed amount of work, half of it numpy's and half Python's."""
    np.sort(np.random.default_rng(1).random(600_000))
    found: dict[int, int] = {}
    for n in range(300_000):
        found[n % 1_000] = found.get(n % 1_000, 0) + n


def timed(ask: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median milliseconds: by the clock, and of CPU."""
    ask()
    clock, cpu = [], []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        ask()
        clock.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
    return statistics.median(clock), statistics.median(cpu)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("functions", nargs="*", type=int, default=[300, 2_000])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for count in args.functions:
            store = opened(args.keep or Path(folder), count)
            unit, worked = timed(calibration, args.rounds)
            print(f"{count} functions; the calibration loop takes {unit:.0f} ms, {worked:.0f} ms CPU")
            for name, ask in questions(store).items():
                if args.only in name:
                    clock, cpu = timed(ask, args.rounds)
                    loops = f"{clock / unit:6.2f} loops {cpu / worked:6.2f} loops of CPU"
                    print(f"  {name:26} {clock:7.0f} ms {cpu:7.0f} ms CPU {loops}")
            store.close()


if __name__ == "__main__":
    main()
