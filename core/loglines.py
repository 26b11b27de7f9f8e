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
    "SEVERE": "error",
    "CRITICAL": "fatal",
    "FATAL": "fatal",
    "PANIC": "fatal",
}
_HEAD = 400

_LAYOUTS = (
    re.compile(r"\[(?P<level>[A-Z]{3,8})\]\s+\S+Z\s+(?P<request>[0-9a-f-]{36})\s"),  # Python's logger
    re.compile(r"\S+Z\t(?P<request>[0-9a-f-]{36}|undefined)\t(?P<level>[A-Z]{3,8})\t"),  # Node.js's console
    re.compile(r"\[(?P<level>[A-Z]{3,8})\]"),
    re.compile(r"(?P<level>DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\b"),
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
_QUIET = frozenset({"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING"})


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line that tells of an error. `uncaught`: it ended its invocation, and `error_type` is its kind.

    `headline` says in one line what happened, when that is not the first line of `text`.
    """

    level: str
    text: str
    request_id: str | None = None
    uncaught: bool = False
    error_type: str | None = None
    headline: str | None = None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first(source: Mapping[str, Any], *keys: str) -> str | None:
    return next((found for key in keys if (found := _text(source.get(key)))), None)


def parse_error_object(line: Mapping[str, Any], raw: str) -> ErrorLine | None:
    """Read a structured log line; one without a level is an error only if it is a runtime's error report."""
    inner = line.get("message")
    source = inner if isinstance(inner, dict) and "errorType" in inner else line
    level = (_first(line, "level", "log_level", "severity", "levelname") or "").upper()
    error_type = _first(source, "errorType")
    is_report = not level and error_type is not None and line.keys() <= _ERROR_REPORT
    if level not in _KEPT and not is_report:
        return None
    message = _text(inner) or _first(source, "errorMessage") or raw
    # A runtime's own report of an uncaught error names no logger.
    by_runtime = is_report or ("stackTrace" in source and "logger" not in line)
    return ErrorLine(
        level=_KEPT.get(level, "error"),
        text=_titled(error_type, message),
        request_id=_first(line, "requestId", "function_request_id", "aws_request_id"),
        uncaught=error_type is not None and by_runtime,
        error_type=error_type if by_runtime else None,
    )


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
    error_type, headline = _uncaught(head, message)
    known = _KEPT.get(level or "", "error")
    return ErrorLine(known, message, request_id, error_type is not None, error_type, headline)


def _layout(head: str) -> tuple[str | None, str | None]:
    for layout in _LAYOUTS:
        if match := layout.match(head):
            request_id = match.groupdict().get("request")
            return match["level"], None if request_id == "undefined" else request_id
    return None, None


def _uncaught(head: str, message: str) -> tuple[str | None, str | None]:
    """The kind of error that a runtime reports as uncaught, and its headline if that is hidden in JSON."""
    if match := _PYTHON.match(head) or _STACK.match(head):
        return match["type"], None
    node = _NODE.match(message)
    if node or message.startswith(_RUBY):
        report = load_object(message[node.end() :] if node else message[len(_RUBY) :]) or {}
        error_type = _first(report, "errorType") or "Error"
        return error_type, _titled(error_type, _first(report, "errorMessage") or "")
    return None, None
