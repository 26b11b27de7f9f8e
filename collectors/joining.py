"""Log events of one function joined into invocation records and kept error lines: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.emf import Batch, parse_batch
from core.errors import LogFormatError
from core.loglines import ErrorLine, parse_error_line, parse_error_object
from core.report import (
    PlatformRecord,
    load_object,
    parse_ending,
    parse_platform,
    parse_platform_object,
    parse_report,
)
from core.signatures import keepable, signature
from core.telemetry import KEPT, BatchFailure, EnvironmentStart, InvocationRecord, LogEvent

UNREADABLE = "unreadable"
"""The level of a platform record that lacks a field we need: kept as a line, as it makes no record."""

OUT_OF_MEMORY = "Runtime.OutOfMemory"

NEAR = timedelta(minutes=1)
"""How far before its report an invocation's own initialization is looked for. As much is read around every
window, so a record is the same however the windows were cut."""


@dataclass(frozen=True, slots=True)
class Event:
    """One log event as CloudWatch Logs keeps it."""

    ts_ms: int
    stream: str
    event_id: str
    message: str

    @property
    def ts(self) -> datetime:
        return datetime.fromtimestamp(self.ts_ms / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an invocation ended, told by a line beside its report."""

    status: str
    error_type: str | None = None
    killed: bool = False


@dataclass(slots=True)
class Line:
    """A line to keep; `request_id` may only become known with the report that follows it."""

    event: Event
    level: str
    text: str
    request_id: str | None = None
    ending: Ending | None = None
    headline: str | None = None
    stack: str | None = None


@dataclass(slots=True)
class FailedItems:
    """What a function logged of one batch; its request may only become known with the report that follows."""

    event: Event
    batch: Batch
    request_id: str | None


@dataclass(slots=True)
class Invocation:
    event: Event
    report: PlatformRecord
    init_type: str | None = None
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """An environment that began to initialize, or to be restored."""

    event: Event
    init_type: str | None
    runtime_arn: str | None


@dataclass(slots=True)
class Joined:
    """What the events of one function say. `dropped` are times at which Lambda lost log records."""

    invocations: list[Invocation] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    batches: list[FailedItems] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    dropped: list[tuple[datetime, str]] = field(default_factory=list)


class _Reader:
    """Reads events in order, remembering per stream (an environment) what waits for the next report."""

    def __init__(self, keep: Sequence[str]) -> None:
        self._kept = tuple(keep)
        self.joined = Joined()
        self._waiting: dict[str, list[Line | FailedItems]] = {}
        self._starts: dict[str, tuple[int, str | None]] = {}
        self._by_request: dict[tuple[str, str], list[Invocation]] = {}

    def read(self, event: Event) -> None:
        try:
            self._read(event)
        except LogFormatError as error:
            self._keep(Line(event, UNREADABLE, f"{error}"))

    def _read(self, event: Event) -> None:
        report = parse_report(event.message)
        if report is not None:
            self._report(event, report)
        elif (value := load_object(event.message)) is not None:
            self._object(event, value)
        elif event.message.startswith(("INIT_REPORT ", "RESTORE_REPORT ")):
            self._phase(event, parse_platform(event.message))
        elif event.message.startswith(("INIT_START ", "RESTORE_START ")):
            self._began(event, parse_platform(event.message))
        else:
            self._text(event)

    def _object(self, event: Event, value: Mapping[str, Any]) -> None:
        record = parse_platform_object(value)
        if record is None:
            self._own_object(event, value)
        elif record.is_report:
            self._report(event, record)
        elif record.event_type in ("platform.initStart", "platform.restoreStart"):
            self._starts[event.stream] = (event.ts_ms, record.init_type)
            self._began(event, record)
        elif record.event_type in ("platform.initReport", "platform.restoreReport"):
            self._phase(event, record)
        elif record.event_type == "platform.logsDropped":
            self.joined.dropped.append((event.ts, record.reason or "no reason given"))
        elif record.event_type in ("platform.fault", "platform.end"):
            self._ended(event, record.record_text or "")

    def _own_object(self, event: Event, value: Mapping[str, Any]) -> None:
        """What the function itself logged as JSON: failed items of a batch, or an error."""
        batch = parse_batch(value)
        if batch is None:
            self._error(event, parse_error_object(value, event.message))
            return
        found = FailedItems(event, batch, batch.request_id)
        self.joined.batches.append(found)
        if found.request_id is None:
            self._waiting.setdefault(event.stream, []).append(found)

    def _text(self, event: Event) -> None:
        if self._ended(event, event.message):
            return
        self._error(event, parse_error_line(event.message))

    def _error(self, event: Event, found: ErrorLine | None) -> None:
        if found is None:
            if any(text in event.message for text in self._kept):
                self._keep(Line(event, KEPT, event.message))
            return
        ending = Ending("error", found.error_type) if found.uncaught else None
        self._keep(
            Line(event, found.level, found.text, found.request_id, ending, found.headline, found.stack)
        )

    def _ended(self, event: Event, text: str) -> bool:
        record = parse_ending(text)
        if record is None:
            return False
        if record.event_type == "timeout":
            self._keep(Line(event, "timeout", text, record.request_id, Ending("timeout")))
        else:
            killed = record.exit_detail is not None and "signal: killed" in record.exit_detail
            ending = Ending("error", record.error_type or "Runtime.ExitError", killed)
            self._keep(Line(event, "crash", text, record.request_id, ending))
        return True

    def _phase(self, event: Event, record: PlatformRecord | None) -> None:
        """A failed initialization or restore is an error of its own, whatever the invocation makes of it."""
        if record is not None and record.status not in (None, "success"):
            level = "timeout" if record.status == "timeout" else "crash"
            self._keep(Line(event, level, event.message))

    def _began(self, event: Event, record: PlatformRecord | None) -> None:
        if record is not None:
            is_restore = record.event_type in ("restore_start", "platform.restoreStart")
            init_type = record.init_type or ("snap-start" if is_restore else None)
            self.joined.starts.append(Start(event, init_type, record.runtime_version_arn))

    def _report(self, event: Event, report: PlatformRecord) -> None:
        invocation = Invocation(event, report, self._init_type(event))
        self.joined.invocations.append(invocation)
        self._by_request.setdefault((event.stream, report.request_id or ""), []).append(invocation)
        for waiting in self._waiting.pop(event.stream, ()):
            waiting.request_id = report.request_id
            if isinstance(waiting, Line):
                invocation.ending = waiting.ending or invocation.ending

    def _init_type(self, event: Event) -> str | None:
        started_ms, init_type = self._starts.get(event.stream, (0, None))
        return init_type if event.ts_ms - started_ms <= NEAR / timedelta(milliseconds=1) else None

    def _keep(self, line: Line) -> None:
        self.joined.lines.append(line)
        if line.request_id is None and line.level != UNREADABLE:
            self._waiting.setdefault(line.event.stream, []).append(line)

    def finish(self) -> Joined:
        """Give each line that names its request to the nearest report of it: retries repeat the id."""
        for line in self.joined.lines:
            if line.ending is None or line.request_id is None:
                continue
            near = self._by_request.get((line.event.stream, line.request_id), ())
            closest = min(near, key=lambda i: abs(i.event.ts_ms - line.event.ts_ms), default=None)
            if closest is not None:
                closest.ending = _graver(closest.ending, line.ending)
        return self.joined


def _graver(known: Ending | None, new: Ending) -> Ending:
    """A timeout or a kill says more about an end than an error that was logged before it."""
    if known is None or new.killed or new.status == "timeout":
        return new
    return known


def join(events: Iterable[Event], keep: Sequence[str] = ()) -> Joined:
    """Read the events of one function, oldest first. Lines that have a part which is in `keep` are kept
    beside those of errors."""
    reader = _Reader(keep)
    for event in events:
        reader.read(event)
    return reader.finish()


def to_record(invocation: Invocation, function: str, version: str | None) -> InvocationRecord:
    event, report, ending = invocation.event, invocation.report, invocation.ending
    status = report.status or (ending.status if ending else "success")
    error_type = report.error_type or (ending.error_type if ending and status != "success" else None)
    init_type = invocation.init_type or ("snap-start" if report.restore_ms is not None else None)
    assert report.request_id is not None
    assert report.duration_ms is not None
    return InvocationRecord(
        function=function,
        ts=event.ts,
        event_id=event.event_id,
        request_id=report.request_id,
        stream=event.stream,
        version=version,
        duration_ms=report.duration_ms,
        billed_ms=report.billed_ms,
        memory_mb=report.memory_mb,
        max_memory_mb=None if report.emulated else report.max_memory_mb,
        init_ms=report.init_ms,
        restore_ms=report.restore_ms,
        billed_restore_ms=report.billed_restore_ms,
        init_type=init_type,
        status=status,
        error_type=error_type,
        out_of_memory=is_out_of_memory(report, ending),
        trace_id=report.trace_id,
        sampled=report.sampled,
    )


def is_out_of_memory(report: PlatformRecord, ending: Ending | None) -> bool:
    """Said outright by newer runtimes; else a killed runtime that had used up its memory."""
    if report.error_type == OUT_OF_MEMORY:
        return True
    if report.emulated:
        return False
    full = report.max_memory_mb is not None and report.memory_mb is not None
    return bool(ending and ending.killed and full and (report.max_memory_mb or 0) >= (report.memory_mb or 0))


def to_log_event(line: Line, function: str, version: str | None) -> LogEvent:
    return LogEvent(
        function=function,
        ts=line.event.ts,
        event_id=line.event.event_id,
        stream=line.event.stream,
        request_id=line.request_id,
        level=line.level,
        message=keepable(line.text),
        signature=signature(line.headline or line.text, line.stack),
        version=version,
    )


def to_batch_failure(found: FailedItems, function: str) -> BatchFailure:
    return BatchFailure(
        function=function,
        ts=found.event.ts,
        event_id=found.event.event_id,
        request_id=found.request_id,
        failed=found.batch.failed,
        items=found.batch.items,
    )


def to_start(start: Start, function: str, version: str | None) -> EnvironmentStart:
    return EnvironmentStart(
        function=function,
        ts=start.event.ts,
        event_id=start.event.event_id,
        stream=start.event.stream,
        version=version,
        init_type=start.init_type,
        runtime_arn=start.runtime_arn,
    )


def events_of(answers: Sequence[Mapping[str, Any]]) -> Iterable[Event]:
    """Events of a FilterLogEvents page; one without its time or its text cannot be used and is left out."""
    for answer in answers:
        if "timestamp" in answer and "message" in answer:
            yield Event(
                answer["timestamp"],
                answer.get("logStreamName", ""),
                answer.get("eventId", ""),
                answer["message"],
            )
