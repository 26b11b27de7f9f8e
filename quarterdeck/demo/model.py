"""The invocations of a simulated day, as columns; the only source of metrics, logs, traces and queues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quarterdeck.demo.specs import Failure, Spec
from quarterdeck.demo.stories import stories_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MINUTES_A_DAY = 1440
POISON_ATTEMPTS = 3
POISON_VISIBILITY_MS = 180_000


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
    """What asked for an invocation, retries included, in no order. `draws` are uniform random numbers."""

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
    a restored snapshot is billed for a quarter of its restore, an init in full. `sampled`: X-Ray has
    a trace of it. `failure` indexes `failures_of(spec)`, -1 is success.
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
    batch_size: Ints
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


_DROPS_ONE_IN = 3000
_LOST_ONE_IN = 6


def is_lost(day: Day) -> Flags:
    """Which events, if given up, would not even reach their dead-letter queue."""
    return np.asarray(day.ids[:, 1] % _LOST_ONE_IN == 0, dtype=np.bool_)


def begins_ahead(day: Day, index: int) -> bool:
    """Whether the environment of a cold start was started before its request."""
    return bool(day.spec.ahead_s and day.cold[index] and int(day.ids[index, 0]) % 4 == 0)


def all_begin_beside(day: Day) -> Flags:
    """Beside which cold starts another environment begins, which nobody asks anything of."""
    if not day.spec.ahead_s:
        return np.zeros(len(day), dtype=np.bool_)
    return np.asarray(day.cold & (day.ids[:, 0] % 8 == 1), dtype=np.bool_)


def begins_beside(day: Day, index: int) -> bool:
    """As `all_begin_beside`, of one invocation."""
    return bool(day.spec.ahead_s and day.cold[index] and int(day.ids[index, 0]) % 8 == 1)


def all_hand_back(day: Day) -> Flags:
    """Which invocations handed one item of their batch back: it comes again when it is visible."""
    if not day.spec.partial_share:
        return np.zeros(len(day), dtype=np.bool_)
    lucky = day.ids[:, 0] % 1000 < round(day.spec.partial_share * 1000)
    return np.asarray(~day.failed & (day.attempt == 1) & (day.batch_size > 1) & lucky, dtype=np.bool_)


def hands_back(day: Day, index: int) -> bool:
    """As `all_hand_back`, of one invocation."""
    if not day.spec.partial_share or day.failure[index] >= 0 or day.attempt[index] != 1:
        return False
    lucky = int(day.ids[index, 0]) % 1000 < round(day.spec.partial_share * 1000)
    return lucky and bool(day.batch_size[index] > 1)


def all_drop_logs(day: Day) -> Flags:
    """After which invocations Lambda says that it dropped log records."""
    return np.asarray(day.spec.drops_logs & (day.ids[:, 1] % _DROPS_ONE_IN == 0), dtype=np.bool_)


def drops_logs(day: Day, index: int) -> bool:
    """As `all_drop_logs`, of one invocation."""
    return day.spec.drops_logs and int(day.ids[index, 1]) % _DROPS_ONE_IN == 0
