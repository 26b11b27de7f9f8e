"""What is told of some functions only: extensions, durable executions, instances, failed batch items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import number, rows
from store.readers.records import FUNCTION_POINTS
from store.store import Snapshot, Store

DURABLE = ("started", "succeeded", "failed", "timed_out", "stopped")
REASONS = ("cpu", "memory", "disk", "concurrency")


@dataclass(frozen=True, slots=True)
class Extensions:
    """How long extensions kept an environment after the function had answered: per invocation on average, at
    most, and as a share (0..1) of all duration, which is billed."""

    mean_ms: float
    max_ms: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Durable:
    """Durable executions by what became of them in the window, and how long the longest that ended took."""

    started: float
    succeeded: float
    failed: float
    timed_out: float
    stopped: float
    longest_ms: float | None


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches that were handed back in part, as the function logged; `items` (of them all) is None unless it
    logged that too."""

    batches: int
    failed: float
    items: float | None


@dataclass(frozen=True, slots=True)
class Particulars:
    """None: nothing is told of it in the window. `refused` counts by what Managed Instances lacked. `state`
    and `log_state` say how well metrics and log were read."""

    extensions: Extensions | None
    durable: Durable | None
    refused: dict[str, float] | None
    batches: Batches | None
    state: str | None
    log_state: str | None


_SUMS = [f"durable_{name}" for name in DURABLE] + [f"{name}_throttles" for name in REASONS]
_TOLD = "FILTER (extensions_sum_ms IS NOT NULL)"


@reader
def particulars(store: Store, target: Target, function: str, window: Window, *, now: datetime) -> Particulars:
    """Of one function over a window.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    place = (target.account, target.region, function)
    with store.snapshot(window, ("metrics", "batch_failures"), place=place) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        (told,) = rows(_metrics(snapshot))
        (batches,) = rows(_batches(snapshot))
    return Particulars(
        _extensions(told),
        _durable(told),
        _refused(told),
        Batches(int(batches.batches), batches.failed, number(batches.items)) if batches.batches else None,
        coverage.seen("metrics", *place).state(),
        coverage.seen("logs", *place).state(),
    )


def _metrics(snapshot: Snapshot) -> Any:
    sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
    return snapshot.frame(
        f"""SELECT {sums}, max(durable_duration_max_ms) AS durable_longest_ms,
            sum(extensions_sum_ms) AS extensions_ms, max(extensions_max_ms) AS extensions_max_ms,
            sum(invocations) {_TOLD} AS invocations, sum(duration_sum_ms) {_TOLD} AS duration_ms
        FROM metrics WHERE {FUNCTION_POINTS}"""
    )


def _batches(snapshot: Snapshot) -> Any:
    """Items only where every batch was logged with them: else failed ones would be of too few."""
    return snapshot.frame(
        """SELECT count(*) AS batches, sum(failed) AS failed,
            CASE WHEN count(items) = count(*) THEN sum(items) END AS items FROM batch_failures"""
    )


def _extensions(told: Any) -> Extensions | None:
    spent, invocations = number(told.extensions_ms), number(told.invocations)
    if spent is None or not invocations:
        return None
    most, duration = number(told.extensions_max_ms), number(told.duration_ms)
    return Extensions(spent / invocations, most or 0.0, spent / duration if duration else None)


def _durable(told: Any) -> Durable | None:
    counts = {name: number(getattr(told, f"durable_{name}")) for name in DURABLE}
    if all(count is None for count in counts.values()):
        return None
    known = {name: count or 0.0 for name, count in counts.items()}
    return Durable(**known, longest_ms=number(told.durable_longest_ms))


def _refused(told: Any) -> dict[str, float] | None:
    counts = {name: number(getattr(told, f"{name}_throttles")) for name in REASONS}
    if all(count is None for count in counts.values()):
        return None
    return {name: count or 0.0 for name, count in counts.items()}
