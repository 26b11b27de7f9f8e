"""What goes wrong in the demo, and when: one table that the simulation, the tests and the documents read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from core.windows import Window
from quarterdeck.demo.specs import EU, PROD, US, Failure

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALWAYS = DAY

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something that happens `after` the first start, `lasts` a while and comes again `every` so often.

    `each_start` makes it happen after every other start of the demo as well. The rest says what it does: a
    share of invocations that fail, factors for traffic, duration and init, a memory size, how long idle
    environments live, how many requests come at once. `also` are other functions that the same cause makes
    fail, from `LATER` after its begin until `LATER` before its end.
    `lasts == every` is a state of affairs rather than an event.
    """

    name: str
    summary: str
    function: Key
    also: tuple[Key, ...] = ()
    after: timedelta = timedelta()
    lasts: timedelta = ALWAYS
    every: timedelta = DAY
    each_start: bool = False
    failure: Failure | None = None
    failure_rate: float = 0.0
    rate: float = 1.0
    duration: float = 1.0
    init: float = 1.0
    memory_mb: int | None = None
    keep_warm_s: int | None = None
    burst: tuple[int, int] | None = None

    def active(self, ts_ms: NDArray[np.int64], starts: tuple[datetime, ...]) -> NDArray[np.bool_]:
        """Whether it goes on at each of `ts_ms` (milliseconds since the epoch)."""
        every, lasts = _ms(self.every), _ms(self.lasts)
        on = (ts_ms - to_ms(starts[0] + self.after)) % every < lasts
        for start in starts[1:] if self.each_start else ():
            since = ts_ms - to_ms(start + self.after)
            on = on | ((since >= 0) & (since < lasts))
        return np.asarray(on, dtype=np.bool_)

    def begins(self, from_ms: int, to_ms_: int, starts: tuple[datetime, ...]) -> list[int]:
        """When it begins in a stretch, end excluded, in milliseconds; restarts are not looked at."""
        every = _ms(self.every)
        first = from_ms + (to_ms(starts[0] + self.after) - from_ms) % every
        return list(range(first, to_ms_, every))

    def windows(self, within: Window, starts: tuple[datetime, ...]) -> Iterator[Window]:
        """The times it goes on, cut to `within`."""
        begins = [start + self.after for start in (starts[1:] if self.each_start else ())]
        first = starts[0] + self.after
        turn = (within.start - first) // self.every
        while (begin := first + turn * self.every) < within.end:
            begins.append(begin)
            turn += 1
        for begin in sorted(begins):
            if part := Window(begin, begin + self.lasts).overlap(within):
                yield part


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def to_ms(ts: datetime) -> int:
    return _ms(ts - datetime(1970, 1, 1, tzinfo=UTC))


def to_datetime(ts_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(ts_ms))


def _prod(name: str, region: str = EU) -> Key:
    return PROD, region, name


STORIES: tuple[Story, ...] = (
    Story(
        name="bad-deploy",
        summary="A new version of checkout-api fails and is slow; alias prod goes back after 150 minutes",
        function=_prod("checkout-api"),
        after=-40 * MINUTE,
        lasts=150 * MINUTE,
        failure=Failure("TypeError", "Cannot read properties of undefined (reading 'currency')"),
        failure_rate=0.14,
        duration=2.3,
    ),
    Story(
        name="throttled-pool",
        summary="Flash sales send 90 requests in 4 seconds to inventory-reserve, which has 8 reserved",
        function=_prod("inventory-reserve"),
        after=-13 * MINUTE,
        lasts=MINUTE,
        every=20 * MINUTE,
        burst=(90, 4),
    ),
    Story(
        name="near-limit",
        summary="media-transcode and the reserved pools claim most of 100 executions in us-east-1",
        function=_prod("media-transcode", US),
    ),
    Story(
        name="poison-messages",
        summary="Orders that order-worker cannot read end in orders-dlq, drained about every two hours",
        function=_prod("order-worker"),
        failure=Failure("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
    ),
    Story(
        name="memory-cut",
        summary="search-suggest got 512 MB instead of 1024 MB, until someone changes it back",
        function=_prod("search-suggest"),
        after=-2 * HOUR,
        lasts=6 * HOUR,
        memory_mb=512,
        duration=1.7,
        init=2.1,
    ),
    Story(
        name="cold-start-storm",
        summary="After its memory change, environments of search-suggest hardly live: cold starts",
        function=_prod("search-suggest"),
        after=-2 * HOUR,
        lasts=100 * MINUTE,
        keep_warm_s=9,
    ),
    Story(
        name="timeouts",
        summary="A carrier answers slowly and partner-webhook runs into its timeout",
        function=_prod("partner-webhook", US),
        after=-95 * MINUTE,
        lasts=45 * MINUTE,
        every=6 * HOUR,
        failure=Failure("Sandbox.Timedout", "Task timed out after 6.00 seconds", "timeout"),
        failure_rate=0.22,
    ),
    Story(
        name="out-of-memory",
        summary="Large invoices kill invoice-pdf with Runtime.OutOfMemory",
        function=_prod("invoice-pdf"),
        after=-70 * MINUTE,
        lasts=40 * MINUTE,
        every=3 * HOUR,
        failure=Failure("Runtime.OutOfMemory", "out of memory", "oom"),
        failure_rate=0.3,
    ),
    Story(
        name="killed",
        summary="Panorama images kill image-resizer, whose container only says signal: killed",
        function=_prod("image-resizer"),
        after=-160 * MINUTE,
        lasts=60 * MINUTE,
        every=8 * HOUR,
        failure=Failure("Runtime.ExitError", "Runtime exited with error: signal: killed", "killed"),
        failure_rate=0.18,
    ),
    Story(
        name="schedule-stopped",
        summary="The rule of fx-rates-sync was disabled and nobody noticed for twelve hours",
        function=_prod("fx-rates-sync"),
        after=-9 * HOUR,
        lasts=12 * HOUR,
        rate=0.0,
    ),
    Story(
        name="unreachable-provisioned",
        summary="quote-engine pays for 10 provisioned environments of version 17; prod is on version 18",
        function=_prod("quote-engine", US),
    ),
    Story(
        name="chatty-logs",
        summary="order-audit writes a dozen long lines per invocation: its logs cost more than its compute",
        function=_prod("order-audit"),
    ),
    Story(
        name="stream-behind",
        summary="A bad record blocks a shard of clickstream: iterator age grows to an hour, then recovers",
        function=_prod("clickstream-enricher"),
        after=-60 * MINUTE,
        lasts=90 * MINUTE,
        every=3 * HOUR,
        failure=Failure("KeyError", "'session_id'"),
        failure_rate=0.35,
    ),
    Story(
        name="live-incident",
        summary="A locked table makes promo-engine, and cart-api which reads it too, fail a third of their "
        "requests for 12 minutes, 3 minutes after each start",
        function=_prod("promo-engine"),
        also=(_prod("cart-api"),),
        after=3 * MINUTE,
        lasts=12 * MINUTE,
        each_start=True,
        failure=Failure("Error", "relation promotions is locked by migration 20261121_promo_tiers"),
        failure_rate=0.32,
    ),
)

LATER = MINUTE


def _of_others(tale: Story) -> Iterator[Story]:
    for function in tale.also:
        yield replace(
            tale, function=function, also=(), after=tale.after + LATER, lasts=tale.lasts - 2 * LATER
        )


_EACH = (*STORIES, *(other for tale in STORIES for other in _of_others(tale)))

STREAM_RECOVERS = 20 * MINUTE
"""How long the stream of `stream-behind` needs to catch up."""

POISON_PER_MINUTE = 0.12
DRAIN_EVERY = 2 * HOUR


def stories_of(function: Key) -> tuple[Story, ...]:
    return tuple(story for story in _EACH if story.function == function)


def story(name: str) -> Story:
    return next(story for story in STORIES if story.name == name)
