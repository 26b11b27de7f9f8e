"""What functions wrote: a record per invocation from its report, and the lines that tell of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Expected, Learned, Reach
from collectors.joining import NEAR, Event, events_of, join, to_log_event, to_record
from collectors.parse import default_log_group
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Covered, Function, Gap, Inventory
from core.windows import MINUTE, Window, floor

TERMS = (
    "REPORT RequestId",
    "platform.report",
    "platform.initStart",
    "platform.restoreStart",
    "platform.initReport",
    "platform.restoreReport",
    "platform.fault",
    "platform.logsDropped",
    "INIT_REPORT",
    "RESTORE_REPORT",
    "Task timed out after",
    "Runtime exited",
    "Process exited before",
    "ERROR",
    "FATAL",
    "CRITICAL",
    "SEVERE",
    "Traceback",
    "Exception",
    "errorType",
    "panic: ",
)
PATTERN = " ".join(f'?"{term}"' for term in TERMS)
"""Any of the terms, in text and in JSON alike. What it lets through is looked at again here."""

BESIDE = NEAR
"""How far around a window lines are read that tell how an invocation within it ended."""

DENIED_IS_ENOUGH = 3
"""Log groups that the role may not read, with none that it may, after which the rest is not tried."""

_STREAM = re.compile(r"(?:\d{4}/\d\d/\d\d/)?(?P<function>[\w-]*)\[(?P<version>[^\]/]{1,32})\]")


@dataclass(frozen=True, slots=True)
class Stream:
    """What a stream's name tells: `2026/11/21/[12]0a1b...`, or `2026/11/21/orders[12]0a1b...` when shared."""

    function: str | None
    version: str | None


def parse_stream(name: str) -> Stream:
    match = _STREAM.match(name)
    return Stream(match["function"] or None, match["version"]) if match else Stream(None, None)


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Every log group once, whichever functions share it; one that cannot be read leaves the others."""
    may_read = False
    refused: list[AwsError] = []
    for group, functions in groups(ask).items():
        if len(refused) >= DENIED_IS_ENOUGH and not may_read:
            yield from _gaps(functions, ask.window, refused[-1])
            continue
        try:
            events = _fetch(aws, group, ask.window)
            may_read = True
        except (CredentialsError, EndpointError):
            raise
        except NotFoundError:
            why = f"log group {group} does not exist: nothing was ever logged, or it was deleted"
            yield from (Expected(Gap(function.name, ask.window, why)) for function in functions)
        except AwsError as error:
            refused += [error] if isinstance(error, AccessDeniedError) else []
            yield from _gaps(functions, ask.window, error)
        else:
            yield from to_facts(events, group, functions, ask)


def _gaps(functions: Sequence[Function], window: Window, error: AwsError) -> Iterator[Gap]:
    return (Gap(function.name, window, str(error), error.permission) for function in functions)


def groups(ask: Ask) -> Mapping[str, list[Function]]:
    """Functions to read by their log group."""
    found: dict[str, list[Function]] = {}
    for function in sorted(ask.known.functions, key=lambda f: f.name):
        if not ask.scopes or function.name in ask.scopes:
            found.setdefault(function.log_group or default_log_group(function.name), []).append(function)
    return found


def _fetch(aws: Aws, group: str, window: Window) -> list[Event]:
    pages = aws.pages(
        "logs",
        "filter_log_events",
        logGroupName=group,
        filterPattern=PATTERN,
        startTime=_ms(window.start - BESIDE),
        endTime=_ms(window.end + BESIDE),
    )
    return [event for page in pages for event in events_of(page.get("events", ()))]


def _ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)


def to_facts(
    events: Sequence[Event], group: str, functions: Sequence[Function], ask: Ask
) -> Iterator[Learned]:
    streams = {name: parse_stream(name) for name in {event.stream for event in events}}
    shared = _is_shared(group, ask.known)
    nameless = sorted(name for name, stream in streams.items() if shared and stream.function is None)
    by_function: dict[str, list[Event]] = {function.name: [] for function in functions}
    for event in events:
        owner = streams[event.stream].function if shared else functions[0].name
        if owner in by_function:
            by_function[owner].append(event)
    for function in functions:
        yield from _of_function(function, by_function[function.name], streams, ask.window)
        if nameless:
            why = f"log group {group} is shared, and stream {nameless[0]} does not say whose it is"
            yield Expected(Gap(function.name, ask.window, why))


def _is_shared(group: str, known: Inventory) -> bool:
    """Whether other functions write there too, also ones that are not read now."""
    return sum((f.log_group or default_log_group(f.name)) == group for f in known.functions) > 1


def _of_function(
    function: Function, events: Sequence[Event], streams: Mapping[str, Stream], window: Window
) -> Iterator[Learned]:
    joined = join(events)
    for invocation in joined.invocations:
        if invocation.event.ts in window:
            yield to_record(invocation, function.name, streams[invocation.event.stream].version)
    for line in joined.lines:
        if line.event.ts in window:
            yield to_log_event(line, function.name, streams[line.event.stream].version)
    yield Covered(function.name, window)
    yield from (Expected(gap) for gap in unwritten(function, joined.dropped, window))


def unwritten(function: Function, dropped: Sequence[tuple[datetime, str]], window: Window) -> Iterator[Gap]:
    """What Lambda itself did not write to the log, so that records are missing however often it is read."""
    if function.log_format == "JSON" and function.system_log_level == "WARN":
        why = "the function's system log level is WARN, so reports of successful invocations are not written"
        yield Gap(function.name, window, why)
    for ts, reason in dropped:
        minute = Window(floor(ts, MINUTE), floor(ts, MINUTE) + MINUTE).overlap(window)
        if minute:
            yield Gap(function.name, minute, f"Lambda dropped log records: {reason[:200]}")


def scopes(known: Inventory) -> list[str]:
    return [function.name for function in known.functions]


COLLECTOR = Collector(
    name="logs",
    what="A record per invocation (duration, memory, cold start, outcome) and error lines, from logs.",
    every="logs_every",
    permissions=("logs:FilterLogEvents",),
    collect=collect,
    reach=Reach(piece=12 * HOUR, scopes=scopes),
)
