"""What the store counts of each function (`core.telemetry.Metered`), and which meter of the bill that is."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.meters import METERS
from core.prices import GIB

MB_MS = 1024 * 1000
"""Megabyte-milliseconds in a GB-second."""

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Count:
    """A column of usage: `per_unit` of it make one unit of its meter. `counted` is the formula in words, and
    what is assumed."""

    column: str
    meter: str
    per_unit: int
    counted: str
    is_by_month: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether anything fills the column; if not, 0 in it means nothing."""
        return not self.counted.startswith("Not counted")

    @property
    def component(self) -> str:
        return METERS[self.meter].component

    def units(self, quantity: Decimal, month: date) -> Decimal:
        """A quantity in the meter's unit; GB-Months are of the hours that the month has."""
        units = quantity / self.per_unit
        return units / hours_of(month) if self.is_by_month else units


def hours_of(month: date) -> int:
    return 24 * calendar.monthrange(month.year, month.month)[1]


_QUEUES = (
    "Messages sent, received (both in chunks of 64 KB, at their mean size) and deleted, and empty receives,"
    " of queues that feed a function or catch its failures. An upper bound: a batch of up to ten messages is"
    " one request. A queue of several functions counts at the first: the one it feeds, then by name."
)

_ROWS = (
    Count(
        "requests",
        "requests",
        1,
        "Invocations that CloudWatch counts; records where its metrics have a hole.",
    ),
    Count(
        "request_payload_chunks",
        "request_payload_chunks",
        1,
        "Not counted: AWS publishes no size of asynchronous events.",
    ),
    Count(
        "duration_mb_ms",
        "duration",
        MB_MS,
        "Billed Duration less initialization, times memory, of records. Elsewhere the sum of Duration plus"
        " half a millisecond for each invocation (every one is billed to the next whole millisecond), at the"
        " function's own memory: then cold starts are lacking.",
    ),
    Count(
        "init_mb_ms",
        "init",
        MB_MS,
        "What Billed Duration of a cold start exceeds the rounded-up Duration, times memory.",
    ),
    Count(
        "ephemeral_mb_ms",
        "ephemeral",
        MB_MS,
        "Billed Duration times /tmp beyond the free 512 MB.",
    ),
    Count(
        "provisioned_capacity_mb_ms",
        "provisioned_capacity",
        MB_MS,
        "Environments asked for, times memory, as long as they are configured; used or not.",
    ),
    Count(
        "provisioned_duration_mb_ms",
        "provisioned_duration",
        MB_MS,
        "Duration times memory of invocations that provisioned environments served.",
    ),
    Count(
        "provisioned_spillover_mb_ms",
        "provisioned_spillover",
        MB_MS,
        "Duration times memory of invocations that a version with provisioned concurrency served on demand.",
    ),
    Count(
        "snapstart_cache_mb_ms",
        "snapstart_cache",
        MB_MS,
        "Memory of each version that has SnapStart on, from its publication until it is deleted, three"
        " hours at least. Managed Java runtimes are free. That Lambda may drop the cache of a version that"
        " nobody invokes for 14 days is not looked at.",
    ),
    Count(
        "snapstart_restore_mb",
        "snapstart_restore",
        1024,
        "Memory of every invocation whose REPORT has a Restore Duration, but for managed Java runtimes."
        " Without records restores are not known.",
    ),
    Count("streamed_bytes", "streamed", GIB, "Not counted: AWS publishes no size of streamed responses."),
    Count("durable_operations", "durable_operations", 1, "DurableExecutionOperations, as CloudWatch counts."),
    Count(
        "durable_written_bytes",
        "durable_written",
        GIB,
        "DurableExecutionStorageWrittenBytes, as CloudWatch counts.",
    ),
    Count(
        "durable_kept_byte_hours",
        "durable_kept",
        GIB,
        "Not counted: AWS publishes no size of what is kept.",
        is_by_month=True,
    ),
    Count(
        "edge_requests",
        "edge_requests",
        1,
        "Requests of replicas, functions that name a master, in the regions that are watched. Elsewhere"
        " they are in CloudWatch's metrics of us-east-1.NAME in the region that served the viewer.",
    ),
    Count("edge_duration_mb_ms", "edge_duration", MB_MS, "Billed time of those replicas, times memory."),
    Count(
        "event_poller_ms",
        "event_pollers",
        HOUR_MS,
        "EventPollerUnit of Kafka mappings in provisioned mode, at the most that CloudWatch says of each"
        " minute, of each five in history: an upper bound. Minutes without any have the fewest units that"
        " their fewest pollers fit in, four to a unit. Mappings of a poller group share units, and are"
        " counted one by one.",
    ),
    Count(
        "event_poller_sqs_ms",
        "event_pollers_sqs",
        HOUR_MS,
        "ProvisionedPollers of SQS mappings in provisioned mode, at the most of each period, an upper bound;"
        " the fewest that are set where it says nothing.",
    ),
    Count(
        "tenant_isolation_mb",
        "tenant_isolation",
        1024,
        "Memory of every cold start of a function that isolates its tenants: each is a new environment."
        " Without records they are not known.",
    ),
    Count(
        "log_ingest_bytes",
        "log_ingest",
        GIB,
        "IncomingBytes of the function's log group, class STANDARD or one that is not known.",
    ),
    Count(
        "log_ingest_ia_bytes",
        "log_ingest_ia",
        GIB,
        "IncomingBytes of the function's log group, class INFREQUENT_ACCESS as it is now.",
    ),
    Count(
        "log_storage_byte_hours",
        "log_storage",
        GIB,
        "storedBytes of the function's log group when the hour was counted (AWS brings it up to date about"
        " once a day), for as long as the group is there.",
        is_by_month=True,
    ),
    Count(
        "traces",
        "traces",
        1,
        "Traces that X-Ray lists as recorded and that a function took part in, each once: of several"
        " functions, at the first by name.",
    ),
    Count("queue_requests", "queue_requests", 1, f"{_QUEUES} Standard queues."),
    Count("queue_requests_fifo", "queue_requests_fifo", 1, f"{_QUEUES} FIFO queues."),
)

COUNTS: Mapping[str, Count] = {count.column: count for count in _ROWS}
"""By column. Quarterdeck's own calls (`quarterdeck`) are no usage of functions; hours of Managed Instances
(`instances`) cannot be counted."""

UNCOUNTED: Mapping[str, str] = {
    "streaming": "AWS publishes no size of streamed responses",
    "instances": "AWS publishes the vCPUs of a capacity provider, but no count or hours of its instances",
}
"""Components of a bill that no total has, and why."""
