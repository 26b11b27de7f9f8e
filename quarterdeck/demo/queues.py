"""Queues, minute by minute: what came, was taken and lies there; from the invocations of their functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.mappings import AGAIN_MS
from quarterdeck.demo.model import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    MINUTES_A_DAY,
    POISON_ATTEMPTS,
    POISON_VISIBILITY_MS,
    Day,
    Floats,
    Ints,
    all_hand_back,
    is_lost,
)
from quarterdeck.demo.specs import QueueSpec, Spec
from quarterdeck.demo.stories import DRAIN_EVERY, to_ms
from quarterdeck.demo.world import World

POLLS_A_MINUTE = 15.0
"""What five pollers of a mapping ask for in a minute, twenty seconds each."""

MESSAGE_BYTES = 700
SEND_LAG_MS = 900
"""How long a message waits before a poller takes it."""


@dataclass(frozen=True, slots=True)
class QueueDay:
    """One queue over one UTC day, a value per minute."""

    sent: Floats
    received: Floats
    deleted: Floats
    visible: Floats
    not_visible: Floats
    oldest_age_s: Floats
    empty: Floats

    @property
    def active(self) -> bool:
        """An idle queue has no metrics: whether anything came, lay or was taken."""
        return bool(self.sent.any() or self.received.any() or self.visible.any())


def queue_day(world: World, queue: QueueSpec, number: int) -> QueueDay:
    made: QueueDay = world.shelf.get(
        ("queue", queue.arn, number),
        lambda: _fed(world, queue, number) if queue.role == "source" else _catching(world, queue, number),
    )
    return made


def worker(world: World, queue: QueueSpec) -> Spec | None:
    """The function that a source queue feeds."""
    here = world.company.functions_of(queue.account, queue.region)
    return next((f for f in here if f.trigger == "sqs" and f.source == queue.name), None)


def feeders(world: World, queue: QueueSpec) -> list[Spec]:
    """The functions whose failures end in this queue."""
    here = world.company.functions_of(queue.account, queue.region)
    if queue.role == "dead-letter":
        return [f for f in here if f.trigger == "sqs" and _redrives(queue, f)]
    return [f for f in here if queue.name in (f.dead_letter, f.on_failure)]


def _redrives(queue: QueueSpec, function: Spec) -> bool:
    return f"{function.source}-dlq" == queue.name


# --- source queues -----------------------------------------------------------------------------------------


def _fed(world: World, queue: QueueSpec, number: int) -> QueueDay:
    function, zeros = worker(world, queue), np.zeros(MINUTES_A_DAY)
    if function is None:
        return QueueDay(zeros, zeros, zeros, zeros, zeros, zeros, zeros)
    parts = [world.day(function, n) for n in (number - 1, number, number + 1)]
    start = np.concatenate([part.start_ms for part in parts])
    end = np.concatenate([part.end_ms for part in parts])
    size = np.concatenate([part.batch_size for part in parts]).astype(np.float64)
    first = np.concatenate([part.attempt for part in parts]) == 1
    done = ~np.concatenate([part.failed for part in parts])
    back = np.concatenate([all_hand_back(part) for part in parts])
    again, ones = end[back] + AGAIN_MS, np.ones(int(back.sum()))
    waiting = np.where(first, size, 1.0)
    return QueueDay(
        sent=_per_minute(start[first] - SEND_LAG_MS, size[first], number),
        received=_per_minute(start, size, number) + _per_minute(again, ones, number),
        deleted=_per_minute(end[done], (size - back)[done], number) + _per_minute(again, ones, number),
        visible=_most(start, waiting, number),
        not_visible=_in_flight(start, end, size, number),
        oldest_age_s=_most(start, np.where(first, 1.0, POISON_VISIBILITY_MS / 1000), number),
        empty=np.maximum(POLLS_A_MINUTE - _per_minute(start, np.ones(len(start)), number), 0.0),
    )


def _per_minute(ts_ms: Ints, amount: Floats, number: int) -> Floats:
    minute = ts_ms // MINUTE_MS - number * MINUTES_A_DAY
    here = (minute >= 0) & (minute < MINUTES_A_DAY)
    summed = np.bincount(minute[here], weights=amount[here], minlength=MINUTES_A_DAY)
    return np.asarray(summed, dtype=np.float64)


def _most(ts_ms: Ints, amount: Floats, number: int) -> Floats:
    minute = ts_ms // MINUTE_MS - number * MINUTES_A_DAY
    here = (minute >= 0) & (minute < MINUTES_A_DAY)
    most = np.zeros(MINUTES_A_DAY)
    np.maximum.at(most, minute[here], amount[here])
    return most


def _in_flight(start: Ints, end: Ints, size: Floats, number: int) -> Floats:
    """The largest number of messages being worked on, per minute."""
    ts = np.concatenate([end, start])
    order = np.argsort(ts, kind="stable")
    ts, level = ts[order], np.cumsum(np.concatenate([-size, size])[order])
    begins = (number * MINUTES_A_DAY + np.arange(MINUTES_A_DAY)) * MINUTE_MS
    before = np.searchsorted(ts, begins, side="right") - 1
    base = np.where(before >= 0, level[np.maximum(before, 0)] if len(level) else 0.0, 0.0)
    return np.maximum(base, _most(ts, level, number))


# --- queues that catch failures ----------------------------------------------------------------------------


def arrivals(world: World, queue: QueueSpec, number: int) -> Ints:
    """When messages arrived in a queue that catches failures, on one UTC day, sorted."""
    found = [
        _failed_into(queue, world.day(f, n)) for f in feeders(world, queue) for n in (number - 1, number)
    ]
    ts = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))
    return ts[(ts >= number * DAY_MS) & (ts < (number + 1) * DAY_MS)]


def _failed_into(queue: QueueSpec, day: Day) -> Ints:
    last = day.attempt == POISON_ATTEMPTS
    if queue.role == "async-dead-letter":
        last = last & ~is_lost(day)
    if queue.role == "dead-letter":
        return np.asarray(day.start_ms[last & day.poison] + POISON_VISIBILITY_MS, dtype=np.int64)
    return np.asarray(day.end_ms[last & day.failed], dtype=np.int64)


def drains(world: World, queue: QueueSpec, number: int) -> Ints:
    """When someone emptied the queue on one UTC day: about every two hours, async ones in the morning."""
    if queue.role != "dead-letter":
        return np.array([number * DAY_MS + 9 * HOUR_MS], dtype=np.int64)
    every = to_ms(world.plan.start + DRAIN_EVERY) - to_ms(world.plan.start)
    first = to_ms(world.plan.start) - 25 * MINUTE_MS
    turns = np.arange((number * DAY_MS - first) // every, ((number + 1) * DAY_MS - first) // every + 1)
    shake = [
        int(np.random.default_rng((world.plan.seed, 17, int(t) % 2**32)).integers(-600, 600)) for t in turns
    ]
    ts = first + turns * every + np.array(shake, dtype=np.int64) * 1000
    return ts[(ts >= number * DAY_MS) & (ts < (number + 1) * DAY_MS)]


def lying(world: World, queue: QueueSpec, ts_ms: int) -> Ints:
    """The arrival times of the messages that lie in a catching queue at a moment."""
    today = ts_ms // DAY_MS
    known = [n for n in (today - 1, today) if n * DAY_MS >= world.begin_ms]
    drained = [int(t) for n in known for t in drains(world, queue, n) if t <= ts_ms]
    since = drained[-1] if drained else world.begin_ms
    came = np.concatenate([np.empty(0, dtype=np.int64), *(arrivals(world, queue, n) for n in known)])
    return came[(came > since) & (came <= ts_ms)]


def _catching(world: World, queue: QueueSpec, number: int) -> QueueDay:
    zeros = np.zeros(MINUTES_A_DAY)
    came = np.concatenate([lying(world, queue, number * DAY_MS - 1), arrivals(world, queue, number)])
    drained = drains(world, queue, number)
    taken = np.diff(np.searchsorted(came, np.concatenate([[0], drained])))
    deleted = _per_minute(drained, taken.astype(np.float64), number)
    after = (number * MINUTES_A_DAY + np.arange(1, MINUTES_A_DAY + 1)) * MINUTE_MS - 1
    depth, oldest = _depth(came, drained, after)
    most = np.maximum(depth, np.concatenate([[0.0], depth[:-1]]))
    counted = came[came >= number * DAY_MS]
    sent = zeros if queue.role == "dead-letter" else _per_minute(counted, np.ones(len(counted)), number)
    return QueueDay(
        sent=sent,
        received=deleted,
        deleted=deleted,
        visible=most,
        not_visible=zeros,
        oldest_age_s=oldest,
        empty=zeros,
    )


def _depth(came: Ints, drained: Ints, at: Ints) -> tuple[Floats, Floats]:
    """How many messages lie there at each time, and the age in seconds of the oldest (0 when empty)."""
    if not len(came):
        return np.zeros(len(at)), np.zeros(len(at))
    last = np.searchsorted(drained, at, side="right")
    since = np.where(last > 0, drained[np.maximum(last - 1, 0)] if len(drained) else 0, 0)
    first, until = np.searchsorted(came, since, side="right"), np.searchsorted(came, at, side="right")
    depth = (until - first).astype(np.float64)
    oldest = (at - came[np.minimum(first, len(came) - 1)]) / 1000
    return depth, np.where(depth > 0, np.floor(oldest), 0.0)
