"""What a rule may look at: one row per signal, all that the engine needs to compute and to name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SubjectKind = Literal["function", "queue", "account", "collector"]
Missing = Literal["hold", "ok", "firing"]
Unit = Literal["share", "count", "ms", "s", "minutes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How to get from minute columns to one number per window.

    The number is the sum, maximum or minimum of `column` over the rule's window, divided by the sum of `per`.
    It is silent when all of it is null, or when `per` is zero. `samples` counts what the number rests on.
    `known` is the column that says which minutes were collected. `grows`: more data can only raise it, so a
    high number proves itself though minutes are missing, and a low number of provisional minutes proves
    nothing. `missing` is what silence means unless a rule says otherwise.
    """

    subject: SubjectKind
    title: str
    unit: Unit
    column: str
    combine: Literal["sum", "max", "min"] = "sum"
    per: str | None = None
    samples: str | None = None
    known: str = "collected"
    grows: bool = False
    missing: Missing = "hold"
    role: str | None = None


def _count(title: str, column: str, *, missing: Missing = "ok", known: str = "collected") -> Signal:
    return Signal(
        subject="function", title=title, unit="count", column=column, known=known, grows=True, missing=missing
    )


SIGNALS: Mapping[str, Signal] = {
    "error_rate": Signal(
        subject="function",
        title="Error rate",
        unit="share",
        column="errors",
        per="invocations",
        samples="invocations",
    ),
    "errors": _count("Errors", "errors"),
    "invocations": _count("Invocations", "invocations"),
    "throttles": _count("Throttles", "throttles"),
    "duration_p95": Signal(
        subject="function",
        title="Duration p95",
        unit="ms",
        column="duration_p95_ms",
        combine="max",
        samples="invocations",
    ),
    "duration_share_of_timeout": Signal(
        subject="function",
        title="Duration p95 as a share of the timeout",
        unit="share",
        column="timeout_share",
        combine="max",
        samples="invocations",
    ),
    "cold_start_rate": Signal(
        subject="function",
        title="Cold start rate",
        unit="share",
        column="cold_starts",
        per="records",
        samples="records",
        known="records_collected",
        missing="ok",
    ),
    "timeouts": _count("Timeouts", "timeouts", known="records_collected"),
    "out_of_memory": _count("Out of memory kills", "out_of_memory", known="records_collected"),
    "iterator_age": Signal(
        subject="function",
        title="Iterator age",
        unit="ms",
        column="iterator_age_max_ms",
        combine="max",
        missing="ok",
    ),
    "async_dropped": _count("Dropped async events", "async_dropped"),
    "queue_depth": Signal(subject="queue", title="Queue depth", unit="count", column="depth", combine="max"),
    "queue_age": Signal(
        subject="queue",
        title="Age of the oldest message",
        unit="s",
        column="oldest_age_s",
        combine="max",
        missing="ok",
    ),
    "dead_letter_arrivals": Signal(
        subject="queue",
        title="Dead letter arrivals",
        unit="count",
        column="arrivals",
        grows=True,
        missing="ok",
        role="dead-letter",
    ),
    "concurrency_headroom": Signal(
        subject="account",
        title="Concurrency headroom",
        unit="share",
        column="headroom_share",
        combine="min",
    ),
    "collection_failing": Signal(
        subject="collector",
        title="Collection failing for",
        unit="minutes",
        column="failing_minutes",
        combine="max",
    ),
}


def say(value: float | None, unit: str) -> str:
    """A number with its unit, for a person: `12.4 %`, `1.8 s`, `340 ms`, `17`; `unknown` for None."""
    if value is None or value != value:
        return "unknown"
    if unit == "share":
        return f"{value * 100:.3g} %"
    if unit == "ms" and value >= 1000:
        return f"{value / 1000:.3g} s"
    if unit in {"ms", "s"}:
        return f"{value:.4g} {unit}"
    number = f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"
    return f"{number} minutes" if unit == "minutes" else number
