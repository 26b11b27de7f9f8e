"""What functions themselves write into their logs: which lines tell of an error, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
_UNCAUGHT = re.compile(
    # Python, then Node.js
    r"\[ERROR\] (?P<type>[A-Za-z_][\w.]{0,120})(?::|$|\n)"
    r"|\S+Z\t\S+\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+(?P<rest>.*)",
    re.DOTALL,
)
_ERROR_TYPE = re.compile(r'"errorType"\s*:\s*"([^"\\]{1,120})"')
_SUSPECT = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b|Traceback \(most recent call last\)|[a-z]Exception\b|^panic: ", re.M
)
_QUIET = frozenset({"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING"})


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line that tells of an error. `uncaught`: it ended its invocation, and `error_type` is its kind."""

    level: str
    text: str
    request_id: str | None = None
    uncaught: bool = False
    error_type: str | None = None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first(source: Mapping[str, Any], *keys: str) -> str | None:
    return next((found for key in keys if (found := _text(source.get(key)))), None)


def parse_error_object(line: Mapping[str, Any], raw: str) -> ErrorLine | None:
    """Read a structured log line; one without a level is an error only if it is a runtime's error report."""
    inner = line.get("message")
    source = inner if isinstance(inner, dict) and "errorType" in inner else line
    error_type, request_id = (
        _first(source, "errorType"),
        _first(line, "requestId", "function_request_id", "aws_request_id"),
    )
    level = (_first(line, "level", "log_level", "severity", "levelname") or "").upper()
    if not level and not (error_type and ("errorMessage" in source or "stackTrace" in source)):
        return None
    if level and level not in _KEPT:
        return None
    message = _text(inner) or _first(source, "errorMessage") or raw
    text = f"{error_type}: {message}" if error_type and not message.startswith(error_type) else message
    # A runtime's own report of an uncaught error names no logger.
    uncaught = bool(error_type) and "stackTrace" in source and "logger" not in line
    return ErrorLine(_KEPT.get(level, "error"), text, request_id, uncaught, error_type if uncaught else None)


def parse_error_line(message: str) -> ErrorLine | None:
    """Read a plain log line; None when its level says that it is no error, or nothing in it does."""
    head = message[:_HEAD].lstrip()
    level, request_id = _layout(head)
    uncaught = _UNCAUGHT.match(head)
    if level in _QUIET:
        return None
    if level not in _KEPT and not _SUSPECT.search(message[: _HEAD * 10]):
        return None
    if uncaught is None:
        return ErrorLine(_KEPT.get(level or "", "error"), message, request_id)
    error_type = uncaught["type"] or _node_error_type(uncaught["rest"])
    return ErrorLine(_KEPT.get(level or "", "error"), message, request_id, True, error_type)


def _layout(head: str) -> tuple[str | None, str | None]:
    for layout in _LAYOUTS:
        if match := layout.match(head):
            request_id = match.groupdict().get("request")
            return match["level"], None if request_id == "undefined" else request_id
    return None, None


def _node_error_type(rest: str | None) -> str | None:
    match = _ERROR_TYPE.search(rest or "")
    return match[1] if match else None
