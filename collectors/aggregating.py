"""Logs in aggregated mode: whole, settled five-minute bins, each scanned once, within the budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from collectors import insights
from collectors.aws import Aws
from collectors.collector import Ask, Expected, Learned
from collectors.insights import BIN, GROUPS_A_QUERY, Bin, Pause
from collectors.joining import Event, join, to_log_event
from collectors.log_modes import group_of, scan_usd, shared_groups
from collectors.streams import parse_stream
from collectors.unwritten import UNWRITTEN, ownerless, unwritten
from core.entities import Function, LogMode
from core.errors import (
    AccessDeniedError,
    AwsError,
    BudgetError,
    CredentialsError,
    EndpointError,
    NotFoundError,
)
from core.facts import Covered, Gap
from core.windows import Window, floor, settled_until

DAY = timedelta(days=1)
WAITS = "aggregated logs are scanned once, when they no longer change"

DENIED_IS_ENOUGH = 3
"""Log groups that the role may not read, with none that it may, after which the rest is not tried."""

Owners = Mapping[str, Sequence[Function]]
"""Functions by their log group."""

Groups = frozenset[str]
"""Names of log groups."""


def readable(ask: Ask) -> Window:
    """The whole bins of the window that no longer change: to scan a stretch again would cost again."""
    end = floor(settled_until(ask.window.end) if ask.newest else ask.window.end, BIN)
    start = floor(ask.window.start, BIN)
    return Window(start, max(start, end))


def price_usd(modes: Mapping[str, LogMode], window: Window) -> Decimal:
    """What scanning the window costs, as far as volumes are known."""
    size = sum(mode.bytes_a_day or 0 for mode in modes.values()) * (window.duration / DAY)
    return scan_usd(size)


def read(
    aws: Aws, functions: Sequence[Function], modes: Mapping[str, LogMode], ask: Ask, *, pause: Pause
) -> Iterator[Learned]:
    """Sums per bin and the newest error lines of each function."""
    window = readable(ask)
    young = Window(max(window.end, ask.window.start), ask.window.end)
    for function in functions if young.duration else ():
        yield Expected(Gap(function.name, young, WAITS))
    if not window.duration:
        return
    owners: dict[str, list[Function]] = {}
    there = {group.name for group in ask.known.log_groups}
    for function in functions:
        group = group_of(function)
        if there and group not in there:  # one that is not there would refuse the query of all
            yield _missing(group, function.name, window)
        else:
            owners.setdefault(group, []).append(function)
    names = sorted(owners)
    for at in range(0, len(names), GROUPS_A_QUERY):
        some = {name: owners[name] for name in names[at : at + GROUPS_A_QUERY]}
        yield from _guarded(aws, some, modes, ask, window, pause=pause)


def _guarded(
    aws: Aws, owners: Owners, modes: Mapping[str, LogMode], ask: Ask, window: Window, *, pause: Pause
) -> Iterator[Learned]:
    """What one query over some groups tells, or gaps. A group that is not there, or closed to us, refuses the
    whole query: then each is asked alone."""
    mine = {f.name: modes[f.name] for functions in owners.values() for f in functions}
    try:
        aws.afford(price_usd(mine, window))
        found = list(_read(aws, owners, ask, window, pause=pause))
    except (CredentialsError, EndpointError):
        raise
    except (NotFoundError, AccessDeniedError) as error:
        if len(owners) > 1:
            yield from _each(aws, owners, modes, ask, window, pause=pause)
        elif isinstance(error, AccessDeniedError):
            yield from (Gap(name, window, str(error), error.permission) for name in mine)
        else:
            yield from (_missing(next(iter(owners)), name, window) for name in mine)
    except BudgetError as error:
        yield from (Expected(Gap(name, window, str(error))) for name in mine)
    except AwsError as error:
        yield from (Gap(name, window, _why(error), error.permission) for name in mine)
    else:
        yield from found


def _missing(group: str, function: str, window: Window) -> Expected:
    why = f"log group {group} does not exist: nothing was ever logged, or it was deleted"
    return Expected(Gap(function, window, why))


def _each(
    aws: Aws, owners: Owners, modes: Mapping[str, LogMode], ask: Ask, window: Window, *, pause: Pause
) -> Iterator[Learned]:
    """Every group alone, until it is clear that the role may read none."""
    may_read, denied = False, list[Gap]()
    for group, functions in owners.items():
        if len(denied) >= DENIED_IS_ENOUGH and not may_read:
            yield from (replace(denied[-1], scope=function.name) for function in functions)
            continue
        for learned in _guarded(aws, {group: functions}, modes, ask, window, pause=pause):
            may_read = may_read or isinstance(learned, Covered)
            denied += [learned] if isinstance(learned, Gap) and learned.permission else []
            yield learned


def _why(error: AwsError) -> str:
    if error.code == "LimitExceededException":
        return (
            f"too many Logs Insights queries run at once in the account; the next run tries again ({error})"
        )
    return str(error)


def _read(aws: Aws, owners: Owners, ask: Ask, window: Window, *, pause: Pause) -> Iterator[Learned]:
    groups = sorted(owners)
    writers = sum(group_of(function) in owners for function in ask.known.functions)
    shared = shared_groups(ask.known)
    bins = list(insights.sums(aws, groups, window, writers=writers, pause=pause))
    for found in bins:
        function = _owner(found, owners, shared)
        if function is not None:
            # Text reports tell of crashes only, not of errors that the runtime reported.
            errors = found.summary.errors if function.log_format == "JSON" else None
            yield replace(found.summary, function=function.name, errors=errors)
    yield from _error_lines(list(insights.lines(aws, groups, window, pause=pause)), owners, shared)
    for function in (f for functions in owners.values() for f in functions):
        yield Covered(function.name, window, period_s=round(BIN.total_seconds()))
    yield from (Expected(gap) for gap in _incomplete(bins, owners, shared, window))


def _incomplete(bins: Sequence[Bin], owners: Owners, shared: Groups, window: Window) -> Iterator[Gap]:
    """What the sums lack although the logs were read: of scopes of their own, since a second scan would cost
    again and find no more."""
    dropped: dict[str, list[tuple[Window, str]]] = {}
    nameless = {found.group for found in bins if found.summary.reports and not found.owner}
    for found in bins:
        function = _owner(found, owners, shared)
        if found.drops and function is not None:
            stretch = Window(found.summary.ts, found.summary.ts + BIN)
            dropped.setdefault(function.name, []).append((stretch, f"{found.drops:g} times in 5 minutes"))
    for group, functions in owners.items():
        for function in functions:
            gaps = [*unwritten(function, dropped.get(function.name, ()), window)]
            if group in nameless and group in shared:
                gaps += ownerless(group, "one of its streams", [function], window)
            yield from (replace(gap, scope=f"{gap.scope} {UNWRITTEN}") for gap in gaps)


def _owner(found: Bin, owners: Owners, shared: Groups) -> Function | None:
    return _of(found.group, found.owner, owners, shared)


def _of(group: str, owner: str | None, owners: Owners, shared: Groups) -> Function | None:
    """Whose a row is: the group's only function, or the one that a shared group's stream names."""
    functions = owners.get(group, ())
    if group not in shared:
        return next(iter(functions), None)
    return next((function for function in functions if function.name == owner), None)


def _error_lines(found: Sequence[tuple[str, Event]], owners: Owners, shared: Groups) -> Iterator[Learned]:
    of_function: dict[str, list[Event]] = {}
    for group, event in found:
        function = _of(group, parse_stream(event.stream).function, owners, shared)
        if function is not None:
            of_function.setdefault(function.name, []).append(event)
    for name, events in of_function.items():
        for line in join(events).lines:
            yield to_log_event(line, name, parse_stream(line.event.stream).version)
