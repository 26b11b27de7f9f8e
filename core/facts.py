"""What collectors learn, as frozen records. A fact has no account and no region: the run that learned it has.

Telemetry facts (many, kept in Parquet) have a `KIND` and a `KEY`: a later fact with the same key replaces the
earlier one. Entities (few, kept in the state database with their history) have a `KIND` and a `name`.
Every field that AWS may leave out is None when it does: None is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

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

    `scope` is function, resource (a `function` with `resource` = alias or version), mapping (`resource` = its
    UUID) or account. Counts are sums of the period; `_max` are maxima; percentiles are as CloudWatch computed
    them for this period, and must never be averaged. None: no datapoint, or not asked.
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
    None when only the summary was read."""

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


# --- entities -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function's configuration ($LATEST). Never holds environment variables, code locations or KMS keys."""

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
    """An event source mapping; `name` is its UUID."""

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
    """`name` is the log group's; `retention_days` is None when it never expires."""

    KIND: ClassVar[str] = "log_group"

    name: str
    retention_days: int | None = None
    stored_bytes: int | None = None


Telemetry = MetricPoint | InvocationRecord | LogEvent | TraceRecord | QueueSample
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
)
TELEMETRY: tuple[type[Telemetry], ...] = (MetricPoint, InvocationRecord, LogEvent, TraceRecord, QueueSample)
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
)

VOLATILE: Mapping[str, frozenset[str]] = {
    "queue": frozenset({"visible", "not_visible", "delayed"}),
    "log_group": frozenset({"stored_bytes"}),
    "account_limits": frozenset({"code_size_bytes", "function_count"}),
    "provisioned": frozenset({"allocated", "available"}),
    "mapping": frozenset({"last_result"}),
}
"""Fields that move by themselves: kept, but a new value is no configuration change."""


# --- what a run says beside its facts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """Every entity of `kind` (below `function`, if given) was listed in this run: the others are gone."""

    kind: str
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """`window` was read in full for `scope` (a function, a queue, or "" for the whole target).

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


Fact = Telemetry | Entity | Listed | Covered | Gap


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
