"""A question to the logs in AWS themselves, asked by a person: how it is put, what it may take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import Target
from core.windows import Window

EVENTS, QUERY, TAIL = "events", "query", "tail"
"""FilterLogEvents (free of charge), Logs Insights (by the bytes it scans), and what comes in from now on."""

MOST_FUNCTIONS = 20
MOST_LINES = 500
MOST_PAGES = 120
"""Pages of FilterLogEvents of one question: each holds up to 1 MB, and AWS answers some five a second."""

TIME_LIMIT = timedelta(seconds=60)
TAIL_LIMIT = timedelta(minutes=10)
UNSEEN = timedelta(seconds=30)
"""When nobody has looked for this long, reading stops."""

SCANNED_BYTE_USD = Decimal("0.005") / 10**9
"""Logs Insights, per byte scanned; the dearer 10^9 bytes to the GB. https://aws.amazon.com/cloudwatch/pricing/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Lines of `functions` that hold `text` (case matters; "" is every line), within `window`."""

    target: Target
    functions: tuple[str, ...]
    text: str
    window: Window
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a log: `message` is masked and cut."""

    ts: datetime
    function: str
    stream: str
    message: str
    event_id: str


def time_limit(how: str) -> timedelta:
    return TAIL_LIMIT if how == TAIL else TIME_LIMIT


def narrowing(text: str) -> str:
    """The longest part of `text` that AWS's patterns take as it is; what passes is looked at again."""
    return max(re.split(r'["\\\x00-\x1f\x7f]', text), key=len).strip()


def filter_pattern(text: str) -> str:
    """FilterLogEvents' pattern for lines that may hold `text`; "" lets everything through."""
    part = narrowing(text)
    return f'"{part}"' if part else ""


def insights_query(text: str, *, limit: int = MOST_LINES) -> str:
    """The Logs Insights query for lines that may hold `text`, newest first."""
    part = narrowing(text)
    wanted = f'| filter @message like "{part}"\n' if part else ""
    return f"fields @timestamp, @message, @logStream, @log\n{wanted}| sort @timestamp desc\n| limit {limit}"


def scan_usd(how: str, size_bytes: float | None) -> Decimal | None:
    """What a question costs that scans so many bytes; None when that is not known."""
    if how != QUERY:
        return Decimal(0)
    return None if size_bytes is None else SCANNED_BYTE_USD * Decimal(round(size_bytes))
