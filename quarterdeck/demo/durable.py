"""Durable executions: each is a few invocations of its function, and waits between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.metrics import Samples, at_minutes, joined, most_at_once, of_invocations
from quarterdeck.demo.model import MINUTES_A_DAY, Day, Floats, Ints
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.world import World

INVOCATIONS_EACH = 3
"""One invocation of so many begins an execution; the others are replays of some that wait."""

LIMIT = 10_000
"""How many executions may run at once in the account."""

METRICS = (
    "DurableExecutionStarted",
    "DurableExecutionSucceeded",
    "DurableExecutionFailed",
    "DurableExecutionTimedOut",
    "DurableExecutionStopped",
    "DurableExecutionDuration",
    "DurableExecutionOperations",
    "DurableExecutionStorageWrittenBytes",
)
OF_ACCOUNT = ("ApproximateRunningDurableExecutions", "ApproximateRunningDurableExecutionsUtilization")
_SHARES = {
    "DurableExecutionFailed": range(2),
    "DurableExecutionTimedOut": range(2, 3),
    "DurableExecutionStopped": range(3, 4),
    "DurableExecutionSucceeded": range(4, 100),
}
"""Which hundredths of all executions end how."""


@dataclass(frozen=True, slots=True)
class Executions:
    """Executions that began on some days: `fate` is a hundredth."""

    start_ms: Ints
    end_ms: Ints
    fate: Ints
    operations: Floats


def executions(day: Day) -> Executions:
    begins = (day.attempt == 1) & (day.ids[:, 0] % INVOCATIONS_EACH == 0)
    start, luck = day.start_ms[begins], day.ids[begins, 1]
    length = 20_000 + (luck % 600_000).astype(np.int64)
    fate = (luck // 600_000 % 100).astype(np.int64)
    return Executions(start, start + length, fate, 3.0 + (luck % 7).astype(np.float64))


def durable(world: World, spec: Spec, number: int, name: str) -> Samples:
    """The samples of one metric on a UTC day: what started or ended on it."""
    parts = [_samples(executions(world.day(spec, n)), name) for n in (number - 1, number)]
    found = joined(parts)
    today = found.minute // MINUTES_A_DAY == number
    return Samples(found.minute[today], found.value[today], found.visible_ms[today])


def _samples(known: Executions, name: str) -> Samples:
    if name == "DurableExecutionStarted":
        return of_invocations(known.start_ms, np.ones(len(known.start_ms)), known.start_ms)
    if name in _SHARES:
        how = _SHARES[name]
        end = known.end_ms[(known.fate >= how.start) & (known.fate < how.stop)]
        return of_invocations(end, np.ones(len(end)), end)
    values = {
        "DurableExecutionDuration": (known.end_ms - known.start_ms).astype(np.float64),
        "DurableExecutionOperations": known.operations,
        "DurableExecutionStorageWrittenBytes": known.operations * 812,
    }
    return of_invocations(known.end_ms, values[name], known.end_ms)


def running(world: World, specs: tuple[Spec, ...], number: int, *, share: bool) -> Samples:
    """How many executions run at once, per minute; with `share` in percent of the limit."""
    known = [executions(world.day(spec, n)) for spec in specs for n in (number - 1, number)]
    start, end = (np.concatenate([getattr(k, name) for k in known]) for name in ("start_ms", "end_ms"))
    most = most_at_once(start, end, number)
    used = np.flatnonzero(most > 0)
    return at_minutes(used + number * MINUTES_A_DAY, most[used] * (100 / LIMIT if share else 1.0))
