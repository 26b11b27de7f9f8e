"""One trace as rows from top to bottom: what ran within what, from when, for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.spans import Span, children, flatten


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span as a row. `offset_ms` counts from the trace's first span; None: not told, or still running.

    `kind` is a segment's origin, or what a subsegment called; "" for a part of its own segment. `status` is
    fault, throttle, error, running or ok.
    """

    depth: int
    id: str
    name: str
    kind: str
    offset_ms: float | None
    duration_ms: float | None
    status: str
    cause: str | None
    http_status: int | None
    request_id: str | None


def waterfall(document: Any) -> list[Bar]:
    """The rows of a trace's segments (parsed JSON): each span below the one it lies in, earlier first.

    Spans whose parent is not there stand at the top.
    """
    spans = flatten(document)
    first = _first(spans)
    return [_bar(span, depth, first) for span, depth in _ordered(spans)]


def began(document: Any) -> datetime | None:
    """When a trace's first span began: what offsets count from. None when no span tells."""
    first = _first(flatten(document))
    try:
        return None if first is None else datetime.fromtimestamp(first, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _first(spans: Iterable[Span]) -> float | None:
    return min((span.start_s for span in spans if span.start_s is not None), default=None)


def _ordered(spans: list[Span]) -> Iterable[tuple[Span, int]]:
    known, below, seen = {span.id for span in spans}, children(spans), set[str]()
    tops = [span for span in spans if span.parent_id not in known]
    circles = [span for span in spans if span.parent_id in known]  # reached from a top, or part of a circle
    waiting = [(span, 0) for span in [*reversed(circles), *reversed(_by_start(tops))]]
    while waiting:
        span, depth = waiting.pop()
        if span.id in seen:
            continue
        seen.add(span.id)
        yield span, depth
        waiting += [(part, depth + 1) for part in reversed(_by_start(below.get(span.id, [])))]


def _by_start(spans: list[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start_s is None, span.start_s or 0.0))


def _bar(span: Span, depth: int, first: float | None) -> Bar:
    known = span.start_s is not None and first is not None
    return Bar(
        depth=depth,
        id=span.id,
        name=span.callee[0] if span.callee else span.name,
        kind=span.kind or (span.callee[1] if span.callee else ""),
        offset_ms=round((span.start_s - first) * 1000, 3) if known else None,  # type: ignore[operator]
        duration_ms=span.duration_ms,
        status=_status(span),
        cause=span.cause,
        http_status=span.http_status,
        request_id=span.request_id,
    )


def _status(span: Span) -> str:
    if span.fault:
        return "fault"
    if span.throttle:
        return "throttle"
    if span.error:
        return "error"
    return "running" if span.in_progress else "ok"
