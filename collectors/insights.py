"""Logs Insights: reports of many functions added up in five-minute bins, and their newest error lines.

It is charged by the bytes it scans, so a query is priced before it runs, and no stretch is read twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.aws import Aws
from collectors.joining import Event
from core.errors import AwsError
from core.telemetry import InvocationSummary
from core.windows import Window

BIN = timedelta(minutes=5)
MOST_ROWS = 10_000
"""Rows of one answer."""
GROUPS_A_QUERY = 50
MOST_LINES = 200
"""Error lines kept of one reading: the newest."""

PAUSES_S = (0.2, 0.3, 0.5, 1, 1, 2, 2, 3, 5, 5, 5, 5, 10, 10, 10)
"""Between looks at a running query; then it is stopped."""
_ENDED = frozenset({"Failed", "Cancelled", "Timeout"})

Pause = Callable[[float], None]
Row = Mapping[str, str]

SUMS = """
fields coalesce(@duration, record.metrics.durationMs) as duration,
  coalesce(@billedDuration, record.metrics.billedDurationMs) as billed,
  coalesce(@initDuration, record.metrics.initDurationMs) as init,
  coalesce(@maxMemoryUsed / 1000000, record.metrics.maxMemoryUsedMB) as memory,
  strcontains(@message, "Restore Duration:") + strcontains(@message, "restoreDurationMs") as restored,
  strcontains(@message, "Status: timeout") + strcontains(@message, '"status":"timeout"') as timeout,
  strcontains(@message, '"status":"error"') + strcontains(@message, '"status":"failure"') as failed,
  strcontains(@message, "Runtime.OutOfMemory") as outright,
  floor(coalesce(@maxMemoryUsed / @memorySize, record.metrics.maxMemoryUsedMB / record.metrics.memorySizeMB)) as full,
  strcontains(@message, "Runtime exited with error: signal: killed") as killed,
  strcontains(@message, "Task timed out after") as late,
  strcontains(@message, '"platform.logsDropped"') as lost
| filter @type = "REPORT" or type = "platform.report" or type = "platform.logsDropped" or @message like "Task timed out after" or @message like "Runtime exited with error: signal: killed"
| parse @logStream /(?<owner>[\\w-]+)\\[/
| stats count(duration) as reports, count(init) as inits, sum(restored) as restores, sum(timeout) as timeouts,
  sum(late) as late_lines, sum(failed) as failures, sum(outright) as out_of_memory,
  sum(full) as full_reports, sum(killed) as killed_lines, sum(lost) as drops,
  sum(duration) as duration_sum, pct(duration, 50) as duration_p50, pct(duration, 95) as duration_p95,
  pct(duration, 99) as duration_p99, max(duration) as duration_max, sum(billed) as billed_sum,
  sum(init) as init_sum, pct(init, 50) as init_p50, pct(init, 95) as init_p95, max(init) as init_max,
  max(memory) as memory_max
  by bin(5m) as bin, @log, owner
""".strip()  # noqa: E501 - one expression
"""One row per bin and function: text reports by the fields that Insights finds in them, JSON ones by theirs.

`@maxMemoryUsed` is in bytes of which AWS counts a million to the megabyte. A timeout is told by a line of its
own, and by newer reports as well: the larger of the two counts. So is running out of memory: by newer reports
outright, else by a line of the kill beside a report of memory used up.
"""

LINES = f"""
fields @timestamp, @message, @logStream, @log
| filter @message like /Task timed out after|Runtime exited|Process exited before|\\[(ERROR|CRITICAL|FATAL)\\]|\\s(ERROR|FATAL)\\s|"level": ?"(ERROR|error|CRITICAL|FATAL|fatal)"|"level":[56]0|errorType|Traceback|panic: /
| sort @timestamp desc
| limit {MOST_LINES}
""".strip()  # noqa: E501 - one expression


@dataclass(frozen=True, slots=True)
class Bin:
    """A row of `SUMS`: whose it is by log group and, in a shared one, by stream; `drops` is how often Lambda
    said that it lost records."""

    group: str
    owner: str | None
    summary: InvocationSummary
    drops: float = 0


def run(aws: Aws, query: str, groups: Sequence[str], window: Window, *, pause: Pause) -> list[Row]:
    """The rows of a query over log groups.

    Raises AwsError when it fails, is ended by AWS, takes longer than a minute (it is stopped then) or has
    more rows than one answer holds: a part of the sums would be a wrong number.
    """
    client = aws.client("logs")
    started = client.start_query(
        logGroupNames=list(groups),
        startTime=int(window.start.timestamp()),
        endTime=int(window.end.timestamp()),
        queryString=query,
        limit=MOST_ROWS,
    )
    for seconds in (*PAUSES_S, None):
        answer = client.get_query_results(queryId=started["queryId"])
        status = answer.get("status")
        if status == "Complete":
            return _rows(answer, groups)
        if status in _ENDED:
            raise AwsError(f"Logs Insights ended the query over {_names(groups)} as {status}", retryable=True)
        if seconds is not None:
            pause(seconds)
    client.stop_query(queryId=started["queryId"])
    raise AwsError(
        f"Logs Insights took longer than {sum(PAUSES_S):.0f} s over {_names(groups)}: it was stopped",
        retryable=True,
    )


def _rows(answer: Mapping[str, Any], groups: Sequence[str]) -> list[Row]:
    results = answer.get("results") or ()
    if len(results) >= MOST_ROWS or answer.get("nextToken"):
        raise AwsError(f"Logs Insights found more than {MOST_ROWS:,} rows in {_names(groups)}")
    return [{field["field"]: field["value"] for field in row if "value" in field} for row in results]


def _names(groups: Sequence[str]) -> str:
    return groups[0] if len(groups) == 1 else f"{groups[0]} and {len(groups) - 1} more log groups"


def cut(window: Window, writers: int) -> list[Window]:
    """Pieces of `window` (on whole bins) whose rows surely fit one answer, when `writers` functions write."""
    step = BIN * max(1, (MOST_ROWS - 1) // max(1, writers))
    pieces, start = [], window.start
    while start < window.end:
        pieces.append(Window(start, min(window.end, start + step)))
        start += step
    return pieces


def sums(aws: Aws, groups: Sequence[str], window: Window, *, writers: int, pause: Pause) -> Iterator[Bin]:
    """The bins of `window` in which something was reported. `window` must begin on a whole bin."""
    for piece in cut(window, writers):
        for row in run(aws, SUMS, groups, piece, pause=pause):
            found = to_bin(row)
            if found is not None and found.summary.ts in piece:
                yield found


def lines(aws: Aws, groups: Sequence[str], window: Window, *, pause: Pause) -> Iterator[tuple[str, Event]]:
    """Log group and event of the newest error lines, oldest first."""
    for row in sorted(run(aws, LINES, groups, window, pause=pause), key=lambda r: r.get("@timestamp", "")):
        ts = to_time(row.get("@timestamp"))
        if ts is not None and ts in window:
            yield group_of(row), to_event(ts, row)


def to_event(ts: datetime, row: Row) -> Event:
    """An event as FilterLogEvents would tell it; Insights names none, so its id is made of what it says."""
    stream, message = row.get("@logStream", ""), row.get("@message", "")
    digest = hashlib.sha256(f"{stream}\0{ts.timestamp()}\0{message}".encode(errors="replace")).hexdigest()
    return Event(round(ts.timestamp() * 1000), stream, f"insights-{digest[:32]}", message)


def group_of(row: Row) -> str:
    """`@log` is the account's number, a colon and the group's name."""
    return row.get("@log", "").partition(":")[2]


def to_time(text: str | None) -> datetime | None:
    """A time as Insights prints it: `2026-11-21 10:00:00.000`, in UTC."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def to_bin(row: Row) -> Bin | None:
    """Read a row of `SUMS`; None for one without a time."""
    ts = to_time(row.get("bin") or row.get("bin(5m)"))
    if ts is None:
        return None
    number = {name: to_number(text) for name, text in row.items()}
    inits, restores = number.get("inits") or 0, number.get("restores") or 0
    late = [n for name in ("timeouts", "late_lines") if (n := number.get(name)) is not None]
    return Bin(
        group_of(row),
        row.get("owner"),
        InvocationSummary(
            function="",
            ts=ts,
            period_s=round(BIN.total_seconds()),
            reports=number.get("reports") or 0,
            cold_starts=inits + restores,
            timeouts=max(late, default=None),
            errors=number.get("failures"),
            out_of_memory=_out_of_memory(number),
            duration_sum_ms=number.get("duration_sum"),
            duration_p50_ms=number.get("duration_p50"),
            duration_p95_ms=number.get("duration_p95"),
            duration_p99_ms=number.get("duration_p99"),
            duration_max_ms=number.get("duration_max"),
            billed_sum_ms=number.get("billed_sum"),
            init_sum_ms=number.get("init_sum"),
            init_p50_ms=number.get("init_p50"),
            init_p95_ms=number.get("init_p95"),
            init_max_ms=number.get("init_max"),
            max_memory_mb=number.get("memory_max"),
        ),
        drops=number.get("drops") or 0,
    )


def _out_of_memory(number: Mapping[str, float | None]) -> float | None:
    """Reports that say so, or as many as were killed and had used up their memory."""
    full, killed = number.get("full_reports"), number.get("killed_lines")
    told = [number.get("out_of_memory"), None if full is None or killed is None else min(full, killed)]
    return max((n for n in told if n is not None), default=None)


def to_number(text: str | None) -> float | None:
    """A number of an answer; None for what is none, or not a finite one."""
    try:
        found = float(text) if text else None
    except ValueError:
        return None
    return found if found is not None and abs(found) < 1e300 else None
