"""Runs requests through execution environments: cold starts, throttles, memory, who shares an environment.

A UTC day of one function is a pure function of (seed, starts, function, day). An hour before it
is run, too, so that environments are warm at midnight.
"""

from __future__ import annotations

import heapq

import numpy as np

from quarterdeck.demo.company import CANARY
from quarterdeck.demo.history import Timeline, is_canary, timeline
from quarterdeck.demo.model import DAY_MS, HOUR_MS, Day, Floats, Ints, Plan, Requests, failures_of
from quarterdeck.demo.requests import requests
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.stories import stories_of, to_datetime
from quarterdeck.demo.streams import behind_ms

Limits = tuple[tuple[int, int | None], ...]
"""Reserved concurrency as it was changed: since when (milliseconds), and how many; oldest first."""

KEEP_WARM_MS = 7 * 60_000
ENVIRONMENT_LIFE_MS = 100 * 60_000
SAMPLED_SHARE = 0.1
"""X-Ray's sampling rule here: a fixed rate without a reservoir, for functions with active tracing."""


def simulate(spec: Spec, day: int, plan: Plan, limits: Limits = ()) -> Day:
    """Simulate UTC day number `day` (days since the epoch). `limits` are changes of reserved concurrency."""
    hours = range(day * 24 - 1, day * 24 + 24)
    drawn = [requests(spec, hour, plan) for hour in hours]
    joined = Requests(*(np.concatenate([getattr(d, name) for d in drawn]) for name in Requests.__slots__))
    begin = day * DAY_MS
    joined = joined.take((joined.start_ms >= begin - HOUR_MS) & (joined.start_ms < begin + DAY_MS))
    joined = joined.take(np.argsort(joined.start_ms, kind="stable"))
    return _run(spec, joined, begin, plan, limits)


def _run(spec: Spec, asked: Requests, begin: int, plan: Plan, limits: Limits) -> Day:
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
        spec, asked, init, used, _epochs(known, asked, version), _keep_warm(spec, asked, plan), limits
    )
    pool.run(np.isin(asked.failure, fatal["process"]).tolist())
    throttled = np.array(pool.throttled, dtype=np.bool_)
    today = asked.start_ms >= begin
    ran = today & ~throttled
    cold = np.array(pool.cold, dtype=np.bool_)[ran] & (not spec.provider)  # instances start beforehand
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
        batch_size=_batch_sizes(spec, asked)[ran],
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


def _batch_sizes(spec: Spec, asked: Requests) -> Ints:
    """How many messages or records each invocation carries; a poison message travels alone."""
    size = 1 + np.floor(asked.draws[:, 6] * spec.batch).astype(np.int64)
    return np.where(asked.poison, 1, size)


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


def _ceiling(reserved: int | None) -> int:
    return 1_000_000 if reserved is None else reserved


class _Environments:
    """Runs requests, in order of start, on the most recently used free environment, or on a new one."""

    def __init__(
        self,
        spec: Spec,
        asked: Requests,
        init: Floats,
        used: Ints,
        epochs: Ints,
        keep_warm: Ints,
        limits: Limits = (),
    ) -> None:
        self.limit = _ceiling(spec.reserved)
        self.limits = [(ts_ms, _ceiling(reserved)) for ts_ms, reserved in reversed(limits)]
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
            while self.limits and self.limits[-1][0] <= start:
                self.limit = self.limits.pop()[1]
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
