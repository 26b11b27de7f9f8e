"""X-Ray traces: a summary of each, and the segments of those that failed or took longest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Learned, Reach
from collectors.meter import unit_price_usd
from core.errors import AccessDeniedError
from core.facts import Covered, Gap, TraceRecord
from core.signatures import mask

TRACES_A_CALL = 5
LONGEST_DOCUMENT = 200_000
_LAMBDA = "AWS::Lambda"
_FREE_FORM = frozenset({"metadata", "sql", "query"})
"""Parts of a segment that programs fill as they like: not kept."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Traces with a Lambda function in them. Without the right to read segments the summaries are kept."""
    summaries = [parse_summary(answer) for answer in _fetch_summaries(aws, ask) if may_be_ours(answer)]
    documents: dict[str, str] = {}
    try:
        for trace in _fetch_traces(aws, worth_reading(summaries, ask.settings.max_traces_per_run)):
            documents[trace["Id"]] = to_document(trace)
    except AccessDeniedError as error:
        yield Gap("segments", ask.window, str(error), error.permission)
    for summary in summaries:
        record = with_document(summary, documents.get(summary.trace_id))
        if record.functions:
            yield record
    yield Covered("", ask.window)


def _fetch_summaries(aws: Aws, ask: Ask) -> Iterator[Mapping[str, Any]]:
    window = {"StartTime": ask.window.start, "EndTime": ask.window.end}
    for page in aws.pages("xray", "get_trace_summaries", Sampling=False, **window):
        yield from page.get("TraceSummaries", ())


def _fetch_traces(aws: Aws, ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for at in range(0, len(ids), TRACES_A_CALL):
        for page in aws.pages("xray", "batch_get_traces", TraceIds=list(ids[at : at + TRACES_A_CALL])):
            yield from page.get("Traces", ())


def may_be_ours(answer: Mapping[str, Any]) -> bool:
    """Whether a Lambda function took part, or the summary does not say who did."""
    services = answer.get("ServiceIds")
    return not services or bool(functions_of(services))


def parse_summary(answer: Mapping[str, Any]) -> TraceRecord:
    """A trace as GetTraceSummaries gives it; without services in it `functions` is empty."""
    trace_id = answer["Id"]
    return TraceRecord(
        trace_id=trace_id,
        ts=answer.get("StartTime") or started(trace_id),
        duration_ms=_ms(answer.get("Duration")),
        response_ms=_ms(answer.get("ResponseTime")),
        has_error=bool(answer.get("HasError")),
        has_fault=bool(answer.get("HasFault")),
        has_throttle=bool(answer.get("HasThrottle")),
        root=answer.get("EntryPoint", {}).get("Name"),
        functions=functions_of(answer.get("ServiceIds", ())),
    )


def started(trace_id: str) -> datetime:
    """When a trace began, to the second: its id says so (`1-<seconds, hex>-<random>`)."""
    return datetime.fromtimestamp(int(trace_id.split("-")[1], 16), UTC)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def functions_of(services: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of Lambda functions among services; each is there twice, as the service and as the function."""
    types = (_LAMBDA, f"{_LAMBDA}::Function")
    return tuple(sorted({s["Name"] for s in services if s.get("Type") in types and s.get("Name")}))


def worth_reading(summaries: Sequence[TraceRecord], most: int) -> list[str]:
    """Ids of the traces to read in full: those that failed, then the slowest, `most` in all."""

    def order(trace: TraceRecord) -> tuple[bool, float, str]:
        bad = trace.has_fault or trace.has_error or trace.has_throttle
        return not bad, -(trace.response_ms or trace.duration_ms or 0.0), trace.trace_id

    return [trace.trace_id for trace in sorted(summaries, key=order)[:most]]


def to_document(trace: Mapping[str, Any]) -> str:
    """The segments of a trace as JSON text: secrets masked, free-form parts left out."""
    return json.dumps([cleaned(found) for found in _segments(trace)], separators=(",", ":"))


def _segments(trace: Mapping[str, Any]) -> Iterator[Any]:
    for segment in trace.get("Segments", ()):
        try:
            yield json.loads(segment["Document"])
        except (ValueError, RecursionError):
            continue  # a segment that is no JSON tells nothing


def cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): cleaned(item) for key, item in value.items() if key not in _FREE_FORM}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return mask(value) if isinstance(value, str) else value


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


def estimate_usd(ask: Ask) -> Decimal:
    """Traces read in full; how many the summaries scan is only known afterwards."""
    return ask.settings.max_traces_per_run * (unit_price_usd("xray", "BatchGetTraces") or Decimal(0))


COLLECTOR = Collector(
    name="traces",
    what="X-Ray traces through functions; segments of failing and slow ones.",
    every="traces_every",
    permissions=("xray:GetTraceSummaries", "xray:BatchGetTraces"),
    collect=collect,
    reach=Reach(piece=6 * HOUR),
    estimate_usd=estimate_usd,
)
