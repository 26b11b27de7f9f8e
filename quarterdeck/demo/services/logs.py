"""CloudWatch Logs: FilterLogEvents, GetLogEvents, DescribeLogGroups, DescribeLogStreams, retention."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from quarterdeck.demo.account import Demo, Handler, make_token, paged, read_token
from quarterdeck.demo.logfilter import Matches, PatternError, parse
from quarterdeck.demo.loglines import Line, lines, stream_name
from quarterdeck.demo.logsizes import EVENT_OVERHEAD_BYTES, log_bytes
from quarterdeck.demo.model import HOUR_MS
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.stories import DAY, to_ms
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import World

MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1_048_576
GROUPS_PAGE = 50
LAG_MS = 3_000
"""How long an event takes to be found."""
LONGEST_MS = 16 * 60_000


def _group(demo: Demo, account: str, call: Call) -> tuple[str, tuple[Spec, ...]]:
    name = call.params.get("logGroupName") or call.params.get("logGroupIdentifier", "")
    name = name.split(":log-group:")[-1].removesuffix(":*")
    groups = demo.world.company.groups_of(account, call.region)
    if name not in groups:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return name, groups[name]


def retention_of(demo: Demo, account: str, region: str, name: str, specs: tuple[Spec, ...]) -> int | None:
    default = specs[0].retention_days
    kept: int | None = demo.kept.get(account, region, "retention", name, default=default)
    return kept


# --- events ------------------------------------------------------------------------------------------------


def _hour_of_group(world: World, specs: tuple[Spec, ...], hour: int) -> list[Line]:
    """All events of one hour of a log group, oldest first; the future is among them."""
    key = ("lines", tuple(spec.key for spec in specs), hour)
    made: list[Line] = world.lines.get(
        key, lambda: list(heapq.merge(*(sorted(_hour_of(world, spec, hour)) for spec in specs)))
    )
    return made


def _hour_of(world: World, spec: Spec, hour: int) -> Iterator[Line]:
    begin, end = hour * HOUR_MS, (hour + 1) * HOUR_MS
    ahead_ms = spec.ahead_s * 1000
    last = (end - 1 + ahead_ms) // (24 * HOUR_MS)
    numbers = range((begin - LONGEST_MS) // (24 * HOUR_MS), last + 1)
    for number in numbers:
        if number * 24 * HOUR_MS < world.begin_ms:
            continue
        day = world.day(spec, number)
        for index in np.flatnonzero((day.start_ms < end + ahead_ms) & (day.end_ms + 1 >= begin)):
            yield from (line for line in lines(day, int(index)) if begin <= line.ts_ms < end)


def events(
    world: World, specs: tuple[Spec, ...], begin_ms: int, end_ms: int, *, newest_first: bool = False
) -> Iterator[Line]:
    """The events of a log group in a stretch of time (both ends included) that can be seen now."""
    end_ms = min(end_ms, world.now_ms() - LAG_MS)
    hours = range(max(begin_ms, world.begin_ms) // HOUR_MS, end_ms // HOUR_MS + 1)
    for hour in reversed(hours) if newest_first else hours:
        found = _hour_of_group(world, specs, hour)
        for line in reversed(found) if newest_first else found:
            if begin_ms <= line.ts_ms <= end_ms:
                yield line


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: after this event, in this stretch of time (fixed by the first page)."""

    begin_ms: int
    end_ms: int
    after: tuple[int, str] | None = None

    @classmethod
    def of(cls, token: str) -> _Place:
        found = read_token(token, invalid="InvalidParameterException")
        return cls(found["begin_ms"], found["end_ms"], (found["ts_ms"], found["id"]))

    def token(self, last: Line) -> str:
        stretch = {"begin_ms": self.begin_ms, "end_ms": self.end_ms}
        return make_token({**stretch, "ts_ms": last.ts_ms, "id": last.event_id})


def filter_log_events(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    name, specs = _group(demo, account, call)
    if specs[0].log_class != "STANDARD":
        raise ApiError("InvalidOperationException", f"Log group class {specs[0].log_class} is not searched")
    matches = _pattern(params.get("filterPattern", ""))
    limit = params.get("limit", MAX_EVENTS)
    if not 1 <= limit <= MAX_EVENTS:
        raise ApiError("InvalidParameterException", f"limit must be between 1 and {MAX_EVENTS}")
    token = params.get("nextToken")
    place = _Place.of(token) if token else _Place(*_stretch(demo, account, call, name, specs))
    newest_first = params.get("startFromHead") is False
    found = _from(demo.world, specs, place, newest_first=newest_first)
    page, more = _page((line for line in found if _wanted(line, params, matches)), limit)
    answer: dict[str, Any] = {"events": [_event(line) for line in page], "searchedLogStreams": []}
    return {**answer, "nextToken": place.token(page[-1])} if more else answer


def _from(world: World, specs: tuple[Spec, ...], place: _Place, *, newest_first: bool) -> Iterator[Line]:
    """The events of a stretch that come after where the last page ended."""
    begin_ms, end_ms = place.begin_ms, place.end_ms
    if place.after is None:
        yield from events(world, specs, begin_ms, end_ms, newest_first=newest_first)
        return
    if newest_first:
        end_ms = place.after[0]
    else:
        begin_ms = place.after[0]
    for line in events(world, specs, begin_ms, end_ms, newest_first=newest_first):
        at = (line.ts_ms, line.event_id)
        if at < place.after if newest_first else at > place.after:
            yield line


def _page(found: Iterator[Line], limit: int) -> tuple[list[Line], bool]:
    """At most `limit` events and 1 MB, and whether there are more."""
    page: list[Line] = []
    size = 0
    for line in found:
        size += len(line.message) + EVENT_OVERHEAD_BYTES
        if len(page) == limit or (page and size > MAX_PAGE_BYTES):
            return page, True
        page.append(line)
    return page, False


def _pattern(text: str) -> Matches:
    try:
        return parse(text)
    except PatternError as error:
        raise ApiError("InvalidParameterException", f"Invalid filter pattern: {error}") from error


def _stretch(demo: Demo, account: str, call: Call, name: str, specs: tuple[Spec, ...]) -> tuple[int, int]:
    now_ms = demo.world.now_ms()
    begin_ms, end_ms = call.params.get("startTime", 0), call.params.get("endTime", now_ms)
    if begin_ms > end_ms:
        raise ApiError("InvalidParameterException", "endTime must be greater than or equal to startTime")
    days = retention_of(demo, account, call.region, name, specs)
    oldest = now_ms - int(timedelta(days=days).total_seconds() * 1000) if days else 0
    return max(begin_ms, oldest, demo.world.begin_ms), min(end_ms, now_ms)


def _wanted(line: Line, params: dict[str, Any], matches: Matches) -> bool:
    if "logStreamNames" in params and line.stream not in params["logStreamNames"]:
        return False
    if "logStreamNamePrefix" in params and not line.stream.startswith(params["logStreamNamePrefix"]):
        return False
    return matches(line.message)


def _event(line: Line) -> dict[str, Any]:
    return {
        "logStreamName": line.stream,
        "timestamp": line.ts_ms,
        "message": line.message,
        "ingestionTime": line.ts_ms + LAG_MS - 900,
        "eventId": line.event_id,
    }


def get_log_events(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    name, specs = _group(demo, account, call)
    begin_ms, end_ms = _stretch(demo, account, call, name, specs)
    stream = params["logStreamName"]
    found = [line for line in events(demo.world, specs, begin_ms, end_ms - 1) if line.stream == stream]
    limit = params.get("limit", MAX_EVENTS)
    token = (
        read_token(params["nextToken"], invalid="InvalidParameterException") if "nextToken" in params else {}
    )
    head = params.get("startFromHead", False) or "from" in token
    first = token.get("from", 0 if head else max(len(found) - limit, 0))
    page = found[first : first + limit]
    return {
        "events": [
            {k: v for k, v in _event(line).items() if k not in ("logStreamName", "eventId")} for line in page
        ],
        "nextForwardToken": make_token({"from": first + len(page)}),
        "nextBackwardToken": make_token({"from": max(first - limit, 0)}),
    }


# --- groups and streams ------------------------------------------------------------------------------------


def describe_log_groups(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    found = [
        _described(demo, account, call.region, name, specs)
        for name, specs in sorted(demo.world.company.groups_of(account, call.region).items())
        if name.startswith(params.get("logGroupNamePrefix", ""))
        and params.get("logGroupNamePattern", "") in name
    ]
    page, token = paged(found, params.get("nextToken"), params.get("limit", GROUPS_PAGE))
    return {"logGroups": page, **({"nextToken": token} if token else {})}


def _described(demo: Demo, account: str, region: str, name: str, specs: tuple[Spec, ...]) -> dict[str, Any]:
    arn = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    retention = retention_of(demo, account, region, name, specs)
    return {
        "logGroupName": name,
        "creationTime": to_ms(demo.world.plan.start - 400 * DAY),
        **({"retentionInDays": retention} if retention else {}),
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": stored_bytes(demo.world, specs, retention, demo.world.now_ms() // (24 * HOUR_MS) - 1),
        "logGroupClass": specs[0].log_class,
    }


def stored_bytes(world: World, specs: tuple[Spec, ...], retention: int | None, number: int) -> int:
    """The bytes of UTC day `number` times the days kept (a group that never expires: two weeks)."""
    return (retention or 14) * sum(_bytes_of_day(world, spec, number) for spec in specs)


def _bytes_of_day(world: World, spec: Spec, number: int) -> int:
    """Functions that repeat each other, with names of one length, write as much."""
    key = ("bytes", spec.source_spec.key, len(spec.name), number)
    made: int = world.shelf.get(key, lambda: int(log_bytes(world.day(spec, number)).sum()))
    return made


def describe_log_streams(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    _, specs = _group(demo, account, call)
    now_ms = demo.world.now_ms()
    last: dict[str, tuple[int, int]] = {}
    for spec in specs:
        for number in demo.world.days(now_ms - 24 * HOUR_MS, now_ms):
            day = demo.world.day(spec, number)
            for index in np.flatnonzero(day.end_ms <= now_ms):
                name, end = stream_name(day, int(index)), int(day.end_ms[index])
                last[name] = (last.get(name, (int(day.start_ms[index]), end))[0], end)
    prefix = params.get("logStreamNamePrefix", "")
    found = [
        {
            "logStreamName": name,
            "creationTime": first,
            "firstEventTimestamp": first,
            "lastEventTimestamp": end,
            "lastIngestionTime": end + 2000,
        }
        for name, (first, end) in sorted(last.items(), key=lambda item: _stream_order(item, params))
        if name.startswith(prefix)
    ]
    if params.get("descending", False):
        found.reverse()
    page, token = paged(found, params.get("nextToken"), params.get("limit", GROUPS_PAGE))
    return {"logStreams": page, **({"nextToken": token} if token else {})}


def _stream_order(item: tuple[str, tuple[int, int]], params: dict[str, Any]) -> Any:
    return item[1][1] if params.get("orderBy") == "LastEventTime" else item[0]


def put_retention_policy(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    name, _ = _group(demo, account, call)
    demo.kept.put(account, call.region, "retention", name, value=call.params["retentionInDays"])
    return {}


def delete_retention_policy(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    name, _ = _group(demo, account, call)
    demo.kept.put(account, call.region, "retention", name, value=None)
    return {}


HANDLERS: dict[str, Handler] = {
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "PutRetentionPolicy": put_retention_policy,
    "DeleteRetentionPolicy": delete_retention_policy,
}
