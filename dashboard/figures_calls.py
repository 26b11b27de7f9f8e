"""What a function's page says of single invocations: how they spread, and one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

import pandas as pd

from dashboard import numbers
from dashboard.figures import reason
from dashboard.numbers import plain

Row = Mapping[Any, Any]

_FIRST, _LAST = ["ts", "status"], ["max_memory_mb", "version", "log", "trace", "request_id"]
COLUMNS: Mapping[str, list[str]] = {
    "slowest": [*_FIRST, "error_type", "duration_ms", "timeout_share", "waited_ms", *_LAST],
    "nearest timeout": [*_FIRST, "error_type", "timeout_share", "duration_ms", "waited_ms", *_LAST],
    "failed": [*_FIRST, "error_type", "duration_ms", "timeout_share", *_LAST],
    "cold": [*_FIRST, "waited_ms", "waited_for", "init_type", "duration_ms", "billed_ms", *_LAST],
    "newest": [*_FIRST, "error_type", "duration_ms", "waited_ms", *_LAST],
}
"""Per order of `slow_invocations`: what says most comes first."""


def rows(found: pd.DataFrame) -> pd.DataFrame:
    """The table of invocations: the reader's columns, and the words of the ways to lines and trace."""
    lines = [f"{n:,.0f} kept" if n else "search" for n in found["lines"]]
    traces = ["open" if isinstance(id, str) and id else None for id in found["trace_id"]]
    words: dict[str, list[Any]] = {"log": lines, "trace": traces}
    return found.assign(**words)


def one(row: Row, *, zone: tzinfo, now: datetime) -> str:
    """An invocation in one line of Markdown."""
    share = row["timeout_share"]
    said = [
        f"**{plain(row['status'])}**"
        + (f" {plain(row['error_type'])}" if numbers.known(row["error_type"]) else ""),
        f"ended {plain(numbers.clock(row['ts'], zone, now=now))}",
        numbers.ms(row["duration_ms"]) + (f", {share:.0%} of its timeout" if numbers.known(share) else ""),
        f"waited {numbers.ms(row['waited_ms'])} for {plain(row['waited_for'])}" if row["waited_for"] else "",
        f"request {plain(row['request_id'])}" if row["request_id"] else "",
    ]
    return " · ".join(part for part in said if part)


def durations(histogram: pd.DataFrame) -> str:
    """How near invocations come to their timeout, in a sentence of Markdown."""
    records, timeouts = histogram["records"].sum(), histogram["timeouts"].sum()
    timeout = histogram["timeout_ms"].iloc[0]
    said = f"{numbers.count(records)} invocation records; {numbers.count(timeouts)} ran into a timeout"
    if not numbers.known(timeout):
        return f"{said}. The timeout is not known."
    near = histogram.loc[histogram["from_ms"] >= timeout / 2, "records"].sum()
    return f"{said}, {numbers.count(near)} took half of the {numbers.ms(timeout)} or more (by bucket)."


def memory(use: pd.DataFrame) -> list[str]:
    """Per memory size that it ran with: how much of it was used, as Markdown."""
    return [
        f"{numbers.megabytes(row['memory_mb'])}: at most {numbers.megabytes(row['used_max_mb'])} "
        f"({row['used_share']:.0%}) used, p95 {numbers.megabytes(row['used_p95_mb'])}, over "
        f"{numbers.count(row['records'])} records"
        + (f"; {numbers.count(row['out_of_memory'])} out of memory" if row["out_of_memory"] else "")
        + "."
        for row in use.to_dict("records")
    ]


def read(state: str) -> str:
    """How well the log was read, in words for a caption."""
    why = reason(state)
    if why is None:
        return "Provisional: the newest minutes may still change"
    return f":orange[:material/visibility_off:] Part of the log was not read: {plain(why)}"
