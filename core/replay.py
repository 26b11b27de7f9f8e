"""Recorded arrivals run through execution environments once more: which would have started cold.

An arrival takes the free environment with the lowest number, so the first N environments are the ones that N
units of provisioned concurrency would have been. Which environment an arrival takes, and for how long, does
not depend on N: so one pass answers for every N, and more units never mean more cold starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

IDLE_CHOICES = (
    *(timedelta(seconds=s) for s in (5, 10, 15, 20, 30, 45)),
    *(timedelta(minutes=m) for m in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60)),
)
"""For how long an idle environment may be kept: AWS does not say, and it varies."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Invocations in order of `start_ms`, when each arrived; until `end_ms` it kept its environment busy, its
    initialization included. `version` is any number that names what ran: environments serve one version."""

    start_ms: Times
    end_ms: Times
    version: Times

    def __len__(self) -> int:
        return len(self.start_ms)


@dataclass(frozen=True, slots=True)
class Habits:
    """For how long an environment without work is kept, and for how long it lives at all (None: for ever)."""

    idle: timedelta
    life: timedelta | None = None


def arrivals(start_ms: npt.ArrayLike, end_ms: npt.ArrayLike, version: Sequence[Any]) -> Arrivals:
    """From columns in any order; nothing ends before it starts."""
    start = np.asarray(start_ms, dtype=np.int64)
    end = np.maximum(np.asarray(end_ms, dtype=np.int64), start)
    names = {name: code for code, name in enumerate(dict.fromkeys(version))}
    codes = np.array([names[name] for name in version], dtype=np.int64)
    order = np.argsort(start, kind="stable")
    return Arrivals(start[order], end[order], codes[order])


def environments(start_ms: Times, end_ms: Times) -> Times:
    """The number of the environment that each arrival takes: the lowest that is free."""
    taken = np.zeros(len(start_ms), dtype=np.int64)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    born = 0
    for at, (start, end) in enumerate(zip(start_ms.tolist(), end_ms.tolist(), strict=True)):
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            number = heapq.heappop(free)
        else:
            number, born = born, born + 1
        taken[at] = number
        heapq.heappush(busy, (end, number))
    return taken


@dataclass(frozen=True, slots=True)
class Placed:
    """Where arrivals ran. `number` counts environments over all versions, for units are shared by them; `own`
    counts those of the arrival's version."""

    arrivals: Arrivals
    number: Times
    own: Times

    def cold(self, habits: Habits) -> Flags:
        """Which arrivals start cold when there are no units."""
        told = self.arrivals
        order = np.lexsort((told.start_ms, self.own, told.version))
        keys = np.stack([told.version[order], self.own[order]])
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        found = np.zeros(len(order), dtype=np.bool_)
        found[order] = _begin(told.start_ms[order], told.end_ms[order], first, habits)
        return found


def place(told: Arrivals) -> Placed:
    number = environments(told.start_ms, told.end_ms)
    versions = np.unique(told.version)
    own = number.copy()
    for version in versions if len(versions) > 1 else ():
        mine = told.version == version
        own[mine] = environments(told.start_ms[mine], told.end_ms[mine])
    return Placed(told, number, own)


def _begin(start: Times, end: Times, first: Flags, habits: Habits) -> Flags:
    """Which of the arrivals, sorted by environment and time, begin a new life of theirs. `first` marks each
    environment's first arrival."""
    idle = np.zeros_like(start)
    idle[1:] = start[1:] - end[:-1]
    begins: Flags = first | (idle > _ms(habits.idle))
    if habits.life is None or not len(start):
        return begins
    while True:
        life = np.maximum.accumulate(np.where(begins, np.arange(len(start)), 0))
        over = start - start[life] > _ms(habits.life)
        again = np.zeros_like(over)
        again[1:] = over[:-1] & (life[1:] == life[:-1])
        if not (over & ~again).any():
            return begins
        begins |= over & ~again


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def fit_idle(
    placed: Placed, counted: Flags, recorded: int, *, life: timedelta | None, units: int = 0
) -> timedelta:
    """The idle time of IDLE_CHOICES with which the replay comes nearest to the `recorded` cold starts among
    `counted` arrivals; the shortest of those that are as near. `units` is how many there were."""
    mine = counted & (placed.number >= units)

    def off(idle: timedelta) -> int:
        return abs(int((placed.cold(Habits(idle, life)) & mine).sum()) - recorded)

    return min(IDLE_CHOICES, key=off)
