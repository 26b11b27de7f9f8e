"""What there is to watch, as an audit of rules and alarms asks for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.entities import Alarm, Cadence, Function, LogMode
from core.facts import Inventory, Target

Place = tuple[str, str, str]
"""Account, region and name."""

STREAMS = frozenset({"kinesis", "dynamodb"})
KAFKA = frozenset({"msk", "self-managed-kafka"})

WORDS: Mapping[str, str] = {
    "stream": "no stream feeds it",
    "kafka": "no Kafka topic feeds it",
    "documentdb": "no DocumentDB feeds it",
    "durable": "it has no durable executions",
    "managed": "it does not run on Managed Instances",
    "insights": "it has no Lambda Insights layer",
    "dead letters": "it has no dead-letter target",
    "destinations": "it has no destination for its async events",
    "provisioned": "it has no provisioned concurrency",
}
"""What a function lacks, by the word of `Metric.when`."""


@dataclass(frozen=True)
class Fleet:
    """Functions and what they have. `gone` is when functions were deleted, `traits` what each has in the
    words of `Metric.when`, `limits` the concurrency of each account and region. `queues` are by name."""

    targets: frozenset[tuple[str, str]] = frozenset()
    functions: Mapping[Place, Function] = field(default_factory=dict)
    gone: Mapping[Place, datetime] = field(default_factory=dict)
    traits: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reserved: Mapping[Place, int] = field(default_factory=dict)
    paces: Mapping[Place, Cadence] = field(default_factory=dict)
    log_modes: Mapping[Place, LogMode] = field(default_factory=dict)
    queues: frozenset[Place] = frozenset()
    alarms: tuple[tuple[Target, Alarm], ...] = ()

    def elsewhere(self, name: str) -> list[Place]:
        """Where else a function of that name is."""
        return sorted(place for place in self.functions if place[2] == name)


def fleet_of(known: Mapping[Target, Inventory], gone: Mapping[Place, datetime]) -> Fleet:
    def by_place(of: str) -> dict[Place, object]:
        return {
            (target.account, target.region, each.name): each
            for target, inventory in known.items()
            for each in getattr(inventory, of)
        }

    functions = {place: each for place, each in by_place("functions").items() if isinstance(each, Function)}
    return Fleet(
        targets=frozenset((target.account, target.region) for target in known),
        functions=functions,
        gone=gone,
        traits={
            place: traits
            for target, inventory in known.items()
            for place, traits in _traits(target, inventory).items()
        },
        limits={(t.account, t.region): i.limits.concurrent_limit for t, i in known.items() if i.limits},
        reserved={
            (t.account, t.region, each.name): each.reserved
            for t, i in known.items()
            for each in i.reserved
            if each.reserved is not None
        },
        paces={place: each for place, each in by_place("cadences").items() if isinstance(each, Cadence)},
        log_modes={place: each for place, each in by_place("log_modes").items() if isinstance(each, LogMode)},
        queues=frozenset(
            (t.account, t.region, queue.name.rpartition(":")[2])
            for t, i in known.items()
            for queue in i.queues
        ),
        alarms=tuple((target, alarm) for target, inventory in known.items() for alarm in inventory.alarms),
    )


def _traits(target: Target, known: Inventory) -> dict[Place, frozenset[str]]:
    found = defaultdict[str, set[str]](set)
    for mapping in known.mappings:
        kind = mapping.source_kind or ""
        words = {"stream": kind in STREAMS, "kafka": kind in KAFKA, "documentdb": kind == "documentdb"}
        found[mapping.function] |= {word for word, has in words.items() if has}
    for config in known.invoke_configs:
        if config.on_success or config.on_failure:
            found[config.function].add("destinations")
    for pool in known.provisioned:
        found[pool.function].add("provisioned")
    for function in known.functions:
        own = {
            "dead letters": bool(function.dead_letter_arn),
            "durable": function.durable_execution_timeout_s is not None,
            "managed": function.capacity_provider_arn is not None,
            "insights": any("LambdaInsightsExtension" in layer for layer in function.layers),
        }
        found[function.name] |= {word for word, has in own.items() if has}
    return {(target.account, target.region, name): frozenset(words) for name, words in found.items()}
