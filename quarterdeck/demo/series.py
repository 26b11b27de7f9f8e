"""The metrics that the demo's CloudWatch knows: every series as samples derived from simulated days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.company import FUNCTIONS, functions_of, queues_of
from quarterdeck.demo.loglines import log_bytes, log_events
from quarterdeck.demo.queues import MINUTES_A_DAY, QueueDay, queue_day
from quarterdeck.demo.simulate import DAY_MS, Day, Flags, Floats, Ints
from quarterdeck.demo.specs import QueueSpec, Spec
from quarterdeck.demo.world import World

MINUTE_MS = 60_000
VISIBLE_AFTER_MS = 60_000
"""How long CloudWatch takes to show a minute that ended, and an invocation that ended."""

Dimensions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Samples:
    """Raw values of one series: the minute each belongs to (since the epoch), and from when it can be seen."""

    minute: Ints
    value: Floats
    visible_ms: Ints

    def until(self, now_ms: int) -> Samples:
        seen = self.visible_ms <= now_ms
        return Samples(self.minute[seen], self.value[seen], self.visible_ms[seen])


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with its dimensions; `samples(number)` are those of a UTC day."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    samples: Callable[[int], Samples]


def _at_minutes(minute: Ints, value: Floats) -> Samples:
    return Samples(minute, value, (minute + 1) * MINUTE_MS + VISIBLE_AFTER_MS)


def _of_invocations(start_ms: Ints, value: Floats, done_ms: Ints) -> Samples:
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


# --- one function ----------------------------------------------------------------------------------------------


def _invocations(day: Day) -> Samples:
    return _of_invocations(day.start_ms, np.ones(len(day)), day.end_ms)


def _errors(day: Day) -> Samples:
    return _of_invocations(day.start_ms, day.failed, day.end_ms)


def _durations(day: Day) -> Samples:
    return _of_invocations(day.start_ms, day.duration_ms, day.end_ms)


def _throttles(day: Day) -> Samples:
    refused = _of_invocations(day.throttled_ms, np.ones(len(day.throttled_ms)), day.throttled_ms)
    return joined([_of_invocations(day.start_ms, np.zeros(len(day)), day.end_ms), refused])


def _async_received(day: Day) -> Samples:
    arrived = day.arrived_ms[day.attempt == 1]
    return _of_invocations(arrived, np.ones(len(arrived)), arrived)


def _async_age(day: Day) -> Samples:
    return _of_invocations(day.start_ms, day.start_ms - day.arrived_ms, day.start_ms)


def _async_dropped(day: Day) -> Samples:
    end = day.end_ms[(day.attempt == 3) & day.failed]
    return _of_invocations(end, np.ones(len(end)), end)


def _iterator_age(day: Day) -> Samples:
    return _of_invocations(day.start_ms, day.behind_ms, day.start_ms)


def _provisioned_invocations(day: Day) -> Samples:
    start, end = day.start_ms[day.provisioned], day.end_ms[day.provisioned]
    return _of_invocations(start, np.ones(len(start)), end)


def _spillover(day: Day) -> Samples:
    start, end = day.start_ms[~day.provisioned], day.end_ms[~day.provisioned]
    return _of_invocations(start, np.ones(len(start)), end)


_OF_DAY: dict[str, Callable[[Day], Samples]] = {
    "Invocations": _invocations,
    "Errors": _errors,
    "Throttles": _throttles,
    "Duration": _durations,
}
_ASYNC: dict[str, Callable[[Day], Samples]] = {
    "AsyncEventsReceived": _async_received,
    "AsyncEventAge": _async_age,
    "AsyncEventsDropped": _async_dropped,
}
_PROVISIONED: dict[str, Callable[[Day], Samples]] = {
    "ProvisionedConcurrencyInvocations": _provisioned_invocations,
    "ProvisionedConcurrencySpilloverInvocations": _spillover,
}


def select(day: Day, which: Flags) -> Day:
    """The invocations for which `which` is true; throttles stay."""
    fields = {name: getattr(day, name) for name in Day.__slots__}
    of_invocation = {k: v[which] for k, v in fields.items() if k not in _NOT_PER_INVOCATION}
    return Day(**{**fields, **of_invocation})


_NOT_PER_INVOCATION = frozenset({"spec", "throttled_ms", "throttled_version"})


def _metrics_of(spec: Spec) -> dict[str, Callable[[Day], Samples]]:
    metrics = dict(_OF_DAY)
    if spec.mode == "async" and spec.trigger != "none":
        metrics |= _ASYNC
    if spec.mode == "stream":
        metrics["IteratorAge"] = _iterator_age
    if _reachable(spec):
        metrics |= _PROVISIONED
    return metrics


def _reachable(spec: Spec) -> bool:
    return spec.provisioned is not None and spec.provisioned[0] == spec.qualifier


# --- concurrency -----------------------------------------------------------------------------------------------


def concurrency(world: World, specs: tuple[Spec, ...], number: int, which: str = "all") -> Floats:
    """The most simultaneous executions in each minute of a day. `which`: all, provisioned or on-demand."""
    days = [world.day(spec, n) for spec in specs for n in (number - 1, number)]
    kept = [_which(day, which) for day in days]
    start = np.concatenate(
        [np.empty(0, dtype=np.int64), *(day.start_ms[k] for day, k in zip(days, kept, strict=True))]
    )
    end = np.concatenate(
        [np.empty(0, dtype=np.int64), *(day.end_ms[k] for day, k in zip(days, kept, strict=True))]
    )
    return most_at_once(start, end, number)


def _which(day: Day, which: str) -> Flags:
    if which == "all":
        return np.ones(len(day), dtype=np.bool_)
    return day.provisioned if which == "provisioned" else ~day.provisioned


def most_at_once(start: Ints, end: Ints, number: int) -> Floats:
    """The largest number of overlapping intervals in each minute of UTC day `number`."""
    ts = np.concatenate([end, start])
    order = np.argsort(ts, kind="stable")
    ts, level = ts[order], np.cumsum(np.repeat([-1.0, 1.0], [len(end), len(start)])[order])
    begins = (number * MINUTES_A_DAY + np.arange(MINUTES_A_DAY)) * MINUTE_MS
    before = np.searchsorted(ts, begins, side="right")
    most = np.concatenate([[0.0], level])[before]
    minute = ts // MINUTE_MS - number * MINUTES_A_DAY
    here = (minute >= 0) & (minute < MINUTES_A_DAY)
    np.maximum.at(most, minute[here], level[here])
    return most


def _concurrent(world: World, specs: tuple[Spec, ...], number: int, which: str = "all") -> Samples:
    most = concurrency(world, specs, number, which)
    used = np.flatnonzero(most > 0)
    return _at_minutes(used + number * MINUTES_A_DAY, most[used])


def _utilization(world: World, spec: Spec, number: int) -> Samples:
    assert spec.provisioned is not None
    used = _concurrent(world, (spec,), number, "provisioned")
    return Samples(used.minute, used.value / spec.provisioned[1], used.visible_ms)


def _unreserved(world: World, account: str, region: str, number: int) -> Samples:
    shared = tuple(spec for spec in functions_of(account, region) if spec.reserved is None)
    return _concurrent(world, shared, number)


def _claimed(world: World, account: str, region: str, number: int) -> Samples:
    """Unreserved in use, plus all reserved, plus provisioned of functions without reserved; in every minute."""
    specs = functions_of(account, region)
    shared = tuple(spec for spec in specs if spec.reserved is None)
    fixed = sum(spec.reserved or 0 for spec in specs)
    fixed += sum(spec.provisioned[1] for spec in shared if spec.provisioned)
    most = concurrency(world, shared, number, "on-demand") + fixed
    return _at_minutes(np.arange(MINUTES_A_DAY) + number * MINUTES_A_DAY, most)


# --- the catalogue ---------------------------------------------------------------------------------------------


_DEAR = frozenset(
    {
        "ConcurrentExecutions",
        "UnreservedConcurrentExecutions",
        "ClaimedAccountConcurrency",
        "ProvisionedConcurrentExecutions",
        "ProvisionedConcurrencyUtilization",
    }
)


class Catalogue:
    """Every series of one world, found by account, region, namespace, name and exact dimensions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[tuple[str, str], dict[tuple[str, str, frozenset[tuple[str, str]]], Series]] = {}
        for place in dict.fromkeys((spec.account, spec.region) for spec in FUNCTIONS):
            self._known[place] = {
                (s.namespace, s.name, frozenset(s.dimensions)): s for s in self._all(*place)
            }

    def find(
        self, account: str, region: str, namespace: str, name: str, dimensions: Dimensions
    ) -> Series | None:
        known = self._known.get((account, region), {})
        return known.get((namespace, name, frozenset(dimensions.items())))

    def listed(self, account: str, region: str) -> list[Series]:
        return list(self._known.get((account, region), {}).values())

    def samples(self, account: str, region: str, series: Series, number: int) -> Samples:
        """A day of a series. What is dear to compute is kept; what is large is not."""
        if series.name not in _DEAR:
            return series.samples(number)
        key = ("samples", account, region, series.namespace, series.name, series.dimensions, number)
        made: Samples = self.world.shelf.get(key, lambda: series.samples(number))
        return made

    def _all(self, account: str, region: str) -> Iterator[Series]:
        specs = functions_of(account, region)
        for spec in specs:
            yield from self._of_function(spec)
        yield from self._of_account(account, region, specs)
        for group in dict.fromkeys(spec.group for spec in specs):
            yield from self._of_log_group(group, tuple(s for s in specs if s.group == group))
        for queue in queues_of(account, region):
            yield from self._of_queue(queue)

    def _of_function(self, spec: Spec) -> Iterator[Series]:
        if spec.trigger == "none":
            return
        resource = f"{spec.name}:{spec.qualifier}" if spec.qualifier else spec.name
        for dimensions in (
            (("FunctionName", spec.name),),
            (("FunctionName", spec.name), ("Resource", resource)),
        ):
            for name, of_day in _metrics_of(spec).items():
                yield Series("AWS/Lambda", name, dimensions, self._daily(spec, of_day))
            yield Series("AWS/Lambda", "ConcurrentExecutions", dimensions, self._concurrent((spec,)))
            if _reachable(spec):
                yield Series(
                    "AWS/Lambda",
                    "ProvisionedConcurrentExecutions",
                    dimensions,
                    self._concurrent((spec,), "provisioned"),
                )
                yield Series(
                    "AWS/Lambda", "ProvisionedConcurrencyUtilization", dimensions,
                    lambda number: _utilization(self.world, spec, number),
                )  # fmt: skip
        if spec.qualifier:
            yield from self._of_versions(spec, resource)

    def _of_versions(self, spec: Spec, resource: str) -> Iterator[Series]:
        """The series of each version behind an alias, known from the plan of deploys."""
        for version in sorted(
            {change.version for change in self.world.timeline(spec).changes if change.version}
        ):
            dimensions = (
                ("FunctionName", spec.name),
                ("Resource", resource),
                ("ExecutedVersion", str(version)),
            )
            for name, of_day in _OF_DAY.items():
                yield Series("AWS/Lambda", name, dimensions, self._daily(spec, of_day, version))

    def _daily(
        self, spec: Spec, of_day: Callable[[Day], Samples], version: int | None = None
    ) -> Callable[[int], Samples]:
        def samples(number: int) -> Samples:
            day = self.world.day(spec, number)
            return of_day(day if version is None else select(day, day.version == version))

        return samples

    def _concurrent(self, specs: tuple[Spec, ...], which: str = "all") -> Callable[[int], Samples]:
        return lambda number: _concurrent(self.world, specs, number, which)

    def _of_account(self, account: str, region: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        for name in (*_OF_DAY, *_ASYNC, "IteratorAge"):
            parts = [(spec, _metrics_of(spec)[name]) for spec in specs if name in _metrics_of(spec)]
            yield Series("AWS/Lambda", name, (), self._summed(parts))
        yield Series("AWS/Lambda", "ConcurrentExecutions", (), self._concurrent(specs))
        world = self.world
        yield Series(
            "AWS/Lambda",
            "UnreservedConcurrentExecutions",
            (),
            lambda n: _unreserved(world, account, region, n),
        )
        yield Series(
            "AWS/Lambda", "ClaimedAccountConcurrency", (), lambda n: _claimed(world, account, region, n)
        )

    def _summed(self, parts: list[tuple[Spec, Callable[[Day], Samples]]]) -> Callable[[int], Samples]:
        return lambda number: joined([of_day(self.world.day(spec, number)) for spec, of_day in parts])

    def _of_log_group(self, group: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        dimensions = (("LogGroupName", group),)
        measured: dict[str, Callable[[Day], Ints]] = {
            "IncomingBytes": log_bytes,
            "IncomingLogEvents": log_events,
        }
        for name, amount in measured.items():
            parts = [(spec, _written(amount)) for spec in specs if spec.trigger != "none"]
            yield Series("AWS/Logs", name, dimensions, self._summed(parts))

    def _of_queue(self, queue: QueueSpec) -> Iterator[Series]:
        dimensions = (("QueueName", queue.name),)
        for name, column in QUEUE_METRICS.items():
            yield Series("AWS/SQS", name, dimensions, self._queue(queue, column))

    def _queue(self, queue: QueueSpec, column: str) -> Callable[[int], Samples]:
        return lambda number: _queue_samples(queue_day(self.world, queue, number), column, number)


def _written(amount: Callable[[Day], Ints]) -> Callable[[Day], Samples]:
    return lambda day: _of_invocations(day.end_ms, amount(day).astype(np.float64), day.end_ms)


QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "visible",
    "ApproximateNumberOfMessagesNotVisible": "not_visible",
    "ApproximateNumberOfMessagesDelayed": "",
    "ApproximateAgeOfOldestMessage": "oldest_age_s",
    "NumberOfMessagesSent": "sent",
    "NumberOfMessagesReceived": "received",
    "NumberOfMessagesDeleted": "deleted",
}


def _queue_samples(day: QueueDay, column: str, number: int) -> Samples:
    value: Floats = getattr(day, column) if column else np.zeros(MINUTES_A_DAY)
    return _at_minutes(np.arange(MINUTES_A_DAY) + number * MINUTES_A_DAY, value)


def day_number(ts_ms: int) -> int:
    return ts_ms // DAY_MS
