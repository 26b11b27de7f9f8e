"""The log lines of invocations, as Lambda and its runtimes write them, and their size without writing them.

Every template has one length but for its numbers, so bytes are counted from the numbers' digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from quarterdeck.demo.model import DAY_MS, Day, Floats, Ints, failures_of
from quarterdeck.demo.specs import Failure, Spec
from quarterdeck.demo.traceids import segment_id, trace_id

EVENT_OVERHEAD_BYTES = 26
"""What CloudWatch Logs adds to the size of each event."""

_RUNTIME_VERSION = {
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
    number = int(day.start_ms[index]) // DAY_MS
    name = day.spec.name if day.spec.log_group else ""
    return _stream(day.spec.number, name, number, int(day.version[index]), int(day.environment[index]))


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
        yield 0, f"INIT_START Runtime Version: {_runtime(spec)}\n"


def _runtime(spec: Spec) -> str:
    version = _RUNTIME_VERSION[spec.runtime or ""]
    digest = hashlib.sha256(version.encode()).hexdigest()
    return f"{version}\tRuntime Version ARN: arn:aws:lambda:{spec.region}::runtime:{digest}"


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
    if day.cold[index]:
        yield 0, _platform(start, "initStart", f'{{"initializationType":"on-demand","phase":"init",'
            f'"runtimeVersion":"{_RUNTIME_VERSION[spec.runtime or ""]}","functionName":"{spec.name}",'
            f'"functionVersion":"{version}"}}')  # fmt: skip
    yield begins, _platform(start + begins, "start", f'{{"requestId":"{rid}","version":"{version}"}}')
    for number, after in enumerate(_app_times(spec, begins, over)):
        yield after, app_line(spec, number, rid, iso(start + after))
    if failure:
        yield over, error_line(spec, failure, rid, iso(start + over))
    yield over, _platform(start + over, "report", _json_report(day, index, rid, failure))


def _platform(ts_ms: int, kind: str, record: str) -> str:
    return f'{{"time":"{iso(ts_ms)}","type":"platform.{kind}","record":{record}}}'


def _json_report(day: Day, index: int, rid: str, failure: Failure | None) -> str:
    init = f',"initDurationMs":{day.init_ms[index]:.2f}' if day.cold[index] else ""
    return (
        f'{{"requestId":"{rid}","metrics":{{"durationMs":{day.duration_ms[index]:.2f},'
        f'"billedDurationMs":{int(day.billed_ms[index])},"memorySizeMB":{int(day.memory_mb[index])},'
        f'"maxMemoryUsedMB":{int(day.used_mb[index])}{init}}},'
        f"{_json_outcome(failure)}{_json_tracing(day, index)}}}"
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


_WORDS = (
    "reserved stock for basket, wrote audit row, refreshed cache entry, sent event, read customer profile, "
)


def app_line(spec: Spec, number: int, rid: str, ts: str) -> str:
    """A line the function writes itself, always `log_line_bytes` long or a little more when its frame is."""
    frame = _app_frame(spec, rid, ts)
    text = f"step {number + 1} of {spec.log_lines}: " + _WORDS * (1 + spec.log_line_bytes // len(_WORDS))
    return frame[0] + text[: max(24, spec.log_line_bytes - len(frame[0]) - len(frame[1]))] + frame[1]


def _app_frame(spec: Spec, rid: str, ts: str) -> tuple[str, str]:
    if spec.log_format == "JSON":
        return f'{{"timestamp":"{ts}","level":"INFO","requestId":"{rid}","message":"', '"}'
    if (spec.runtime or "python").startswith("python"):
        return f"[INFO]\t{ts}\t{rid}\t", "\n"
    return f"{ts}\t{rid}\tINFO\t", "\n"


def error_line(spec: Spec, failure: Failure, rid: str, ts: str) -> str:
    """What a failure leaves in the log, in the manner of its runtime."""
    if failure.kind == "timeout":
        return f"{ts} {rid} {failure.message}\n\n"
    if failure.kind in ("oom", "killed"):
        return f"RequestId: {rid} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
    runtime = spec.runtime or "python"
    if spec.log_format == "JSON":
        return json.dumps(
            {
                "timestamp": ts, "level": "ERROR", "requestId": rid, "errorType": failure.type,
                "errorMessage": failure.message, "message": f"{failure.type}: {failure.message}",
            }
        )  # fmt: skip
    if runtime.startswith("python"):
        return (
            f"[ERROR] {failure.type}: {failure.message}\nTraceback (most recent call last):\n"
            f'  File "/var/task/app.py", line 58, in handler\n    return handle(event)\n'
            f'  File "/var/task/app.py", line 91, in handle\n    raise {failure.type}(detail)\n'
        )
    if runtime.startswith("nodejs"):
        stack = [f"{failure.type}: {failure.message}", "    at handler (/var/task/index.js:41:11)"]
        body = {"errorType": failure.type, "errorMessage": failure.message, "stack": stack}
        return f"{ts}\t{rid}\tERROR\tInvoke Error \t{json.dumps(body)}\n"
    if runtime.startswith("java"):
        frame = "at example.meridian.Handler.handleRequest(Handler.java:57)"
        return f"{failure.type}: {failure.message}\n\t{frame}\n"
    return json.dumps({"errorMessage": failure.message, "errorType": failure.type}) + "\n"


# --- sizes -------------------------------------------------------------------------------------------------


def log_events(day: Day) -> Ints:
    """How many events each invocation writes."""
    spec, fixed = day.spec, 2 if day.spec.log_format == "JSON" else 3
    init = (2 if spec.snap_start else 1 if spec.runtime else 0) if spec.log_format == "Text" else 1
    return fixed + spec.log_lines + day.failed.astype(np.int64) + init * day.cold.astype(np.int64)


def log_bytes(day: Day) -> Ints:
    """The bytes that CloudWatch Logs counts for each invocation: its `lines` and the overhead of each.

    One invocation of every kind (cold or not, each failure, each version) is written out; others of that kind
    differ from it by the digits of their numbers.
    """
    if not len(day):
        return np.empty(0, dtype=np.int64)
    kind = day.failure + 1 + 1000 * day.cold + 10_000 * day.version + 100_000_000 * (day.memory_mb % 1000)
    _, examples, which = np.unique(kind, return_index=True, return_inverse=True)
    digits = _digits(day)
    base = np.array([_size(day, int(example)) for example in examples], dtype=np.int64) - digits[examples]
    return np.asarray(base[which] + digits, dtype=np.int64)


def _size(day: Day, index: int) -> int:
    return sum(len(line.message.encode()) + EVENT_OVERHEAD_BYTES for line in lines(day, index))


def _digits(day: Day) -> Ints:
    """How many digits the numbers of the REPORT record take, and X-Ray's word for sampled."""
    total = _length(day.duration_ms) + _length(day.billed_ms) + _length(day.used_mb)
    init = _length(day.init_ms) * (2 if day.spec.snap_start else 1)
    restored = (
        _length(np.floor(day.init_ms / 4)) if day.spec.snap_start else np.zeros(len(day), dtype=np.int64)
    )
    word = (
        ~day.sampled if day.spec.tracing and day.spec.log_format == "Text" else np.zeros(len(day), np.bool_)
    )
    return np.asarray(total + np.where(day.cold, init + restored, 0) + word, dtype=np.int64)


def _length(number: Ints | Floats) -> Ints:
    """Digits before the point, as printed with two decimals."""
    whole = np.floor(np.round(number, 2)).astype(np.int64)
    return np.asarray(1 + sum((whole >= 10**power).astype(np.int64) for power in range(1, 9)), dtype=np.int64)
