"""A few functions whose every invocation is known, and when AWS lets it be seen."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zlib import crc32

ACCOUNT, REGION = "111122223333", "eu-west-1"
LATEST = timedelta(minutes=15)
"""After so long nothing about an instant changes any more."""

FLEET = {"orders": "/aws/lambda/orders", "etl": "/aws/lambda/etl", "left": "/shared", "right": "/shared"}
"""Functions and their log groups; two share one."""

JSON_LOGS = frozenset({"etl"})
SILENT = "unused"
"""A function that never ran: its log group does not exist."""


@dataclass(frozen=True)
class Invocation:
    number: int
    function: str
    start: datetime
    duration_ms: float
    status: str
    cold: bool
    seen_after_s: float
    """Seconds from its end until CloudWatch counts it."""

    @property
    def end(self) -> datetime:
        return self.start + timedelta(milliseconds=self.duration_ms)

    @property
    def seen_at(self) -> datetime:
        return min(self.end + timedelta(seconds=self.seen_after_s), self.start + LATEST)

    @property
    def request_id(self) -> str:
        return f"00000000-0000-4000-8000-{self.number:012d}"

    @property
    def trace_id(self) -> str:
        return f"1-{int(self.start.timestamp()):08x}-{self.number:024x}"

    @property
    def stream(self) -> str:
        owner = self.function if FLEET[self.function] == "/shared" else ""
        return f"{self.start:%Y/%m/%d}/{owner}[1]{self.number % 3:032x}"

    def sample(self, metric: str) -> float | None:
        """What this invocation adds to a metric; None: nothing."""
        known = {
            "Invocations": 1.0,
            "Errors": float(self.status != "success"),
            "Throttles": 0.0,
            "Duration": self.duration_ms,
            "ConcurrentExecutions": 1.0,
        }
        if metric in known:
            return known[metric]
        chance = crc32(f"{metric}/{self.number}".encode())
        return chance % 1000 / 8 if chance % 5 == 0 else None


@dataclass(frozen=True)
class Line:
    ts: datetime
    ingested: datetime
    group: str
    stream: str
    event_id: str
    message: str


class World:
    """Everything that happens between `start` and `end`; the same seed gives the same."""

    def __init__(self, seed: int, start: datetime, end: datetime, *, per_minute: float = 0.6) -> None:
        self._random = random.Random(seed)
        span_s = (end - start).total_seconds()
        count = round(span_s / 60 * per_minute)
        starts = sorted(start + timedelta(seconds=self._random.uniform(0, span_s)) for _ in range(count))
        self.invocations = [self._invocation(number, at) for number, at in enumerate(starts)]

    def _invocation(self, number: int, start: datetime) -> Invocation:
        chance = self._random
        long = chance.random() < 0.15
        duration_ms = round(chance.uniform(60_000, 840_000) if long else chance.uniform(5, 9_000), 2)
        status = chance.choices(("success", "error", "timeout"), (8, 1, 1))[0]
        start = start.replace(microsecond=start.microsecond // 1000 * 1000)
        function = chance.choice(sorted(FLEET))
        return Invocation(
            number, function, start, duration_ms, status, chance.random() < 0.3, chance.uniform(20, 100)
        )

    @cached_property
    def lines(self) -> list[Line]:
        """Log events, by time; most are there within seconds, some after many minutes."""
        chance = random.Random(len(self.invocations))
        found = [line for one in self.invocations for line in _lines_of(one, chance)]
        return sorted(found, key=lambda line: (line.ts, line.event_id))

    def counted(self, now: datetime) -> list[Invocation]:
        """What CloudWatch knows of at `now`."""
        return [one for one in self.invocations if one.seen_at <= now]

    def logged(self, group: str, now: datetime) -> list[Line]:
        return [line for line in self.lines if line.group == group and line.ingested <= now]


def _lines_of(one: Invocation, chance: random.Random) -> list[Line]:
    texts = [*_before(one), _report(one)]
    late_s = chance.uniform(60, 800) if chance.random() < 0.15 else chance.uniform(1, 8)
    return [
        Line(
            ts := _whole_ms(one.end + timedelta(milliseconds=at - len(texts))),
            ts + timedelta(seconds=late_s),
            FLEET[one.function],
            one.stream,
            f"{one.number:040d}{at:016d}",
            text,
        )
        for at, text in enumerate(texts)
    ]


def _whole_ms(ts: datetime) -> datetime:
    return datetime.fromtimestamp(int(ts.timestamp() * 1000) / 1000, UTC)


def _before(one: Invocation) -> list[str]:
    if one.status == "timeout":
        return [f"{one.end:%Y-%m-%dT%H:%M:%S.000Z} {one.request_id} Task timed out after 3.00 seconds\n\n"]
    if one.status == "error":
        return [f"[ERROR] KeyError: 'item {one.number}'\nTraceback (most recent call last):\n  File app.py"]
    return []


def _report(one: Invocation) -> str:
    if one.function in JSON_LOGS:
        init = f',"initDurationMs":{100 + one.number}.5' if one.cold else ""
        return (
            f'{{"time":"{one.end:%Y-%m-%dT%H:%M:%S.000Z}","type":"platform.report","record":{{"requestId":'
            f'"{one.request_id}","metrics":{{"durationMs":{one.duration_ms},"billedDurationMs":'
            f'{int(one.duration_ms) + 1},"memorySizeMB":256,"maxMemoryUsedMB":{80 + one.number % 90}{init}}},'
            f'"status":"{one.status}"}}}}'
        )
    init = f"\tInit Duration: {100 + one.number}.50 ms" if one.cold else ""
    return (
        f"REPORT RequestId: {one.request_id}\tDuration: {one.duration_ms} ms\tBilled Duration:"
        f" {int(one.duration_ms) + 1} ms\tMemory Size: 256 MB\tMax Memory Used: {80 + one.number % 90} MB"
        f"{init}\t"
    )
