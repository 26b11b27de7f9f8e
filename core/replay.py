"""Recorded arrivals run through execution environments once more: which would have started cold.

An arrival takes the free environment with the lowest number, so the first N environments are the ones that N
units of provisioned concurrency would have been. Which environment an arrival takes, and for how long, does
not depend on N: so one pass answers for every N, and more units never mean more cold starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

IDLE_CHOICES = (
    *(timedelta(seconds=s) for s in (5, 10, 15, 20, 30, 45)),
    *(timedelta(minutes=m) for m in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60)),
)
"""For how long an idle environment may be kept: AWS does not say, and it varies."""


SHORT = 2**16 - 1


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


def arrivals(start_ms: npt.ArrayLike, end_ms: npt.ArrayLike, version: Sequence[Any] | Codes) -> Arrivals:
    """From columns in any order; nothing ends before it starts."""
    start = np.asarray(start_ms, dtype=np.int64)
    end = np.maximum(np.asarray(end_ms, dtype=np.int64), start)
    codes = version if isinstance(version, np.ndarray) and version.dtype == np.int64 else _codes(version)
    order = np.argsort(start, kind="stable")
    return Arrivals(start[order], end[order], codes[order])


def _codes(version: Sequence[Any] | npt.NDArray[Any]) -> Codes:
    names = {name: code for code, name in enumerate(dict.fromkeys(version))}
    return np.array([names[name] for name in version], dtype=np.int64)


def environments(start_ms: Times, end_ms: Times) -> Times:
    """The number of the environment that each arrival takes: the lowest that is free.

    Both in order of `start_ms`. How many have ended when each arrives is counted beforehand for all; what is
    left to do one by one is to hand out the lowest number.
    """
    lasting = np.flatnonzero(end_ms > start_ms)
    by_end = lasting[np.argsort(end_ms[lasting], kind="stable")]
    ended = np.searchsorted(end_ms[by_end], start_ms, side="right").tolist()
    at_once = (end_ms == start_ms).tolist()  # free again when the next arrives
    order: list[int] = by_end.tolist()
    taken: list[int] = []
    free: list[int] = []
    freed = born = 0
    push, pop, swap, take = heapq.heappush, heapq.heappop, heapq.heappushpop, taken.append
    for until, is_over in zip(ended, at_once, strict=True):
        while freed < until - 1:
            push(free, taken[order[freed]])
            freed += 1
        if freed < until:
            number = swap(free, taken[order[freed]])
            freed += 1
        elif free:
            number = pop(free)
        else:
            number = born
            born += 1
        take(number)
        if is_over:
            push(free, number)
    return np.array(taken, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where arrivals ran. `number` counts environments over all versions, for units are shared by them; `own`
    counts those of the arrival's version. `lives` are the arrivals by environment, to cut them into lives."""

    arrivals: Arrivals
    number: Times
    own: Times
    lives: Lives = field(repr=False)

    def cold(self, habits: Habits) -> Flags:
        """Which arrivals start cold when there are no units."""
        found = np.zeros(len(self.arrivals), dtype=np.bool_)
        found[self.lives.order] = self.lives.begin(habits.idle, self.lives.too_old(habits.life))
        return found


def place(told: Arrivals) -> Placed:
    number = environments(told.start_ms, told.end_ms)
    versions = np.unique(told.version)
    own = number.copy() if len(versions) > 1 else number
    for version in versions if len(versions) > 1 else ():
        mine = told.version == version
        own[mine] = environments(told.start_ms[mine], told.end_ms[mine])
    return Placed(told, number, own, Lives.of(told, own))


@dataclass(frozen=True, slots=True)
class Lives:
    """Arrivals in the `order` of their environment and time. `key` is a time that goes on growing from one
    environment to the next, `idle_ms` how long the environment had no work before, `first` marks the first
    arrival of each."""

    order: npt.NDArray[np.intp]
    key: Times
    idle_ms: Times
    first: Flags

    @classmethod
    def of(cls, told: Arrivals, own: Times) -> Lives:
        where = told.version * (int(own.max()) + 1 if len(own) else 1) + own
        few = len(where) and int(where.max()) <= SHORT  # numbers of 16 bits are sorted ten times faster
        short = where.astype(np.uint16) if few else where
        order = np.argsort(short, kind="stable")  # arrivals are in order of time already
        start, end, where = told.start_ms[order], told.end_ms[order], where[order]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = where[1:] != where[:-1]
        idle = np.zeros_like(start)
        idle[1:] = start[1:] - end[:-1]
        span = int(np.ptp(start)) + 1 if len(start) else 1
        return cls(order, np.cumsum(first) * span + start, idle, first)

    def too_old(self, life: timedelta | None) -> npt.NDArray[np.intp] | None:
        """For each arrival, in this order: the first one to find past its age an environment that was born
        for it. None: they live for ever."""
        if life is None:
            return None
        return np.searchsorted(self.key, self.key + _ms(life), side="right")

    def begin(self, idle: timedelta, too_old: npt.NDArray[np.intp] | None) -> Flags:
        """Which of the arrivals, in this order, begin a new life of their environment."""
        begins: Flags = self.first | (self.idle_ms > _ms(idle))
        return begins if too_old is None else self._aged(begins, too_old)

    def _aged(self, begins: Flags, too_old: npt.NDArray[np.intp]) -> Flags:
        """With those too that find their environment past its age: from each beginning straight to the
        next, all lives at once."""
        at = np.flatnonzero(begins)
        until = np.append(at[1:], len(begins))
        flags = begins.copy()
        while len(at):
            at = too_old[at]
            is_aged = at < until
            at, until = at[is_aged], until[is_aged]
            flags[at] = True
        return flags


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def fit_idle(
    placed: Placed, counted: Flags, recorded: int, *, life: timedelta | None, units: int = 0
) -> timedelta:
    """The idle time of IDLE_CHOICES with which the replay comes nearest to the `recorded` cold starts among
    `counted` arrivals; the shortest of those that are as near. `units` is how many there were."""
    lives = placed.lives
    mine = (counted & (placed.number >= units))[lives.order]
    too_old = lives.too_old(life)

    def off(idle: timedelta) -> int:
        return abs(int((lives.begin(idle, too_old) & mine).sum()) - recorded)

    return min(IDLE_CHOICES, key=off)
