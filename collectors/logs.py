"""What functions wrote: a record per invocation from its report (or sums of them), and lines of errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from collectors import aggregating, log_modes
from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Expected, Learned, Reach
from collectors.insights import BIN, Pause
from collectors.joining import (
    NEAR,
    Event,
    Joined,
    events_of,
    join,
    to_batch_failure,
    to_log_event,
    to_record,
    to_start,
)
from collectors.log_modes import AGGREGATED, EVERY, OFF, group_of, shared_groups
from collectors.streams import Stream, parse_stream
from collectors.unwritten import as_written, ownerless, unwritten
from core.entities import Function, LogMode
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Covered, Gap, Inventory, Target
from core.windows import MINUTE, Window, floor
from store.readers.log_volume import log_bytes_a_day
from store.store import Store

TERMS = (
    "REPORT RequestId",
    "platform.report",
    "INIT_START",
    "RESTORE_START",
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
    "level=error",
    "level=fatal",
    *(
        f'":{blank}"{word}'
        for word in ("error", "fatal", "critical", "Error", "Fatal")
        for blank in ("", " ")
    ),
    *(f'"level":{number}' for number in (50, 60)),
    "batchItemFailures",
    "BatchItemFailures",
    "BatchItemFailure",
    "BatchRecordFailures",
    "BatchRecordFailure",
    "batch_item_failures",
)

BESIDE = NEAR
"""How far around a window lines are read that tell how an invocation within it ended."""

DENIED_IS_ENOUGH = 3
"""Log groups that the role may not read, with none that it may, after which the rest is not tried."""


def collect(aws: Aws, ask: Ask, *, pause: Pause = time.sleep) -> Iterator[Learned]:
    """Each function's log in its mode: every invocation, aggregated, or off (a gap that says so)."""
    modes = modes_of(ask)
    if ask.newest:
        since = ask.window.end - ask.settings.logs_every
        yield from log_modes.due(list(modes.values()), ask.known, since=since, until=ask.window.end)
    wanted = {mode: _in_mode(mode, modes, ask) for mode in (EVERY, AGGREGATED, OFF)}
    for function in wanted[OFF]:
        yield Expected(Gap(function.name, ask.window, f"its log is not read: {modes[function.name].why}"))
    yield from _every(aws, wanted[EVERY], _whole_bins(ask, wanted[EVERY]))
    yield from aggregating.read(aws, wanted[AGGREGATED], modes, ask, pause=pause)


def modes_of(ask: Ask) -> dict[str, LogMode]:
    """The mode of each function to read; of history the one that was chosen last."""
    names = set(ask.scopes) or {function.name for function in ask.known.functions}
    known = {mode.name: mode for mode in ask.known.log_modes}
    if ask.newest or not names <= known.keys():
        known = log_modes.choose(ask.known, ask.settings.logs, ask.held, now=ask.window.end)
    return {name: mode for name, mode in known.items() if name in names}


def _in_mode(mode: str, modes: Mapping[str, LogMode], ask: Ask) -> list[Function]:
    found = (f for f in ask.known.functions if f.name in modes and modes[f.name].mode == mode)
    return sorted(found, key=lambda function: function.name)


def _whole_bins(ask: Ask, functions: Sequence[Function]) -> Ask:
    """Begin with a whole bin after a change from aggregated, so that records take the place of its sum."""
    names = {function.name for function in functions}
    was = any(mode.mode == AGGREGATED and mode.name in names for mode in ask.known.log_modes)
    return replace(ask, window=Window(floor(ask.window.start, BIN), ask.window.end)) if was else ask


def _every(aws: Aws, wanted: Sequence[Function], ask: Ask) -> Iterator[Learned]:
    """Every log group once, whichever functions share it; one that cannot be read leaves the others."""
    may_read = False
    refused: list[AwsError] = []
    shared = shared_groups(ask.known)
    for group, functions in groups(wanted).items():
        if len(refused) >= DENIED_IS_ENOUGH and not may_read:
            yield from _gaps(functions, ask.window, refused[-1])
            continue
        try:
            events = _fetch(aws, group, ask.window, ask.settings.logs.keep)
            may_read = True
        except (CredentialsError, EndpointError):
            raise
        except NotFoundError:
            yield from missing(group, functions, ask.window)
        except AwsError as error:
            refused += [error] if isinstance(error, AccessDeniedError) else []
            yield from _gaps(functions, ask.window, error)
        else:
            keep = ask.settings.logs.keep
            yield from to_facts(events, group, functions, ask.window, is_shared=group in shared, keep=keep)


def missing(group: str, functions: Sequence[Function], window: Window) -> Iterator[Expected]:
    why = f"log group {group} does not exist: nothing was ever logged, or it was deleted"
    return (Expected(Gap(function.name, window, why)) for function in functions)


def _gaps(functions: Sequence[Function], window: Window, error: AwsError) -> Iterator[Gap]:
    return (Gap(function.name, window, str(error), error.permission) for function in functions)


def groups(functions: Sequence[Function]) -> Mapping[str, list[Function]]:
    """Functions to read by their log group."""
    found: dict[str, list[Function]] = {}
    for function in functions:
        found.setdefault(group_of(function), []).append(function)
    return found


def _fetch(aws: Aws, group: str, window: Window, keep: Sequence[str]) -> list[Event]:
    pages = aws.pages(
        "logs",
        "filter_log_events",
        logGroupName=group,
        filterPattern=pattern(keep),
        startTime=_ms(window.start - BESIDE),
        endTime=_ms(window.end + BESIDE),
    )
    return [event for page in pages for event in events_of(page.get("events", ()))]


def pattern(keep: Sequence[str]) -> str:
    """A filter for any of the terms, and of the texts to keep, in text and in JSON alike. What it lets
    through is looked at again here."""
    return " ".join(f'?"{term}"' for term in (term.replace('"', '\\"') for term in (*TERMS, *keep)))


def _ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)


def to_facts(
    events: Sequence[Event],
    group: str,
    functions: Sequence[Function],
    window: Window,
    *,
    is_shared: bool,
    keep: Sequence[str] = (),
) -> Iterator[Learned]:
    """`is_shared`: other functions write to the group too, also ones that are not read now. `keep`: parts of
    lines that are kept though they are no errors."""
    streams = {name: parse_stream(name) for name in {event.stream for event in events}}
    nameless = sorted(name for name, stream in streams.items() if is_shared and stream.function is None)
    by_function: dict[str, list[Event]] = {function.name: [] for function in functions}
    for event in events:
        owner = streams[event.stream].function if is_shared else functions[0].name
        if owner in by_function:
            by_function[owner].append(event)
    for function in functions:
        joined = join(by_function[function.name], keep)
        yield from _of_function(function, joined, streams, window)
    if nameless:
        gaps = ownerless(group, f"stream {nameless[0]}", functions, window)
        yield from (Expected(gap) for gap in gaps)
        yield from (Covered(as_written(function.name), window) for function in functions)


def _of_function(
    function: Function, joined: Joined, streams: Mapping[str, Stream], window: Window
) -> Iterator[Learned]:
    for invocation in joined.invocations:
        if invocation.event.ts in window:
            yield to_record(invocation, function.name, streams[invocation.event.stream].version)
    for line in joined.lines:
        if line.event.ts in window:
            yield to_log_event(line, function.name, streams[line.event.stream].version)
    for batch in joined.batches:
        if batch.event.ts in window:
            yield to_batch_failure(batch, function.name)
    for start in joined.starts:
        if start.event.ts in window:
            yield to_start(start, function.name, streams[start.event.stream].version)
    yield Covered(function.name, window)
    dropped = [(Window(floor(ts, MINUTE), floor(ts, MINUTE) + MINUTE), why) for ts, why in joined.dropped]
    if gaps := list(unwritten(function, dropped, window)):
        yield Covered(as_written(function.name), window)
        yield from map(Expected, gaps)


def scopes(known: Inventory) -> list[str]:
    return [function.name for function in known.functions]


def recall(store: Store, target: Target, window: Window) -> Mapping[str, float]:
    """What each function logs a day: how its log is read depends on it."""
    return log_bytes_a_day(store, target, until=window.end)


def estimate_usd(ask: Ask) -> Decimal:
    """What Logs Insights will scan, if nothing else is to be read: reading every invocation costs nothing and
    must not be held back. (Each query is held to the budget once more when it runs.)"""
    modes = modes_of(ask)
    if any(mode.mode != AGGREGATED for mode in modes.values()):
        return Decimal(0)
    return aggregating.price_usd(modes, aggregating.readable(ask))


COLLECTOR = Collector(
    name="logs",
    what="A record per invocation (duration, memory, cold start, outcome) and error lines, from logs.",
    every="logs_every",
    permissions=("logs:FilterLogEvents", "logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery"),
    collect=collect,
    reach=Reach(piece=12 * HOUR, scopes=scopes, beside=as_written),
    estimate_usd=estimate_usd,
    recall=recall,
)
