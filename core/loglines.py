"""What functions themselves write into their logs: which lines tell of an error, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.report import load_object

_KEPT = {
    "ERROR": "error",
    "ERR": "error",
    "FAIL": "error",
    "SEVERE": "error",
    "CRITICAL": "fatal",
    "CRIT": "fatal",
    "FATAL": "fatal",
    "PANIC": "fatal",
    "DPANIC": "fatal",
    "EMERGENCY": "fatal",
    "EMERG": "fatal",
    "ALERT": "fatal",
}
"""Levels worth keeping, in upper case; an unknown level counts as INFO, as it does for Lambda."""

_LEVEL_KEYS: tuple[str, ...] = (
    "level",
    "log_level",
    "severity",
    "levelname",
    "Level",
    "LogLevel",
    "loglevel",
    "log.level",
)
_LEVEL_KEYS += ("lvl", "@l", "levelText", "L")
"""Where libraries put it: Lambda, Powertools, Cloud logging, Python, Serilog, log4net, ECS, zap, log4j ..."""
_MESSAGE_KEYS: tuple[str, ...] = (
    "message",
    "msg",
    "@m",
    "@mt",
    "Message",
    "RenderedMessage",
    "MessageTemplate",
    "event",
)
_MESSAGE_KEYS += ("errorMessage", "error", "M")
_STACK_KEYS: tuple[str, ...] = (
    "stack",
    "stackTrace",
    "stack_trace",
    "stacktrace",
    "exc_info",
    "exception",
    "Exception",
    "@x",
)
_STACK_KEYS += ("thrown", "err", "error", "extendedStackTrace", "trace", "exc_text", "errorVerbose")
_NUMERIC_ERROR, _NUMERIC_FATAL = 50, 60
"""pino's and bunyan's levels."""
_HEAD = 400

_WORDS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE"
_LAYOUTS = (
    re.compile(r"\[(?P<level>[A-Z]{3,8})\]\s+\S+Z\s+(?P<request>[0-9a-f-]{36})\s"),  # Python's logger
    re.compile(  # Node.js's console; .NET's logger writes its levels small
        r"\S+Z\t(?P<request>[0-9a-f-]{36}|undefined)\t(?P<level>[A-Z]{3,8}|trce|dbug|info|warn|fail|crit)\t"
    ),
    re.compile(r"\[(?P<level>[A-Z]{3,8})\]"),
    re.compile(rf"(?P<level>{_WORDS})\b"),
    re.compile(  # log4j, logback, Rust's tracing: a time, perhaps the request, then the level
        rf"\d{{4}}-\d\d-\d\d[T ][\d:.,]{{5,18}}(?:Z|[+-]\d\d:?\d\d)?\s+(?:(?P<request>[0-9a-f-]{{36}})\s+)?"
        rf"(?:\[[^\]\n]{{0,80}}\]\s+)?(?P<level>{_WORDS})\b"
    ),
    re.compile(r"[A-Z], \[[^\]\n]{1,60}\]\s+(?P<level>[A-Z]{3,8}) -- "),  # Ruby's logger
    re.compile(r"(?:\S{1,60} ){0,3}level=\"?(?P<level>[A-Za-z]{3,9})\b"),  # logfmt: logrus, slog
)
_PYTHON = re.compile(r"\[ERROR\] (?P<type>[A-Za-z_][\w.]{0,120})(?::|$|\n)")
_NODE = re.compile(
    r"\S+Z\t\S+\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+(?=\{)"
)
_STACK = re.compile(
    r"(?:[^\n]{0,300}\n)?(?P<type>[a-zA-Z_$][\w.$]{0,200}(?:Exception|Error))(?::[^\n]*)?\n\s+at "
)
_RUBY = "Error raised from handler method"
_ERROR_REPORT = frozenset({"errorMessage", "errorType", "stackTrace", "cause", "requestId"})
"""What runtimes print of an uncaught error when the function's log format is text."""
_SUSPECT = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b|Traceback \(most recent call last\)"
    r"|\wException\b|\"errorType\"|^panic: ",
    re.M,
)
_QUIET = frozenset({"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "TRCE", "DBUG"})


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line that tells of an error. `uncaught`: it ended its invocation, and `error_type` is its kind.

    `headline` says in one line what happened, when that is not the first line of `text`; `stack` is the trace
    when that is not in `text`.
    """

    level: str
    text: str
    request_id: str | None = None
    uncaught: bool = False
    error_type: str | None = None
    headline: str | None = None
    stack: str | None = None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first(source: Mapping[str, Any], *keys: str) -> str | None:
    return next((found for key in keys if (found := _text(source.get(key)))), None)


def level_of(line: Mapping[str, Any]) -> str | None:
    """The level of a structured line in upper case, None when it has none."""
    found = _first(line, *_LEVEL_KEYS)
    if found is not None:
        return found.upper()
    numeric = line.get("level")
    if isinstance(numeric, int | float) and not isinstance(numeric, bool):
        return "FATAL" if numeric >= _NUMERIC_FATAL else "ERROR" if numeric >= _NUMERIC_ERROR else "INFO"
    nested = line.get("log")
    return level_of({"level": nested.get("level")}) if isinstance(nested, dict) else None


def parse_error_object(line: Mapping[str, Any], raw: str) -> ErrorLine | None:
    """Read a structured log line; one without a level is an error only if it is a runtime's error report."""
    inner = line.get("message")
    source = inner if isinstance(inner, dict) and "errorType" in inner else line
    level = level_of(line)
    error_type = _first(source, "errorType")
    is_report = not level and error_type is not None and line.keys() <= _ERROR_REPORT
    if level not in _KEPT and not is_report:
        return None
    message = _text(inner) or _first(source, "errorMessage", *_MESSAGE_KEYS) or raw
    # A runtime's own report of an uncaught error names no logger.
    by_runtime = is_report or ("stackTrace" in source and "logger" not in line)
    return ErrorLine(
        level=_KEPT.get(level or "", "error"),
        text=_titled(error_type or _thrown(source), message),
        request_id=_first(line, "requestId", "function_request_id", "aws_request_id", "AWSRequestId"),
        uncaught=error_type is not None and by_runtime,
        error_type=error_type if by_runtime else None,
        stack=_stack(source),
    )


def _thrown(source: Mapping[str, Any]) -> str | None:
    """The kind of an error that a logger was given: pino's `err`, log4j's `thrown`, ECS's `error`."""
    for key in ("err", "error", "thrown", "exception"):
        if isinstance(value := source.get(key), dict):
            return _first(value, "type", "name", "class")
    return _first(source, "error.type", "exception_name")


def _stack(source: Mapping[str, Any]) -> str | None:
    for key in _STACK_KEYS:
        value = source.get(key)
        if isinstance(value, dict):
            value = next((value[name] for name in _STACK_KEYS if name in value), None)
        if isinstance(value, list):
            value = "\n".join(item for item in value if isinstance(item, str))
        if isinstance(value, str) and "\n" in value:
            return value
    return _text(source.get("error.stack_trace"))


def _titled(error_type: str | None, message: str) -> str:
    return message if error_type is None or message.startswith(error_type) else f"{error_type}: {message}"


def parse_error_line(message: str) -> ErrorLine | None:
    """Read a plain log line; None when its level says that it is no error, or nothing in it does."""
    head = message[:_HEAD].lstrip()
    level, request_id = _layout(head)
    if level in _QUIET:
        return None
    if level not in _KEPT and not _SUSPECT.search(message[: _HEAD * 10]):
        return None
    error_type, headline, stack = _uncaught(head, message)
    known = _KEPT.get(level or "", "error")
    return ErrorLine(known, message, request_id, error_type is not None, error_type, headline, stack)


def _layout(head: str) -> tuple[str | None, str | None]:
    for layout in _LAYOUTS:
        if match := layout.match(head):
            request_id = match.groupdict().get("request")
            return match["level"].upper(), None if request_id == "undefined" else request_id
    return None, None


def _uncaught(head: str, message: str) -> tuple[str | None, str | None, str | None]:
    """The kind of error that a runtime reports as uncaught, and its headline and trace if JSON hides them."""
    if match := _PYTHON.match(head) or _STACK.match(head):
        return match["type"], None, None
    node = _NODE.match(message)
    if node or message.startswith(_RUBY):
        report = load_object(message[node.end() :] if node else message[len(_RUBY) :]) or {}
        error_type = _first(report, "errorType") or "Error"
        return error_type, _titled(error_type, _first(report, "errorMessage") or ""), _stack(report)
    return None, None, None
