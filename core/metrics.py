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


LAMBDA, LOGS, SQS = "AWS/Lambda", "AWS/Logs", "AWS/SQS"

METRICS: tuple[Metric, ...] = (
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "function"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "function"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "function"),
    Metric(LAMBDA, "Duration", "Sum", "duration_sum_ms", "function"),
    Metric(LAMBDA, "Duration", "Maximum", "duration_max_ms", "function"),
    Metric(LAMBDA, "Duration", "p50", "duration_p50_ms", "function"),
    Metric(LAMBDA, "Duration", "p95", "duration_p95_ms", "function"),
    Metric(LAMBDA, "Duration", "p99", "duration_p99_ms", "function"),
    Metric(LAMBDA, "ConcurrentExecutions", "Maximum", "concurrent_max", "function"),
    Metric(LAMBDA, "AsyncEventsReceived", "Sum", "async_received", "function"),
    Metric(LAMBDA, "AsyncEventsDropped", "Sum", "async_dropped", "function"),
    Metric(LAMBDA, "AsyncEventAge", "Maximum", "async_age_max_ms", "function"),
    Metric(LAMBDA, "DeadLetterErrors", "Sum", "dead_letter_errors", "function"),
    Metric(LAMBDA, "DestinationDeliveryFailures", "Sum", "destination_failures", "function"),
    Metric(LAMBDA, "IteratorAge", "Maximum", "iterator_age_max_ms", "function", when="stream"),
    Metric(LOGS, "IncomingBytes", "Sum", "log_bytes", "log_group", when="own log group"),
    Metric(LAMBDA, "ProvisionedConcurrentExecutions", "Maximum", "provisioned_max", "resource"),
    Metric(LAMBDA, "ProvisionedConcurrencyUtilization", "Maximum", "provisioned_utilization_max", "resource"),
    Metric(LAMBDA, "ProvisionedConcurrencyInvocations", "Sum", "provisioned_invocations", "resource"),
    Metric(LAMBDA, "ProvisionedConcurrencySpilloverInvocations", "Sum", "provisioned_spillover", "resource"),
    Metric(LAMBDA, "Invocations", "Sum", "invocations", "account"),
    Metric(LAMBDA, "Errors", "Sum", "errors", "account"),
    Metric(LAMBDA, "Throttles", "Sum", "throttles", "account"),
    Metric(LAMBDA, "ConcurrentExecutions", "Maximum", "concurrent_max", "account"),
    Metric(LAMBDA, "UnreservedConcurrentExecutions", "Maximum", "unreserved_max", "account"),
    Metric(LAMBDA, "ClaimedAccountConcurrency", "Maximum", "claimed_max", "account"),
    Metric(SQS, "ApproximateNumberOfMessagesVisible", "Maximum", "visible_max", "queue"),
    Metric(SQS, "ApproximateNumberOfMessagesNotVisible", "Maximum", "not_visible_max", "queue"),
    Metric(SQS, "ApproximateNumberOfMessagesDelayed", "Maximum", "delayed_max", "queue"),
    Metric(SQS, "ApproximateAgeOfOldestMessage", "Maximum", "oldest_age_max_s", "queue"),
    Metric(SQS, "NumberOfMessagesSent", "Sum", "sent", "queue"),
    Metric(SQS, "NumberOfMessagesReceived", "Sum", "received", "queue"),
    Metric(SQS, "NumberOfMessagesDeleted", "Sum", "deleted", "queue"),
)


def metrics_of(scope: str) -> tuple[Metric, ...]:
    """The rows of one scope: function, log_group, resource, account or queue."""
    return tuple(metric for metric in METRICS if metric.scope == scope)


STREAM_SERVICES = frozenset({"kinesis", "dynamodb", "kafka", "kafka-cluster", "docdb"})
"""Event sources (the service in their ARN) whose lag CloudWatch reports as IteratorAge."""


def is_stream(source_arn: str | None) -> bool:
    parts = (source_arn or "").split(":")
    return len(parts) > 2 and parts[2] in STREAM_SERVICES
