"""What the store counts of each function (`core.facts.Metered`), and which meter of the bill that is."""

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
    def component(self) -> str:
        return METERS[self.meter].component

    def units(self, quantity: Decimal, month: date) -> Decimal:
        """A quantity in the meter's unit; GB-Months are of the hours that the month has."""
        units = quantity / self.per_unit
        return units / hours_of(month) if self.is_by_month else units


def hours_of(month: date) -> int:
    return 24 * calendar.monthrange(month.year, month.month)[1]


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
        "Memory of each published version with SnapStart (other than Java's), from its publication until it"
        " is deleted, three hours at least.",
    ),
    Count(
        "snapstart_restore_mb",
        "snapstart_restore",
        1024,
        "Memory of each environment that records say was restored from a snapshot (other than Java's).",
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
    Count("edge_requests", "edge_requests", 1, "Invocations of replicas of Lambda@Edge."),
    Count(
        "edge_duration_mb_ms",
        "edge_duration",
        MB_MS,
        "Duration times memory of replicas of Lambda@Edge, as for other functions.",
    ),
    Count(
        "event_poller_ms",
        "event_pollers",
        HOUR_MS,
        "The least number of event pollers that a mapping of Kafka asks for, as long as it exists: an"
        " estimate, more may run.",
    ),
    Count(
        "event_poller_sqs_ms",
        "event_pollers_sqs",
        HOUR_MS,
        "The least number of event pollers that a mapping of SQS asks for, as long as it exists: an"
        " estimate, more may run.",
    ),
    Count(
        "tenant_isolation_mb",
        "tenant_isolation",
        1024,
        "Memory of each environment started for a tenant, as its cold starts are recorded.",
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
        "IncomingBytes of the function's log group, class INFREQUENT_ACCESS.",
    ),
    Count(
        "log_storage_byte_hours",
        "log_storage",
        GIB,
        "storedBytes of the function's log group as it was last listed, for every hour: an estimate. It is"
        " not known before the group was first listed, nor of a group that functions share.",
        is_by_month=True,
    ),
    Count(
        "traces",
        "traces",
        1,
        "Traces that were read and name the function; one that names several is divided evenly: an estimate.",
    ),
    Count(
        "queue_requests",
        "queue_requests",
        1,
        "Of standard queues that feed the function: messages sent, receives (empty ones, and messages by the"
        " batch) and deletions by the batch: an estimate.",
    ),
    Count(
        "queue_requests_fifo",
        "queue_requests_fifo",
        1,
        "The same of FIFO queues.",
    ),
)

COUNTS: Mapping[str, Count] = {count.column: count for count in _ROWS}
"""By column. Quarterdeck's own calls (`quarterdeck`) and Managed Instances' hours (`instances`), of which
CloudWatch publishes no count, are no usage of functions."""
