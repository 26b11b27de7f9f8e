"""How each metric is measured: samples of a UTC day, from its simulated invocations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.model import (
    MINUTE_MS,
    MINUTES_A_DAY,
    POISON_ATTEMPTS,
    Day,
    Flags,
    Floats,
    Ints,
    is_lost,
)
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.world import World

VISIBLE_AFTER_MS = 60_000
"""How long CloudWatch takes to show a minute that ended, and an invocation that ended."""


ENVIRONMENT_CONCURRENCY = 10
"""How many requests an environment of Managed Instances serves at once."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Raw values of one series: the minute of each (since the epoch), and from when it can be seen."""

    minute: Ints
    value: Floats
    visible_ms: Ints


OfDay = Callable[[Day], Samples]


def at_minutes(minute: Ints, value: Floats) -> Samples:
    return Samples(minute, value, (minute + 1) * MINUTE_MS + VISIBLE_AFTER_MS)


def of_invocations(start_ms: Ints, value: Floats | Ints | Flags, done_ms: Ints) -> Samples:
    minute = start_ms // MINUTE_MS
    visible = np.maximum(done_ms, (minute + 1) * MINUTE_MS) + VISIBLE_AFTER_MS
    return Samples(minute, value.astype(np.float64), visible)


def joined(parts: list[Samples]) -> Samples:
    empty = np.empty(0, dtype=np.int64)
    return Samples(
        np.concatenate([empty, *(p.minute for p in parts)]),
        np.concatenate([np.empty(0), *(p.value for p in parts)]),
        np.concatenate([empty, *(p.visible_ms for p in parts)]),
    )


# --- one function ------------------------------------------------------------------------------------------


def _invocations(day: Day) -> Samples:
    return of_invocations(day.start_ms, np.ones(len(day)), day.end_ms)


def _errors(day: Day) -> Samples:
    return of_invocations(day.start_ms, day.failed, day.end_ms)


def _durations(day: Day) -> Samples:
    return of_invocations(day.start_ms, day.duration_ms, day.end_ms)


def _throttles(day: Day) -> Samples:
    refused = of_invocations(day.throttled_ms, np.ones(len(day.throttled_ms)), day.throttled_ms)
    return joined([of_invocations(day.start_ms, np.zeros(len(day)), day.end_ms), refused])


def _async_received(day: Day) -> Samples:
    arrived = day.arrived_ms[day.attempt == 1]
    return of_invocations(arrived, np.ones(len(arrived)), arrived)


def _async_age(day: Day) -> Samples:
    return of_invocations(day.start_ms, day.start_ms - day.arrived_ms, day.start_ms)


def _async_dropped(day: Day) -> Samples:
    end = day.end_ms[(day.attempt == 3) & day.failed]
    return of_invocations(end, np.ones(len(end)), end)


def _iterator_age(day: Day) -> Samples:
    return of_invocations(day.start_ms, day.behind_ms, day.start_ms)


def _provisioned_invocations(day: Day) -> Samples:
    start, end = day.start_ms[day.provisioned], day.end_ms[day.provisioned]
    return of_invocations(start, np.ones(len(start)), end)


def _spillover(day: Day) -> Samples:
    start, end = day.start_ms[~day.provisioned], day.end_ms[~day.provisioned]
    return of_invocations(start, np.ones(len(start)), end)


def _dead_letter_errors(day: Day) -> Samples:
    """A sample for each event that was given up: 1 when even its dead-letter queue could not be reached."""
    given_up = (day.attempt == POISON_ATTEMPTS) & day.failed
    return of_invocations(day.end_ms[given_up], is_lost(day)[given_up], day.end_ms[given_up])


def _destination_failures(day: Day) -> Samples:
    """A sample for each success that was to be told: the topic refuses a few."""
    told, refused = ~day.failed, day.ids[:, 0] % 150 == 0
    return of_invocations(day.end_ms[told], refused[told], day.end_ms[told])


OF_EVERY: dict[str, OfDay] = {
    "Invocations": _invocations,
    "Errors": _errors,
    "Throttles": _throttles,
    "Duration": _durations,
}
OF_ASYNC: dict[str, OfDay] = {
    "AsyncEventsReceived": _async_received,
    "AsyncEventAge": _async_age,
    "AsyncEventsDropped": _async_dropped,
}
OF_DEAD_LETTERS: dict[str, OfDay] = {"DeadLetterErrors": _dead_letter_errors}
OF_DESTINATIONS: dict[str, OfDay] = {"DestinationDeliveryFailures": _destination_failures}
OF_PROVISIONED: dict[str, OfDay] = {
    "ProvisionedConcurrencyInvocations": _provisioned_invocations,
    "ProvisionedConcurrencySpilloverInvocations": _spillover,
}


def of_version(day: Day, version: int) -> Day:
    """What one version ran, and what it was asked to while throttled."""
    fields = {name: getattr(day, name) for name in Day.__slots__}
    ran, refused = day.version == version, day.throttled_version == version
    of_invocation = {k: v[ran] for k, v in fields.items() if k not in _NOT_PER_INVOCATION}
    throttled = {k: fields[k][refused] for k in ("throttled_ms", "throttled_version")}
    return Day(**{**fields, **of_invocation, **throttled})


_NOT_PER_INVOCATION = frozenset({"spec", "throttled_ms", "throttled_version"})


def metrics_of(spec: Spec) -> dict[str, OfDay]:
    metrics = dict(OF_EVERY)
    if spec.mode == "async" and spec.trigger != "none":
        metrics |= OF_ASYNC
    if spec.dead_letter:
        metrics |= OF_DEAD_LETTERS
    if spec.on_success:
        metrics |= OF_DESTINATIONS
    if spec.mode == "stream" and spec.trigger != "kafka":
        metrics["IteratorAge"] = _iterator_age
    if is_reachable(spec):
        metrics |= OF_PROVISIONED
    return metrics


def is_reachable(spec: Spec) -> bool:
    return spec.provisioned is not None and spec.provisioned[0] == spec.qualifier


# --- concurrency -------------------------------------------------------------------------------------------


def concurrency(world: World, specs: tuple[Spec, ...], number: int, which: str = "all") -> Floats:
    """The most simultaneous executions in each minute of a day. `which`: all, provisioned or on-demand."""
    start, end, weight = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for spec, times in Counter(spec.source_spec for spec in specs).items():
        for day in (world.day(spec, n) for n in (number - 1, number)):
            kept = _which(day, which)
            start.append(day.start_ms[kept])
            end.append(day.end_ms[kept])
            weight.append(np.full(int(kept.sum()), float(times)))
    return most_at_once(np.concatenate(start), np.concatenate(end), number, np.concatenate(weight))


def _which(day: Day, which: str) -> Flags:
    if which == "all":
        return np.ones(len(day), dtype=np.bool_)
    return day.provisioned if which == "provisioned" else ~day.provisioned


def most_at_once(start: Ints, end: Ints, number: int, weight: Floats | None = None) -> Floats:
    """The largest number of overlapping intervals in each minute of UTC day `number`.

    `weight` says how many intervals each one stands for.
    """
    ts = np.concatenate([end, start])
    order = np.argsort(ts, kind="stable")
    weight = np.ones(len(start)) if weight is None else weight
    ts, level = ts[order], np.cumsum(np.concatenate([-weight, weight])[order])
    begins = (number * MINUTES_A_DAY + np.arange(MINUTES_A_DAY)) * MINUTE_MS
    before = np.searchsorted(ts, begins, side="right")
    most = np.concatenate([[0.0], level])[before]
    minute = ts // MINUTE_MS - number * MINUTES_A_DAY
    here = (minute >= 0) & (minute < MINUTES_A_DAY)
    np.maximum.at(most, minute[here], level[here])
    return most


def concurrent(world: World, specs: tuple[Spec, ...], number: int, which: str = "all") -> Samples:
    most = concurrency(world, specs, number, which)
    used = np.flatnonzero(most > 0)
    return at_minutes(used + number * MINUTES_A_DAY, most[used])


def utilization(world: World, spec: Spec, number: int) -> Samples:
    assert spec.provisioned is not None
    used = concurrent(world, (spec,), number, "provisioned")
    return Samples(used.minute, used.value / spec.provisioned[1], used.visible_ms)


def unreserved(world: World, account: str, region: str, number: int) -> Samples:
    shared = tuple(spec for spec in world.company.functions_of(account, region) if spec.reserved is None)
    return concurrent(world, shared, number)


def claimed(world: World, account: str, region: str, number: int) -> Samples:
    """Unreserved in use, all reserved, and provisioned of functions without reserved; in every minute."""
    specs = world.company.functions_of(account, region)
    shared = tuple(spec for spec in specs if spec.reserved is None)
    fixed = sum((_reserved(world, spec, number) for spec in specs), np.zeros(MINUTES_A_DAY))
    fixed += sum(spec.provisioned[1] for spec in shared if spec.provisioned)
    most = concurrency(world, shared, number, "on-demand") + fixed
    return at_minutes(np.arange(MINUTES_A_DAY) + number * MINUTES_A_DAY, most)


def _reserved(world: World, spec: Spec, number: int) -> Floats:
    """What is reserved for a function in each minute of a day."""
    reserved = np.full(MINUTES_A_DAY, float(spec.reserved or 0))
    begins = (number * MINUTES_A_DAY + np.arange(MINUTES_A_DAY)) * MINUTE_MS
    for since_ms, wanted in world.limits(spec):
        reserved[begins >= since_ms] = float(wanted or 0)
    return reserved
