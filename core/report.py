"""What Lambda's platform writes into a function's log, as text or as JSON, read into one record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import LogFormatError

_LONGEST = 8192
"""Platform records are far shorter; what a function printed after the head of one is not read."""


@dataclass(slots=True, kw_only=True)  # not frozen: that would take longer than all of the parsing
class PlatformRecord:
    """One platform record. `event_type` is report, start, timeout ... (text) or platform.report ... (JSON).

    Times are milliseconds and memory is MB, as printed; a field that the record does not hold is None.
    """

    event_type: str
    time: str | None = None
    request_id: str | None = None
    version: str | None = None
    status: str | None = None
    error_type: str | None = None
    duration_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: float | None = None
    max_memory_mb: float | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: float | None = None
    trace_id: str | None = None
    segment_id: str | None = None
    sampled: bool | None = None
    trace_header: str | None = None
    trace_span_id: str | None = None
    init_type: str | None = None
    phase: str | None = None
    runtime_version: str | None = None
    runtime_version_arn: str | None = None
    function: str | None = None
    timeout_after_s: float | None = None
    exit_detail: str | None = None
    name: str | None = None
    state: str | None = None
    events: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    produced_bytes: float | None = None
    dropped_bytes: float | None = None
    dropped_records: float | None = None
    reason: str | None = None
    record_text: str | None = None
    spans: Mapping[str, float] | None = None
    emulated: bool | None = None
    """True: written by a local emulator, which knows no memory use."""

    @property
    def is_report(self) -> bool:
        return self.event_type in ("report", "platform.report")


# --- text ---

_REPORT_FIELD = re.compile(
    r"(Duration|Billed Duration|Init Duration|Restore Duration|Billed Restore Duration|Memory Size"
    r"|Max Memory Used|RequestId|Status|Error Type|XRAY TraceId|SegmentId|Sampled|Phase"
    r"|Runtime Version ARN|Runtime Version):\s*(\S+)",
    re.ASCII,
)
_REPORT = re.compile(
    r"REPORT\s+(?:RequestId|Duration|Billed Duration|Init Duration|Restore Duration|Memory Size"
    r"|Max Memory Used|Status|Error Type):",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_TIMED_OUT = re.compile(
    r"(?:(\S+)\s+(?:Error:\s+)?)Task timed out after (\d{1,9}(?:\.\d{1,9})?) seconds", re.ASCII
)
_EXITED = re.compile(
    r"RequestId:\s*(\S+)\s+Error:\s+Runtime exited "
    r"(?:with error:\s*([^\n]{1,200})|without providing a reason)",
    re.ASCII,
)
_PROCESS_EXITED = re.compile(r"RequestId:\s*(\S+)\s+Process exited before completing request", re.ASCII)
_START = re.compile(r"START RequestId:\s*(\S+)(?:\s+Version:\s*(\S+))?", re.ASCII)
_AGENT = re.compile(
    r"(EXTENSION|TELEMETRY)\s+Name:\s*(.+?)\s+State:\s*(\S+)\s+(?:Events|Types):\s*\[([^\]]*)\]", re.ASCII
)


def _number(text: str | None) -> float | None:
    if text is None or not _NUMBER.fullmatch(text):
        return None
    return float(text)


def parse_report(line: str) -> PlatformRecord | None:
    """Read the REPORT line that Lambda writes when an invocation ends; fields in any order, blanks or tabs.

    `init_ms` is None on a warm start, `status` on success. Returns None for any other line; raises
    LogFormatError when the request id or the duration is missing.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    """
    if not line.startswith("REPORT") or not _REPORT.match(line):
        return None
    found = _fields(line[:_LONGEST])
    request_id, duration_ms = found.get("RequestId"), _number(found.get("Duration"))
    if not request_id or duration_ms is None:
        raise LogFormatError(f"a REPORT line lacks its request id or its duration: {line[:120]!r}")
    sampled = found.get("Sampled")
    return PlatformRecord(
        event_type="report",
        request_id=request_id,
        duration_ms=duration_ms,
        billed_ms=_number(found.get("Billed Duration")),
        memory_mb=_number(found.get("Memory Size")),
        max_memory_mb=_number(found.get("Max Memory Used")),
        init_ms=_number(found.get("Init Duration")),
        restore_ms=_number(found.get("Restore Duration")),
        billed_restore_ms=_number(found.get("Billed Restore Duration")),
        status=found.get("Status"),
        error_type=found.get("Error Type"),
        trace_id=found.get("XRAY TraceId"),
        segment_id=found.get("SegmentId"),
        sampled=None if sampled is None else sampled == "true",
        emulated=_is_emulated(found) or None,
    )


def _fields(line: str) -> dict[str, str]:
    """The known fields in their order; of two with the same name the first counts (an unknown field's name
    may end in a known one)."""
    found: dict[str, str] = {}
    for name, value in _REPORT_FIELD.findall(line):
        found.setdefault(name, value)
    return found


def _is_emulated(found: Mapping[str, str]) -> bool:
    """Local emulators print the initialization first and the memory size for the memory used."""
    names = list(found)
    if "Init Duration" not in found or names.index("Init Duration") > names.index("Duration"):
        return False
    return found.get("Max Memory Used") is not None and found["Max Memory Used"] == found.get("Memory Size")


def _phase_report(line: str) -> PlatformRecord:
    found = _fields(line)
    return PlatformRecord(
        event_type="init_report" if line.startswith("INIT") else "restore_report",
        init_ms=_number(found.get("Init Duration")),
        restore_ms=_number(found.get("Restore Duration")),
        phase=found.get("Phase"),
        status=found.get("Status"),
        error_type=found.get("Error Type"),
    )


def _phase_start(line: str) -> PlatformRecord:
    found = _fields(line)
    return PlatformRecord(
        event_type="init_start" if line.startswith("INIT") else "restore_start",
        runtime_version=found.get("Runtime Version"),
        runtime_version_arn=found.get("Runtime Version ARN"),
    )


def _start(line: str) -> PlatformRecord | None:
    match = _START.match(line)
    return match and PlatformRecord(event_type="start", request_id=match[1], version=match[2])


def _end(line: str) -> PlatformRecord | None:
    rest = line.removeprefix("END RequestId:").split(maxsplit=1)
    return PlatformRecord(event_type="end", request_id=rest[0]) if rest else None


def _agent(line: str) -> PlatformRecord | None:
    match = _AGENT.match(line)
    if not match:
        return None
    names = tuple(part.strip() for part in match[4].split(",") if part.strip())
    if match[1] == "EXTENSION":
        return PlatformRecord(event_type="extension", name=match[2], state=match[3], events=names)
    return PlatformRecord(event_type="telemetry", name=match[2], state=match[3], types=names)


_TEXT_HEADS: Mapping[str, Callable[[str], PlatformRecord | None]] = {
    "REPORT": parse_report,
    "START RequestId:": _start,
    "END RequestId:": _end,
    "INIT_REPORT ": _phase_report,
    "RESTORE_REPORT ": _phase_report,
    "INIT_START ": _phase_start,
    "RESTORE_START ": _phase_start,
    "EXTENSION": _agent,
    "TELEMETRY": _agent,
}


def parse_ending(line: str) -> PlatformRecord | None:
    """Read the lines that tell how an invocation failed: a timeout, or a runtime or process that exited."""
    if "Task timed out after" in line and (match := _TIMED_OUT.search(line)):
        return PlatformRecord(event_type="timeout", request_id=match[1], timeout_after_s=float(match[2]))
    if not line.startswith("RequestId:"):
        return None
    if match := _EXITED.match(line):
        error_type = next((word for word in line[match.end() :].split() if word.startswith("Runtime.")), None)
        detail = match[2].strip() if match[2] else None
        return PlatformRecord(
            event_type="runtime_exit", request_id=match[1], exit_detail=detail, error_type=error_type
        )
    if match := _PROCESS_EXITED.match(line):
        return PlatformRecord(event_type="process_exited", request_id=match[1])
    return None


# --- JSON ---


def _json_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 else None


def _json_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _json_texts(value: Any) -> tuple[str, ...] | None:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else None


def _json_spans(value: Any) -> Mapping[str, float] | None:
    if not isinstance(value, list):
        return None
    pairs = ((s.get("name"), _json_number(s.get("durationMs"))) for s in value if isinstance(s, dict))
    return {name: ms for name, ms in pairs if isinstance(name, str) and ms is not None}


def _json_trace(record: Mapping[str, Any]) -> dict[str, Any]:
    tracing = record.get("tracing")
    header = _json_text(tracing.get("value")) if isinstance(tracing, dict) else None
    if not isinstance(tracing, dict) or header is None:
        return {}
    parts = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    sampled = parts.get("Sampled")
    return {
        "trace_header": header,
        "trace_span_id": _json_text(tracing.get("spanId")),
        "trace_id": parts.get("Root"),
        "sampled": None if sampled not in ("0", "1") else sampled == "1",
    }


_TEXTS = {
    "request_id": "requestId",
    "version": "version",
    "status": "status",
    "error_type": "errorType",
    "init_type": "initializationType",
    "phase": "phase",
    "runtime_version": "runtimeVersion",
    "runtime_version_arn": "runtimeVersionArn",
    "function": "functionName",
    "name": "name",
    "state": "state",
    "reason": "reason",
}
_NUMBERS = {"dropped_bytes": "droppedBytes", "dropped_records": "droppedRecords"}
_METRICS = {
    "duration_ms": "durationMs",
    "billed_ms": "billedDurationMs",
    "memory_mb": "memorySizeMB",
    "max_memory_mb": "maxMemoryUsedMB",
    "init_ms": "initDurationMs",
    "restore_ms": "restoreDurationMs",
    "billed_restore_ms": "billedRestoreDurationMs",
    "produced_bytes": "producedBytes",
}


def load_object(line: str) -> dict[str, Any] | None:
    """The JSON object that a log line holds, or None. Log text is hostile: this never raises."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _platform(envelope: Mapping[str, Any], event_type: str) -> PlatformRecord:
    record, time = envelope.get("record"), _json_text(envelope.get("time"))
    if not isinstance(record, dict):
        return PlatformRecord(event_type=event_type, time=time, record_text=_json_text(record))
    metrics = record.get("metrics")
    numbers = metrics if isinstance(metrics, dict) else {}
    fields: dict[str, Any] = {ours: _json_text(record.get(theirs)) for ours, theirs in _TEXTS.items()}
    fields |= {ours: _json_number(record.get(theirs)) for ours, theirs in _NUMBERS.items()}
    fields |= {ours: _json_number(numbers.get(theirs)) for ours, theirs in _METRICS.items()}
    fields["version"] = fields["version"] or _json_text(record.get("functionVersion"))
    fields |= {"events": _json_texts(record.get("events")), "types": _json_texts(record.get("types"))}
    return PlatformRecord(
        event_type=event_type,
        time=time,
        spans=_json_spans(record.get("spans")),
        **fields,
        **_json_trace(record),
    )


def parse_platform_object(envelope: Mapping[str, Any]) -> PlatformRecord | None:
    """Read the `{"time", "type", "record"}` envelope of Lambda's JSON log format; None for anything else.

    Raises LogFormatError when a `platform.report` lacks its request id or its duration.
    """
    event_type = envelope.get("type")
    if not isinstance(event_type, str) or not event_type.startswith("platform."):
        return None
    found = _platform(envelope, event_type)
    if found.is_report and (not found.request_id or found.duration_ms is None):
        raise LogFormatError("a platform.report record lacks its request id or its duration")
    return found


def parse_platform(message: str) -> PlatformRecord | None:
    """Read one log event (it may hold several physical lines) if the platform wrote it, else None.

    Raises LogFormatError when it is a report that lacks its request id or its duration.
    """
    for head, parse in _TEXT_HEADS.items():
        if message.startswith(head):
            return parse(message[:_LONGEST])
    envelope = load_object(message)
    found = parse_platform_object(envelope) if envelope is not None else None
    return found or parse_ending(message[:_LONGEST])
