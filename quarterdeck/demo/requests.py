"""What asks for invocations: arrivals, how long each attempt takes, how it ends, and the retries that follow.

One hour of one function is a pure function of (seed, starts, function, hour).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quarterdeck.demo.company import QUEUES
from quarterdeck.demo.model import (
    DAY_MS,
    HOUR_MS,
    POISON_ATTEMPTS,
    POISON_VISIBILITY_MS,
    Floats,
    Ints,
    Plan,
    Requests,
    failures_of,
)
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.stories import POISON_PER_MINUTE, Story, stories_of

VISIBILITY_S = 180
"""Of queues that are not in the table."""

RETRY_AFTER_MS = (60_000, 120_000)
STILL_FAILS = 0.7
"""How likely a retried event fails again."""


def requests(spec: Spec, hour: int, plan: Plan) -> Requests:
    """What arrives in one hour; the retries it causes may fall into the next."""
    rng = np.random.default_rng((plan.seed, spec.number, hour))
    stories = stories_of(spec.key)
    arrived = _arrivals(spec, hour, plan, stories, rng)
    poison = _poison(stories, hour, rng)
    first = _attempt(spec, np.concatenate([arrived, poison]), plan, rng)
    if len(poison):
        first = _with_poison(spec, first, len(poison))
    if spec.mode == "async":
        return _with_retries(spec, first, plan, rng)
    return _with_redelivery(spec, first, rng) if spec.mode == "queue" else first


def _arrivals(
    spec: Spec, hour: int, plan: Plan, stories: tuple[Story, ...], rng: np.random.Generator
) -> Ints:
    if spec.schedule_s:
        ticks = _ticks(spec, hour)
        return _ticking(ticks, plan, stories) + rng.integers(90, 1400)
    if not spec.per_minute:
        return np.empty(0, dtype=np.int64)
    minutes = (hour * 60 + np.arange(60, dtype=np.int64)) * 60_000
    mean = spec.per_minute * rhythm(spec.rhythm, minutes)
    for tale in stories:
        if tale.rate != 1:
            mean = mean * np.where(tale.active(minutes, plan.starts), tale.rate, 1.0)
    counts = _evenly(mean, hour) if spec.rhythm == "steady" else rng.poisson(mean)
    arrived = np.repeat(minutes, counts) + rng.integers(0, 60_000, int(counts.sum()))
    return np.concatenate([arrived, *_bursts(stories, hour, plan, rng)])


def _evenly(mean: Floats, hour: int) -> Ints:
    """Whole numbers per minute that follow `mean` without chance."""
    whole = np.floor(np.cumsum(mean) + hour * 0.37 % 1)
    return np.diff(whole, prepend=np.floor(hour * 0.37 % 1)).astype(np.int64)


def _ticks(spec: Spec, hour: int) -> Ints:
    every = spec.schedule_s * 1000
    offset = 2 * HOUR_MS if spec.schedule_s == 86_400 else 0
    first = hour * HOUR_MS + (offset - hour * HOUR_MS) % every
    return np.arange(first, (hour + 1) * HOUR_MS, every, dtype=np.int64)


def _ticking(ticks: Ints, plan: Plan, stories: tuple[Story, ...]) -> Ints:
    for tale in stories:
        if tale.rate == 0:
            ticks = ticks[~tale.active(ticks, plan.starts)]
    return ticks


def _bursts(stories: tuple[Story, ...], hour: int, plan: Plan, rng: np.random.Generator) -> list[Ints]:
    return [
        begin + rng.integers(0, tale.burst[1] * 1000, tale.burst[0])
        for tale in stories
        if tale.burst
        for begin in tale.begins(hour * HOUR_MS, (hour + 1) * HOUR_MS, plan.starts)
    ]


def _poison(stories: tuple[Story, ...], hour: int, rng: np.random.Generator) -> Ints:
    if not any(tale.name == "poison-messages" for tale in stories):
        return np.empty(0, dtype=np.int64)
    return hour * HOUR_MS + rng.integers(0, HOUR_MS, rng.poisson(60 * POISON_PER_MINUTE))


def rhythm(kind: str, ts_ms: Ints) -> Floats:
    """The day's and week's shape of traffic, about 1 on average."""
    if kind == "steady":
        return np.ones(len(ts_ms))
    hour = ts_ms / HOUR_MS % 24
    weekend = (ts_ms // DAY_MS + 3) % 7 >= 5
    if kind == "office":
        return np.where(weekend, 0.3, np.where((hour >= 7) & (hour < 18), 1.7, 0.5))
    swing = {"flat": 0.08}.get(kind, 0.4)
    shape = 1 + swing * np.cos(2 * np.pi * (hour - 14) / 24)
    return np.asarray(shape * np.where(weekend, 0.87, 1.05), dtype=np.float64)


def _attempt(spec: Spec, arrived: Ints, plan: Plan, rng: np.random.Generator) -> Requests:
    """First attempts: how long each takes and how it ends."""
    count = len(arrived)
    draws, bends = rng.random((count, 7)), rng.standard_normal(count)
    wait = 20 + 60 * draws[:, 5] if spec.mode == "async" else np.zeros(count)
    start = arrived + wait.astype(np.int64)
    duration = spec.median_ms * np.exp(spec.spread * bends) * np.where(draws[:, 4] < 0.012, 2.8, 1.0)
    for tale in stories_of(spec.key):
        if tale.duration != 1:
            duration = duration * np.where(tale.active(start, plan.starts), tale.duration, 1.0)
    failure = _failures(spec, start, draws[:, 0], plan)
    return Requests(
        start_ms=start,
        arrived_ms=arrived,
        duration_ms=_ended(spec, duration, failure)[0],
        failure=_ended(spec, duration, failure)[1],
        attempt=np.ones(count, dtype=np.int64),
        poison=np.zeros(count, dtype=np.bool_),
        ids=rng.integers(0, 2**63, (count, 2), dtype=np.uint64),
        draws=draws,
    )


def _failures(spec: Spec, start: Ints, luck: Floats, plan: Plan) -> Ints:
    failure = np.full(len(start), -1, dtype=np.int64)
    edge = spec.failure_rate if spec.failures else 0.0
    if edge:
        ordinary = luck < edge
        failure[ordinary] = (luck[ordinary] / edge * len(spec.failures)).astype(np.int64)
    index = len(spec.failures)
    for tale in (tale for tale in stories_of(spec.key) if tale.failure):
        hit = tale.active(start, plan.starts) & (luck >= edge) & (luck < edge + tale.failure_rate)
        failure[hit] = index
        edge, index = edge + tale.failure_rate, index + 1
    return failure


def _ended(spec: Spec, duration: Floats, failure: Ints) -> tuple[Floats, Ints]:
    """Durations as printed (two decimals), with timeouts taking exactly the timeout."""
    timeouts = [index for index, known in enumerate(failures_of(spec)) if known.kind == "timeout"]
    limit = spec.timeout_s * 1000.0
    late = np.isin(failure, timeouts) | ((duration >= limit) & bool(timeouts))
    failure = np.where(late & ~np.isin(failure, timeouts), timeouts[0] if timeouts else -1, failure)
    duration = np.clip(np.round(duration, 2), 0.8, limit * 0.97)
    return np.where(late, limit, duration), failure


def _with_poison(spec: Spec, first: Requests, count: int) -> Requests:
    """The last `count` requests are poison: each fails, comes back when visible, and fails again."""
    poison = np.arange(len(first)) >= len(first) - count
    bad = first.take(poison)
    index = [known.type for known in failures_of(spec)].index("JSONDecodeError")
    parts = [first.take(~poison)]
    for attempt in range(POISON_ATTEMPTS):
        parts.append(
            replace(
                bad,
                start_ms=bad.start_ms + attempt * POISON_VISIBILITY_MS,
                duration_ms=np.round(bad.duration_ms * (0.2 + 0.01 * attempt), 2),
                failure=np.full(count, index, dtype=np.int64),
                attempt=np.full(count, attempt + 1, dtype=np.int64),
                poison=np.ones(count, dtype=np.bool_),
                ids=bad.ids + np.uint64(attempt),
            )
        )
    return _joined(parts)


def _with_redelivery(spec: Spec, first: Requests, rng: np.random.Generator) -> Requests:
    """Messages of a failed batch come back when visible, and then succeed; poison never does."""
    failed = first.take((first.failure >= 0) & ~first.poison)
    visibility_s = _visibility_s(spec)
    again = replace(
        failed,
        start_ms=failed.start_ms + visibility_s * 1000 + rng.integers(0, 900, len(failed)),
        failure=np.full(len(failed), -1, dtype=np.int64),
        attempt=np.full(len(failed), 2, dtype=np.int64),
        ids=failed.ids + np.uint64(1),
    )
    return _joined([first, again])


def _visibility_s(spec: Spec) -> int:
    place = (spec.account, spec.region, spec.source)
    known = (queue for queue in QUEUES if (queue.account, queue.region, queue.name) == place)
    return next((queue.visibility_s for queue in known), VISIBILITY_S)


def _joined(parts: list[Requests]) -> Requests:
    return Requests(*(np.concatenate([getattr(p, name) for p in parts]) for name in Requests.__slots__))


def _with_retries(spec: Spec, first: Requests, plan: Plan, rng: np.random.Generator) -> Requests:
    """Failed asynchronous events are tried twice more, with the same request id."""
    parts, last = [first], first
    for number, wait_ms in enumerate(RETRY_AFTER_MS):
        failed = last.take(last.failure >= 0)
        if not len(failed):
            break
        stays = rng.random(len(failed)) < STILL_FAILS
        duration, failure = _ended(spec, failed.duration_ms, np.where(stays, failed.failure, np.int64(-1)))
        again = _attempt(spec, failed.start_ms, plan, rng)
        waited = np.ceil(failed.duration_ms).astype(np.int64) + wait_ms + rng.integers(0, 4000, len(failed))
        last = replace(
            failed,
            start_ms=failed.start_ms + waited,
            duration_ms=duration,
            failure=failure,
            attempt=np.full(len(failed), number + 2, dtype=np.int64),
            draws=again.draws,
        )
        parts.append(last)
    return _joined(parts)
