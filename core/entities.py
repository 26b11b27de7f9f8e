"""What collectors learn of things that stay: few, kept in the state database with their history.

Each has a `KIND` and a `name`. Every field that AWS may leave out is None when it does: None is unknown,
never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple


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
