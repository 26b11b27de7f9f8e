"""Every metric series of the demo's world, found as CloudWatch finds them: by name and exact dimensions.

A series belongs to an owner: a function, a mapping, a queue, the account. Owners are looked into when they
are asked for, so a fleet of thousands costs nothing until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from quarterdeck.demo import durable
from quarterdeck.demo.extension import OF_EXTENSIONS, OF_INSIGHTS
from quarterdeck.demo.instances import (
    INSTANCE_TYPE,
    OF_ENVIRONMENTS,
    OF_PROVIDER,
    OF_THROTTLES,
    OfLoad,
    capacity,
)
from quarterdeck.demo.loglines import version_text
from quarterdeck.demo.logsizes import log_bytes, log_events
from quarterdeck.demo.mappings import OF_KAFKA, mapping_id, mapping_metrics
from quarterdeck.demo.metrics import (
    OF_ASYNC,
    OF_DEAD_LETTERS,
    OF_DESTINATIONS,
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
    of_version,
    unreserved,
    utilization,
)
from quarterdeck.demo.model import MINUTES_A_DAY, Day, Ints
from quarterdeck.demo.queues import MESSAGE_BYTES, QueueDay, queue_day
from quarterdeck.demo.specs import Place, QueueSpec, Spec
from quarterdeck.demo.world import Shelf, World

OfNumber = Callable[[int], Samples]
Dimensions = tuple[tuple[str, str], ...]
Owner = tuple[str, str]
Known = dict[tuple[str, str, frozenset[tuple[str, str]]], "Series"]

OWNERS_KEPT = 30_000
QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "visible",
    "ApproximateNumberOfMessagesNotVisible": "not_visible",
    "ApproximateNumberOfMessagesDelayed": "",
    "ApproximateAgeOfOldestMessage": "oldest_age_s",
    "NumberOfMessagesSent": "sent",
    "NumberOfMessagesReceived": "received",
    "NumberOfMessagesDeleted": "deleted",
    "NumberOfEmptyReceives": "empty",
}
OF_ACCOUNT = (*OF_EVERY, *OF_ASYNC, *OF_DEAD_LETTERS, *OF_DESTINATIONS, *OF_EXTENSIONS, "IteratorAge")
"""Metrics of functions that the account has, too: the sum of all."""

_DEAR = frozenset(
    {
        "ConcurrentExecutions",
        "UnreservedConcurrentExecutions",
        "ClaimedAccountConcurrency",
        "ProvisionedConcurrentExecutions",
        "ProvisionedConcurrencyUtilization",
        *durable.OF_ACCOUNT,
        *OF_PROVIDER,
        *OF_ENVIRONMENTS,
    }
)
"""Small but slow to compute: their days are kept."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with its dimensions; `samples(number)` are those of a UTC day.

    Series that are `same` have the same samples: those of functions that repeat each other.
    """

    namespace: str
    name: str
    dimensions: Dimensions
    samples: OfNumber
    same: Hashable = None


class Catalogue:
    """Every series of one world, by account and region. New versions appear in it as they are published."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._owners = Shelf(OWNERS_KEPT)

    def find(self, place: Place, namespace: str, name: str, dimensions: Mapping[str, str]) -> Series | None:
        owner = _owner(namespace, dimensions)
        known = self._known(place, owner) if owner else {}
        return known.get((namespace, name, frozenset(dimensions.items())))

    def listed(self, place: Place) -> list[Series]:
        return list(chain.from_iterable(self._known(place, owner).values() for owner in self._all(place)))

    def samples(self, place: Place, series: Series, number: int) -> Samples:
        """A day of a series. What is dear to compute is kept; what is large is not."""
        if series.name not in _DEAR:
            return series.samples(number)
        key = ("samples", place, series.name, series.same, number)
        made: Samples = self.world.shelf.get(key, lambda: series.samples(number))
        return made

    def _known(self, place: Place, owner: Owner) -> Known:
        def make() -> Known:
            found = self._of(place, owner)
            return {(s.namespace, s.name, frozenset(s.dimensions)): s for s in found}

        made: Known = self._owners.get((place, owner, self.world.days_since_start()), make)
        return made

    def _functions(self, place: Place) -> tuple[Spec, ...]:
        def make() -> tuple[Spec, ...]:
            return tuple(spec for spec in self.world.company.functions_of(*place) if spec.trigger != "none")

        made: tuple[Spec, ...] = self._owners.get(("functions", place), make)
        return made

    def _all(self, place: Place) -> Iterator[Owner]:
        specs = self._functions(place)
        yield from (("FunctionName", spec.name) for spec in specs)
        yield ("", "")
        yield from (("LogGroupName", group) for group in self.world.company.groups_of(*place))
        yield from (("EventSourceMappingUUID", mapping_id(s)) for s in specs if mapping_metrics(s))
        yield from (
            ("CapacityProviderName", p) for p in dict.fromkeys(s.provider for s in specs if s.provider)
        )
        yield from (("QueueName", queue.name) for queue in self.world.company.queues_of(*place))

    def _of(self, place: Place, owner: Owner) -> Iterator[Series]:
        kind, name = owner
        specs = self._functions(place)
        if kind == "FunctionName":
            spec = self.world.company.find(*place, name)
            yield from self._of_function(spec) if spec and spec.trigger != "none" else ()
        elif kind == "LogGroupName":
            members = self.world.company.groups_of(*place).get(name, ())
            yield from self._of_log_group(name, members) if members else ()
        elif kind == "EventSourceMappingUUID":
            yield from self._of_mapping(name, self._mapped(place).get(name))
        elif kind == "CapacityProviderName":
            yield from self._of_provider(name, tuple(spec for spec in specs if spec.provider == name))
        elif kind == "QueueName":
            for queue in self.world.company.queues_of(*place):
                yield from self._of_queue(queue) if queue.name == name else ()
        else:
            yield from self._of_account(*place, specs)

    def _mapped(self, place: Place) -> dict[str, Spec]:
        def make() -> dict[str, Spec]:
            return {mapping_id(spec): spec for spec in self._functions(place) if mapping_metrics(spec)}

        made: dict[str, Spec] = self._owners.get(("mapped", place), make)
        return made

    # --- functions -----------------------------------------------------------------------------------------

    def _of_function(self, spec: Spec) -> Iterator[Series]:
        resource = f"{spec.name}:{spec.qualifier}" if spec.qualifier else spec.name
        own = (("FunctionName", spec.name),)
        measured = {**metrics_of(spec), **_special(spec)}
        for dimensions in (own, (*own, ("Resource", resource))):
            for name, of_day in measured.items():
                yield self._series(spec, name, dimensions, self._daily(spec, of_day))
            yield self._series(spec, "ConcurrentExecutions", dimensions, self._concurrent((spec,)))
            if is_reachable(spec):
                yield from self._of_provisioned(spec, dimensions)
        for name in durable.METRICS if spec.durable else ():
            yield self._series(spec, name, own, self._durable(spec, name))
        if spec.recursive:
            yield self._series(spec, "RecursiveInvocationsDropped", own, self._daily(spec, _looped))
        if spec.qualifier:
            yield from self._of_versions(spec, resource)
        if spec.insights:
            yield from self._of_insights(spec)

    def _series(
        self, spec: Spec, name: str, dimensions: Dimensions, samples: OfNumber, namespace: str = "AWS/Lambda"
    ) -> Series:
        same = (name, spec.source_spec.key, len(dimensions), dimensions[2:])
        return Series(namespace, name, dimensions, samples, same)

    def _durable(self, spec: Spec, name: str) -> OfNumber:
        return lambda number: durable.durable(self.world, spec, number, name)

    def _of_provisioned(self, spec: Spec, dimensions: Dimensions) -> Iterator[Series]:
        used = self._concurrent((spec,), "provisioned")
        yield self._series(spec, "ProvisionedConcurrentExecutions", dimensions, used)
        share: OfNumber = lambda number: utilization(self.world, spec, number)  # noqa: E731
        yield self._series(spec, "ProvisionedConcurrencyUtilization", dimensions, share)

    def _of_versions(self, spec: Spec, resource: str) -> Iterator[Series]:
        """The series of each version behind an alias, known from the plan of deploys."""
        planned = {change.version for change in self.world.timeline(spec).changes if change.version}
        own = (("FunctionName", spec.name), ("Resource", resource))
        for version in sorted(planned):
            dimensions = (*own, ("ExecutedVersion", str(version)))
            for name, of_day in OF_EVERY.items():
                yield self._series(spec, name, dimensions, self._daily(spec, of_day, version))

    def _of_insights(self, spec: Spec) -> Iterator[Series]:
        own = (("function_name", spec.name),)
        versions = {0} if not spec.qualifier else {c.version for c in self.world.timeline(spec).changes}
        for name, of_day in OF_INSIGHTS.items():
            yield self._series(spec, name, own, self._daily(spec, of_day), "LambdaInsights")
            for version in versions:
                dimensions = (*own, ("version", version_text(version)))
                samples = self._daily(spec, of_day, version)
                same = (name, spec.source_spec.key, version)
                yield Series("LambdaInsights", name, dimensions, samples, same)

    def _daily(self, spec: Spec, of_day: OfDay, version: int | None = None) -> OfNumber:
        def samples(number: int) -> Samples:
            day = self.world.day(spec, number)
            return of_day(day if version is None else of_version(day, version))

        return samples

    def _concurrent(self, specs: tuple[Spec, ...], which: str = "all") -> OfNumber:
        return lambda number: concurrent(self.world, specs, number, which)

    # --- mappings and capacity providers -------------------------------------------------------------------

    def _of_mapping(self, identity: str, spec: Spec | None) -> Iterator[Series]:
        dimensions = (("EventSourceMappingUUID", identity),)
        for name, of_day in mapping_metrics(spec).items() if spec else ():
            assert spec is not None
            yield self._series(spec, name, dimensions, self._daily(spec, of_day))

    def _of_provider(self, name: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        here = (("CapacityProviderName", name),)
        typed = (*here, ("InstanceType", INSTANCE_TYPE))
        for metric, of_load in OF_PROVIDER.items() if specs else ():
            yield Series("AWS/Lambda", metric, typed, self._capacity(specs, of_load), typed)
        for spec in specs:
            version = self.world.timeline(spec).live_at(self.world.now())
            own = (*here, ("FunctionName", spec.name))
            resource = ("Resource", f"{spec.name}:{version_text(version)}")
            for metric, of_load in OF_ENVIRONMENTS.items():
                for dimensions in (own, (*own, resource)):
                    yield Series(
                        "AWS/Lambda", metric, dimensions, self._capacity((spec,), of_load), dimensions
                    )

    def _capacity(self, specs: tuple[Spec, ...], of_load: OfLoad) -> OfNumber:
        return lambda number: capacity(self.world, specs, number, of_load)

    # --- accounts, log groups, queues ----------------------------------------------------------------------

    def _of_account(self, account: str, region: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        for name in OF_ACCOUNT:
            measured = [(spec, {**metrics_of(spec), **_special(spec)}) for spec in specs]
            parts = [(spec, metrics[name]) for spec, metrics in measured if name in metrics]
            yield Series("AWS/Lambda", name, (), self._summed(parts))
        looping: list[tuple[Spec, OfDay]] = [(spec, _looped) for spec in specs if spec.recursive]
        yield Series("AWS/Lambda", "RecursiveInvocationsDropped", (), self._summed(looping))
        of_account: dict[str, OfNumber] = {
            "ConcurrentExecutions": self._concurrent(specs),
            "UnreservedConcurrentExecutions": lambda n: unreserved(self.world, account, region, n),
            "ClaimedAccountConcurrency": lambda n: claimed(self.world, account, region, n),
        }
        for name, samples in of_account.items():
            yield Series("AWS/Lambda", name, (), samples)
        lasting = tuple(spec for spec in specs if spec.durable)
        for name in durable.OF_ACCOUNT if lasting else ():
            share = name.endswith("Utilization")
            yield Series("AWS/Lambda", name, (), self._running(lasting, share))

    def _running(self, specs: tuple[Spec, ...], share: bool) -> OfNumber:
        return lambda number: durable.running(self.world, specs, number, share=share)

    def _summed(self, parts: list[tuple[Spec, OfDay]]) -> OfNumber:
        """Of functions that repeat each other, one is measured and counted for all."""
        several = Counter((spec.source_spec, of_day) for spec, of_day in parts)

        def samples(number: int) -> Samples:
            return joined(
                [_times(of_day(self.world.day(spec, number)), n) for (spec, of_day), n in several.items()]
            )

        return samples

    def _of_log_group(self, group: str, specs: tuple[Spec, ...]) -> Iterator[Series]:
        for name, of_day in _WRITTEN.items():
            samples: OfNumber = lambda n, of_day=of_day: joined(  # type: ignore[misc]  # noqa: E731
                [of_day(self.world.day(spec, n)) for spec in specs]
            )
            same = (name, tuple((spec.source_spec.key, len(spec.name)) for spec in specs))
            yield Series("AWS/Logs", name, (("LogGroupName", group),), samples, same)

    def _of_queue(self, queue: QueueSpec) -> Iterator[Series]:
        dimensions = (("QueueName", queue.name),)
        for name, column in QUEUE_METRICS.items():
            yield Series("AWS/SQS", name, dimensions, self._queue(queue, column), dimensions)
        yield Series("AWS/SQS", "SentMessageSize", dimensions, self._sizes(queue), dimensions)

    def _queue(self, queue: QueueSpec, column: str) -> OfNumber:
        def samples(number: int) -> Samples:
            if not any(queue_day(self.world, queue, n).active for n in (number - 1, number)):
                return joined([])
            return _queue_samples(queue_day(self.world, queue, number), column, number)

        return samples

    def _sizes(self, queue: QueueSpec) -> OfNumber:
        """A sample for each message that was sent: they differ a little from minute to minute."""

        def samples(number: int) -> Samples:
            sent = queue_day(self.world, queue, number).sent.astype(np.int64)
            minute = np.repeat(np.arange(MINUTES_A_DAY), sent)
            size = np.asarray(MESSAGE_BYTES + minute % 37 * 3, dtype=np.float64)
            return at_minutes(minute + number * MINUTES_A_DAY, size)

        return samples


def _owner(namespace: str, dimensions: Mapping[str, str]) -> Owner | None:
    """Whose a series with these dimensions would be; a capacity provider's name others besides."""
    if namespace == "LambdaInsights":
        return ("FunctionName", dimensions["function_name"]) if "function_name" in dimensions else None
    if namespace == "AWS/Lambda" and not dimensions:
        return ("", "")
    kinds = {
        "AWS/Lambda": ("CapacityProviderName", "EventSourceMappingUUID", "FunctionName"),
        "AWS/Logs": ("LogGroupName",),
        "AWS/SQS": ("QueueName",),
    }
    return next(((kind, dimensions[kind]) for kind in kinds.get(namespace, ()) if kind in dimensions), None)


def _special(spec: Spec) -> dict[str, OfDay]:
    """Metrics that few functions have."""
    found: dict[str, OfDay] = {}
    if spec.trigger == "kafka":
        found |= OF_KAFKA
    if spec.provider:
        found |= OF_THROTTLES
    return {**found, **(OF_EXTENSIONS if spec.insights else {})}


def _looped(day: Day) -> Samples:
    """Invocations that were not made, because they would have been the sixteenth of a loop."""
    ts = day.end_ms[day.ids[:, 0] % 1500 == 0]
    return of_invocations(ts, np.ones(len(ts)), ts)


def _times(samples: Samples, n: int) -> Samples:
    if n == 1:
        return samples
    return Samples(*(np.repeat(getattr(samples, name), n) for name in Samples.__slots__))


def _written(amount: Callable[[Day], Ints]) -> OfDay:
    return lambda day: of_invocations(day.end_ms, amount(day).astype(np.float64), day.end_ms)


_WRITTEN: dict[str, OfDay] = {"IncomingBytes": _written(log_bytes), "IncomingLogEvents": _written(log_events)}


def _queue_samples(day: QueueDay, column: str, number: int) -> Samples:
    value = getattr(day, column) if column else np.zeros(MINUTES_A_DAY)
    return at_minutes(np.arange(MINUTES_A_DAY) + number * MINUTES_A_DAY, value)
