"""Which CloudWatch metrics are read: one row per query, and the field of a fact that its answer fills."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One query. `scope` says what its dimensions are; `when` what it asks of the thing, "" is nothing.

    Units are those of the field's name; queries leave the unit out, since a wrong one yields nothing at all.
    """

    namespace: str
    name: str
    statistic: str
    field: str
    scope: str
    when: str = ""

    @property
    def is_percentile(self) -> bool:
        return self.statistic[:1] == "p"


LAMBDA, LOGS, SQS, INSIGHTS = "AWS/Lambda", "AWS/Logs", "AWS/SQS", "LambdaInsights"

_FUNCTION: tuple[Metric, ...] = (
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "function"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "function"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "function"),
    Metric(LAMBDA, "Duration", "Sum", "duration_sum_ms", "function"),
    Metric(LAMBDA, "Duration", "Maximum", "duration_max_ms", "function"),
    Metric(LAMBDA, "Duration", "p50", "duration_p50_ms", "function", "unread log"),
    Metric(LAMBDA, "Duration", "p95", "duration_p95_ms", "function"),
    Metric(LAMBDA, "Duration", "p99", "duration_p99_ms", "function", "unread log"),
    Metric(LAMBDA, "ConcurrentExecutions", "Maximum", "concurrent_max", "function"),
    Metric(LAMBDA, "AsyncEventsReceived", "Sum", "async_received", "function"),
    Metric(LAMBDA, "AsyncEventsDropped", "Sum", "async_dropped", "function"),
    Metric(LAMBDA, "AsyncEventAge", "Maximum", "async_age_max_ms", "function"),
    Metric(LAMBDA, "DeadLetterErrors", "Sum", "dead_letter_errors", "function", "dead letters"),
    Metric(LAMBDA, "DestinationDeliveryFailures", "Sum", "destination_failures", "function", "destinations"),
    Metric(LAMBDA, "IteratorAge", "Maximum", "iterator_age_max_ms", "function", "stream"),
    Metric(LAMBDA, "OffsetLag", "Maximum", "offset_lag_max", "function", "kafka"),
    Metric(LAMBDA, "OversizedRecordCount", "Sum", "oversized_records", "function", "documentdb"),
    Metric(LAMBDA, "RecursiveInvocationsDropped", "Sum", "recursive_dropped", "function", "may loop"),
    Metric(LAMBDA, "PostRuntimeExtensionsDuration", "Sum", "extensions_sum_ms", "function", "extensions"),
    Metric(LAMBDA, "PostRuntimeExtensionsDuration", "Maximum", "extensions_max_ms", "function", "extensions"),
    Metric(LAMBDA, "DurableExecutionStarted", "Sum", "durable_started", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionStopped", "Sum", "durable_stopped", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionSucceeded", "Sum", "durable_succeeded", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionFailed", "Sum", "durable_failed", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionTimedOut", "Sum", "durable_timed_out", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionOperations", "Sum", "durable_operations", "function", "durable"),
    Metric(
        LAMBDA, "DurableExecutionStorageWrittenBytes", "Sum", "durable_written_bytes", "function", "durable"
    ),
    Metric(LAMBDA, "DurableExecutionDuration", "Sum", "durable_duration_sum_ms", "function", "durable"),
    Metric(LAMBDA, "DurableExecutionDuration", "Maximum", "durable_duration_max_ms", "function", "durable"),
    Metric(LAMBDA, "CPUThrottles", "Sum", "cpu_throttles", "function", "managed"),
    Metric(LAMBDA, "MemoryThrottles", "Sum", "memory_throttles", "function", "managed"),
    Metric(LAMBDA, "DiskThrottles", "Sum", "disk_throttles", "function", "managed"),
    Metric(LAMBDA, "ConcurrencyThrottles", "Sum", "concurrency_throttles", "function", "managed"),
    Metric(LOGS, "IncomingBytes", "Sum", "log_bytes", "log_group", "own log group"),
    Metric(INSIGHTS, "cpu_total_time", "Sum", "insights_cpu_sum_ms", "insights", "insights"),
    Metric(INSIGHTS, "init_duration", "SampleCount", "insights_cold_starts", "insights", "insights"),
    Metric(INSIGHTS, "used_memory_max", "Maximum", "insights_memory_used_max_mb", "insights", "insights"),
    Metric(INSIGHTS, "total_memory", "Maximum", "insights_memory_total_mb", "insights", "insights"),
    Metric(
        INSIGHTS, "memory_utilization", "Maximum", "insights_memory_utilization_max", "insights", "insights"
    ),
    Metric(INSIGHTS, "rx_bytes", "Sum", "insights_received_bytes", "insights", "insights"),
    Metric(INSIGHTS, "tx_bytes", "Sum", "insights_sent_bytes", "insights", "insights"),
    Metric(INSIGHTS, "total_network", "Sum", "insights_network_bytes", "insights", "insights"),
)

_RESOURCE: tuple[Metric, ...] = (
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "resource"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "resource"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "resource"),
    Metric(LAMBDA, "Duration", "Sum", "duration_sum_ms", "resource"),
    Metric(LAMBDA, "Duration", "Maximum", "duration_max_ms", "resource"),
    Metric(LAMBDA, "Duration", "p95", "duration_p95_ms", "resource"),
    Metric(LAMBDA, "ConcurrentExecutions", "Maximum", "concurrent_max", "resource"),
    Metric(
        LAMBDA, "ProvisionedConcurrentExecutions", "Maximum", "provisioned_max", "resource", "provisioned"
    ),
    Metric(
        LAMBDA,
        "ProvisionedConcurrencyUtilization",
        "Maximum",
        "provisioned_utilization_max",
        "resource",
        "provisioned",
    ),
    Metric(
        LAMBDA,
        "ProvisionedConcurrencyInvocations",
        "Sum",
        "provisioned_invocations",
        "resource",
        "provisioned",
    ),
    Metric(
        LAMBDA,
        "ProvisionedConcurrencySpilloverInvocations",
        "Sum",
        "provisioned_spillover",
        "resource",
        "provisioned",
    ),
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "executed"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "executed"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "executed"),
    Metric(LAMBDA, "Duration", "Sum", "duration_sum_ms", "executed"),
    Metric(LAMBDA, "Duration", "Maximum", "duration_max_ms", "executed"),
    Metric(LAMBDA, "Duration", "p95", "duration_p95_ms", "executed"),
)

_ACCOUNT: tuple[Metric, ...] = (
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "account"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "account"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "account"),
    Metric(LAMBDA, "Duration", "Sum", "duration_sum_ms", "account"),
    Metric(LAMBDA, "Duration", "Maximum", "duration_max_ms", "account"),
    Metric(LAMBDA, "Duration", "p50", "duration_p50_ms", "account"),
    Metric(LAMBDA, "Duration", "p95", "duration_p95_ms", "account"),
    Metric(LAMBDA, "Duration", "p99", "duration_p99_ms", "account"),
    Metric(LAMBDA, "ConcurrentExecutions", "Maximum", "concurrent_max", "account"),
    Metric(LAMBDA, "UnreservedConcurrentExecutions", "Maximum", "unreserved_max", "account"),
    Metric(LAMBDA, "ClaimedAccountConcurrency", "Maximum", "claimed_max", "account"),
    Metric(LAMBDA, "AsyncEventsReceived", "Sum", "async_received", "account"),
    Metric(LAMBDA, "AsyncEventsDropped", "Sum", "async_dropped", "account"),
    Metric(LAMBDA, "AsyncEventAge", "Maximum", "async_age_max_ms", "account"),
    Metric(LAMBDA, "DeadLetterErrors", "Sum", "dead_letter_errors", "account"),
    Metric(LAMBDA, "DestinationDeliveryFailures", "Sum", "destination_failures", "account"),
    Metric(LAMBDA, "IteratorAge", "Maximum", "iterator_age_max_ms", "account", "stream"),
    Metric(LAMBDA, "RecursiveInvocationsDropped", "Sum", "recursive_dropped", "account"),
    Metric(LAMBDA, "SignatureValidationErrors", "Sum", "signature_errors", "account"),
    Metric(
        LAMBDA, "ApproximateRunningDurableExecutions", "Maximum", "durable_running_max", "account", "durable"
    ),
    Metric(
        LAMBDA,
        "ApproximateRunningDurableExecutionsUtilization",
        "Maximum",
        "durable_running_utilization_max",
        "account",
        "durable",
    ),
)

_MAPPING: tuple[Metric, ...] = (
    Metric(LAMBDA, "PolledEventCount", "Sum", "polled", "mapping", "EventCount"),
    Metric(LAMBDA, "FilteredOutEventCount", "Sum", "filtered_out", "mapping", "EventCount"),
    Metric(LAMBDA, "InvokedEventCount", "Sum", "invoked", "mapping", "EventCount"),
    Metric(LAMBDA, "FailedInvokeEventCount", "Sum", "failed_invoke", "mapping", "EventCount"),
    Metric(LAMBDA, "DroppedEventCount", "Sum", "dropped", "mapping", "EventCount of stream"),
    Metric(
        LAMBDA,
        "OnFailureDestinationDeliveredEventCount",
        "Sum",
        "sent_to_destination",
        "mapping",
        "EventCount of stream",
    ),
    Metric(LAMBDA, "DeletedEventCount", "Sum", "deleted", "mapping", "EventCount of sqs"),
    Metric(LAMBDA, "CommittedEventCount", "Sum", "committed", "mapping", "EventCount of kafka"),
    Metric(LAMBDA, "PollingErrorCount", "Sum", "polling_errors", "mapping", "ErrorCount of kafka"),
    Metric(LAMBDA, "InvokeErrorCount", "Sum", "invoke_errors", "mapping", "ErrorCount of kafka"),
    Metric(
        LAMBDA,
        "OnFailureDestinationDeliveryErrorCount",
        "Sum",
        "destination_errors",
        "mapping",
        "ErrorCount of kafka",
    ),
    Metric(
        LAMBDA, "SchemaRegistryErrorCount", "Sum", "schema_registry_errors", "mapping", "ErrorCount of kafka"
    ),
    Metric(LAMBDA, "CommitErrorCount", "Sum", "commit_errors", "mapping", "ErrorCount of kafka"),
    Metric(LAMBDA, "MaxOffsetLag", "Maximum", "max_offset_lag", "mapping", "KafkaMetrics of kafka"),
    Metric(LAMBDA, "SumOffsetLag", "Maximum", "sum_offset_lag", "mapping", "KafkaMetrics of kafka"),
    Metric(LAMBDA, "ProvisionedPollers", "Maximum", "provisioned_pollers_max", "mapping", "pollers"),
    Metric(LAMBDA, "EventPollerUnit", "Maximum", "poller_units_max", "mapping", "pollers of kafka"),
    Metric(LAMBDA, "EventPollerThroughputInBytes", "Sum", "poller_bytes", "mapping", "pollers of kafka"),
)

_CAPACITY: tuple[Metric, ...] = (
    Metric(LAMBDA, "CPUUtilization", "Maximum", "cpu_utilization_max", "instances"),
    Metric(LAMBDA, "MemoryUtilization", "Maximum", "memory_utilization_max", "instances"),
    Metric(LAMBDA, "vCPUAvailable", "Maximum", "vcpu_available_max", "instances"),
    Metric(LAMBDA, "vCPUAllocated", "Maximum", "vcpu_allocated_max", "instances"),
    Metric(LAMBDA, "MemoryAvailable", "Maximum", "memory_available_max_bytes", "instances"),
    Metric(LAMBDA, "MemoryAllocated", "Maximum", "memory_allocated_max_bytes", "instances"),
    Metric(LAMBDA, "ExecutionEnvironmentConcurrency", "Maximum", "environments_max", "environments"),
    Metric(
        LAMBDA, "ExecutionEnvironmentConcurrencyLimit", "Maximum", "environments_limit_max", "environments"
    ),
    Metric(
        LAMBDA,
        "ExecutionEnvironmentCPUUtilization",
        "Maximum",
        "environment_cpu_utilization_max",
        "environments",
    ),
    Metric(
        LAMBDA,
        "ExecutionEnvironmentMemoryUtilization",
        "Maximum",
        "environment_memory_utilization_max",
        "environments",
    ),
)

_QUEUE: tuple[Metric, ...] = (
    Metric(SQS, "ApproximateNumberOfMessagesVisible", "Maximum", "visible_max", "queue"),
    Metric(SQS, "ApproximateNumberOfMessagesNotVisible", "Maximum", "not_visible_max", "queue"),
    Metric(SQS, "ApproximateNumberOfMessagesDelayed", "Maximum", "delayed_max", "queue"),
    Metric(SQS, "ApproximateAgeOfOldestMessage", "Maximum", "oldest_age_max_s", "queue"),
    Metric(SQS, "NumberOfMessagesSent", "Sum", "sent", "queue"),
    Metric(SQS, "NumberOfMessagesReceived", "Sum", "received", "queue"),
    Metric(SQS, "NumberOfMessagesDeleted", "Sum", "deleted", "queue"),
    Metric(SQS, "NumberOfEmptyReceives", "Sum", "empty_receives", "queue"),
    Metric(SQS, "SentMessageSize", "Sum", "sent_bytes", "queue"),
)

METRICS: tuple[Metric, ...] = (*_FUNCTION, *_RESOURCE, *_ACCOUNT, *_MAPPING, *_CAPACITY, *_QUEUE)

CAPACITY_PERIOD_S = 300
"""Managed Instances report every five minutes."""


def metrics_of(scope: str) -> tuple[Metric, ...]:
    """The rows of one scope: function, log_group, insights, resource, executed, account, mapping, instances,
    environments or queue."""
    return tuple(metric for metric in METRICS if metric.scope == scope)
