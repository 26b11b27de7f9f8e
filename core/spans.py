"""X-Ray's segment documents as a flat list of spans: whatever the JSON holds, nothing here raises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_CAUSE = 500
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A segment or a subsegment. Times are seconds since the epoch, None while it runs or when not told.

    `kind` is a segment's origin (AWS::Lambda), `namespace` a subsegment's (aws, remote): it was a call then,
    and `callee` is the thing called: name and kind, as far as the subsegment tells. `inferred`: X-Ray made
    the segment up from its caller's subsegment.
    """

    id: str
    parent_id: str | None
    name: str
    is_segment: bool
    kind: str | None = None
    namespace: str | None = None
    callee: tuple[str, str] | None = None
    inferred: bool = False
    start_s: float | None = None
    end_s: float | None = None
    error: bool = False
    fault: bool = False
    throttle: bool = False
    in_progress: bool = False
    cause: str | None = None
    http_status: int | None = None
    request_id: str | None = None

    @property
    def duration_ms(self) -> float | None:
        if self.start_s is None or self.end_s is None:
            return None
        return round(max(0.0, self.end_s - self.start_s) * 1000, 3)

    @property
    def failed(self) -> bool:
        return self.error or self.fault or self.throttle


def flatten(document: Any) -> list[Span]:
    """Spans of one trace, parents before children; `document` is its segments as parsed JSON.

    A segment that was sent twice (while it ran, and again when it had ended) is there once. Ids are unique:
    a missing or repeated one is replaced.
    """
    spans: list[Span] = []
    taken: set[str] = set()
    waiting: list[tuple[Mapping[str, Any], str | None, bool]] = [
        (segment, None, segment.get("type") != "subsegment") for segment in reversed(_segments(document))
    ]
    while waiting:
        value, parent_id, is_segment = waiting.pop()
        span = _span(value, _unused(value.get("id"), taken, len(spans)), parent_id, is_segment)
        taken.add(span.id)
        spans.append(span)
        parts = value.get("subsegments")
        below = [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
        waiting += [(part, span.id, False) for part in reversed(below)]
    return spans


def _segments(document: Any) -> list[Mapping[str, Any]]:
    """Each segment once: the one that has ended rather than the one that runs, else the later."""
    found: dict[str, Mapping[str, Any]] = {}
    for number, segment in enumerate(document if isinstance(document, list) else ()):
        if isinstance(segment, Mapping):
            key = _text(segment.get("id")) or f"#{number}"
            if key not in found or not segment.get("in_progress"):
                found[key] = segment
    return list(found.values())


def _unused(value: Any, taken: set[str], number: int) -> str:
    wanted = _text(value)
    if wanted is not None and wanted not in taken:
        return wanted
    made = f"#{number}"
    while made in taken:
        made += "#"
    return made


def _span(value: Mapping[str, Any], id_: str, parent_id: str | None, is_segment: bool) -> Span:
    aws = _object(value.get("aws"))
    namespace = None if is_segment else _text(value.get("namespace"))
    name = _text(value.get("name")) or UNNAMED
    return Span(
        id=id_,
        parent_id=parent_id or _text(value.get("parent_id")),
        name=name,
        is_segment=is_segment,
        kind=_text(value.get("origin")) if is_segment else None,
        namespace=namespace,
        callee=callee(name, namespace, aws) if namespace in ("aws", "remote") else None,
        inferred=value.get("inferred") is True,
        start_s=_number(value.get("start_time")),
        end_s=_number(value.get("end_time")),
        error=value.get("error") is True,
        fault=value.get("fault") is True,
        throttle=value.get("throttle") is True,
        in_progress=value.get("in_progress") is True,
        cause=_cause(value.get("cause")),
        http_status=_status(value.get("http")),
        request_id=_text(aws.get("request_id")),
    )


_CALLED: tuple[tuple[str, str, str], ...] = (
    ("table_name", "AWS::DynamoDB::Table", "/"),
    ("queue_url", "AWS::SQS::Queue", "/"),
    ("topic_arn", "AWS::SNS", ":"),
    ("bucket_name", "AWS::S3::Bucket", "/"),
    ("function_name", "AWS::Lambda::Function", ":"),
)
"""Which of a call's parameters names the thing called, what kind it is, and what its name comes after."""


def callee(name: str, namespace: str | None, aws: Mapping[str, Any]) -> tuple[str, str]:
    """Name and kind of what a call went to; without a parameter that tells, the service or the host."""
    for field, kind, before in _CALLED:
        if told := _text(aws.get(field)):
            return told.rsplit(before, 1)[-1] or told, kind
    return name, f"AWS::{name}" if namespace == "aws" else "remote"


def ancestors(span: Span, by_id: Mapping[str, Span]) -> Iterator[Span]:
    """Those it lies in, the nearest first; a circle ends where it would begin anew."""
    seen = {span.id}
    while span.parent_id is not None and span.parent_id not in seen:
        parent = by_id.get(span.parent_id)
        if parent is None:
            return
        seen.add(parent.id)
        yield parent
        span = parent


def children(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Spans by the id of the one they lie in."""
    found: dict[str, list[Span]] = {}
    for span in spans:
        if span.parent_id is not None:
            found.setdefault(span.parent_id, []).append(span)
    return found


def _cause(value: Any) -> str | None:
    """The first exception as `Type: message`; None when it is only named by id."""
    exceptions = _object(value).get("exceptions")
    first = _object(exceptions[0] if isinstance(exceptions, list) and exceptions else None)
    parts = [text for key in ("type", "message") if (text := _text(first.get(key)))]
    return ": ".join(parts)[:LONGEST_CAUSE] or None


def _status(http: Any) -> int | None:
    status = _object(_object(http).get("response")).get("status")
    return status if isinstance(status, int) and not isinstance(status, bool) and 0 < status < 1000 else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    """A time as a finite number; an integer may be too large to be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e11 else None
