"""The rows of Logs Insights, and the fields that it finds in log events by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

_LAMBDA = re.compile(r"(START|END|REPORT) RequestId: (\S+)")
_REPORT: Mapping[str, tuple[re.Pattern[str], float]] = {
    "@duration": (re.compile(r"\tDuration: ([\d.]+) ms"), 1),
    "@billedDuration": (re.compile(r"\tBilled Duration: ([\d.]+) ms"), 1),
    "@initDuration": (re.compile(r"\tInit Duration: ([\d.]+) ms"), 1),
    "@memorySize": (re.compile(r"\tMemory Size: (\d+) MB"), 1e6),
    "@maxMemoryUsed": (re.compile(r"\tMax Memory Used: (\d+) MB"), 1e6),
}
"""What Insights reads in a REPORT line of Lambda's; memory is in bytes, a million to the megabyte."""

_XRAY = {
    "@xrayTraceId": re.compile(r"XRAY TraceId: (\S+)"),
    "@xraySegmentId": re.compile(r"SegmentId: (\S+)"),
}


class Row:
    """A log event or a row made of some: named values, of which those found in the text come last."""

    __slots__ = ("_found", "shown", "values")

    def __init__(self, values: dict[str, Any], *, found: dict[str, Any] | None = None) -> None:
        """`shown` are the columns so far. Fields in the text are looked for when they are first asked for."""
        self.values = values
        self.shown: list[str] = []
        self._found = found

    def get(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        if self._found is None:
            self._found = discovered(self.values.get("@message", ""))
        return self._found.get(name)


def discovered(message: str) -> dict[str, Any]:
    """The fields that Insights finds by itself: of a JSON document, or of a line that Lambda writes."""
    if message.startswith("{"):
        try:
            return dict(_flat("", json.loads(message)))
        except ValueError:
            return {}
    kind = _LAMBDA.match(message)
    if not kind:
        return {}
    found: dict[str, Any] = {"@type": kind[1], "@requestId": kind[2]}
    if kind[1] == "REPORT":
        read = {name: pattern.search(message) for name, (pattern, _) in _REPORT.items()}
        found |= {name: float(match[1]) * _REPORT[name][1] for name, match in read.items() if match}
        seen = {name: pattern.search(message) for name, pattern in _XRAY.items()}
        found |= {name: match[1] for name, match in seen.items() if match}
    return found


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flat(f"{prefix}.{number}", item)
    elif value is not None:
        yield prefix, value


# --- values as Insights shows them --------------------------------------------------------------------------


def text(value: Any) -> str:
    """A value as an answer shows it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def shown_time(ts_ms: int) -> str:
    """2026-11-21 10:00:00.000, in UTC."""
    at = datetime.fromtimestamp(ts_ms // 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ts_ms % 1000:03d}"


def to_ms(value: Any) -> int | None:
    try:
        return round(datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
