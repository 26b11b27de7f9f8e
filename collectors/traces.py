"""X-Ray traces: a summary of each, and the segments of those that failed or took longest."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Expected, Learned, Reach
from collectors.meter import unit_price_usd
from core.entities import TraceSettings
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError
from core.facts import Covered, Gap
from core.signatures import mask
from core.telemetry import TraceRecord
from core.tracing import is_transaction_search, started
from store.readers.tracing import held

TRACES_A_CALL = 5
LONGEST_DOCUMENT = 200_000
SCANNED_PER_HOUR = 3_600.0
"""Traces an hour of a target that was never read: X-Ray's default rule takes one a second, and few more."""
_FUNCTION, _SERVICE = "AWS::Lambda::Function", "AWS::Lambda"
_FREE_FORM = frozenset({"metadata", "sql", "query"})
"""Parts of a segment that programs fill as they like: not kept."""
_DAY = timedelta(days=1)


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Traces with a Lambda function in them. Without the right to read segments the summaries are kept.

    What is kept already and has not changed since is neither read nor written again.
    """
    listed = _fetch_summaries(aws, ask)
    settings = yield from _settings(aws, ask, listed.scanned)
    changed = [s for s in listed.summaries if not is_kept(s, ask.held.get(s.trace_id))]
    fetched = _fetch_documents(aws, worth_reading(changed, ask.settings.max_traces_per_run))
    for summary in changed:
        record = complete(summary, fetched.documents.get(summary.trace_id), ask.held.get(summary.trace_id))
        if record.functions and record != ask.held.get(summary.trace_id):
            yield record
    yield from to_gaps(listed, fetched, settings, ask)
    is_sure = fetched.error is None or isinstance(fetched.error, AccessDeniedError)
    may_come = ask.newest and (listed.missing or fetched.unread)
    yield Covered("", ask.window, settled=is_sure and not may_come)


# --- what is asked ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Summaries:
    """What GetTraceSummaries listed: how many traces, how many it says it went through, and those of ours."""

    listed: int = 0
    scanned: int = 0
    told: int = 0
    summaries: list[TraceRecord] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Traces that X-Ray went through and did not list, although all were asked for."""
        return max(0, self.told - self.listed)


def _fetch_summaries(aws: Aws, ask: Ask) -> Summaries:
    """All pages. Whether a page's TracesProcessedCount is its own or the answer's is not documented, so the
    largest is what must have been listed at least."""
    found = Summaries()
    window = {"StartTime": ask.window.start, "EndTime": ask.window.end}
    by_id: dict[str, TraceRecord] = {}
    for page in aws.pages("xray", "get_trace_summaries", Sampling=False, **window):
        answers, processed = page.get("TraceSummaries", ()), int(page.get("TracesProcessedCount", 0))
        found.listed += len(answers)
        found.told, found.scanned = max(found.told, processed), found.scanned + processed
        by_id |= {s.trace_id: s for answer in answers if may_be_ours(answer) and (s := parse_summary(answer))}
    found.summaries = list(by_id.values())
    return found


@dataclass(slots=True)
class Documents:
    """Segments as JSON text by trace, traces that X-Ray did not hand out, and what ended the reading."""

    documents: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    error: AwsError | None = None


def _fetch_documents(aws: Aws, ids: Sequence[str]) -> Documents:
    """Segments of traces, five a call; those that X-Ray leaves unprocessed are asked for once more."""
    found, waiting = Documents(), list(ids)
    try:
        for _ in range(2):
            batches = [waiting[at : at + TRACES_A_CALL] for at in range(0, len(waiting), TRACES_A_CALL)]
            waiting = [left for batch in batches for left in _fetch_batch(aws, batch, found.documents)]
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        found.error = error
    found.unread = [id_ for id_ in waiting if id_ not in found.documents]
    return found


def _fetch_batch(aws: Aws, batch: list[str], documents: dict[str, str]) -> list[str]:
    """Add what is answered to `documents`; returns the traces that are not."""
    segments: dict[str, list[Any]] = defaultdict(list)
    unprocessed: list[str] = []
    for page in aws.pages("xray", "batch_get_traces", TraceIds=batch):
        unprocessed += page.get("UnprocessedTraceIds", ())
        for trace in page.get("Traces", ()):
            segments[trace["Id"]] += trace.get("Segments", ())
    documents |= {id_: to_document({"Segments": found}) for id_, found in segments.items()}
    return [id_ for id_ in unprocessed if id_ in batch and id_ not in documents]


def _settings(aws: Aws, ask: Ask, scanned: int) -> Generator[Learned, None, TraceSettings]:
    """Where spans go and how many traces there are, with the newest piece only. Returns what is known now;
    what cannot be read now stays as it was."""
    known = ask.known.trace_settings or TraceSettings()
    if not ask.newest:
        return known
    try:
        known = _fetch_settings(aws)
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        gap = Gap("trace settings", ask.window, str(error), error.permission)
        yield gap if error.permission or error.retryable else Expected(gap)
    hours = ask.window.duration / HOUR
    known = replace(known, scanned_per_hour=round(scanned / hours, 1) if hours else known.scanned_per_hour)
    yield known
    return known


def _fetch_settings(aws: Aws) -> TraceSettings:
    client = aws.client("xray")
    answer = client.get_trace_segment_destination()
    found = TraceSettings(destination=answer.get("Destination"), status=answer.get("Status"))
    if not is_transaction_search(found):
        return found
    return replace(found, indexed_percent=indexed_percent(client.get_indexing_rules()))


def indexed_percent(answer: Mapping[str, Any]) -> float | None:
    """The share of traces that Transaction Search also indexes as X-Ray traces, in percent as AWS sets it."""
    rules = [rule.get("Rule", {}).get("Probabilistic", {}) for rule in answer.get("IndexingRules", ())]
    told = [rule.get("ActualSamplingPercentage", rule.get("DesiredSamplingPercentage")) for rule in rules]
    return next((float(percent) for percent in told if percent is not None), None)


# --- what the answers say -----------------------------------------------------------------------------------


def may_be_ours(answer: Mapping[str, Any]) -> bool:
    """Whether a Lambda function took part, or the summary does not say who did. None without an id."""
    if not answer.get("Id"):
        return False
    services = answer.get("ServiceIds")
    return not services or bool(functions_of(services))


def parse_summary(answer: Mapping[str, Any]) -> TraceRecord:
    """A trace as GetTraceSummaries gives it; without services in it `functions` is empty."""
    trace_id = answer["Id"]
    return TraceRecord(
        trace_id=trace_id,
        ts=began(trace_id, answer.get("StartTime")),
        duration_ms=_ms(answer.get("Duration")),
        response_ms=_ms(answer.get("ResponseTime")),
        has_error=bool(answer.get("HasError")),
        has_fault=bool(answer.get("HasFault")),
        has_throttle=bool(answer.get("HasThrottle")),
        root=answer.get("EntryPoint", {}).get("Name"),
        functions=functions_of(answer.get("ServiceIds", ())),
        revision=answer.get("Revision"),
        partial=answer.get("IsPartial"),
        http_status=answer.get("Http", {}).get("HttpStatus"),
    )


def began(trace_id: str, told: datetime | None) -> datetime:
    """When a trace began, to the second: as its id says, which stays when the trace grows, and `told`, its
    start of the moment, may not. An id of a W3C trace holds no time: then it is `told`."""
    by_id = started(trace_id)
    if by_id is not None and (told is None or abs(told - by_id) <= _DAY):
        return by_id
    return told or datetime.fromtimestamp(0, UTC)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def functions_of(services: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of Lambda functions among services; each is there twice, as the service and as the function."""
    types = (_SERVICE, _FUNCTION)
    return tuple(sorted({s["Name"] for s in services if s.get("Type") in types and s.get("Name")}))


def is_kept(summary: TraceRecord, kept: TraceRecord | None) -> bool:
    """Whether the trace is stored with its segments and has not grown since."""
    return kept is not None and kept.document is not None and is_same(summary, kept)


def is_same(summary: TraceRecord, kept: TraceRecord) -> bool:
    """Whether a summary says nothing new. The functions may have been learned from the segments."""
    functions = summary.functions or kept.functions
    return replace(summary, functions=functions, document=None) == replace(kept, document=None)


def is_bad(trace: TraceRecord) -> bool:
    return trace.has_fault or trace.has_error or trace.has_throttle


def worth_reading(summaries: Sequence[TraceRecord], most: int) -> list[str]:
    """Ids of the traces to read in full, `most` in all.

    First the slowest failing one of each function, then the slowest good one of each, so that a noisy
    function leaves room for the others; then the other failing ones, a function's second before any one's
    third; then the other slow ones.
    """
    ranks: dict[str, int] = {}
    seen: dict[tuple[str, bool], int] = defaultdict(int)
    for trace in sorted(summaries, key=_slowest_first):
        mine = [(function, is_bad(trace)) for function in trace.functions or ("",)]
        ranks[trace.trace_id] = min(seen[one] for one in mine)
        for one in mine:
            seen[one] += 1

    def order(trace: TraceRecord) -> tuple[bool, bool, int, float, str]:
        rank = ranks[trace.trace_id]
        return rank > 0, not is_bad(trace), rank, *_slowest_first(trace)

    return [trace.trace_id for trace in sorted(summaries, key=order)[:most]]


def _slowest_first(trace: TraceRecord) -> tuple[float, str]:
    return -(trace.response_ms or trace.duration_ms or 0.0), trace.trace_id


def to_document(trace: Mapping[str, Any]) -> str:
    """The segments of a trace as JSON text: secrets masked, free-form parts left out."""
    return json.dumps([cleaned(found) for found in _segments(trace)], separators=(",", ":"))


def _segments(trace: Mapping[str, Any]) -> Iterator[Any]:
    for segment in trace.get("Segments", ()):
        try:
            yield json.loads(segment["Document"])
        except (KeyError, TypeError, ValueError, RecursionError):
            continue  # a segment that is missing or no JSON tells nothing


def cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): cleaned(item) for key, item in value.items() if key not in _FREE_FORM}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return mask(value) if isinstance(value, str) else value


def complete(summary: TraceRecord, document: str | None, kept: TraceRecord | None) -> TraceRecord:
    """The summary with its segments: those just read, else those kept of an earlier reading."""
    if document is not None:
        return with_document(summary, document)
    if kept is None:
        return summary
    return replace(summary, functions=summary.functions or kept.functions, document=kept.document)


def with_document(summary: TraceRecord, document: str | None) -> TraceRecord:
    """Add the segments, which name the functions if the summary does not; an overlong one is left out."""
    if document is None:
        return summary
    functions = summary.functions or functions_of(
        {"Name": segment.get("name"), "Type": segment.get("origin")}
        for segment in json.loads(document)
        if isinstance(segment, dict)
    )
    kept = document if len(document) <= LONGEST_DOCUMENT else None
    return replace(summary, functions=functions, document=kept)


def to_gaps(
    listed: Summaries, fetched: Documents, settings: TraceSettings, ask: Ask
) -> Iterator[Gap | Expected]:
    """What of the window could not be read, and why."""
    if listed.missing:
        why = (
            f"X-Ray went through {listed.told} traces and listed {listed.listed}: some summaries are missing"
        )
        yield Gap("summaries", ask.window, why)
    if fetched.error is not None:
        yield Gap("segments", ask.window, str(fetched.error), fetched.error.permission)
    elif fetched.unread:
        why = f"X-Ray handed out no segments of {len(fetched.unread)} traces ({fetched.unread[0]} ...)"
        if is_transaction_search(settings):
            why += (
                "; with Transaction Search on, spans may be in CloudWatch Logs only, where they are not read"
            )
            yield Expected(Gap("segments", ask.window, why))
        else:
            yield Gap("segments", ask.window, why)


def estimate_usd(ask: Ask) -> Decimal:
    """Traces read in full, and those that the summaries scan: as many an hour as in the newest run."""
    known = ask.known.trace_settings
    per_hour = known.scanned_per_hour if known and known.scanned_per_hour is not None else SCANNED_PER_HOUR
    scanned = Decimal(str(round(per_hour * (ask.window.duration / HOUR), 3)))
    read = ask.settings.max_traces_per_run * (unit_price_usd("xray", "BatchGetTraces") or Decimal(0))
    return read + scanned * (unit_price_usd("xray", "GetTraceSummaries") or Decimal(0))


COLLECTOR = Collector(
    name="traces",
    what="X-Ray traces through functions; segments of failing and slow ones; where spans are kept.",
    every="traces_every",
    permissions=(
        "xray:GetTraceSummaries",
        "xray:BatchGetTraces",
        "xray:GetTraceSegmentDestination",
        "xray:GetIndexingRules",
    ),
    collect=collect,
    reach=Reach(piece=6 * HOUR),
    estimate_usd=estimate_usd,
    recall=held,
)
