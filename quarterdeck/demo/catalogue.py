"""Every metric series of the demo's world, found as CloudWatch finds them: by name and exact dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from quarterdeck.demo.logsizes import log_bytes, log_events
from quarterdeck.demo.metrics import (
    OF_ASYNC,
    OF_EVERY,
    OfDay,
    Samples,
    at_minutes,
    claimed,
    concurrent,
    is_reachable,
    joined,
    metrics_of,
    of_invocations,
    select,
    unreserved,
    utilization,
)
from quarterdeck.demo.model import MINUTES_A_DAY, Day, Ints
from quarterdeck.demo.queues import QueueDay, queue_day
from quarterdeck.demo.specs import QueueSpec, Spec
from quarterdeck.demo.world import World

OfNumber = Callable[[int], Samples]
Dimensions = tuple[tuple[str, str], ...]
Place = tuple[str, str]

QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "visible",
    "ApproximateNumberOfMessagesNotVisible": "not_visible",
    "ApproximateNumberOfMessagesDelayed": "",
    "ApproximateAgeOfOldestMessage": "oldest_age_s",
    "NumberOfMessagesSent": "sent",
    "NumberOfMessagesReceived": "received",
    "NumberOfMessagesDeleted": "deleted",
}

_DEAR = frozenset(
    {
        "ConcurrentExecutions",
        "UnreservedConcurrentExecutions",
        "ClaimedAccountConcurrency",
        "ProvisionedConcurrentExecutions",
        "ProvisionedConcurrencyUtilization",
    }
)
"""Small but slow to compute: their days are kept."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with its dimensions; `samples(number)` are those of a UTC day."""

    namespace: str
    name: str
    dimensions: Dimensions
    samples: OfNumber


class Catalogue:
    """Every series of one world, by account and region. New versions appear in it as they are published."""

    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, place: Place, namespace: str, name: str, dimensions: Mapping[str, str]) -> Series | None:
        known: Series | None = self._known(place).get((namespace, name, frozenset(dimensions.items())))
        return known

    def listed(self, place: Place) -> list[Series]:
        return list(self._known(place).values())

    def samples(self, place: Place, series: Series, number: int) -> Samples:
        """A day of a series. What is dear to compute is kept; what is large is not."""
        if series.name not in _DEAR:
            return series.samples(number)
        key = ("samples", place, series.name, series.dimensions, number)
        made: Samples = self.world.shelf.get(key, lambda: series.samples(number))
        return made

    def _known(self, place: Place) -> dict[tuple[str, str, frozenset[tuple[str, str]]], Series]:
        def make() -> dict[tuple[str, str, frozenset[tuple[str, str]]], Series]:
            return {(s.namespace, s.name, frozenset(s.dimensions)): s for s in self._all(*place)}

        made: dict[tuple[str, str, frozenset[tuple[str, str]]], Series]
        made = self.world.shelf.get(("series", place, self.world.days_since_start()), make)
        return made

    def _all(self, account: str, region: str) -> Iterator[Series]:
        specs = tuple(
            spec for spec in self.world.company.functions_of(account, region) if spec.trigger != "none"
        )
        for spec in specs:
            yield from self._of_function(spec)
        yield from self._of_account(account, region, specs)
        for group in dict.fromkeys(spec.group for spec in specs if spec.has_group):
            yield from self._of_log_group(group, tuple(s for s in specs if s.group == group))
        for queue in self.world.company.queues_of(account, region):
            yield from self._of_queue(queue)

    # --- functions -----------------------------------------------------------------------------------------

    def _of_function(self, spec: Spec) -> Iterator[Series]:
        resource = f"{spec.name}:{spec.qualifier}" if spec.qualifier else spec.name
        own = (("FunctionName", spec.name),)
        for dimensions in (own, (*own, ("Resource", resource))):
            for name, of_day in metrics_of(spec).items():
                yield Series("AWS/Lambda", name, dimensions, self._daily(spec, of_day))
            yield Series("AWS/Lambda", "ConcurrentExecutions", dimensions, self._concurrent((spec,)))
            if is_reachable(spec):
                yield from self._of_provisioned(spec, dimensions)
        if spec.qualifier:
            yield from self._of_versions(spec, resource)

    def _of_provisioned(self, spec: Spec, dimensions: Dimensions) -> Iterator[Series]:
        used = self._concurrent((spec,), "provisioned")
        yield Series("AWS/Lambda", "ProvisionedConcurrentExecutions", dimensions, used)
        share: OfNumber = lambda number: utilization(self.world, spec, number)  # noqa: E731
        yield Series("AWS/Lambda", "ProvisionedConcurrencyUtilization", dimensions, share)

    def _of_versions(self, spec: Spec, resource: str) -> Iterator[Series]:
        """The series of each version behind an alias, known from the plan of deploys."""
        planned = {change.version for change in self.world.timeline(spec).changes if change.version}
        for version in sorted(planned):
            dimensions = (
                ("FunctionName", spec.name),
                ("Resource", resource),
                ("ExecutedVersion", str(version)),
            )
            for name, of_day in OF_EVERY.items():
                yield Series("AWS/Lambda", name, dimensions, self._daily(spec, of_day, version))

    def _daily(self, spec: Spec, of_day: OfDay, version: int | None = None) -> OfNumber:
        def samples(number: int) -> Samples:
            day = self.world.day(spec, number)
            return of_day(day if version is None else select(day, day.version == version))

        return samples

    def _concurrent(self, specs: tuple[Spec, ...], which: str = "all") -> OfNumber:
        return lambda number: concurrent(self.world, specs, number, which)

    # --- accounts, log groups, queues ----------------------------------------------------------------------

    def _of_account(self, account: str, region: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        for name in (*OF_EVERY, *OF_ASYNC, "IteratorAge"):
            parts = [(spec, metrics_of(spec)[name]) for spec in specs if name in metrics_of(spec)]
            yield Series("AWS/Lambda", name, (), self._summed(parts))
        of_account: dict[str, OfNumber] = {
            "ConcurrentExecutions": self._concurrent(specs),
            "UnreservedConcurrentExecutions": lambda n: unreserved(self.world, account, region, n),
            "ClaimedAccountConcurrency": lambda n: claimed(self.world, account, region, n),
        }
        for name, samples in of_account.items():
            yield Series("AWS/Lambda", name, (), samples)

    def _summed(self, parts: list[tuple[Spec, OfDay]]) -> OfNumber:
        return lambda number: joined([of_day(self.world.day(spec, number)) for spec, of_day in parts])

    def _of_log_group(self, group: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        measured: dict[str, Callable[[Day], Ints]] = {
            "IncomingBytes": log_bytes,
            "IncomingLogEvents": log_events,
        }
        for name, amount in measured.items():
            samples = self._summed([(spec, _written(amount)) for spec in specs])
            yield Series("AWS/Logs", name, (("LogGroupName", group),), samples)

    def _of_queue(self, queue: QueueSpec) -> Iterator[Series]:
        for name, column in QUEUE_METRICS.items():
            yield Series("AWS/SQS", name, (("QueueName", queue.name),), self._queue(queue, column))

    def _queue(self, queue: QueueSpec, column: str) -> OfNumber:
        def samples(number: int) -> Samples:
            if not any(queue_day(self.world, queue, n).active for n in (number - 1, number)):
                return joined([])
            return _queue_samples(queue_day(self.world, queue, number), column, number)

        return samples


def _written(amount: Callable[[Day], Ints]) -> OfDay:
    return lambda day: of_invocations(day.end_ms, amount(day).astype(np.float64), day.end_ms)


def _queue_samples(day: QueueDay, column: str, number: int) -> Samples:
    value = getattr(day, column) if column else np.zeros(MINUTES_A_DAY)
    return at_minutes(np.arange(MINUTES_A_DAY) + number * MINUTES_A_DAY, value)
