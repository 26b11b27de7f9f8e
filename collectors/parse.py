"""Answers of the Lambda API read into entities.

What must not be kept (environment variables, code locations, KMS keys) is not read: it goes no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.facts import (
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

Answer = Mapping[str, Any]


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


def default_log_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def parse_function(config: Answer, tags: Mapping[str, str]) -> Function:
    """A function configuration of ListFunctions."""
    name = config["FunctionName"]
    return Function(
        name=name,
        arn=config["FunctionArn"],
        runtime=part(config, "Runtime"),
        architecture=next(iter(config.get("Architectures") or ()), "x86_64"),
        memory_mb=part(config, "MemorySize"),
        timeout_s=part(config, "Timeout"),
        ephemeral_mb=part(config, "EphemeralStorage", "Size"),
        handler=part(config, "Handler"),
        package_type=part(config, "PackageType"),
        code_size_bytes=part(config, "CodeSize"),
        code_sha256=part(config, "CodeSha256"),
        description=part(config, "Description"),
        last_modified=parse_time(config.get("LastModified")),
        role=part(config, "Role"),
        vpc_id=part(config, "VpcConfig", "VpcId"),
        layers=tuple(layer["Arn"] for layer in config.get("Layers") or () if layer.get("Arn")),
        tracing_mode=part(config, "TracingConfig", "Mode"),
        snap_start=part(config, "SnapStart", "ApplyOn"),
        log_group=part(config, "LoggingConfig", "LogGroup") or default_log_group(name),
        log_format=part(config, "LoggingConfig", "LogFormat") or "Text",
        system_log_level=part(config, "LoggingConfig", "SystemLogLevel"),
        application_log_level=part(config, "LoggingConfig", "ApplicationLogLevel"),
        dead_letter_arn=part(config, "DeadLetterConfig", "TargetArn"),
        tags=dict(sorted(tags.items())),
    )


def parse_version(config: Answer) -> Version:
    """A version's configuration of ListFunctions with FunctionVersion=ALL."""
    function, version = config["FunctionName"], config["Version"]
    return Version(
        name=f"{function}:{version}",
        function=function,
        version=version,
        published=parse_time(config.get("LastModified")),
        code_sha256=part(config, "CodeSha256"),
        memory_mb=part(config, "MemorySize"),
        timeout_s=part(config, "Timeout"),
        runtime=part(config, "Runtime"),
        architecture=next(iter(config.get("Architectures") or ()), None),
        snap_start=part(config, "SnapStart", "ApplyOn"),
        description=part(config, "Description"),
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
    function, qualifier = function_and_qualifier(answer.get("FunctionArn", ""))
    return EventSourceMapping(
        name=answer["UUID"],
        function=function,
        qualifier=qualifier,
        source_arn=part(answer, "EventSourceArn"),
        state=part(answer, "State"),
        state_reason=part(answer, "StateTransitionReason"),
        last_result=part(answer, "LastProcessingResult"),
        batch_size=part(answer, "BatchSize"),
        maximum_concurrency=part(answer, "ScalingConfig", "MaximumConcurrency"),
        failure_destination=part(answer, "DestinationConfig", "OnFailure", "Destination"),
        reports_batch_item_failures="ReportBatchItemFailures" in (answer.get("FunctionResponseTypes") or ()),
        last_modified=parse_time(answer.get("LastModified")),
    )


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
    )
