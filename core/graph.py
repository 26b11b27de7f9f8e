"""The service graph of traces: who calls whom, how often, how long, with what outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.spans import Span, ancestors, flatten

SERVICE, FUNCTION = "AWS::Lambda", "AWS::Lambda::Function"
UNTOLD = "service"
"""The kind of a segment that names no origin: a program of one's own."""

Key = tuple[str, str]
"""A node: name and kind."""

CLIENT: Key = ("client", "client")
"""Whoever called what no traced service called."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Calls and their outcome. `errors` are the caller's (4xx), `faults` the service's (5xx), `throttles` 429
    (which X-Ray counts as errors too); `failed` are calls with any of them. Durations are of the `timed`
    calls, those that have ended."""

    calls: int = 0
    errors: int = 0
    faults: int = 0
    throttles: int = 0
    failed: int = 0
    timed: int = 0
    duration_sum_ms: float = 0.0
    duration_max_ms: float | None = None

    def add(self, call: Call, duration_ms: float | None) -> None:
        self.calls += 1
        self.errors += call.error
        self.faults += call.fault
        self.throttles += call.throttle
        self.failed += call.error or call.fault or call.throttle
        if duration_ms is not None:
            self.timed += 1
            self.duration_sum_ms += duration_ms
            self.duration_max_ms = max(duration_ms, self.duration_max_ms or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One visit to a node. `waited_ms` is how long the caller waited, `worked_ms` how long the node worked:
    they differ for functions, whose service segment holds queueing and retries."""

    source: Key
    target: Key
    error: bool
    fault: bool
    throttle: bool
    waited_ms: float | None
    worked_ms: float | None


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges (source, target) over `traces` traces. The calls of the edges into a node add up to its
    own."""

    nodes: dict[Key, Tally] = field(default_factory=dict)
    edges: dict[tuple[Key, Key], Tally] = field(default_factory=dict)
    traces: int = 0


def graph(documents: Iterable[Any]) -> Graph:
    """Of traces, each as its segments in parsed JSON. What is no segment is passed over.

    A function is one node, though X-Ray has two segments of it (the service's and the function's own), and a
    call is counted once, though both its caller and its callee tell of it.
    """
    nodes: dict[Key, Tally] = {}
    edges: dict[tuple[Key, Key], Tally] = {}
    count = 0
    for count, document in enumerate(documents, start=1):  # noqa: B007 - the last number is the count
        for call in calls(flatten(document)):
            nodes.setdefault(call.source, Tally())
            nodes.setdefault(call.target, Tally()).add(call, call.worked_ms)
            edges.setdefault((call.source, call.target), Tally()).add(call, call.waited_ms)
    return Graph(nodes, edges, count)


def calls(spans: list[Span]) -> Iterator[Call]:
    """Each visit of one trace: a segment, or a call whose other side no segment tells of."""
    by_id = {span.id: span for span in spans}
    homes = {span.id: _home(span, by_id) for span in spans}
    real = {span.parent_id for span in spans if span.is_segment and not span.inferred}
    segments = [s for s in spans if s.is_segment and not (s.inferred and s.parent_id in real)]
    inner = _inner(segments, homes)
    parts: dict[str, list[Span]] = {}
    for segment in segments:
        if segment.id in inner:
            parts.setdefault(inner[segment.id], []).append(segment)
    answered = {above.id for segment in segments for above in _calls_above(segment, by_id)}
    for segment in segments:
        if segment.id not in inner:
            yield _visit(segment, parts.get(segment.id, []), homes[segment.id])
    for span in spans:
        if span.callee and span.id not in answered and not any(a.callee for a in _calls_above(span, by_id)):
            yield _guess(span, span.callee, homes[span.id])


def _home(span: Span, by_id: Mapping[str, Span]) -> Span | None:
    """The segment that it lies in, or that caused it."""
    return next((above for above in ancestors(span, by_id) if above.is_segment), None)


def _calls_above(span: Span, by_id: Mapping[str, Span]) -> Iterator[Span]:
    """The subsegments it lies in, up to their segment."""
    for above in ancestors(span, by_id):
        if above.is_segment:
            return
        yield above


def _inner(segments: list[Span], homes: Mapping[str, Span | None]) -> dict[str, str]:
    """Functions' own segments by id, with the id of the service's segment that they are a part of."""
    found = {}
    for segment in segments:
        home = homes[segment.id]
        if (
            segment.kind == FUNCTION
            and home is not None
            and home.kind == SERVICE
            and home.name == segment.name
        ):
            found[segment.id] = home.id
    return found


def key(span: Span) -> Key:
    """The node of a segment; both of Lambda's kinds are the function."""
    return span.name, FUNCTION if span.kind == SERVICE else span.kind or UNTOLD


def _visit(segment: Span, own: list[Span], home: Span | None) -> Call:
    told = [segment, *own]
    worked = [span.duration_ms for span in own if span.duration_ms is not None]
    return Call(
        source=CLIENT if home is None else key(home),
        target=key(segment),
        error=any(span.error for span in told),
        fault=any(span.fault for span in told),
        throttle=any(span.throttle for span in told),
        waited_ms=segment.duration_ms,
        worked_ms=sum(worked) if worked else segment.duration_ms,
    )


def _guess(span: Span, target: Key, home: Span | None) -> Call:
    """A call that only its caller tells of."""
    return Call(
        source=CLIENT if home is None else key(home),
        target=target,
        error=span.error,
        fault=span.fault,
        throttle=span.throttle,
        waited_ms=span.duration_ms,
        worked_ms=span.duration_ms,
    )
