"""Counts what AWS calls cost and holds them to a rate per service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from core.facts import Usage

_FREE = Decimal(0)
_PER_UNIT_USD: Mapping[str, Decimal] = {
    # https://aws.amazon.com/cloudwatch/pricing/: GetMetricData per metric requested, the rest per call
    "cloudwatch": Decimal("0.00001"),
    # https://aws.amazon.com/xray/pricing/: per trace retrieved or scanned
    "xray": Decimal("0.0000005"),
    # https://aws.amazon.com/sqs/pricing/: standard queues, per request
    "sqs": Decimal("0.0000004"),
    "lambda": _FREE,
    "logs": _FREE,
    "sts": _FREE,
    "resourcegroupstaggingapi": _FREE,
}
_UNPRICED = frozenset({"Invoke", "StartQuery", "StartLiveTail"})
"""Billed by what they do, not by the call."""


def unit_price_usd(service: str, operation: str) -> Decimal | None:
    """What one billed unit of an operation costs, without free amounts; None when it is not known."""
    return None if operation in _UNPRICED else _PER_UNIT_USD.get(service)


def requested_units(operation: str, params: Mapping[str, Any]) -> int:
    """Billed units that a request asks for.

    Whether several statistics of one metric count once is not documented: here each counts.
    """
    if operation == "GetMetricData":
        return sum("MetricStat" in query for query in params.get("MetricDataQueries", ()))
    if operation == "BatchGetTraces":
        return len(params.get("TraceIds", ()))
    return 0 if operation == "GetTraceSummaries" else 1


def answered_units(operation: str, answer: Mapping[str, Any]) -> int:
    """Billed units that only the answer tells: traces that a summary request scanned."""
    return int(answer.get("TracesProcessedCount", 0)) if operation == "GetTraceSummaries" else 0


class Meter:
    """Calls and billed units, per thread: runs side by side on one connection keep separate accounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, dict[tuple[str, str], list[int]]] = {}

    def add(self, service: str, operation: str, *, calls: int, units: int) -> None:
        with self._lock:
            of_thread = self._counts.setdefault(threading.get_ident(), {})
            count = of_thread.setdefault((service, operation), [0, 0])
            count[0] += calls
            count[1] += units

    def take(self) -> tuple[Usage, ...]:
        """What this thread used since it last asked."""
        with self._lock:
            counts = self._counts.pop(threading.get_ident(), {})
        return tuple(_usage(*key, *count) for key, count in sorted(counts.items()))


def _usage(service: str, operation: str, calls: int, units: int) -> Usage:
    price = unit_price_usd(service, operation)
    cost_usd = None if price is None else f"{(price * units).normalize():f}"
    return Usage(service=service, operation=operation, calls=calls, units=units, cost_usd=cost_usd)


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
