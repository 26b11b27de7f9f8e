"""Answers of the Lambda API read into entities.

What must not be kept (environment variables, code locations, KMS keys) is not read: it goes no further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from core.entities import (
    AccountLimits,
    Alias,
    EventSourceMapping,
    Function,
    InvokeConfig,
    LogGroup,
    Provisioned,
    Reserved,
    Version,
)
from core.triggers import kind_of_source

Answer = Mapping[str, Any]
Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry of a listing that is not as the API promises; the others are read all the same.

    `why` names what went wrong, and never a value: an entry may hold secrets.
    """

    name: str
    why: str


def each_parsed(
    parse: Callable[[Answer], Parsed], entries: Iterable[Answer], *, what: str, key: str
) -> Iterator[Parsed | Unreadable]:
    """Every entry parsed; `what` it is, and the `key` that holds its name, are for the message."""
    for at, entry in enumerate(entries):
        try:
            yield parse(entry)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            name = entry.get(key) if isinstance(entry, Mapping) else None
            named = name if isinstance(name, str) and name else f"number {at + 1}"
            missing = f": {error.args[0]} is missing" if isinstance(error, KeyError) else ""
            yield Unreadable(named, f"{what} {named} cannot be read ({type(error).__name__}{missing})")


def parse_time(value: Any) -> datetime | None:
    """A time as Lambda prints it (`2026-11-20T08:15:30.000+0000`) or botocore parsed it, else None."""
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def part(answer: Answer, *path: str) -> Any:
    """The value below `path`, None when any step of it is missing or empty."""
    value: Any = answer
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value == "" else value


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list; nothing if there is none."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def default_log_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def parse_function(config: Answer, tags: Mapping[str, str]) -> Function:
    """A function configuration of ListFunctions."""
    name = config["FunctionName"]
    return Function(
        name=name,
        arn=config["FunctionArn"],
        runtime=part(config, "Runtime"),
        architecture=next(iter(texts(config.get("Architectures"))), "x86_64"),
        memory_mb=part(config, "MemorySize"),
        timeout_s=part(config, "Timeout"),
        ephemeral_mb=part(config, "EphemeralStorage", "Size"),
        handler=part(config, "Handler"),
        package_type=part(config, "PackageType"),
        code_size_bytes=part(config, "CodeSize"),
        code_sha256=part(config, "CodeSha256"),
        config_sha256=part(config, "ConfigSha256"),
        description=part(config, "Description"),
        last_modified=parse_time(config.get("LastModified")),
        role=part(config, "Role"),
        dead_letter_arn=part(config, "DeadLetterConfig", "TargetArn"),
        layers=_layers(config),
        tracing_mode=part(config, "TracingConfig", "Mode"),
        snap_start=part(config, "SnapStart", "ApplyOn"),
        tenancy=part(config, "TenancyConfig", "TenantIsolationMode"),
        edge_master_arn=part(config, "MasterArn"),
        accelerator_gb=part(config, "AcceleratorConfig", "AcceleratorMemorySize"),
        tags=dict(sorted(tags.items())),
        **_logging(config, name),
        **_network(config),
        **_runtime_version(config),
        **_managed_instances(config),
        **_durable(config),
    )


def _layers(config: Answer) -> tuple[str, ...]:
    return texts([part(layer, "Arn") for layer in config.get("Layers") or ()])


def _logging(config: Answer, function: str) -> dict[str, Any]:
    logging = part(config, "LoggingConfig") or {}
    return {
        "log_group": part(logging, "LogGroup") or default_log_group(function),
        "log_format": part(logging, "LogFormat") or "Text",
        "system_log_level": part(logging, "SystemLogLevel"),
        "application_log_level": part(logging, "ApplicationLogLevel"),
    }


def _network(config: Answer) -> dict[str, Any]:
    vpc = part(config, "VpcConfig") or {}
    mounted = [part(system, "Arn") for system in config.get("FileSystemConfigs") or ()]
    return {
        "vpc_id": part(vpc, "VpcId"),
        "subnet_ids": tuple(sorted(texts(part(vpc, "SubnetIds")))),
        "security_group_ids": tuple(sorted(texts(part(vpc, "SecurityGroupIds")))),
        "file_system_arn": next(iter(texts(mounted)), None),
    }


def _runtime_version(config: Answer) -> dict[str, Any]:
    return {
        "runtime_version_arn": part(config, "RuntimeVersionConfig", "RuntimeVersionArn"),
        "custom_runtime_arn": part(config, "RuntimeConfig", "RuntimeArn"),
    }


def _managed_instances(config: Answer) -> dict[str, Any]:
    managed = part(config, "CapacityProviderConfig", "LambdaManagedInstancesCapacityProviderConfig") or {}
    return {
        "capacity_provider_arn": part(managed, "CapacityProviderArn"),
        "environment_concurrency": part(managed, "PerExecutionEnvironmentMaxConcurrency"),
        "memory_gib_per_vcpu": part(managed, "ExecutionEnvironmentMemoryGiBPerVCpu"),
    }


def _durable(config: Answer) -> dict[str, Any]:
    return {
        "durable_execution_timeout_s": part(config, "DurableConfig", "ExecutionTimeout"),
        "durable_retention_days": part(config, "DurableConfig", "RetentionPeriodInDays"),
    }


def parse_version(config: Answer) -> Version:
    """A version's configuration of ListFunctions with FunctionVersion=ALL."""
    function, version = config["FunctionName"], config["Version"]
    return Version(
        name=f"{function}:{version}",
        function=function,
        version=version,
        published=parse_time(config.get("LastModified")),
        code_sha256=part(config, "CodeSha256"),
        code_size_bytes=part(config, "CodeSize"),
        memory_mb=part(config, "MemorySize"),
        timeout_s=part(config, "Timeout"),
        ephemeral_mb=part(config, "EphemeralStorage", "Size"),
        runtime=part(config, "Runtime"),
        architecture=next(iter(texts(config.get("Architectures"))), None),
        snap_start=part(config, "SnapStart", "ApplyOn"),
        snap_start_status=part(config, "SnapStart", "OptimizationStatus"),
        log_group=part(config, "LoggingConfig", "LogGroup"),
        layers=_layers(config),
        description=part(config, "Description"),
        dead_letter_arn=part(config, "DeadLetterConfig", "TargetArn"),
    )


def parse_alias(function: str, answer: Answer) -> Alias:
    weights = part(answer, "RoutingConfig", "AdditionalVersionWeights") or {}
    return Alias(
        name=f"{function}:{answer['Name']}",
        function=function,
        alias=answer["Name"],
        version=answer["FunctionVersion"],
        weights={version: float(weight) for version, weight in sorted(weights.items())},
    )


def function_and_qualifier(arn: str) -> tuple[str, str | None]:
    """Split `arn:aws:lambda:region:account:function:name[:qualifier]`, or a name as it may stand alone."""
    parts = arn.split(":")
    if len(parts) < 7:
        return parts[0], parts[1] if len(parts) > 1 else None
    return parts[6], parts[7] if len(parts) > 7 else None


def parse_mapping(answer: Answer) -> EventSourceMapping:
    """An entry of ListEventSourceMappings. Filters may hold what nobody should read: they are counted."""
    function, qualifier = function_and_qualifier(answer.get("FunctionArn", ""))
    return EventSourceMapping(
        name=answer["UUID"],
        function=function,
        qualifier=qualifier,
        state=part(answer, "State"),
        state_reason=part(answer, "StateTransitionReason"),
        last_result=part(answer, "LastProcessingResult"),
        failure_destination=part(answer, "DestinationConfig", "OnFailure", "Destination"),
        last_modified=parse_time(answer.get("LastModified")),
        metrics=tuple(sorted(texts(part(answer, "MetricsConfig", "Metrics")))),
        system_log_level=part(answer, "LoggingConfig", "SystemLogLevel"),
        **_source(answer),
        **_batching(answer),
        **_scaling(answer),
        **_filters(answer),
    )


def _source(answer: Answer) -> dict[str, Any]:
    arn = part(answer, "EventSourceArn")
    endpoints = part(answer, "SelfManagedEventSource", "Endpoints") or {}
    servers = tuple(server for listed in endpoints.values() for server in texts(listed))
    access = texts([part(entry, "Type") for entry in answer.get("SourceAccessConfigurations") or ()])
    kafka = ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")
    groups = (part(answer, config, "ConsumerGroupId") for config in kafka)
    return {
        "source_arn": arn,
        "source_kind": kind_of_source(arn, access=access, servers=servers),
        "servers": servers,
        "topics": (*texts(answer.get("Topics")), *texts(answer.get("Queues")), *_collections(answer)),
        "consumer_group": next((group for group in groups if group), None),
        "starting_position": part(answer, "StartingPosition"),
    }


def _collections(answer: Answer) -> tuple[str, ...]:
    """What is read of a DocumentDB cluster: `database.collection`, or a whole `database`."""
    config = part(answer, "DocumentDBEventSourceConfig") or {}
    named = texts([part(config, "DatabaseName"), part(config, "CollectionName")])
    return (".".join(named),) if named else ()


def _batching(answer: Answer) -> dict[str, Any]:
    return {
        "batch_size": part(answer, "BatchSize"),
        "batching_window_s": part(answer, "MaximumBatchingWindowInSeconds"),
        "tumbling_window_s": part(answer, "TumblingWindowInSeconds"),
        "bisects_on_error": part(answer, "BisectBatchOnFunctionError"),
        "maximum_retries": part(answer, "MaximumRetryAttempts"),
        "maximum_record_age_s": part(answer, "MaximumRecordAgeInSeconds"),
        "reports_batch_item_failures": "ReportBatchItemFailures"
        in texts(answer.get("FunctionResponseTypes")),
    }


def _scaling(answer: Answer) -> dict[str, Any]:
    return {
        "maximum_concurrency": part(answer, "ScalingConfig", "MaximumConcurrency"),
        "parallelization_factor": part(answer, "ParallelizationFactor"),
        "minimum_pollers": part(answer, "ProvisionedPollerConfig", "MinimumPollers"),
        "maximum_pollers": part(answer, "ProvisionedPollerConfig", "MaximumPollers"),
        "poller_group": part(answer, "ProvisionedPollerConfig", "PollerGroupName"),
    }


def _filters(answer: Answer) -> dict[str, Any]:
    listed = part(answer, "FilterCriteria", "Filters")
    return {
        "filters": len(listed) if isinstance(listed, list) else None,
        "filter_error": part(answer, "FilterCriteriaError", "ErrorCode"),
    }


def parse_limits(answer: Answer) -> AccountLimits:
    """`GetAccountSettings`; counts are concurrent executions of the region."""
    limit = answer["AccountLimit"]
    return AccountLimits(
        concurrent_limit=limit["ConcurrentExecutions"],
        unreserved_limit=limit["UnreservedConcurrentExecutions"],
        code_size_limit_bytes=part(limit, "TotalCodeSize"),
        code_size_bytes=part(answer, "AccountUsage", "TotalCodeSize"),
        function_count=part(answer, "AccountUsage", "FunctionCount"),
    )


def parse_reserved(function: str, answer: Answer) -> Reserved:
    return Reserved(name=function, reserved=answer.get("ReservedConcurrentExecutions"))


def parse_provisioned(function: str, answer: Answer) -> Provisioned:
    qualifier = function_and_qualifier(answer["FunctionArn"])[1] or ""
    return Provisioned(
        name=f"{function}:{qualifier}",
        function=function,
        qualifier=qualifier,
        requested=answer["RequestedProvisionedConcurrentExecutions"],
        allocated=part(answer, "AllocatedProvisionedConcurrentExecutions"),
        available=part(answer, "AvailableProvisionedConcurrentExecutions"),
        status=part(answer, "Status"),
        last_modified=parse_time(answer.get("LastModified")),
    )


def parse_invoke_config(function: str, answer: Answer) -> InvokeConfig:
    qualifier = function_and_qualifier(answer.get("FunctionArn", ""))[1] or "$LATEST"
    return InvokeConfig(
        name=f"{function}:{qualifier}",
        function=function,
        qualifier=qualifier,
        max_retries=part(answer, "MaximumRetryAttempts"),
        max_age_s=part(answer, "MaximumEventAgeInSeconds"),
        on_success=part(answer, "DestinationConfig", "OnSuccess", "Destination"),
        on_failure=part(answer, "DestinationConfig", "OnFailure", "Destination"),
    )


def parse_log_group(answer: Answer) -> LogGroup:
    return LogGroup(
        name=answer["logGroupName"],
        retention_days=part(answer, "retentionInDays"),
        stored_bytes=part(answer, "storedBytes"),
        log_class=part(answer, "logGroupClass"),
        created=_from_ms(part(answer, "creationTime")),
    )


def _from_ms(value: Any) -> datetime | None:
    """A time as CloudWatch Logs counts it, in milliseconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return datetime.fromtimestamp(value / 1000, UTC) if is_number else None
