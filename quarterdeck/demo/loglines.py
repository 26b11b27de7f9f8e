"""The log lines of invocations, as Lambda and its runtimes write them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from quarterdeck.demo.applines import app_line, batch_metrics, error_line, own_error
from quarterdeck.demo.model import (
    DAY_MS,
    Day,
    begins_ahead,
    begins_beside,
    drops_logs,
    failures_of,
    hands_back,
)
from quarterdeck.demo.specs import Failure, Spec
from quarterdeck.demo.traceids import segment_id, trace_id

_RUNTIME_VERSION = {
    "python3.8": "python:3.8.v62",
    "python3.12": "python:3.12.v81",
    "python3.13": "python:3.13.v52",
    "nodejs18.x": "nodejs:18.v98",
    "nodejs20.x": "nodejs:20.v84",
    "nodejs22.x": "nodejs:22.v61",
    "java17": "java:17.v60",
    "java21": "java:21.v46",
    "dotnet8": "dotnet:8.v47",
    "ruby3.4": "ruby:3.4.v22",
    "provided.al2023": "provided:al2023.v110",
}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One log event; its id sorts like time."""

    ts_ms: int
    event_id: str
    stream: str
    message: str


def request_id(day: Day, index: int) -> str:
    """A version 4 UUID made of the invocation's random numbers."""
    high, low = day.ids[index].tolist()
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def stream_name(day: Day, index: int) -> str:
    """The stream of the invocation's environment: the UTC day, the version and an id."""
    return _stream_of(day, index, int(day.environment[index]))


def _stream_of(day: Day, index: int, environment: int) -> str:
    number = int(day.start_ms[index]) // DAY_MS
    name = day.spec.name if day.spec.log_group else ""
    return _stream(day.spec.number, name, number, int(day.version[index]), environment)


@lru_cache(maxsize=4096)
def _stream(function: int, name: str, number: int, version: int, environment: int) -> str:
    digest = hashlib.md5(f"{function}/{number}/{environment}".encode(), usedforsecurity=False).hexdigest()
    begun = datetime.fromtimestamp(number * 86_400, UTC)
    return f"{begun:%Y/%m/%d}/{name}[{version_text(version)}]{digest}"


def version_text(version: int) -> str:
    return str(version) if version else "$LATEST"


def iso(ts_ms: int) -> str:
    return f"{_second(ts_ms // 1000)}.{ts_ms % 1000:03d}Z"


@lru_cache(maxsize=8192)
def _second(ts_s: int) -> str:
    return datetime.fromtimestamp(ts_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_BESIDE = 9_999_999
"""The ordinal of a line of another environment than the invocation's."""


# --- rendering ---------------------------------------------------------------------------------------------


def lines(day: Day, index: int) -> Iterator[Line]:
    """All log events of one invocation, oldest first."""
    stream, rid = stream_name(day, index), request_id(day, index)
    start = int(day.start_ms[index])
    writer = _json_messages if day.spec.log_format == "JSON" else _text_messages
    identity = f"{day.spec.number:010d}{int(day.ids[index, 0]) % 10**18:018d}{int(day.attempt[index])}"
    for ordinal, (after_ms, message) in enumerate(writer(day, index, rid)):
        ts = start + after_ms
        yield Line(ts, f"{ts:020d}{identity}{ordinal:07d}", stream, message)
    if begins_beside(day, index):
        beside = _stream_of(day, index, -1 - int(day.ids[index, 0]))
        yield Line(start, f"{start:020d}{identity}{_BESIDE:07d}", beside, _init_start(day.spec))


def _failure(day: Day, index: int) -> Failure | None:
    which = int(day.failure[index])
    return None if which < 0 else failures_of(day.spec)[which]


def _text_messages(day: Day, index: int, rid: str) -> Iterator[tuple[int, str]]:
    spec, start, failure = day.spec, int(day.start_ms[index]), _failure(day, index)
    begins, over = _span(day, index)
    if day.cold[index]:
        yield from _text_init(day, index, begins)
    yield begins, f"START RequestId: {rid} Version: {version_text(int(day.version[index]))}\n"
    for number, after in enumerate(_app_times(spec, begins, over)):
        yield after, app_line(spec, number, rid, iso(start + after))
    if hands_back(day, index):
        yield over, batch_metrics(spec, int(day.batch_size[index]), rid, start + over)
    if failure and failure.kind == "error" and spec.logger:
        yield over, own_error(spec, failure, rid, iso(start + over))
    if failure:
        yield over, error_line(spec, failure, rid, iso(start + over))
    yield over, f"END RequestId: {rid}\n"
    yield over, _text_report(day, index, rid, failure)


def _span(day: Day, index: int) -> tuple[int, int]:
    """When the handler began and when all was over, in milliseconds after the start."""
    over = int(np.ceil(day.duration_ms[index] + day.init_ms[index]))
    return int(day.init_ms[index]), over


def _app_times(spec: Spec, begins: int, over: int) -> list[int]:
    return [begins + (over - begins) * (n + 1) // (spec.log_lines + 2) for n in range(spec.log_lines)]


def _text_init(day: Day, index: int, begins: int) -> Iterator[tuple[int, str]]:
    spec = day.spec
    if spec.snap_start:
        yield 0, f"RESTORE_START Runtime Version: {_runtime(spec)}\n"
        yield begins, f"RESTORE_REPORT Restore Duration: {day.init_ms[index]:.2f} ms\n"
    elif spec.runtime:
        ahead_ms = spec.ahead_s * 1000 if begins_ahead(day, index) else 0
        yield -ahead_ms, _init_start(spec)


def _init_start(spec: Spec) -> str:
    return f"INIT_START Runtime Version: {_runtime(spec)}\n"


def _runtime(spec: Spec) -> str:
    return f"{_RUNTIME_VERSION[spec.runtime or '']}\tRuntime Version ARN: {runtime_arn(spec)}"


def runtime_arn(spec: Spec) -> str:
    """The ARN of a managed runtime's version, "" for an image."""
    if spec.runtime is None:
        return ""
    digest = hashlib.sha256(_RUNTIME_VERSION[spec.runtime].encode()).hexdigest()
    return f"arn:aws:lambda:{spec.region}::runtime:{digest}"


def _text_report(day: Day, index: int, rid: str, failure: Failure | None) -> str:
    parts = [
        f"REPORT RequestId: {rid}",
        f"Duration: {day.duration_ms[index]:.2f} ms",
        f"Billed Duration: {int(day.billed_ms[index])} ms",
        f"Memory Size: {int(day.memory_mb[index])} MB",
        f"Max Memory Used: {int(day.used_mb[index])} MB",
    ]
    if day.cold[index] and day.spec.snap_start:
        parts.append(f"Restore Duration: {day.init_ms[index]:.2f} ms")
        parts.append(f"Billed Restore Duration: {int(day.init_ms[index] / 4)} ms")
    elif day.cold[index]:
        parts.append(f"Init Duration: {day.init_ms[index]:.2f} ms")
    parts += _STATUS.get(failure.kind if failure else "", [])
    return "\t".join(parts) + "\t\n" + _xray_line(day, index)


_STATUS = {"timeout": ["Status: timeout"], "oom": ["Status: error", "Error Type: Runtime.OutOfMemory"]}


def _xray_line(day: Day, index: int) -> str:
    if not day.spec.tracing:
        return ""
    seen = "true" if day.sampled[index] else "false"
    return f"XRAY TraceId: {trace_id(day, index)}\tSegmentId: {segment_id(day, index)}\tSampled: {seen}\t\n"


def _json_messages(day: Day, index: int, rid: str) -> Iterator[tuple[int, str]]:
    spec, start, failure = day.spec, int(day.start_ms[index]), _failure(day, index)
    begins, over = _span(day, index)
    version = version_text(int(day.version[index]))
    loud = spec.system_level != "WARN"
    if loud and day.cold[index] and not spec.provider:
        yield 0, _platform(start, "initStart", _json_init(spec, version))
    if loud:
        yield begins, _platform(start + begins, "start", f'{{"requestId":"{rid}","version":"{version}"}}')
    for number, after in enumerate(_app_times(spec, begins, over)):
        yield after, app_line(spec, number, rid, iso(start + after))
    if failure:
        yield over, error_line(spec, failure, rid, iso(start + over))
    if loud or failure:
        yield over, _platform(start + over, "report", _json_report(day, index, rid, failure))
    if drops_logs(day, index):
        yield over, _platform(start + over, "logsDropped", _DROPPED)


_DROPPED = (
    '{"reason":"Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",'
    '"droppedRecords":123,"droppedBytes":12345}'
)


def _json_init(spec: Spec, version: str) -> str:
    runtime = _RUNTIME_VERSION[spec.runtime or ""]
    return (
        f'{{"initializationType":"on-demand","phase":"init","runtimeVersion":"{runtime}",'
        f'"functionName":"{spec.name}","functionVersion":"{version}"}}'
    )


def _platform(ts_ms: int, kind: str, record: str) -> str:
    return f'{{"time":"{iso(ts_ms)}","type":"platform.{kind}","record":{record}}}'


def _json_report(day: Day, index: int, rid: str, failure: Failure | None) -> str:
    return (
        f'{{"requestId":"{rid}","metrics":{{{_json_metrics(day, index)}}},'
        f"{_json_outcome(failure)}{_json_tracing(day, index)}}}"
    )


def _json_metrics(day: Day, index: int) -> str:
    """Managed Instances bill by the instance: their records hold the duration alone."""
    duration = f'"durationMs":{day.duration_ms[index]:.2f}'
    if day.spec.provider:
        return duration
    init = f',"initDurationMs":{day.init_ms[index]:.2f}' if day.cold[index] else ""
    return (
        f'{duration},"billedDurationMs":{int(day.billed_ms[index])},'
        f'"memorySizeMB":{int(day.memory_mb[index])},"maxMemoryUsedMB":{int(day.used_mb[index])}{init}'
    )


def _json_outcome(failure: Failure | None) -> str:
    if failure is None:
        return '"status":"success"'
    if failure.kind == "timeout":
        return '"status":"timeout"'
    return f'"status":"error","errorType":"{failure.type}"'


def _json_tracing(day: Day, index: int) -> str:
    if not day.spec.tracing:
        return ""
    seen = "1" if day.sampled[index] else "0"
    value = f"Root={trace_id(day, index)};Parent={segment_id(day, index)};Sampled={seen}"
    return f',"tracing":{{"spanId":"{segment_id(day, index)}","type":"X-Amzn-Trace-Id","value":"{value}"}}'
