"""How fast an error budget is used up: multi-window, multi-burn-rate conditions.

After Google's Site Reliability Workbook, chapter 5, "Alerting on SLOs":
https://sre.google/workbook/alerting-on-slos/ (table 5-8: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min, 1
over 3 d and 6 h, of a budget of 30 days).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from alerts.written import is_whole, minutes
from core.settings import Duration, Section

LONGEST = timedelta(days=3)
MINUTE_WINDOWS = timedelta(hours=6)
"""Longer windows are added up from whole hours."""
ENOUGH = 0.9
"""A window counts when so much of it was collected: else one failed read would blind it for its length."""


class BurnWindow(Section):
    """Both windows must burn faster than `above`: the long one shows that it matters, the short one that it
    goes on."""

    long: Duration
    short: Duration
    above: float = Field(gt=0, allow_inf_nan=False, description="times as fast as the budget allows")


WORKBOOK = (
    BurnWindow(long=timedelta(hours=1), short=timedelta(minutes=5), above=14.4),
    BurnWindow(long=timedelta(hours=6), short=timedelta(minutes=30), above=6),
)


def mistakes(windows: tuple[BurnWindow, ...]) -> Iterator[str]:
    if not windows:
        yield "windows: needs at least one"
    for at, window in enumerate(windows):
        if not is_whole(window.long) or not is_whole(window.short):
            yield f"windows.{at}: `long` and `short` are whole minutes"
        elif window.short > window.long or window.short > MINUTE_WINDOWS:
            yield f"windows.{at}: `short` must not be longer than `long`, nor than 6h"
        elif window.long > LONGEST:
            yield f"windows.{at}: `long` may be up to 3d"
        elif window.long > MINUTE_WINDOWS and window.long % timedelta(hours=1):
            yield f"windows.{at}: beyond 6h `long` is whole hours"


def reach(windows: tuple[BurnWindow, ...]) -> int:
    """The minutes that must be at hand one by one; where hours are added, those since a whole hour too."""
    longest = max(window.long for window in windows)
    short = max(minutes(w.long if w.long <= MINUTE_WINDOWS else w.short) for w in windows)
    return short if longest <= MINUTE_WINDOWS else max(short, 60)


def in_words(slo: float, windows: tuple[BurnWindow, ...]) -> str:
    """`99.9 % good; 0.1 % may be bad: more than 14.4 times that over 1h and 5m, or ...`."""
    pairs = ", or ".join(f"{w.above:g} times that over {_said(w.long)} and {_said(w.short)}" for w in windows)
    return f"of an objective of {slo * 100:.6g} %, {(1 - slo) * 100:.3g} % may be bad: more than {pairs}"


def _said(length: timedelta) -> str:
    whole = minutes(length)
    if whole % 1440 == 0:
        return f"{whole // 1440} d"
    return f"{whole // 60} h" if whole % 60 == 0 else f"{whole} min"
