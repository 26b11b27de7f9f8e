"""Reads the logs themselves for a person: newest first, bounded, masked, ended when no longer wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors import insights
from collectors.aws import Aws
from collectors.insights import Pause
from collectors.joining import Event, events_of
from collectors.streams import parse_stream
from core.errors import NotFoundError
from core.live import (
    MOST_LINES,
    MOST_PAGES,
    QUERY,
    TAIL,
    Line,
    Question,
    filter_pattern,
    insights_query,
    time_limit,
)
from core.signatures import keepable
from core.windows import Window

TAIL_EVERY_S = 3.0
LATE = timedelta(seconds=20)
"""How long after its time a line may be found: a tail looks back so far at every turn."""

PAGE_LINES = 500
Wanted = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """Lines so far, newest first; all since `read_from` was looked at. `said` is why it ended early."""

    lines: tuple[Line, ...] = ()
    read_from: datetime | None = None
    said: str = ""


def read(
    aws: Aws,
    question: Question,
    owners: Mapping[str, str | None],
    *,
    now: Callable[[], datetime],
    wanted: Wanted,
    pause: Pause = time.sleep,
) -> Iterator[Found]:
    """What a question finds, growing; the last one is the answer. `owners` are the log groups, each with the
    function that writes there, None where several do.

    Ends when all is read, enough is found, time is up, or `wanted` says no. Raises AwsError.
    """
    until = now() + time_limit(question.how)

    def goes_on() -> bool:
        return now() < until and wanted()

    reading = _Reading(aws, question, owners)
    if question.how == QUERY:
        yield reading.query(pause)
    elif question.how == TAIL:
        yield from reading.tail(now, goes_on, pause)
    else:
        yield from reading.back(goes_on)


class _Reading:
    """One question under way."""

    def __init__(self, aws: Aws, question: Question, owners: Mapping[str, str | None]) -> None:
        self._aws, self._question, self._owners = aws, question, owners
        self._found: dict[tuple[str, str], Line] = {}

    def query(self, pause: Pause) -> Found:
        question = self._question
        rows = insights.run(
            self._aws, insights_query(question.text), list(self._owners), question.window, pause=pause
        )
        for row in rows:
            ts = insights.to_time(row.get("@timestamp"))
            if ts is not None:
                self._keep(insights.group_of(row), [insights.to_event(ts, row)])
        is_full = len(rows) >= MOST_LINES
        said = f"the newest {MOST_LINES} lines: narrow the search to see more" if is_full else ""
        oldest = min((line.ts for line in self._found.values()), default=question.window.start)
        return Found(self._lines(), oldest if is_full else question.window.start, said)

    def back(self, goes_on: Wanted) -> Iterator[Found]:
        """Every group a page at a time, newest first."""
        window, calls = self._question.window, 0
        open_pages = {group: self._pages(group, window) for group in self._owners}
        reached = dict.fromkeys(self._owners, window.end)
        while open_pages:
            for group in list(open_pages):
                if len(self._found) >= MOST_LINES or calls >= MOST_PAGES or not goes_on():
                    yield Found(self._lines(), max(reached.values()), _why(len(self._found), calls))
                    return
                calls += 1
                page = next(open_pages[group], None)
                if page is None:
                    del open_pages[group]
                    reached[group] = window.start
                    continue
                self._keep(group, page)
                reached[group] = min([reached[group], *(event.ts for event in page)])
            yield Found(self._lines(), max(reached.values()))
        yield Found(self._lines(), window.start)

    def tail(self, now: Callable[[], datetime], goes_on: Wanted, pause: Pause) -> Iterator[Found]:
        start = self._question.window.end
        since = start
        while goes_on():
            at = now()
            for group in self._owners:
                for page in self._pages(group, Window(max(start, since - LATE), max(start, at) + LATE)):
                    self._keep(group, page)
            since = at
            yield Found(self._lines(), start)
            pause(TAIL_EVERY_S)
        yield Found(self._lines(), start, "the tail ended; start another to see more")

    def _pages(self, group: str, window: Window) -> Iterator[list[Event]]:
        """A group that is not there says nothing."""
        pattern = filter_pattern(self._question.text)
        more = {"filterPattern": pattern} if pattern else {}
        pages = self._aws.pages(
            "logs",
            "filter_log_events",
            logGroupName=group,
            startTime=_ms(window.start),
            endTime=_ms(window.end),
            startFromHead=False,
            PageSize=PAGE_LINES,
            **more,
        )
        try:
            for page in pages:
                yield list(events_of(page.get("events", ())))
        except NotFoundError:
            return

    def _keep(self, group: str, events: Sequence[Event]) -> None:
        for event in events:
            owner = self._owners.get(group) or parse_stream(event.stream).function
            if owner in self._question.functions and self._question.text in event.message:
                line = Line(
                    ts=event.ts,
                    function=str(owner),
                    stream=event.stream,
                    message=keepable(event.message),
                    event_id=event.event_id,
                )
                self._found[group, event.event_id] = line

    def _lines(self) -> tuple[Line, ...]:
        found = sorted(self._found.values(), key=lambda line: (line.ts, line.event_id), reverse=True)
        return tuple(found[:MOST_LINES])


def _why(lines: int, calls: int) -> str:
    if lines >= MOST_LINES:
        return f"the newest {MOST_LINES} lines: narrow the search to see more"
    if calls >= MOST_PAGES:
        return f"{MOST_PAGES} pages were read: narrow the time or the functions to reach further back"
    return "time was up: narrow the time or the functions to reach further back"


def _ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)
