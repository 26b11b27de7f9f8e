"""The load of the store's benchmarks: metrics, invocation records and log lines, the same each time.

A function keeps its character for good (rate, rhythm, duration, whether it is called asynchronously or reads
a stream); what happens in an hour is drawn from a generator seeded with that hour, so that any hour can be
made alone, in any order.

Of ten functions four run all day at tens to thousands of calls a minute, five follow the day with a quiet
night, one runs a few times an hour. As CloudWatch does, a minute without a call has no datapoint at all, and
there is no row. Percentiles have all the digits that interpolation gives them; sums and maxima have Lambda's
own hundredths of a millisecond. Half are called asynchronously, one in ten reads a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.facts import Run, Target
from core.telemetry import InvocationRecord, LogEvent, MetricPoint, Rows
from core.windows import Window

TARGET = Target("111111111111", "eu-west-1")
NOW = datetime(2026, 7, 4, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
METRICS = (
    "invocations",
    "errors",
    "throttles",
    "duration_sum_ms",
    "duration_max_ms",
    "duration_p50_ms",
    "duration_p95_ms",
    "duration_p99_ms",
    "concurrent_max",
    "async_received",
    "async_dropped",
    "async_age_max_ms",
    "iterator_age_max_ms",
    "log_bytes",
)
"""The fourteen metrics of the reference load, by the field of a point."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fleet:
    """Functions and what each is like."""

    functions: int
    seed: int = 7

    @cached_property
    def names(self) -> list[str]:
        words = ("orders", "checkout", "billing", "search", "import", "media", "notify", "report")
        return [f"{words[n % 8]}-{'worker' if n % 3 else 'api'}-{n:04}" for n in range(self.functions)]

    @cached_property
    def traits(self) -> dict[str, Floats]:
        chance, count = np.random.default_rng(self.seed), self.functions
        sort = np.arange(count) % 10
        busy = 10 ** chance.uniform(1, 3.5, count)
        daily = 10 ** chance.uniform(0.3, 2, count)
        rare = 10 ** chance.uniform(-2, -0.5, count)
        return {
            "rate": np.where(sort < 4, busy, np.where(sort < 9, daily, rare)),
            "night": np.where(sort < 4, chance.uniform(0.3, 0.8, count), chance.uniform(0.02, 0.3, count)),
            "shift_h": chance.normal(14, 2, count),
            "median_ms": 10 ** chance.uniform(0.3, 3.3, count),
            "spread": chance.uniform(0.2, 0.9, count),
            "error_rate": np.where(chance.random(count) < 0.3, 10 ** chance.uniform(-4, -1, count), 0.0),
            "throttled": (chance.random(count) < 0.05).astype(float),
            "is_async": (chance.random(count) < 0.5).astype(float),
            "is_stream": (chance.random(count) < 0.1).astype(float),
            "line_bytes": chance.uniform(200, 4000, count),
        }

    def calls(self, start: datetime, minutes: int, step: timedelta = MINUTE) -> Floats:
        """Mean calls per function (rows) and step (columns)."""
        hours = start.hour + start.minute / 60 + np.arange(minutes) * (step / HOUR)
        traits = self.traits
        wave = (1 + np.cos((hours - traits["shift_h"][:, None]) / 24 * 2 * np.pi)) / 2
        share = traits["night"][:, None] + (1 - traits["night"][:, None]) * wave
        return np.asarray(traits["rate"][:, None] * share * (step / MINUTE))

    def metrics(self, hour: datetime, *, steps: int = 60, step: timedelta = MINUTE) -> Rows:
        """Points of `steps` steps from `hour` on, by column."""
        chance = np.random.default_rng([self.seed, int(hour.timestamp()), steps])
        calls = chance.poisson(self.calls(hour, steps, step))
        at = np.argwhere(calls.T > 0)  # by time, then function: as a pass reads them
        who, count = at[:, 1], calls.T[at[:, 0], at[:, 1]].astype(float)
        columns: dict[str, Any] = {
            "scope": ["function"] * len(at),
            "function": pa.array(self.names).take(pa.array(who)),
            "ts": int(hour.timestamp() * 1000) + at[:, 0] * int(step / timedelta(milliseconds=1)),
            "period_s": np.full(len(at), step // timedelta(seconds=1), dtype=np.int32),
        }
        traits = {name: values[who] for name, values in self.traits.items()}
        return Rows(MetricPoint, columns | _measured(chance, traits, count))

    def records(self, hour: datetime, count: int) -> Rows:
        """Invocation records of an hour: about `count`, spread over functions as their calls are."""
        chance = np.random.default_rng([self.seed, int(hour.timestamp()), 1])
        mean = self.calls(hour, 60).sum(axis=1)
        each = chance.poisson(mean / mean.sum() * count)
        who = np.repeat(np.arange(self.functions), each)
        ms = int(hour.timestamp() * 1000) + np.sort(chance.integers(0, 3_600_000, len(who)))
        return Rows(InvocationRecord, _records(self, chance, chance.permutation(who), ms, hour))

    def lines(self, hour: datetime, count: int) -> Rows:
        """Kept log lines of an hour: errors of a few hundred signatures, with a stack of some lines."""
        chance = np.random.default_rng([self.seed, int(hour.timestamp()), 2])
        who, what = chance.integers(0, self.functions, count), chance.zipf(1.3, count) % 300
        ms = int(hour.timestamp() * 1000) + np.sort(chance.integers(0, 3_600_000, count))
        ids = _hex(chance, count, 16)
        return Rows(
            LogEvent,
            {
                "function": pa.array(self.names).take(pa.array(who)),
                "ts": ms,
                "event_id": _event_ids(chance, ms),
                "stream": _streams(self, chance, who, hour),
                "request_id": _request_ids(chance, count),
                "level": ["ERROR" if n % 5 else "WARN" for n in what],
                "message": [_message(n, i) for n, i in zip(what.tolist(), ids, strict=True)],
                "signature": [f"{n:03}{n * 2654435761 % 2**48:013x}" for n in what.tolist()],
            },
        )


def _measured(chance: np.random.Generator, traits: dict[str, Floats], calls: Floats) -> dict[str, Any]:
    size, spread, median = len(calls), traits["spread"], traits["median_ms"]
    wobble = np.minimum(spread / np.sqrt(calls), spread)
    p50 = median * np.exp(chance.normal(0, 1, size) * wobble)
    p95 = np.maximum(
        median * np.exp(1.645 * spread * (1 - 1 / (1 + calls)) + chance.normal(0, 1, size) * wobble), p50
    )
    p99 = p95 * np.exp(np.abs(chance.normal(0.3, 0.3, size)) * spread)
    most = np.minimum(p99 * (1 + chance.exponential(0.1, size)), 900_000).round(2)
    few = calls < 4
    p50, p95, p99 = (
        np.where(few, np.minimum(p, most).round(2), np.minimum(p, most)) for p in (p50, p95, p99)
    )
    total = (calls * median * np.exp(spread**2 / 2) * (1 + chance.normal(0, 1, size) * wobble / 4)).round(2)
    total = np.maximum(total, most)
    busy = np.ceil(total / 60_000 + chance.exponential(0.5, size))
    is_async, is_stream = traits["is_async"] > 0, traits["is_stream"] > 0
    bursts = (chance.random(size) < 0.02) & (traits["throttled"] > 0)
    return {
        "invocations": calls,
        "errors": chance.binomial(calls.astype(int), traits["error_rate"]).astype(float),
        "throttles": np.where(bursts, chance.poisson(calls * 0.1), 0).astype(float),
        "duration_sum_ms": total,
        "duration_max_ms": most,
        "duration_p50_ms": p50,
        "duration_p95_ms": p95,
        "duration_p99_ms": p99,
        "concurrent_max": np.minimum(busy, calls),
        "async_received": np.where(is_async, calls, np.nan),
        "async_dropped": np.where(is_async, 0.0, np.nan),
        "async_age_max_ms": np.where(is_async, np.floor(10 ** chance.normal(1.7, 0.4, size)), np.nan),
        "iterator_age_max_ms": np.where(is_stream, np.floor(10 ** chance.normal(2.5, 0.5, size)), np.nan),
        "log_bytes": np.floor(calls * traits["line_bytes"] * (1 + chance.normal(0, 0.1, size).clip(-0.5))),
    }


def _records(
    fleet: Fleet, chance: np.random.Generator, who: npt.NDArray[Any], ms: npt.NDArray[Any], hour: datetime
) -> dict[str, Any]:
    size = len(who)
    traits = {name: values[who] for name, values in fleet.traits.items()}
    took = (
        (traits["median_ms"] * np.exp(chance.normal(0, 1, size) * traits["spread"]))
        .clip(0.8, 900_000)
        .round(2)
    )
    cold = chance.random(size) < 0.01
    init = np.where(cold, (200 * np.exp(chance.normal(0, 0.5, size))).round(2), np.nan)
    memory = 128.0 * 2 ** (who % 5)
    failed = chance.random(size) < traits["error_rate"]
    return {
        "function": pa.array(fleet.names).take(pa.array(who)),
        "ts": ms,
        "event_id": _event_ids(chance, ms),
        "request_id": _request_ids(chance, size),
        "stream": _streams(fleet, chance, who, hour),
        "version": pa.repeat("$LATEST", size),
        "duration_ms": took,
        "billed_ms": np.ceil(took + np.nan_to_num(init)),
        "memory_mb": memory,
        "max_memory_mb": np.floor(memory * (0.4 + 0.3 * chance.random(size))),
        "init_ms": init,
        "init_type": pa.repeat("on-demand", size),
        "status": pa.array(["success", "error"]).take(pa.array(failed.astype(int))),
        "out_of_memory": np.zeros(size, dtype=bool),
    }


def _hex(chance: np.random.Generator, count: int, length: int) -> list[str]:
    text = chance.bytes(count * length // 2).hex()
    return [text[i : i + length] for i in range(0, len(text), length)]


def _request_ids(chance: np.random.Generator, count: int) -> list[str]:
    return [f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in _hex(chance, count, 32)]


def _event_ids(chance: np.random.Generator, ms: npt.NDArray[Any]) -> list[str]:
    """56 digits that begin with the time, as CloudWatch Logs makes them."""
    tails = chance.integers(0, 2**62, (len(ms), 2)).tolist()
    return [f"{(at << 144) + (a << 80) + b:056}" for at, (a, b) in zip(ms.tolist(), tails, strict=True)]


def _streams(fleet: Fleet, chance: np.random.Generator, who: npt.NDArray[Any], hour: datetime) -> pa.Array:
    """Some eight environments a function, with a new name every six hours."""
    part = hour.hour // 6
    fixed = np.random.default_rng([fleet.seed, hour.toordinal(), part])
    names = [f"{hour:%Y/%m/%d}/[$LATEST]{h}" for h in _hex(fixed, fleet.functions * 8, 32)]
    return pa.array(names).take(pa.array(who * 8 + chance.integers(0, 8, len(who))))


def _message(kind: int, request: str) -> str:
    where = "".join(
        f'  File "/var/task/app/step_{kind % (n + 7)}.py", line {kind + n}, in run_{n}\n' for n in range(6)
    )
    return f"[ERROR] OrderError{kind}: cannot book order {request} of *** in table orders-{kind % 9}\n{where}"


def hours(window: Window) -> Iterator[Window]:
    return window.chunks(HOUR)


def a_run(window: Window, collector: str = "metrics") -> Run:
    return Run(
        collector=collector,
        target=TARGET,
        window=window,
        period_s=60,
        started_at=window.end,
        finished_at=window.end,
        outcome="ok",
    )
