"""What collectors learn, as frozen records. A fact has no account and no region: the run that learned it has.

Telemetry facts (many, kept in Parquet) have a `KIND` and a `KEY`: a later fact with the same key replaces the
earlier one. Entities (few, kept in the state database with their history) have a `KIND` and a `name`.
Every field that AWS may leave out is None when it does: None is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from core.windows import Window


@dataclass(frozen=True, order=True, slots=True)
class Target:
    """One account and region that we watch."""

    account: str
    region: str


# --- telemetry ----------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """A kept log line: an error, a timeout, a crash. `message` is masked and cut, `signature` groups them."""

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


# --- entities -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function's configuration ($LATEST). Never holds environment variables, code locations or KMS keys.

    `config_sha256` moves with any of them, so that a change of what is not kept is seen all the same.
    `environment_concurrency` and `memory_gib_per_vcpu` are of Managed Instances; `edge_master_arn` is set on
    replicas of Lambda@Edge.
    """

    KIND: ClassVar[str] = "function"

    name: str
    arn: str
    runtime: str | None = None
    architecture: str = "x86_64"
    memory_mb: int | None = None
    timeout_s: int | None = None
    ephemeral_mb: int | None = None
    handler: str | None = None
    package_type: str | None = None
    code_size_bytes: int | None = None
    code_sha256: str | None = None
    description: str | None = None
    last_modified: datetime | None = None
    role: str | None = None
    vpc_id: str | None = None
    layers: tuple[str, ...] = ()
    tracing_mode: str | None = None
    snap_start: str | None = None
    log_group: str = ""
    log_format: str = "Text"
    system_log_level: str | None = None
    application_log_level: str | None = None
    dead_letter_arn: str | None = None
    config_sha256: str | None = None
    runtime_version_arn: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    file_system_arn: str | None = None
    tenancy: str | None = None
    capacity_provider_arn: str | None = None
    durable_execution_timeout_s: int | None = None
    durable_retention_days: int | None = None
    environment_concurrency: int | None = None
    memory_gib_per_vcpu: float | None = None
    accelerator_gb: int | None = None
    custom_runtime_arn: str | None = None
    edge_master_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published version. `name` is `function:version`; `published` is its LastModified."""

    KIND: ClassVar[str] = "version"

    name: str
    function: str
    version: str
    published: datetime | None = None
    code_sha256: str | None = None
    memory_mb: int | None = None
    timeout_s: int | None = None
    runtime: str | None = None
    architecture: str | None = None
    snap_start: str | None = None
    description: str | None = None
    code_size_bytes: int | None = None
    ephemeral_mb: int | None = None
    log_group: str | None = None
    layers: tuple[str, ...] = ()
    snap_start_status: str | None = None
    dead_letter_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """`name` is `function:alias`; `weights` are the shares (0..1) of the additional versions."""

    KIND: ClassVar[str] = "alias"

    name: str
    function: str
    alias: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """An event source mapping; `name` is its UUID.

    `source_kind` is one of `core.triggers.KINDS`; `servers` are a self-managed Kafka's. `topics` is what is
    read of the source: topics, queues of a broker, or `database.collection`.
    """

    KIND: ClassVar[str] = "mapping"

    name: str
    function: str
    qualifier: str | None = None
    source_arn: str | None = None
    state: str | None = None
    state_reason: str | None = None
    last_result: str | None = None
    batch_size: int | None = None
    maximum_concurrency: int | None = None
    failure_destination: str | None = None
    reports_batch_item_failures: bool = False
    last_modified: datetime | None = None
    batching_window_s: int | None = None
    parallelization_factor: int | None = None
    bisects_on_error: bool | None = None
    maximum_retries: int | None = None
    maximum_record_age_s: int | None = None
    starting_position: str | None = None
    filters: int | None = None
    topics: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    source_kind: str | None = None
    servers: tuple[str, ...] = ()
    consumer_group: str | None = None
    tumbling_window_s: int | None = None
    poller_group: str | None = None
    system_log_level: str | None = None
    filter_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A function's reserved concurrency; `name` is the function. `reserved` is None when there is none."""

    KIND: ClassVar[str] = "reserved"

    name: str
    reserved: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Provisioned concurrency of one alias or version; `name` is `function:qualifier`."""

    KIND: ClassVar[str] = "provisioned"

    name: str
    function: str
    qualifier: str
    requested: int
    allocated: int | None = None
    available: int | None = None
    status: str | None = None
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeConfig:
    """Async invocation settings; `name` is `function:qualifier` (`$LATEST` when unqualified)."""

    KIND: ClassVar[str] = "invoke_config"

    name: str
    function: str
    qualifier: str
    max_retries: int | None = None
    max_age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """`GetAccountSettings` of the region; counts are concurrent executions. `name` is always `account`."""

    KIND: ClassVar[str] = "account_limits"

    name: str = "account"
    concurrent_limit: int
    unreserved_limit: int
    code_size_limit_bytes: int | None = None
    code_size_bytes: int | None = None
    function_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An SQS queue that feeds or catches a function; `name` is its ARN. Depths are as of the run."""

    KIND: ClassVar[str] = "queue"

    name: str
    url: str | None = None
    visible: int | None = None
    not_visible: int | None = None
    delayed: int | None = None
    visibility_timeout_s: int | None = None
    retention_s: int | None = None
    redrive_target: str | None = None
    max_receive_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """`name` is the log group's; `retention_days` is None when it never expires. `log_class` is STANDARD,
    INFREQUENT_ACCESS (FilterLogEvents refuses it) or another of AWS's."""

    KIND: ClassVar[str] = "log_group"

    name: str
    retention_days: int | None = None
    stored_bytes: int | None = None
    log_class: str | None = None
    created: datetime | None = None


URLS = "(urls)"
"""Where a function's URLs are listed (`Trigger.part`). No alias can have this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What may invoke a function, as a statement of its resource policy, a function URL or an EventBridge
    rule says. Event source mappings are entities of their own.

    `name` is `function:qualifier:` and the statement's id (or `url`, or the source's ARN). `kind` is one of
    `core.triggers.KINDS`, or the name of a service that has no title there. `state` is the source's own
    (ENABLED, DISABLED, or NOT_FOUND when a grant outlived it), None when it was not or cannot be read;
    `schedule` is its rate or cron expression. `is_public`: anyone may invoke.
    """

    KIND: ClassVar[str] = "trigger"

    name: str
    function: str
    qualifier: str | None = None
    kind: str
    source_arn: str | None = None
    source_account: str | None = None
    principal: str | None = None
    is_public: bool = False
    state: str | None = None
    schedule: str | None = None
    targets_function: bool | None = None
    auth_type: str | None = None
    invoke_mode: str | None = None

    @property
    def part(self) -> str:
        """Where it was told: URLS, or the alias whose policy did ("": the function's own)."""
        is_url = self.kind == "function-url" and self.principal is None
        return URLS if is_url else self.qualifier or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer version that a function uses; `name` is its ARN. `latest` is the newest version's number."""

    KIND: ClassVar[str] = "layer"

    name: str
    layer: str
    version: int
    created: datetime | None = None
    latest: int | None = None
    latest_created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProvider:
    """A capacity provider of Managed Instances; `name` is its own."""

    KIND: ClassVar[str] = "capacity_provider"

    name: str
    arn: str
    state: str | None = None
    architectures: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    max_vcpus: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMode:
    """How a function's log is read: every invocation, aggregated or off; `name` is the function's.

    `why` is a sentence; `bytes_a_day` is what the choice rests on (None: not known); `usd_a_month` is what
    the mode costs.
    """

    KIND: ClassVar[str] = "log_mode"

    name: str
    mode: str
    why: str
    bytes_a_day: float | None = None
    usd_a_month: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a function's metrics are read, and why so; `name` is the function's."""

    KIND: ClassVar[str] = "cadence"

    name: str
    every_s: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    """Where X-Ray of the region keeps spans. `name` is always `account`. `destination` is XRay or
    CloudWatchLogs (Transaction Search: spans may be there only), `indexed_percent` its indexed share.
    `scanned_per_hour` is how many traces the newest summaries scanned, which is what they are charged by."""

    KIND: ClassVar[str] = "trace_settings"

    name: str = "account"
    destination: str | None = None
    status: str | None = None
    indexed_percent: float | None = None
    scanned_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm that is about Lambda; `name` is its own, unique in the region.

    `kind` is metric, math (several metrics or an expression), anomaly (a band) or composite (of other alarms,
    `rule`). A composite has no metric; one of math has that of its first Lambda metric. `state` is OK, ALARM
    or INSUFFICIENT_DATA since `state_since`. `missing` is how missing data counts. The three counts are
    actions for each state; what they are (ARNs) is not kept.
    """

    KIND: ClassVar[str] = "alarm"

    name: str
    kind: str
    state: str
    reason: str | None = None
    state_since: datetime | None = None
    last_modified: datetime | None = None
    description: str | None = None
    function: str | None = None
    namespace: str | None = None
    metric: str | None = None
    statistic: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    period_s: int | None = None
    periods: int | None = None
    datapoints: int | None = None
    comparison: str | None = None
    threshold: float | None = None
    missing: str | None = None
    rule: str | None = None
    actions_enabled: bool = True
    alarm_actions: int = 0
    ok_actions: int = 0
    no_data_actions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFinding:
    """What AWS Compute Optimizer finds of one version of a function; `name` is `function:version`.

    `finding` is Optimized, NotOptimized or Unavailable, `reasons` AWS's codes for it (InsufficientData,
    MemoryOverprovisioned ...). The rest is of its first recommendation: None where there is none.
    """

    KIND: ClassVar[str] = "optimizer"

    name: str
    function: str
    version: str
    finding: str
    reasons: tuple[str, ...] = ()
    memory_mb: int | None = None
    recommended_mb: int | None = None
    saves_usd_month: float | None = None
    duration_low_ms: float | None = None
    duration_high_ms: float | None = None
    invocations: float | None = None
    lookback_days: float | None = None
    refreshed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """A price of the region, as AWS's Price List tells it. `price` is one of `core.meters.Meter.price`.

    `name` holds the price, its architecture and `since` (the day AWS says that it holds from, ISO 8601), so
    that older prices stay. `tiers` are lower bounds to USD a unit, both text of exact decimals.
    """

    KIND: ClassVar[str] = "price"

    name: str
    price: str
    architecture: str
    since: str
    tiers: Mapping[str, str]
    source: str


class Charge(NamedTuple):
    """One line of a day, as Cost Explorer groups them. `service` is as a Cost and Usage Report writes it,
    `kind` AWS's word for the record type; `quantity` and `usd` (unblended) are text of exact decimals."""

    service: str
    usage_type: str
    kind: str
    quantity: str
    usd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedDay:
    """What AWS charged for a UTC day (`name`, ISO 8601) of the account in the region, by Cost Explorer.

    `is_estimated`: AWS may still change it. No `charges`: it was asked, and there was nothing.
    """

    KIND: ClassVar[str] = "charged_day"

    name: str
    is_estimated: bool
    charges: tuple[Charge, ...]


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
    | ApiCall
    | Metered
)
Entity = (
    Function
    | Version
    | Alias
    | EventSourceMapping
    | Reserved
    | Provisioned
    | InvokeConfig
    | AccountLimits
    | Queue
    | LogGroup
    | Trigger
    | Layer
    | CapacityProvider
    | LogMode
    | Cadence
    | TraceSettings
    | Alarm
    | ListPrice
    | OptimizerFinding
    | ChargedDay
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
    ApiCall,
    Metered,
)
ENTITIES: tuple[type[Entity], ...] = (
    Function,
    Version,
    Alias,
    EventSourceMapping,
    Reserved,
    Provisioned,
    InvokeConfig,
    AccountLimits,
    Queue,
    LogGroup,
    Trigger,
    Layer,
    CapacityProvider,
    LogMode,
    Cadence,
    TraceSettings,
    Alarm,
    ListPrice,
    OptimizerFinding,
    ChargedDay,
)

VOLATILE: Mapping[str, frozenset[str]] = {
    "queue": frozenset({"visible", "not_visible", "delayed"}),
    "log_group": frozenset({"stored_bytes"}),
    "account_limits": frozenset({"code_size_bytes", "function_count"}),
    "provisioned": frozenset({"allocated", "available"}),
    "mapping": frozenset({"last_result"}),
    "layer": frozenset({"latest", "latest_created"}),
    "log_mode": frozenset({"bytes_a_day", "usd_a_month", "why"}),
    "cadence": frozenset({"every_s", "why"}),
    "trace_settings": frozenset({"scanned_per_hour"}),
    "alarm": frozenset({"state", "reason", "state_since"}),
    "price": frozenset({"source"}),
    "charged_day": frozenset({"is_estimated", "charges"}),
    "optimizer": frozenset(
        {
            "saves_usd_month",
            "duration_low_ms",
            "duration_high_ms",
            "invocations",
            "lookback_days",
            "refreshed",
        }
    ),
}
"""Fields that move by themselves: kept, but a new value is no configuration change."""

READ_LATER: frozenset[str] = frozenset({"trace_settings"})
"""Kinds that are kept before all of them could be read: a first value after None is no change."""


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


# --- what a run says beside its facts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """Every entity of `kind` (below `function`, if given) was listed in this run: the others are gone.

    With `part`, only those that have this `part`: what is listed in several calls of which each may fail.
    """

    kind: str
    function: str | None = None
    part: str | None = None


ACCOUNT = "(account)"
"""The scope of what AWS tells of an account and region as such. No thing of AWS's can have this name."""


@dataclass(frozen=True, slots=True)
class Covered:
    """`window` was read in full for `scope` (a function, a queue, ACCOUNT, or "" for the whole target).

    A run that yields no Covered and no Gap covers its own window with scope "". `settled` False keeps the
    whole window provisional, so that the next run reads it again.
    """

    scope: str
    window: Window
    period_s: int = 0
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """`window` could not be read for `scope`; `why` is a sentence, `permission` the missing action."""

    scope: str
    window: Window
    why: str
    permission: str | None = None


Fact = Telemetry | Rows | Entity | Listed | Covered | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls made and what AWS bills for them. `units` are billed units (metrics requested for GetMetricData,
    else calls); `cost_usd` is text of an exact decimal, None when the price is not known."""

    service: str
    operation: str
    calls: int
    units: int
    cost_usd: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one collector on one target. `outcome` is ok, partial, denied, failed or skipped."""

    collector: str
    target: Target
    window: Window
    period_s: int
    started_at: datetime
    finished_at: datetime
    outcome: str
    error: str | None = None
    permission: str | None = None
    facts: int = 0
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the store knows of one target: handed to collectors that ask about known things."""

    functions: tuple[Function, ...] = ()
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    mappings: tuple[EventSourceMapping, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    invoke_configs: tuple[InvokeConfig, ...] = ()
    queues: tuple[Queue, ...] = ()
    limits: AccountLimits | None = None
    log_groups: tuple[LogGroup, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    layers: tuple[Layer, ...] = ()
    capacity_providers: tuple[CapacityProvider, ...] = ()
    log_modes: tuple[LogMode, ...] = ()
    cadences: tuple[Cadence, ...] = ()
    trace_settings: TraceSettings | None = None
    alarms: tuple[Alarm, ...] = ()
    async_settings_of: frozenset[str] = frozenset()
    """Functions whose asynchronous settings were read: what is not among `invoke_configs` does not exist."""
