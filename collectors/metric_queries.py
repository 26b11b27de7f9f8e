"""What to ask CloudWatch about a fleet: only what can exist, since every query is paid for."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from collectors.cloudwatch import Query
from collectors.log_modes import EVERY
from collectors.parse import default_log_group
from core.entities import Alias, CapacityProvider, EventSourceMapping, Function
from core.facts import ACCOUNT, Inventory
from core.metrics import Metric, metrics_of
from core.triggers import kind_of_source

KAFKA = frozenset({"msk", "self-managed-kafka"})
STREAMS = frozenset({"kinesis", "dynamodb", "documentdb"})
"""Sources whose lag is an age; Kafka's is an offset."""
LOOPS = frozenset({"sqs", "sns", "s3", "another-function"})
"""Triggers through which Lambda recognises a function that invokes itself."""
INSIGHTS_LAYER = "LambdaInsightsExtension"


Make = Callable[[], list[Query]]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is known of a target, by function."""

    known: Inventory
    fed_by: Mapping[str, frozenset[str]]
    log_group_users: Mapping[str, int]
    qualifiers: Mapping[str, frozenset[str]]
    with_dead_letters: frozenset[str]
    with_destinations: frozenset[str]
    without_records: frozenset[str]

    @classmethod
    def of(cls, known: Inventory) -> Fleet:
        fed_by: dict[str, set[str]] = defaultdict(set)
        for mapping in known.mappings:
            fed_by[mapping.function].add(source_kind(mapping))
        for trigger in known.triggers:
            fed_by[trigger.function].add(trigger.kind)
        users = Counter(map(log_group, known.functions))
        return cls(
            known,
            {name: frozenset(kinds) for name, kinds in fed_by.items()},
            users,
            _qualifiers(known),
            with_dead_letters=frozenset(_with_dead_letters(known)),
            with_destinations=frozenset(_with_destinations(known)),
            without_records=frozenset(mode.name for mode in known.log_modes if mode.mode != EVERY),
        )


def _with_dead_letters(known: Inventory) -> Iterator[str]:
    yield from (function.name for function in known.functions if function.dead_letter_arn)
    yield from (version.function for version in known.versions if version.dead_letter_arn)


def _with_destinations(known: Inventory) -> Iterator[str]:
    """Functions with somewhere to send what became of events, or of which that is not known yet."""
    yield from (function.name for function in known.functions if function.name not in known.async_settings_of)
    yield from (config.function for config in known.invoke_configs if config.on_success or config.on_failure)
    yield from (mapping.function for mapping in known.mappings if mapping.failure_destination)


def source_kind(mapping: EventSourceMapping) -> str:
    """What the mapping reads from, in the words of `core.triggers.KINDS`; "" when it does not say."""
    return mapping.source_kind or kind_of_source(mapping.source_arn, servers=mapping.servers) or ""


def log_group(function: Function) -> str:
    return function.log_group or default_log_group(function.name)


def _qualifiers(known: Inventory) -> dict[str, frozenset[str]]:
    """Aliases, and the versions that something invokes by their number."""
    found: dict[str, set[str]] = defaultdict(set)
    for alias in known.aliases:
        found[alias.function].add(alias.alias)
    for place in known.provisioned:
        found[place.function].add(place.qualifier)
    named = [(mapping.function, mapping.qualifier) for mapping in known.mappings]
    named += [(trigger.function, trigger.qualifier) for trigger in known.triggers]
    for function, qualifier in named:
        if qualifier and qualifier.isdecimal():
            found[function].add(qualifier)
    return {function: frozenset(qualifiers) for function, qualifiers in found.items()}


def scopes(known: Inventory) -> list[str]:
    """Every scope that something is asked about: ACCOUNT, functions by name, `function:qualifier`, mappings
    by UUID, capacity providers by ARN."""
    return [scope for scope, _ in _asked(Fleet.of(known), None)]


def queries(known: Inventory, wanted: Collection[str] = ()) -> list[Query]:
    """Every query about the scopes `wanted` (all, if empty), in a stable order."""
    asked = _asked(Fleet.of(known), frozenset(wanted) or None)
    return [query for _, make in asked for query in make()]


def _asked(fleet: Fleet, wanted: Collection[str] | None) -> Iterator[tuple[str, Make]]:
    """Scopes with what makes their queries; those about which there is nothing to ask are left out."""

    def is_wanted(scope: str) -> bool:
        return wanted is None or scope in wanted

    known = fleet.known
    if is_wanted(ACCOUNT):
        yield ACCOUNT, functools.partial(_of_account, fleet)
    aliases = {alias.name: alias for alias in known.aliases}
    provisioned = {place.name for place in known.provisioned}
    for function in sorted(known.functions, key=lambda f: f.name):
        if is_wanted(function.name):
            yield function.name, functools.partial(_of_function, function, fleet)
        for qualifier in sorted(fleet.qualifiers.get(function.name, ())):
            name = f"{function.name}:{qualifier}"
            about = function.name, qualifier, aliases.get(name), name in provisioned
            if is_wanted(name):
                yield name, functools.partial(_of_resource, *about)
    for mapping in known.mappings:
        if is_wanted(mapping.name) and rows("mapping", mapping_traits(mapping)):
            yield mapping.name, functools.partial(_of_mapping, mapping)
    for provider in known.capacity_providers:
        if is_wanted(provider.arn) and (found := _of_provider(provider, known)):
            yield provider.arn, functools.partial(list, found)


@functools.cache
def rows(scope: str, traits: frozenset[str]) -> tuple[Metric, ...]:
    """The metrics of a scope that a thing with these traits has."""
    return tuple(metric for metric in metrics_of(scope) if not metric.when or metric.when in traits)


def _of_account(fleet: Fleet) -> list[Query]:
    traits = {"durable"} if any(f.durable_execution_timeout_s for f in fleet.known.functions) else set()
    traits |= {"stream"} if any(STREAMS & kinds for kinds in fleet.fed_by.values()) else set()
    return [Query(("account", "", ""), m, of=ACCOUNT) for m in rows("account", frozenset(traits))]


def function_traits(function: Function, fleet: Fleet) -> frozenset[str]:
    """What the function has, in the words of `Metric.when`."""
    fed_by = fleet.fed_by.get(function.name, frozenset())
    has = {
        "stream": bool(STREAMS & fed_by),
        "kafka": bool(KAFKA & fed_by),
        "documentdb": "documentdb" in fed_by,
        "may loop": bool(LOOPS & fed_by),
        "extensions": bool(function.layers) or function.package_type == "Image",
        "insights": any(INSIGHTS_LAYER in layer for layer in function.layers),
        "durable": function.durable_execution_timeout_s is not None,
        "managed": function.capacity_provider_arn is not None,
        "dead letters": function.name in fleet.with_dead_letters,
        "destinations": function.name in fleet.with_destinations,
        "unread log": function.name in fleet.without_records,  # records tell percentiles exactly
        "own log group": fleet.log_group_users[log_group(function)] == 1,
    }
    return frozenset(trait for trait, there in has.items() if there)


def _of_function(function: Function, fleet: Fleet) -> list[Query]:
    """Bytes of a log group that functions share belong to none of them, so they are not asked for."""
    name, traits = function.name, function_traits(function, fleet)
    subject = ("function", name, "")
    dimensions = {
        "function": (("FunctionName", name),),
        "log_group": (("LogGroupName", log_group(function)),),
        "insights": (("function_name", name),),
    }
    return [
        Query(subject, metric, of_scope, of=name)
        for scope, of_scope in dimensions.items()
        for metric in rows(scope, traits)
    ]


def _of_resource(function: str, qualifier: str, alias: Alias | None, is_provisioned: bool) -> list[Query]:
    """An alias or version; of an alias that shares its traffic out, each version that gets some as well."""
    name = f"{function}:{qualifier}"
    resource = (("FunctionName", function), ("Resource", name))
    traits = frozenset({"provisioned"} if is_provisioned else ())
    found = [Query(("resource", function, qualifier), m, resource, of=name) for m in rows("resource", traits)]
    for version in sorted({alias.version, *alias.weights}) if alias and alias.weights else ():
        subject = ("executed", function, f"{qualifier}@{version}")
        split = (*resource, ("ExecutedVersion", version))
        found += [Query(subject, m, split, of=name) for m in rows("executed", traits)]
    return found


def mapping_traits(mapping: EventSourceMapping) -> frozenset[str]:
    """The groups of metrics that the mapping writes, in the words of `Metric.when`; none while disabled."""
    if mapping.state == "Disabled":
        return frozenset()
    source = source_kind(mapping)
    kind = "kafka" if source in KAFKA else source
    groups = [*mapping.metrics, *(["pollers"] if mapping.minimum_pollers or mapping.maximum_pollers else [])]
    kinds = {kind} | ({"stream"} if kind in ("kinesis", "dynamodb", "kafka") else set())
    return frozenset([*groups, *(f"{group} of {kind}" for group in groups for kind in kinds)])


def _of_mapping(mapping: EventSourceMapping) -> list[Query]:
    subject, dimension = ("mapping", mapping.name, mapping.function), ("EventSourceMappingUUID", mapping.name)
    found = rows("mapping", mapping_traits(mapping))
    return [Query(subject, metric, (dimension,), of=mapping.name) for metric in found]


def _of_provider(provider: CapacityProvider, known: Inventory) -> list[Query]:
    """Instances by type, as far as the provider names types, and environments by function."""
    here, found = ("CapacityProviderName", provider.name), []
    for instance in provider.instance_types:
        dimensions = (here, ("InstanceType", instance))
        subject = ("instances", provider.name, instance, "")
        found += [Query(subject, m, dimensions, of=provider.arn) for m in metrics_of("instances")]
    for function in known.functions:
        if function.capacity_provider_arn == provider.arn:
            dimensions = (here, ("FunctionName", function.name))
            subject = ("environments", provider.name, "", function.name)
            found += [Query(subject, m, dimensions, of=provider.arn) for m in metrics_of("environments")]
    return found
