"""What collectors learn of a moment: many facts, kept in Parquet, as frozen records.

Each has a `KIND` and a `KEY`: a later fact with the same key replaces the earlier one. None is unknown, never
zero; units are in names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """CloudWatch's answer for one thing and one period: a wide row.

    `scope` is function, resource (a `function` with `resource` = alias or version), executed (a weighted
    alias and the version it ran: `resource` = `alias@version`) or account. Counts are sums of the period;
    `_max` are maxima; percentiles are as CloudWatch computed them for this period, and must never be
    averaged. None: no datapoint, or not asked.
    """

    KIND: ClassVar[str] = "metrics"
    KEY: ClassVar[tuple[str, ...]] = ("scope", "function", "resource", "ts", "period_s")

    scope: str
    function: str = ""
    resource: str = ""
    ts: datetime
    period_s: int
    invocations: float | None = None
    errors: float | None = None
    throttles: float | None = None
    duration_sum_ms: float | None = None
    duration_max_ms: float | None = None
    duration_p50_ms: float | None = None
    duration_p95_ms: float | None = None
    duration_p99_ms: float | None = None
    concurrent_max: float | None = None
    async_received: float | None = None
    async_dropped: float | None = None
    async_age_max_ms: float | None = None
    dead_letter_errors: float | None = None
    destination_failures: float | None = None
    iterator_age_max_ms: float | None = None
    log_bytes: float | None = None
    provisioned_max: float | None = None
    provisioned_utilization_max: float | None = None
    provisioned_invocations: float | None = None
    provisioned_spillover: float | None = None
    unreserved_max: float | None = None
    claimed_max: float | None = None
    recursive_dropped: float | None = None
    oversized_records: float | None = None
    signature_errors: float | None = None
    offset_lag_max: float | None = None
    extensions_sum_ms: float | None = None
    extensions_max_ms: float | None = None
    durable_running_max: float | None = None
    durable_running_utilization_max: float | None = None
    durable_started: float | None = None
    durable_stopped: float | None = None
    durable_succeeded: float | None = None
    durable_failed: float | None = None
    durable_timed_out: float | None = None
    durable_operations: float | None = None
    durable_written_bytes: float | None = None
    durable_duration_sum_ms: float | None = None
    durable_duration_max_ms: float | None = None
    cpu_throttles: float | None = None
    memory_throttles: float | None = None
    disk_throttles: float | None = None
    concurrency_throttles: float | None = None
    insights_cpu_sum_ms: float | None = None
    insights_cold_starts: float | None = None
    insights_memory_used_max_mb: float | None = None
    insights_memory_total_mb: float | None = None
    insights_memory_utilization_max: float | None = None
    insights_received_bytes: float | None = None
    insights_sent_bytes: float | None = None
    insights_network_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationRecord:
    """One REPORT (text or `platform.report`) record. `ts` is the log event's own: about the invocation's end.

    An async retry repeats the request id, so the key is CloudWatch Logs' event id. `init_type` is on-demand,
    provisioned-concurrency, snap-start or another value of AWS's, None when the log does not say. `status` is
    success, error, timeout or failure, as reported or concluded from the lines beside it.
    """

    KIND: ClassVar[str] = "invocations"
    KEY: ClassVar[tuple[str, ...]] = ("function", "event_id")

    function: str
    ts: datetime
    event_id: str
    request_id: str
    stream: str
    version: str | None
    duration_ms: float
    billed_ms: float | None = None
    memory_mb: float | None = None
    max_memory_mb: float | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: float | None = None
    init_type: str | None = None
    status: str = "success"
    error_type: str | None = None
    out_of_memory: bool = False
    trace_id: str | None = None
    sampled: bool | None = None


KEPT = "kept"
"""The level of a log line that is no error, and is kept because `collect.logs.keep` names a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """A kept log line: an error, a timeout, a crash, or (`level` is KEPT) one that the settings ask for.
    `message` is masked and cut, `signature` groups them."""

    KIND: ClassVar[str] = "log_events"
    KEY: ClassVar[tuple[str, ...]] = ("function", "event_id")

    function: str
    ts: datetime
    event_id: str
    stream: str
    request_id: str | None
    level: str
    message: str
    signature: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRecord:
    """One X-Ray trace. `functions` names the Lambda functions in it; `document` is its segments as JSON text,
    None when only the summary was read. `revision` is X-Ray's count of its changes, `partial` says that it
    still runs, `http_status` what its caller got."""

    KIND: ClassVar[str] = "traces"
    KEY: ClassVar[tuple[str, ...]] = ("trace_id",)

    trace_id: str
    ts: datetime
    duration_ms: float | None
    response_ms: float | None
    has_error: bool
    has_fault: bool
    has_throttle: bool
    root: str | None
    functions: tuple[str, ...]
    document: str | None = None
    revision: int | None = None
    partial: bool | None = None
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSample:
    """AWS/SQS's answer for one queue (by ARN) and period: depths and age are maxima, traffic is sums."""

    KIND: ClassVar[str] = "queue_samples"
    KEY: ClassVar[tuple[str, ...]] = ("queue", "ts", "period_s")

    queue: str
    ts: datetime
    period_s: int
    visible_max: float | None = None
    not_visible_max: float | None = None
    delayed_max: float | None = None
    oldest_age_max_s: float | None = None
    sent: float | None = None
    received: float | None = None
    deleted: float | None = None
    empty_receives: float | None = None
    sent_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSample:
    """CloudWatch's answer for one event source mapping (by UUID) and period: what its pollers did.

    These metrics exist only where the mapping's `MetricsConfig` turns them on (charged by AWS) or, for the
    Kafka ones, where the source has them. Counts are sums of the period.
    """

    KIND: ClassVar[str] = "mapping_samples"
    KEY: ClassVar[tuple[str, ...]] = ("mapping", "ts", "period_s")

    mapping: str
    function: str
    ts: datetime
    period_s: int
    polled: float | None = None
    filtered_out: float | None = None
    invoked: float | None = None
    failed_invoke: float | None = None
    dropped: float | None = None
    sent_to_destination: float | None = None
    deleted: float | None = None
    committed: float | None = None
    polling_errors: float | None = None
    invoke_errors: float | None = None
    destination_errors: float | None = None
    schema_registry_errors: float | None = None
    commit_errors: float | None = None
    max_offset_lag: float | None = None
    sum_offset_lag: float | None = None
    provisioned_pollers_max: float | None = None
    poller_units_max: float | None = None
    poller_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitySample:
    """CloudWatch's answer for a capacity provider of Managed Instances and period (they report every 5 min).

    `instance_type` or `function` (and `resource`) say of what; the others are "".
    """

    KIND: ClassVar[str] = "capacity_samples"
    KEY: ClassVar[tuple[str, ...]] = (
        "provider",
        "instance_type",
        "function",
        "resource",
        "ts",
        "period_s",
    )

    provider: str
    instance_type: str = ""
    function: str = ""
    resource: str = ""
    ts: datetime
    period_s: int
    cpu_utilization_max: float | None = None
    memory_utilization_max: float | None = None
    vcpu_available_max: float | None = None
    vcpu_allocated_max: float | None = None
    memory_available_max_bytes: float | None = None
    memory_allocated_max_bytes: float | None = None
    environments_max: float | None = None
    environments_limit_max: float | None = None
    environment_cpu_utilization_max: float | None = None
    environment_memory_utilization_max: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationSummary:
    """What the reports of one function say over one period, added up by Logs Insights (aggregated mode).

    For functions whose single reports are not read. Counts and sums of the period; percentiles are of the
    period, and must never be averaged.
    """

    KIND: ClassVar[str] = "invocation_summaries"
    KEY: ClassVar[tuple[str, ...]] = ("function", "ts", "period_s")

    function: str
    ts: datetime
    period_s: int
    reports: float
    cold_starts: float | None = None
    timeouts: float | None = None
    errors: float | None = None
    out_of_memory: float | None = None
    duration_sum_ms: float | None = None
    duration_p50_ms: float | None = None
    duration_p95_ms: float | None = None
    duration_p99_ms: float | None = None
    duration_max_ms: float | None = None
    billed_sum_ms: float | None = None
    init_sum_ms: float | None = None
    init_p50_ms: float | None = None
    init_p95_ms: float | None = None
    init_max_ms: float | None = None
    max_memory_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFailure:
    """Items of one batch that the function handed back (partial batch response), as it logged them itself.

    Read from EMF records in the function's log. `failed` of `items` (None when not logged).
    """

    KIND: ClassVar[str] = "batch_failures"
    KEY: ClassVar[tuple[str, ...]] = ("function", "event_id")

    function: str
    ts: datetime
    event_id: str
    request_id: str | None
    failed: float
    items: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentStart:
    """The line that an execution environment (a log stream) begins with: INIT_START, RESTORE_START, or
    `platform.initStart`, `platform.restoreStart` where a log is in JSON.

    An environment that starts over after a failed initialization writes another into the same stream.
    `init_type` is as of InvocationRecord: text tells of restores (snap-start) only. `runtime_arn` is of the
    runtime's version, None for images.
    """

    KIND: ClassVar[str] = "environment_starts"
    KEY: ClassVar[tuple[str, ...]] = ("function", "event_id")

    function: str
    ts: datetime
    event_id: str
    stream: str
    version: str | None
    init_type: str | None = None
    runtime_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A management event of CloudTrail that changed something: who did it, and through what.

    `action` is the API's name without its version suffix (UpdateFunctionCode); `function` is "" when the
    event names none; `via` is the console, CloudFormation, Terraform, CDK, an SDK ... as the user agent says.
    """

    KIND: ClassVar[str] = "api_calls"
    KEY: ClassVar[tuple[str, ...]] = ("event_id",)

    event_id: str
    ts: datetime
    action: str
    function: str
    resource: str | None = None
    who: str | None = None
    via: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What AWS counts of one function, version and size over one period: an hour, or a day of what is old.

    Derived by `store.metering` from the other kinds, never read from AWS. `version` is "" for $LATEST and
    where it is not known; `basis` says what was counted: records, or metrics (an estimate). A quantity that
    is None is nothing, unless `unknown` names its component and why (`component: reason; ...`). Quantities
    are in whole small units, so that sums of them are exact: `core.metering` tells what makes a unit of a
    meter.
    """

    KIND: ClassVar[str] = "metered"
    KEY: ClassVar[tuple[str, ...]] = ("function", "version", "architecture", "memory_mb", "ts", "period_s")

    function: str
    version: str = ""
    architecture: str = ""
    memory_mb: float | None = None
    ts: datetime
    period_s: int
    basis: str
    unknown: str | None = None
    invocations: float | None = None
    requests: float | None = None
    request_payload_chunks: float | None = None
    duration_mb_ms: float | None = None
    init_mb_ms: float | None = None
    ephemeral_mb_ms: float | None = None
    provisioned_capacity_mb_ms: float | None = None
    provisioned_duration_mb_ms: float | None = None
    provisioned_spillover_mb_ms: float | None = None
    snapstart_cache_mb_ms: float | None = None
    snapstart_restore_mb: float | None = None
    streamed_bytes: float | None = None
    durable_operations: float | None = None
    durable_written_bytes: float | None = None
    durable_kept_byte_hours: float | None = None
    edge_requests: float | None = None
    edge_duration_mb_ms: float | None = None
    event_poller_ms: float | None = None
    event_poller_sqs_ms: float | None = None
    tenant_isolation_mb: float | None = None
    log_ingest_bytes: float | None = None
    log_ingest_ia_bytes: float | None = None
    log_storage_byte_hours: float | None = None
    traces: float | None = None
    queue_requests: float | None = None
    queue_requests_fifo: float | None = None


Telemetry = (
    MetricPoint
    | InvocationRecord
    | LogEvent
    | TraceRecord
    | QueueSample
    | MappingSample
    | CapacitySample
    | InvocationSummary
    | BatchFailure
    | EnvironmentStart
    | ApiCall
    | Metered
)
TELEMETRY: tuple[type[Telemetry], ...] = (
    MetricPoint,
    InvocationRecord,
    LogEvent,
    TraceRecord,
    QueueSample,
    MappingSample,
    CapacitySample,
    InvocationSummary,
    BatchFailure,
    EnvironmentStart,
    ApiCall,
    Metered,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Many telemetry facts of one kind by column, where single records would cost too much.

    `columns` maps fields to values, all of one length (times as epoch milliseconds); a field left out is
    None in every fact.
    """

    kind: type[Telemetry]
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.columns["ts"])
