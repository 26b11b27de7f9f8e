"""What a bill of Lambda counts: a row per meter, which usage, prices, tiers and reconciliation go by."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

LAMBDA_PAGE = "https://aws.amazon.com/lambda/pricing/"
LOGS_PAGE = "https://aws.amazon.com/cloudwatch/pricing/"
XRAY_PAGE = "https://aws.amazon.com/xray/pricing/"
SQS_PAGE = "https://aws.amazon.com/sqs/pricing/"

LAMBDA, CLOUDWATCH, XRAY, SQS = "AWSLambda", "AmazonCloudWatch", "AWSXRay", "AWSQueueService"
OWN = "Quarterdeck"
"""The service of our own API calls: they are on the bill under many services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One thing that is counted.

    `component` is what pages group by; `unit` is AWS's word (GB is 1,024^3 bytes, GB-Seconds of 1,024 MB).
    `price` names the price it is charged at: several meters may share one. `by_architecture`: its price and
    its tiers are kept per processor (of `instances`: per instance type). `tiered` names the tiers it counts
    towards at payer, region and month, `free` the monthly free amount it draws on; None: none.
    `savings_plan`: Compute Savings Plans cover it. `service` and `usage_types` (regular expressions of the
    whole usage type, its region's prefix taken off) find it in a Cost and Usage Report, where meters that
    share a usage type cannot be told apart.
    """

    name: str
    component: str
    unit: str
    price: str
    service: str
    usage_types: tuple[str, ...]
    source: str
    by_architecture: bool = False
    tiered: str | None = None
    free: str | None = None
    savings_plan: bool = False

    @property
    def pool(self) -> str:
        """What it is charged together with: the same price, tiers, free amount and plan."""
        return self.tiered or self.price


def _lambda(name: str, component: str, unit: str, *usage_types: str, **more: Any) -> Meter:
    told: dict[str, Any] = {"price": name, "service": LAMBDA, "source": LAMBDA_PAGE} | more
    return Meter(name=name, component=component, unit=unit, usage_types=usage_types, **told)


_REQUEST = "Request(-ARM)?"
_GB_SECOND = "Lambda-GB-Second(-ARM)?"
_ON_DEMAND: dict[str, Any] = {
    "price": "duration",
    "by_architecture": True,
    "tiered": "duration",
    "free": "gb_seconds",
    "savings_plan": True,
}
_PROVISIONED: dict[str, Any] = {"by_architecture": True, "savings_plan": True}
_REQUESTS: dict[str, Any] = {"price": "requests", "free": "requests"}

_ROWS = (
    _lambda("requests", "requests", "Requests", _REQUEST, **_REQUESTS),
    # What an asynchronous event is charged beyond its first 256 KB: one request for each further 64 KB.
    _lambda("request_payload_chunks", "requests", "Requests", _REQUEST, **_REQUESTS),
    _lambda("duration", "duration", "GB-Seconds", _GB_SECOND, **_ON_DEMAND),
    _lambda("init", "init", "GB-Seconds", _GB_SECOND, **_ON_DEMAND),
    _lambda("ephemeral", "ephemeral", "GB-Seconds", "Lambda-Storage-GB-Second(-ARM)?"),
    _lambda(
        "provisioned_capacity",
        "provisioned",
        "GB-Seconds",
        "Lambda-Provisioned-Concurrency(-ARM)?",
        **_PROVISIONED,
    ),
    _lambda(
        "provisioned_duration",
        "provisioned",
        "GB-Seconds",
        "Lambda-Provisioned-GB-Second(-ARM)?",
        **_PROVISIONED,
    ),
    _lambda("provisioned_spillover", "duration", "GB-Seconds", _GB_SECOND, **_ON_DEMAND),
    _lambda("snapstart_cache", "snapstart", "GB-Seconds", "Lambda-SnapStart-Cached-GB-S(econd)?(-ARM)?"),
    _lambda("snapstart_restore", "snapstart", "GB", "Lambda-SnapStart-Restored-GB(-ARM)?"),
    _lambda(
        "streamed", "streaming", "GB", "Lambda-Streaming-Response-Processed-Bytes(-ARM)?", free="streamed"
    ),
    _lambda("durable_operations", "durable", "Operations", "Lambda-Durable-Execution-Operations"),
    _lambda("durable_written", "durable", "GB", "Lambda-Durable-Execution-Written-Bytes"),
    _lambda("durable_kept", "durable", "GB-Month", "Lambda-Durable-Execution-TimedStorage-ByteHrs"),
    _lambda(
        "instances",
        "instances",
        "Hours",
        "Lambda-Managed-Instances-.+-Management-Hours",
        by_architecture=True,
    ),
    _lambda("edge_requests", "edge", "Requests", "Lambda-Edge-Request"),
    _lambda("edge_duration", "edge", "GB-Seconds", "Lambda-Edge-GB-Second"),
    _lambda("event_pollers", "pollers", "Hours", "Lambda-Event-Poller-Unit-Hour"),
    _lambda("event_pollers_sqs", "pollers", "Hours", "Lambda-SQS-Event-Poller-Unit-Hour"),
    _lambda(
        "tenant_isolation",
        "tenancy",
        "GB",
        "Lambda-Tenant-Isolated-Environment-Memory-GB(-ARM)?",
        by_architecture=True,
    ),
    Meter(
        name="log_ingest",
        component="logs",
        unit="GB",
        price="log_ingest",
        tiered="log_ingest",
        service=CLOUDWATCH,
        usage_types=("VendedLog-Bytes", "DataProcessing-Bytes"),
        source=LOGS_PAGE,
    ),
    Meter(
        name="log_ingest_ia",
        component="logs",
        unit="GB",
        price="log_ingest_ia",
        tiered="log_ingest_ia",
        service=CLOUDWATCH,
        usage_types=("VendedLogIA-Bytes", "DataProcessingIA-Bytes"),
        source=LOGS_PAGE,
    ),
    Meter(
        name="log_storage",
        component="log storage",
        unit="GB-Month",
        price="log_storage",
        free="log_storage",
        service=CLOUDWATCH,
        usage_types=("TimedStorage-ByteHrs",),
        source=LOGS_PAGE,
    ),
    Meter(
        name="traces",
        component="tracing",
        unit="Traces",
        price="traces",
        free="traces",
        service=XRAY,
        usage_types=("XRay-TracesStored",),
        source=XRAY_PAGE,
    ),
    Meter(
        name="queue_requests",
        component="queues",
        unit="Requests",
        price="queue_requests",
        free="queue_requests",
        service=SQS,
        usage_types=("Requests(-RBP)?", "Requests-Tier1"),
        source=SQS_PAGE,
    ),
    Meter(
        name="queue_requests_fifo",
        component="queues",
        unit="Requests",
        price="queue_requests_fifo",
        free="queue_requests",
        service=SQS,
        usage_types=("Requests-FIFO(-RBP)?", "Requests-FIFO-Tier1"),
        source=SQS_PAGE,
    ),
    # What our own calls cost, counted in USD already: `store.readers.budget` knows their prices.
    Meter(
        name="quarterdeck",
        component="quarterdeck",
        unit="USD",
        price="quarterdeck",
        service=OWN,
        usage_types=(),
        source="the usage table of paid calls",
    ),
)

METERS: Mapping[str, Meter] = {meter.name: meter for meter in _ROWS}

COMPONENTS: tuple[str, ...] = tuple(dict.fromkeys(meter.component for meter in _ROWS))
"""In the order pages show them."""

FREE_A_MONTH: Mapping[str, Decimal] = {
    "requests": Decimal(1_000_000),
    "gb_seconds": Decimal(400_000),
    "streamed": Decimal(100),
    "log_storage": Decimal(5),
    "traces": Decimal(100_000),
    "queue_requests": Decimal(1_000_000),
}
"""AWS's monthly free amounts, in the meters' units: per payer, over all regions and architectures together.

Source: the pricing pages above. Of log ingest none is taken off: AWS does not say that its 5 GB hold for
Lambda's logs, which are charged as vended logs.
"""


@dataclass(frozen=True, slots=True)
class Used:
    """`quantity` of a meter, in the meter's unit. `key` is whatever the caller groups by (a function, a
    version, a day); `architecture` matters where the meter's price goes by it."""

    key: Hashable
    account: str
    region: str
    architecture: str
    meter: str
    quantity: Decimal | float


_PREFIX = re.compile(r"^[A-Z]{2,4}\d?-")
"""What usage types of other regions than us-east-1 begin with: USE2-, EU-, APN1-."""


def without_prefix(usage_type: str) -> str:
    """A usage type as us-east-1 writes it."""
    return _PREFIX.sub("", usage_type)


def meters_of(service: str, usage_type: str) -> tuple[str, ...]:
    """The meters that a line of a Cost and Usage Report may mean; none: it is not one of ours."""
    bare = without_prefix(usage_type)
    return tuple(
        meter.name
        for meter in METERS.values()
        if meter.service == service and any(re.fullmatch(known, bare) for known in meter.usage_types)
    )


def total(used: Iterable[Used]) -> Decimal:
    """The sum of quantities, exactly; a float counts as the decimal it was written as."""
    return sum((exact(one.quantity) for one in used), Decimal(0))


def exact(quantity: Decimal | float) -> Decimal:
    """The decimal a float was written as (0.1 is 0.1)."""
    if isinstance(quantity, Decimal | int):
        return Decimal(quantity)
    return Decimal(str(float(quantity)))
