"""Why is there no trace? What configuration, records and collection say, the surest reason first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.entities import TraceSettings
from core.triggers import title_of

KEPT = timedelta(days=30)
"""How long X-Ray keeps a trace."""

SETTLES_WITHIN = timedelta(minutes=2)
"""How long X-Ray may take to list a trace that has ended."""

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
_ORDER = (CERTAIN, LIKELY, POSSIBLE)

PASS_THROUGH = "PassThrough"

UNTRACED = frozenset({"msk", "self-managed-kafka", "mq", "activemq", "rabbitmq", "documentdb"})
"""Kinds of event sources whose functions X-Ray does not trace (the names are those of `core.triggers`).

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

_OWN_TRACER = re.compile(
    r"\botel|opentelemetry|\badot|datadog|new-?relic|dynatrace|lumigo|elastic-apm|honeycomb|instana|sentry|coralogix",
    re.IGNORECASE,
)


def own_tracer(layers: Iterable[str]) -> str | None:
    """The name of a layer (of ARNs) that makes traces itself, as far as its name tells."""
    names = (arn.split(":")[6] for arn in layers if arn.count(":") >= 6)
    return next((name for name in names if _OWN_TRACER.search(name)), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no trace. `certainty` is certain, likely or possible; `do` is what would help."""

    code: str
    certainty: str
    what: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known. Of one invocation if `request_id` is given, else of a window up to `now`.

    `unread` is why traces of that time were not collected, `log_unread` why records were not; None: they
    were. `records`, `sampled` and `unsampled` count invocation records: all, those of traced requests, those
    of requests that were decided not to be. `traces` counts stored traces. `throttles` is None when it is not
    known. `traced_since` is when tracing was switched on, as far as it was seen. `sources` are the kinds of
    its event source mappings, `own_tracer` a layer of the function that makes traces itself.
    """

    now: datetime
    tracing_mode: str | None
    request_id: str | None = None
    at: datetime | None = None
    trace_id: str | None = None
    records: int = 0
    sampled: int = 0
    unsampled: int = 0
    traces: int = 0
    throttles: float | None = None
    traced_since: datetime | None = None
    unread: str | None = None
    permission: str | None = None
    log_unread: str | None = None
    settings: TraceSettings | None = None
    sources: tuple[str, ...] = ()
    own_tracer: str | None = None


def started(trace_id: str) -> datetime | None:
    """The time in a trace's id (`1-<seconds, hex>-<random>`); None in an id of another form."""
    parts = trace_id.split("-")
    try:
        return datetime.fromtimestamp(int(parts[1], 16), UTC)
    except (IndexError, ValueError, OverflowError, OSError):
        return None


def is_transaction_search(settings: TraceSettings | None) -> bool:
    """Whether spans go to CloudWatch Logs, and only a share of them is indexed as X-Ray traces."""
    return settings is not None and settings.destination == "CloudWatchLogs"


def transaction_search(settings: TraceSettings | None) -> str | None:
    """What Transaction Search means for the traces shown; None when it is off or not known."""
    if settings is None or not is_transaction_search(settings):
        return None
    share = "a share" if settings.indexed_percent is None else f"{settings.indexed_percent:g} %"
    return (
        f"Transaction Search is on: spans go to CloudWatch Logs (group aws/spans) and {share} of traces is"
        " indexed; X-Ray's BatchGetTraces, which is read here, does not find spans that are only in the logs"
    )


def why_no_trace(evidence: Evidence) -> list[Reason]:
    """Reasons in order of certainty; none when there is a trace."""
    if evidence.traces:
        return []
    found = [
        *_unsupported(evidence),
        *(_of_request(evidence) if evidence.request_id else _of_window(evidence)),
        *_elsewhere(evidence),
    ]
    return sorted(found, key=lambda reason: _ORDER.index(reason.certainty))


def _unsupported(e: Evidence) -> Iterator[Reason]:
    named = sorted({title_of(kind) for kind in e.sources if kind in UNTRACED})
    if named:
        yield Reason(
            "source-not-traced",
            LIKELY if e.sampled else CERTAIN,
            f"AWS does not support X-Ray for functions that read {' or '.join(named)}",
            "follow the request by its id in the logs instead",
        )


def _elsewhere(e: Evidence) -> Iterator[Reason]:
    if e.own_tracer:
        yield Reason(
            "own-tracer",
            POSSIBLE if e.tracing_mode == "Active" else LIKELY,
            f"layer {e.own_tracer} makes traces itself: they go where its own configuration says",
            "look there, or let it export to X-Ray",
        )


def _of_request(e: Evidence) -> Iterator[Reason]:
    if not e.records:
        yield from _unrecorded(e)
    elif e.unsampled:
        yield _not_sampled(f"the record of {e.request_id} says Sampled: false")
    elif e.trace_id is None:
        yield _unnamed(e)
    else:
        yield from _lost(e)


def _of_window(e: Evidence) -> Iterator[Reason]:
    if e.tracing_mode != "Active":
        yield _tracing_off(e, CERTAIN if not e.sampled else POSSIBLE)
    if e.unread:
        yield _not_collected(e)
    if not e.records:
        yield from _unrecorded(e)
    elif e.unsampled and not e.sampled:
        yield _not_sampled(f"none of {e.records} recorded invocations was sampled")
    elif e.sampled and not e.unread:
        yield from _gone_missing(e)
    elif e.tracing_mode == "Active" and not e.sampled:
        yield _unnamed(e)


def _unrecorded(e: Evidence) -> Iterator[Reason]:
    """No record of an invocation: its log was not read, or it never ran."""
    if e.log_unread:
        yield Reason(
            "log-not-read",
            CERTAIN,
            f"its record was not read: {e.log_unread}",
            "see the page Collection; the record tells whether the request was sampled",
        )
        return
    if e.throttles:
        yield Reason(
            "throttled",
            LIKELY,
            f"{e.throttles:g} requests were throttled: they never ran, so the function wrote no segment (one"
            " of Lambda's with status 429 exists only if the caller is traced)",
            "give it more concurrency; see the page Concurrency",
        )
    yield Reason(
        "no-record",
        POSSIBLE,
        "no invocation is recorded: it still runs, was never made, or is another function's",
        "check the request id and the function; wait until the invocation has ended",
    )


def _unnamed(e: Evidence) -> Reason:
    """Invocations whose records name no trace."""
    if e.tracing_mode != "Active":
        return _tracing_off(e, CERTAIN)
    if e.at and e.traced_since and e.at < e.traced_since:
        return Reason(
            "tracing-was-off",
            CERTAIN,
            f"tracing was switched on at {e.traced_since:%Y-%m-%d %H:%M} UTC, after this invocation",
            "look at a later invocation",
        )
    return Reason(
        "no-trace-id",
        LIKELY,
        "tracing is on, but the record names no trace: the request was not sampled, or the log leaves it out",
        RAISE,
    )


def _tracing_off(e: Evidence, certainty: str) -> Reason:
    mode = e.tracing_mode or "not known"
    return Reason(
        "tracing-off",
        certainty,
        f"the function's tracing mode is {mode}: Lambda hands on its caller's trace and records no more than"
        " that",
        "set the tracing mode to Active and give its role xray:PutTraceSegments and xray:PutTelemetryRecords",
    )


RAISE = (
    "Lambda's own rate (one request a second and 5 % of the rest) cannot be set: raise the rate of X-Ray's"
    " sampling rules for what calls it"
)


def _not_sampled(says: str) -> Reason:
    return Reason(
        "not-sampled",
        CERTAIN,
        f"{says}: a sampling rule, or the caller in its trace header, decided not to trace",
        RAISE,
    )


def _lost(e: Evidence) -> Iterator[Reason]:
    """A traced invocation whose trace is not stored."""
    at = (started(e.trace_id) if e.trace_id else None) or e.at
    if at and e.now - at > KEPT:
        yield Reason(
            "expired",
            CERTAIN,
            f"X-Ray keeps traces for {KEPT.days} days; this one began on {at:%Y-%m-%d}",
            "look at a newer invocation",
        )
    elif e.unread:
        yield _not_collected(e)
    elif at and e.now - at < SETTLES_WITHIN:
        yield Reason("not-yet", LIKELY, "X-Ray lists a trace some seconds after it ended", "look again soon")
    if e.tracing_mode == PASS_THROUGH and not e.sampled:
        yield _tracing_off(e, LIKELY)
    yield from _gone_missing(e)


def _not_collected(e: Evidence) -> Reason:
    do = f"give the role {e.permission} (see docs/iam.md)" if e.permission else "see the page Collection"
    return Reason("not-collected", CERTAIN, f"traces of that time were not read: {e.unread}", do)


def _gone_missing(e: Evidence) -> Iterator[Reason]:
    """What loses a sampled trace on its way."""
    if text := transaction_search(e.settings):
        yield Reason("only-in-logs", LIKELY, text, "search log group aws/spans for the trace's id")
    yield Reason(
        "not-delivered",
        POSSIBLE,
        "the request was sampled, but no segment arrived: Lambda drops them when the role may not write them",
        "give the function's role xray:PutTraceSegments and xray:PutTelemetryRecords",
    )
