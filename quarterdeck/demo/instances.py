"""Managed Instances: what a capacity provider measures every five minutes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quarterdeck.demo.metrics import (
    ENVIRONMENT_CONCURRENCY,
    OfDay,
    Samples,
    at_minutes,
    concurrency,
    of_invocations,
)
from quarterdeck.demo.model import MINUTES_A_DAY, Day, Floats
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.world import World

INSTANCE_TYPE = "m8g.xlarge"
INSTANCES, VCPUS_EACH, MEMORY_EACH = 3, 4, 16 * 2**30
ENVIRONMENTS = 3
"""How many environments a function keeps, one on each instance."""

_GIB_A_VCPU = 2
_SAMPLE_MINUTES = 5

OfLoad = Callable[[Floats, float], Floats]
"""A value per sample, from the load (0..1) of the environments and the vCPUs given to them."""


def _constant(value: Callable[[float], float]) -> OfLoad:
    return lambda load, vcpus: np.full(len(load), value(vcpus))


OF_PROVIDER: dict[str, OfLoad] = {
    "CPUUtilization": lambda load, vcpus: 4 + 70 * load,
    "MemoryUtilization": lambda load, vcpus: 38 + 22 * load,
    "vCPUAllocated": _constant(lambda vcpus: vcpus),
    "vCPUAvailable": _constant(lambda vcpus: INSTANCES * VCPUS_EACH - vcpus),
    "MemoryAllocated": _constant(lambda vcpus: vcpus * _GIB_A_VCPU * 2**30),
    "MemoryAvailable": _constant(lambda vcpus: INSTANCES * MEMORY_EACH - vcpus * _GIB_A_VCPU * 2**30),
}
OF_ENVIRONMENTS: dict[str, OfLoad] = {
    "ExecutionEnvironmentConcurrency": lambda load, vcpus: load * ENVIRONMENTS * ENVIRONMENT_CONCURRENCY,
    "ExecutionEnvironmentConcurrencyLimit": _constant(lambda vcpus: ENVIRONMENTS * ENVIRONMENT_CONCURRENCY),
    "ExecutionEnvironmentCPUUtilization": lambda load, vcpus: 6 + 80 * load,
    "ExecutionEnvironmentMemoryUtilization": lambda load, vcpus: 41 + 30 * load,
}


def capacity(world: World, specs: tuple[Spec, ...], number: int, of_load: OfLoad) -> Samples:
    """Samples of a UTC day: one every five minutes, of the most that went on in them."""
    most = concurrency(world, specs, number).reshape(-1, _SAMPLE_MINUTES).max(axis=1)
    load = most / (len(specs) * ENVIRONMENTS * ENVIRONMENT_CONCURRENCY)
    vcpus = sum(ENVIRONMENTS * spec.memory_mb / 1024 / _GIB_A_VCPU for spec in specs)
    minute = number * MINUTES_A_DAY + np.arange(len(load), dtype=np.int64) * _SAMPLE_MINUTES
    found = at_minutes(minute, np.asarray(of_load(load, vcpus), dtype=np.float64))
    return Samples(found.minute, found.value, found.visible_ms + (_SAMPLE_MINUTES - 1) * 60_000)


def _throttled(counts: bool) -> OfDay:
    def samples(day: Day) -> Samples:
        ts = np.concatenate([day.start_ms, day.throttled_ms])
        value = np.concatenate([np.zeros(len(day)), np.full(len(day.throttled_ms), float(counts))])
        return of_invocations(ts, value, ts)

    return samples


OF_THROTTLES: dict[str, OfDay] = {
    "CPUThrottles": _throttled(counts=False),
    "MemoryThrottles": _throttled(counts=False),
    "DiskThrottles": _throttled(counts=False),
    "ConcurrencyThrottles": _throttled(counts=True),
}
"""Why a request was throttled: here, when at all, because the environments were full."""
