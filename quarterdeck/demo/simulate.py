"""Every invocation of a function, one UTC day at a time: the only source of metrics, logs, traces and queues.

A day is a pure function of (seed, starts, function, day). Requests are drawn per hour; then they are run through
execution environments one after the other, which decides cold starts, throttles and who shares an environment.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quarterdeck.demo.company import CANARY
from quarterdeck.demo.history import Timeline, is_canary, timeline
from quarterdeck.demo.specs import Failure, Spec
from quarterdeck.demo.stories import POISON_PER_MINUTE, Story, stories_of, to_datetime
from quarterdeck.demo.streams import behind_ms

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEEP_WARM_MS = 7 * 60_000
ENVIRONMENT_LIFE_MS = 100 * 60_000
RETRY_AFTER_MS = (60_000, 120_000)
POISON_ATTEMPTS = 3
POISON_VISIBILITY_MS = 180_000
SAMPLED_SHARE = 0.1
"""X-Ray's sampling rule here: a fixed rate without a reservoir, for functions with active tracing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes a world: its seed and when the demo was started, first start first."""

    seed: int
    starts: tuple[datetime, ...]

    @property
    def start(self) -> datetime:
        return self.starts[0]


@dataclass(frozen=True, slots=True)
class Requests:
    """What asked for an invocation, retries included, in no order. `draws` are uniform random numbers in columns."""

    start_ms: Ints
    arrived_ms: Ints
    duration_ms: Floats
    failure: Ints
    attempt: Ints
    poison: Flags
    ids: NDArray[np.uint64]
    draws: Floats

    def __len__(self) -> int:
        return len(self.start_ms)

    def take(self, which: Ints | Flags) -> Requests:
        return Requests(*(getattr(self, name)[which] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Day:
    """The invocations of one function that started on one UTC day, by start; and its throttled requests.

    `version` 0 is $LATEST. `init_ms` is 0 on a warm start. `end_ms` is when all was over, init included;
    a restored snapshot is billed for a quarter of its restore, an init in full. `sampled`: X-Ray has a trace of it. `failure` indexes `failures_of(spec)`, -1 is success.
    """

    spec: Spec
    start_ms: Ints
    arrived_ms: Ints
    duration_ms: Floats
    init_ms: Floats
    cold: Flags
    failure: Ints
    attempt: Ints
    poison: Flags
    version: Ints
    environment: Ints
    provisioned: Flags
    memory_mb: Ints
    used_mb: Ints
    ids: NDArray[np.uint64]
    draws: Floats
    behind_ms: Floats
    end_ms: Ints
    billed_ms: Ints
    sampled: Flags
    throttled_ms: Ints
    throttled_version: Ints

    def __len__(self) -> int:
        return len(self.start_ms)

    @property
    def failed(self) -> Flags:
        return self.failure >= 0


def failures_of(spec: Spec) -> tuple[Failure, ...]:
    """Everything that can go wrong with a function: its ordinary failures, then those of its stories."""
    return spec.failures + tuple(tale.failure for tale in stories_of(spec.key) if tale.failure)


def simulate(spec: Spec, day: int, plan: Plan) -> Day:
    """Simulate UTC day number `day` (days since the epoch). Runs an hour before it too, for warm environments."""
    hours = range(day * 24 - 1, day * 24 + 24)
    drawn = [requests(spec, hour, plan) for hour in hours]
    joined = Requests(*(np.concatenate([getattr(d, name) for d in drawn]) for name in Requests.__slots__))
    begin = day * DAY_MS
    joined = joined.take((joined.start_ms >= begin - HOUR_MS) & (joined.start_ms < begin + DAY_MS))
    joined = joined.take(np.argsort(joined.start_ms, kind="stable"))
    return _run(spec, joined, begin, plan)


# --- requests --------------------------------------------------------------------------------------------------


def requests(spec: Spec, hour: int, plan: Plan) -> Requests:
    """What arrives in one hour; the retries it causes may fall into the next."""
    rng = np.random.default_rng((plan.seed, spec.number, hour))
    stories = stories_of(spec.key)
    arrived = _arrivals(spec, hour, plan, stories, rng)
    poison = _poison(stories, hour, rng)
    first = _attempt(spec, np.concatenate([arrived, poison]), plan, rng)
    if len(poison):
        first = _with_poison(spec, first, len(poison))
    if spec.mode == "async" and first.failure.max(initial=-1) >= 0:
        return _with_retries(spec, first, plan, rng)
    return first


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
    """The last `count` requests are poison: each fails, comes back after the visibility timeout, and fails again."""
    poison = np.arange(len(first)) >= len(first) - count
    bad = first.take(poison)
    index = [known.type for known in failures_of(spec)].index("JSONDecodeError")
    parts = [first.take(~poison)]
    for attempt in range(POISON_ATTEMPTS):
        parts.append(
            Requests(
                start_ms=bad.start_ms + attempt * POISON_VISIBILITY_MS,
                arrived_ms=bad.arrived_ms,
                duration_ms=np.round(bad.duration_ms * (0.2 + 0.01 * attempt), 2),
                failure=np.full(count, index, dtype=np.int64),
                attempt=np.full(count, attempt + 1, dtype=np.int64),
                poison=np.ones(count, dtype=np.bool_),
                ids=bad.ids + np.uint64(attempt),
                draws=bad.draws,
            )
        )
    return _joined(parts)


def _joined(parts: list[Requests]) -> Requests:
    return Requests(*(np.concatenate([getattr(p, name) for p in parts]) for name in Requests.__slots__))


def _with_retries(spec: Spec, first: Requests, plan: Plan, rng: np.random.Generator) -> Requests:
    """Failed asynchronous events are tried twice more, with the same request id."""
    parts, last = [first], first
    for number, wait_ms in enumerate(RETRY_AFTER_MS):
        failed = last.take(last.failure >= 0)
        if not len(failed):
            break
        again = _attempt(spec, failed.start_ms, plan, rng)
        stays = rng.random(len(failed)) < 0.7
        duration, failure = _ended(
            spec, failed.duration_ms * 1.0, np.where(stays, failed.failure, np.int64(-1))
        )
        start = failed.start_ms + np.ceil(failed.duration_ms).astype(np.int64) + wait_ms
        last = Requests(
            start_ms=start + rng.integers(0, 4000, len(failed)),
            arrived_ms=failed.arrived_ms,
            duration_ms=duration,
            failure=failure,
            attempt=np.full(len(failed), number + 2, dtype=np.int64),
            poison=failed.poison,
            ids=failed.ids,
            draws=again.draws,
        )
        parts.append(last)
    return _joined(parts)


# --- environments ----------------------------------------------------------------------------------------------


def _run(spec: Spec, asked: Requests, begin: int, plan: Plan) -> Day:
    known = timeline(spec, seed=plan.seed, start=plan.start, now=to_datetime(begin + DAY_MS))
    version = _versions(spec, asked, known)
    init = _inits(spec, asked, plan)
    memory = _memory(spec, asked, plan)
    used = np.minimum(memory, memory * spec.memory_share * (0.94 + 0.12 * asked.draws[:, 2]) + 6).astype(
        np.int64
    )
    fatal = _fatal(spec)
    used = np.where(np.isin(asked.failure, fatal["memory"]), memory, used)
    pool = _Environments(
        spec, asked, init, used, _epochs(known, asked, version), _keep_warm(spec, asked, plan)
    )
    pool.run(np.isin(asked.failure, fatal["process"]).tolist())
    throttled = np.array(pool.throttled, dtype=np.bool_)
    today = asked.start_ms >= begin
    ran = today & ~throttled
    cold = np.array(pool.cold, dtype=np.bool_)[ran]
    init_ms, duration_ms = np.where(cold, init[ran], 0.0), asked.duration_ms[ran]
    billed_init = np.floor(init_ms / 4) if spec.snap_start else init_ms
    return Day(
        spec=spec,
        start_ms=asked.start_ms[ran],
        arrived_ms=asked.arrived_ms[ran],
        duration_ms=duration_ms,
        init_ms=init_ms,
        cold=cold,
        failure=asked.failure[ran],
        attempt=asked.attempt[ran],
        poison=asked.poison[ran],
        version=version[ran],
        environment=np.array(pool.environment, dtype=np.int64)[ran],
        provisioned=np.array(pool.provisioned, dtype=np.bool_)[ran],
        memory_mb=memory[ran],
        used_mb=np.array(pool.used, dtype=np.int64)[ran],
        ids=asked.ids[ran],
        draws=asked.draws[ran],
        behind_ms=behind_ms(spec, asked.start_ms[ran], plan.starts, asked.draws[ran, 6]),
        end_ms=asked.start_ms[ran] + np.ceil(duration_ms + init_ms).astype(np.int64),
        billed_ms=np.ceil(np.round(duration_ms + billed_init, 2)).astype(np.int64),
        sampled=(asked.draws[ran, 4] >= 1 - SAMPLED_SHARE) & spec.tracing,
        throttled_ms=asked.start_ms[today & throttled],
        throttled_version=version[today & throttled],
    )


def _versions(spec: Spec, asked: Requests, known: Timeline) -> Ints:
    version = known.live(asked.start_ms).astype(np.int64)
    if is_canary(spec):
        version = np.where(asked.draws[:, 3] < CANARY[1], spec.versions, version)
    return version


def _inits(spec: Spec, asked: Requests, plan: Plan) -> Floats:
    init = spec.init_ms * (0.75 + 0.6 * asked.draws[:, 1] ** 2)
    for tale in stories_of(spec.key):
        if tale.init != 1:
            init = init * np.where(tale.active(asked.start_ms, plan.starts), tale.init, 1.0)
    return np.round(init, 2)


def _memory(spec: Spec, asked: Requests, plan: Plan) -> Ints:
    memory = np.full(len(asked), spec.memory_mb, dtype=np.int64)
    for tale in stories_of(spec.key):
        if tale.memory_mb:
            memory = np.where(tale.active(asked.start_ms, plan.starts), tale.memory_mb, memory)
    return memory


def _keep_warm(spec: Spec, asked: Requests, plan: Plan) -> Ints:
    keep = np.full(len(asked), KEEP_WARM_MS, dtype=np.int64)
    for tale in stories_of(spec.key):
        if tale.keep_warm_s:
            keep = np.where(tale.active(asked.start_ms, plan.starts), tale.keep_warm_s * 1000, keep)
    return keep


def _fatal(spec: Spec) -> dict[str, list[int]]:
    """Which failures end the process, and which of them because memory ran out."""
    kinds = [known.kind for known in failures_of(spec)]
    memory = [index for index, kind in enumerate(kinds) if kind in ("oom", "killed")]
    return {"memory": memory, "process": [i for i, kind in enumerate(kinds) if kind != "error"]}


def _epochs(known: Timeline, asked: Requests, version: Ints) -> Ints:
    """Environments serve one version of one configuration."""
    return np.searchsorted(known.renewals(), asked.start_ms, side="right") * 100_000 + version


_PROVISIONED = -2


class _Environments:
    """Runs requests, in order of start, on the most recently used free environment, or on a new one."""

    def __init__(
        self, spec: Spec, asked: Requests, init: Floats, used: Ints, epochs: Ints, keep_warm: Ints
    ) -> None:
        self.limit = spec.reserved or 1_000_000
        owned = spec.provisioned and spec.provisioned[0] == spec.qualifier
        self.kept = spec.provisioned[1] if owned and spec.provisioned else 0
        self.columns = zip(
            asked.start_ms.tolist(), (asked.duration_ms).tolist(), init.tolist(), epochs.tolist(),
            keep_warm.tolist(), strict=True,
        )  # fmt: skip
        count = len(asked)
        self.cold, self.throttled = [False] * count, [False] * count
        self.provisioned, self.environment = [False] * count, [0] * count
        self.used = used.tolist()
        self.busy: list[tuple[float, int, int]] = []
        self.free: dict[int, list[tuple[float, int]]] = {}
        self.born: list[int] = []
        self.peak: list[int] = []

    def run(self, dies: list[bool]) -> None:
        for index, (start, duration, init, epoch, keep) in enumerate(self.columns):
            self._release(start)
            if len(self.busy) >= self.limit:
                self.throttled[index] = True
                continue
            environment = self._warm(start, epoch, keep)
            if environment is None:
                environment = self._new(start)
                self.provisioned[index] = environment < self.kept
                self.cold[index] = not self.provisioned[index]
            else:
                self.provisioned[index] = environment < self.kept
            self.environment[index] = environment
            self.used[index] = self.peak[environment] = max(self.peak[environment], self.used[index])
            end = start + duration + (init if self.cold[index] else 0.0)
            heapq.heappush(self.busy, (end, environment, -1 if dies[index] else epoch))

    def _release(self, start: int) -> None:
        while self.busy and self.busy[0][0] <= start:
            end, environment, epoch = heapq.heappop(self.busy)
            if environment < self.kept:
                self.free.setdefault(_PROVISIONED, []).append((end, environment))
            elif epoch >= 0:
                self.free.setdefault(epoch, []).append((end, environment))

    def _warm(self, start: int, epoch: int, keep: int) -> int | None:
        """A free environment that is neither idle for too long nor too old; provisioned ones first."""
        if kept := self.free.get(_PROVISIONED):
            return kept.pop()[1]
        free = self.free.get(epoch)
        while free:
            since, environment = free.pop()
            if start - since < keep and start - self.born[environment] < ENVIRONMENT_LIFE_MS:
                return environment
        return None

    def _new(self, start: int) -> int:
        self.born.append(start)
        self.peak.append(0)
        return len(self.born) - 1
