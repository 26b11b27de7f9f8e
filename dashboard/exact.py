"""An exact window, typed or moved: what is wrong with it in words, and how it reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from core.windows import MINUTE, Window, settled_until
from dashboard import numbers

LONGEST = timedelta(days=456)
"""As far back as the store keeps anything: fifteen months."""


def problem(start: datetime | None, end: datetime | None, *, now: datetime) -> str | None:
    """Why these times are no window to show, in a sentence; None when they are one."""
    if start is None or end is None:
        return "Both times are needed."
    if end - start < MINUTE:
        return "The first time must be at least a minute before the second."
    if start > now - MINUTE:
        return "The window lies in the future: nothing has happened there yet."
    if end - start > LONGEST:
        return f"The window is longer than the {LONGEST.days} days that are kept at most."
    return None


def is_past(window: Window, *, now: datetime) -> bool:
    """Whether nothing in the window changes any more, so that reading it again is for nothing."""
    return window.end <= settled_until(now)


def shifted(window: Window, windows: float, *, now: datetime) -> Window:
    """The window moved by so many of its own lengths, but not into the future."""
    by = min(window.duration * windows, now - window.end)
    return Window(window.start + by, window.end + by)


def widened(window: Window, *, now: datetime) -> Window:
    """Twice as long around the same middle, as far as the present allows."""
    half = window.duration / 2
    end = min(window.end + half, max(now, window.end))
    return Window(end - window.duration * 2, end)


def between(window: Window, zone: tzinfo, *, now: datetime) -> str:
    """`08:00 to 09:00`, with the days that are not today."""
    start = numbers.clock(window.start, zone, now=now)
    same_day = window.start.astimezone(zone).date() == window.end.astimezone(zone).date()
    return f"{start} to {numbers.clock(window.end, zone, now=None if same_day else now)}"


def both_clocks(window: Window, zone: tzinfo, *, now: datetime) -> str:
    """The window in the reader's time and in UTC: `08:00 to 09:00 CET (07:00 to 08:00 UTC)`."""
    local = f"{between(window, zone, now=now)} {window.end.astimezone(zone).tzname()}"
    same = window.end.astimezone(zone).utcoffset() == timedelta(0)
    return local if same else f"{local} ({between(window, UTC, now=now)} UTC)"
