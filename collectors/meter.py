"""Counts what AWS calls cost and holds them to a rate per service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from core.facts import Usage
from core.live import SCANNED_BYTE_USD

BILLED_CHUNK_BYTES = 65_536
"""SQS and SNS bill every 64 KB of a payload as a request."""

FIFO_USD = Decimal("0.0000005")
_FREE = Decimal(0)
_PER_UNIT_USD: Mapping[str, Decimal] = {
    # https://aws.amazon.com/cloudwatch/pricing/: GetMetricData per metric requested, the rest per call
    "cloudwatch": Decimal("0.00001"),
    # https://aws.amazon.com/sqs/pricing/: standard queues, per 64 KB of a request
    "sqs": Decimal("0.0000004"),
    # https://aws.amazon.com/sns/pricing/: per 64 KB published to a standard topic, as which a
    # FIFO topic is counted; deliveries are apart
    "sns": Decimal("0.0000005"),
    # https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/: per page
    "ce": Decimal("0.01"),
    **dict.fromkeys(("account", "cloudtrail", "ec2", "events", "iam", "lambda", "logs", "scheduler"), _FREE),
    **dict.fromkeys(("pricing", "resourcegroupstaggingapi", "service-quotas", "sts", "xray"), _FREE),
}
_TRACE_USD = Decimal("0.0000005")
_PER_OPERATION_USD: Mapping[str, Decimal | None] = {
    # https://aws.amazon.com/xray/pricing/: per trace retrieved or scanned
    "BatchGetTraces": _TRACE_USD,
    "GetTraceGraph": _TRACE_USD,
    "GetTraceSummaries": _TRACE_USD,
    # They scan traces too, and do not tell how many.
    "GetServiceGraph": None,
    "GetTimeSeriesServiceStatistics": None,
    "StartQuery": SCANNED_BYTE_USD,
    # Billed by what they do, not by the call.
    "Invoke": None,
    "StartLiveTail": None,
    "StartTraceRetrieval": None,
    "StartExecution": None,  # 0.025 USD per 1,000 state transitions, which it does not tell
}
ONLY_KNOWN_AFTERWARDS = frozenset({"GetTraceSummaries", "StartQuery"})
"""Operations whose billed units the answer tells: nothing is known of them before."""


def unit_price_usd(service: str, operation: str) -> Decimal | None:
    """What one billed unit of an operation costs, without free amounts; None when it is not known."""
    if operation in _PER_OPERATION_USD:
        return _PER_OPERATION_USD[operation]
    return _PER_UNIT_USD.get(service)


def request_price_usd(service: str, operation: str, params: Mapping[str, Any]) -> Decimal | None:
    """As `unit_price_usd`, of a certain request: FIFO queues are dearer."""
    queue = str(params.get("QueueUrl") or params.get("QueueName") or "")
    return FIFO_USD if service == "sqs" and queue.endswith(".fifo") else unit_price_usd(service, operation)


def requested_units(operation: str, params: Mapping[str, Any]) -> int:
    """Billed units that a request asks for.

    Every attempt and every page of an answer is a request of its own. AWS does not say whether it bills a
    throttled attempt, a further page, or several statistics of one metric as more than one: here all count,
    so ours is the upper bound.
    """
    if operation == "GetMetricData":
        return sum("MetricStat" in query for query in params.get("MetricDataQueries", ()))
    if operation in ("BatchGetTraces", "GetTraceGraph"):
        return len(params.get("TraceIds", ()))
    if operation == "Publish":
        return chunks(len(str(params.get("Message", "")).encode()))
    return 0 if operation in ONLY_KNOWN_AFTERWARDS else 1


def chunks(size_bytes: int) -> int:
    """How many requests SQS or SNS makes of a payload."""
    return max(1, -(-size_bytes // BILLED_CHUNK_BYTES))


def answered_units(operation: str, answer: Mapping[str, Any]) -> int:
    """Billed units that only the answer tells: traces scanned, and what received messages add."""
    if operation == "GetTraceSummaries":
        return int(answer.get("TracesProcessedCount") or 0)
    if operation == "ReceiveMessage":
        bodies = (str(message.get("Body", "")) for message in answer.get("Messages", ()))
        return chunks(sum(len(body.encode()) for body in bodies)) - 1
    return 0


def scanned_bytes(answer: Mapping[str, Any]) -> int:
    """What a Logs Insights query has scanned so far, as GetQueryResults tells."""
    return int((answer.get("statistics") or {}).get("bytesScanned") or 0)


class Meter:
    """Calls and billed units, per thread: runs side by side on one connection keep separate accounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, dict[tuple[str, str], _Count]] = {}
        self._scanned: dict[str, int] = {}

    def add(
        self, service: str, operation: str, *, calls: int, units: int, price_usd: Decimal | None = None
    ) -> None:
        """Count; `price_usd` is that of a unit where it is not the operation's usual one."""
        price = unit_price_usd(service, operation) if price_usd is None else price_usd
        with self._lock:
            of_thread = self._counts.setdefault(threading.get_ident(), {})
            of_thread.setdefault((service, operation), _Count()).add(calls, units, price)

    def newly_scanned(self, query_id: str, total_bytes: int) -> int:
        """What of a query's scanned bytes was not counted yet: each look at its results tells all so far."""
        with self._lock:
            before = self._scanned.get(query_id, 0)
            self._scanned[query_id] = max(before, total_bytes)
            return max(0, total_bytes - before)

    def take(self) -> tuple[Usage, ...]:
        """What this thread used since it last asked."""
        with self._lock:
            counts = self._counts.pop(threading.get_ident(), {})
        return tuple(_usage(*key, count) for key, count in sorted(counts.items()))


class _Count:
    __slots__ = ("calls", "cost_usd", "units")

    def __init__(self) -> None:
        self.calls, self.units = 0, 0
        self.cost_usd: Decimal | None = _FREE

    def add(self, calls: int, units: int, price_usd: Decimal | None) -> None:
        self.calls += calls
        self.units += units
        unknown = self.cost_usd is None or price_usd is None
        self.cost_usd = None if unknown else (self.cost_usd or _FREE) + (price_usd or _FREE) * units


def _usage(service: str, operation: str, count: _Count) -> Usage:
    cost_usd = None if count.cost_usd is None else f"{count.cost_usd.normalize():f}"
    return Usage(
        service=service, operation=operation, calls=count.calls, units=count.units, cost_usd=cost_usd
    )


class Pace:
    """A token bucket: at most `per_s` calls a second over time, one second's worth at once."""

    def __init__(
        self,
        per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_s, self._burst = per_s, max(1.0, per_s)
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._tokens, self._at = self._burst, clock()

    def wait(self) -> None:
        """Take a token, sleeping until it is there."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s) - 1
            self._at = now
            wait_s = -self._tokens / self._per_s if self._tokens < 0 else 0.0
        if wait_s > 0:
            self._sleep(wait_s)
