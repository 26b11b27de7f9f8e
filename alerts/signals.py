"""What a rule may look at: one row per signal, all that the engine needs to compute and to name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from alerts.units import Unit
from core.metrics import METRICS, Metric
from store.readers.line_minutes import lines_with
from store.readers.minutes import is_count

SubjectKind = Literal["function", "alias", "queue", "mapping", "provider", "account", "collector", "budget"]
Missing = Literal["hold", "ok", "firing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How to get from minute columns to one number per window.

    The number is the sum, maximum or minimum of `column` over the rule's window, divided by the sum of `per`
    (`per_hour`: by the window's length in hours). It is silent when all of it is null, or when `per` is zero.
    `samples` counts what the number rests on. `known` is the column that says which minutes were collected.
    `grows`: more data can only raise it, so a high number proves itself though minutes are missing, and a low
    number of provisional minutes proves nothing. `missing` is what silence means unless a rule says
    otherwise. `needs` is what a subject must have to be judged. `source` is where its columns come from, if
    that is not the minutes of its subject; `is_now` says that it tells of this moment only: there is no
    history to judge.
    """

    subject: SubjectKind
    title: str
    unit: Unit
    column: str
    combine: Literal["sum", "max", "min"] = "sum"
    per: str | None = None
    per_hour: bool = False
    samples: str | None = None
    known: str = "collected"
    grows: bool = False
    missing: Missing = "hold"
    needs: str | None = None
    source: str = ""
    is_now: bool = False

    @property
    def read_from(self) -> str:
        return self.source or self.subject

    @property
    def columns(self) -> frozenset[str]:
        """Those that it is computed from."""
        return frozenset(name for name in (self.column, self.per, self.samples) if name)


def _count(title: str, column: str, *, missing: Missing = "ok", known: str = "collected") -> Signal:
    return Signal(
        subject="function", title=title, unit="count", column=column, known=known, grows=True, missing=missing
    )


LOG_LINES = "log_lines"
"""The signal that counts lines with a text, which each rule says itself."""

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
    "memory_share": Signal(
        subject="function",
        title="Memory used of what is configured",
        unit="share",
        column="memory_share",
        combine="max",
        samples="records",
        known="records_collected",
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
    LOG_LINES: _count("Log lines", "", known="records_collected"),
    "iterator_age": Signal(
        subject="function",
        title="Iterator age",
        unit="ms",
        column="iterator_age_max_ms",
        combine="max",
        missing="ok",
    ),
    "async_dropped": _count("Dropped async events", "async_dropped"),
    "async_event_age": Signal(
        subject="function",
        title="Age of async events",
        unit="ms",
        column="async_age_max_ms",
        combine="max",
        missing="ok",
    ),
    "cost_usd_per_hour": Signal(
        subject="function",
        title="Cost per hour",
        unit="usd",
        column="cost_usd",
        per_hour=True,
        grows=True,
        missing="ok",
    ),
    "cost_anomaly": Signal(
        subject="function",
        title="Cost above the usual of a day",
        unit="dollars",
        column="excess_usd",
        combine="max",
        missing="ok",
        source="cost of a day",
        is_now=True,
    ),
    "reserved_headroom": Signal(
        subject="function",
        title="Headroom of its reserved concurrency",
        unit="share",
        column="reserved_headroom",
        combine="min",
        missing="ok",
        needs="reserved",
    ),
    "provisioned_headroom": Signal(
        subject="function",
        title="Headroom of its provisioned concurrency",
        unit="share",
        column="provisioned_headroom",
        combine="min",
        missing="ok",
        needs="provisioned",
    ),
    "silent_stop": Signal(
        subject="function",
        title="Overdue for",
        unit="minutes",
        column="overdue_minutes",
        combine="max",
        missing="ok",
        source="silence",
        is_now=True,
    ),
    "alias_error_rate": Signal(
        subject="alias",
        title="Error rate",
        unit="share",
        column="errors",
        per="invocations",
        samples="invocations",
    ),
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
        needs="dead-letter",
    ),
    "mapping_state": Signal(
        subject="mapping",
        title="Event source mapping",
        unit="state",
        column="is_broken",
        combine="max",
        missing="ok",
        source="mapping state",
        is_now=True,
    ),
    "concurrency_headroom": Signal(
        subject="account",
        title="Concurrency headroom",
        unit="share",
        column="headroom_share",
        combine="min",
    ),
    "unreserved_headroom": Signal(
        subject="account",
        title="Headroom of the unreserved pool",
        unit="share",
        column="unreserved_headroom",
        combine="min",
    ),
    "budget_used": Signal(
        subject="budget", title="Budget used", unit="of a budget", column="used", combine="max", is_now=True
    ),
    "budget_forecast": Signal(
        subject="budget",
        title="Budget at the month's end",
        unit="of a budget",
        column="forecast",
        combine="max",
        is_now=True,
    ),
    "collection_failing": Signal(
        subject="collector",
        title="Collection failing for",
        unit="minutes",
        column="failing_minutes",
        combine="max",
        is_now=True,
    ),
    "collection_age": Signal(
        subject="collector",
        title="Newest data is old by",
        unit="minutes",
        column="age_minutes",
        combine="max",
        is_now=True,
    ),
}

# --- metrics by CloudWatch's own name -----------------------------------------------------------------------

About = Literal["function", "alias", "account", "mapping", "queue", "provider"]
_ABOUT: Mapping[str, tuple[About, ...]] = {
    "function": ("function",),
    "log_group": ("function",),
    "insights": ("function",),
    "resource": ("function", "alias"),
    "account": ("account",),
    "mapping": ("mapping",),
    "queue": ("queue",),
    "instances": ("provider",),
    "environments": ("provider",),
}
"""Whose minutes hold a metric, by its scope. What only aliases and versions have is the function's too: the
worst of them. A function's own is not taken from its aliases."""

_UNITS: tuple[tuple[str, Unit], ...] = (
    ("_ms", "ms"),
    ("_s", "s"),
    ("_bytes", "bytes"),
    ("utilization_max", "number"),
    ("_mb", "number"),
)


@cache
def cloudwatch() -> Mapping[str, tuple[tuple[About, Metric], ...]]:
    """`AWS/Lambda.Errors` and the like: whom it is about and how it is read, statistic by statistic."""
    found = dict[str, list[tuple[About, Metric]]]()
    for metric in METRICS:
        known = found.setdefault(f"{metric.namespace}.{metric.name}", [])
        for about in _ABOUT.get(metric.scope, ()):
            if (about, metric.statistic) not in [(a, m.statistic) for a, m in known]:
                known.append((about, metric))
    return {name: tuple(metrics) for name, metrics in found.items() if metrics}


def choices(name: str, statistic: str | None, about: str | None) -> list[tuple[About, Metric]]:
    """What of a CloudWatch metric a rule may mean: nothing, one thing, or several."""
    found = [
        (whom, metric)
        for whom, metric in cloudwatch().get(name, ())
        if about in {None, whom} and (statistic is None or metric.statistic.lower() == statistic.lower())
    ]
    first = found[0][0] if found else None
    return [(whom, metric) for whom, metric in found if whom == first]


def of_metric(about: About, metric: Metric) -> Signal:
    """A sum is counted, of maxima and percentiles the worst minute tells."""
    added = metric.statistic in {"Sum", "SampleCount"}
    ends = (unit for end, unit in _UNITS if metric.field.endswith(end))
    return Signal(
        subject=about,
        title=f"{metric.name} ({metric.statistic})",
        unit=next(ends, "count"),
        column=metric.field,
        combine="sum" if added else "max",
        grows=added,
        missing="ok" if added and is_count(metric) else "hold",
    )


def of_lines(text: str) -> Signal:
    """Kept log lines of which `text` is a part."""
    return replace(SIGNALS[LOG_LINES], title=f"Log lines with “{text}”", column=lines_with(text))


def count_of(name: str, about: str) -> Signal | None:
    """The signal of that name, if it counts something of such subjects."""
    named = SIGNALS.get(name)
    if named is None:
        found = choices(name, "Sum", about)
        named = of_metric(*found[0]) if found else None
    counts = named is not None and named.unit == "count" and named.combine == "sum" and bool(named.column)
    return named if named is not None and counts and named.subject == about else None


def divided(signal: Signal, by: Signal) -> Signal:
    """How much of a count there was for each of another: silent where there was none of that."""
    return replace(
        signal,
        title=f"{signal.title} per {by.title}",
        unit="ratio",
        per=by.column,
        samples=by.column,
        grows=False,
        missing="hold",
    )


def named() -> Iterator[str]:
    """All that `signal:` may say."""
    yield from SIGNALS
    yield from cloudwatch()


def burning(signal: Signal) -> Signal:
    """The same signal as how fast it uses up an error budget."""
    return replace(signal, title=f"{signal.title}: error budget burn", unit="budgets")
