"""What is normal at this time of the week: the median and the usual spread of the same minutes before.

For each minute: what the signal was at the same time of the same weekday in the weeks before and, as long
as there are too few of those, at the same time of the days before; each with the minutes around it. The
spread is the median absolute deviation, scaled to a standard deviation (x 1.4826), so that outages among the
history bend neither. It is never taken smaller than chance makes it: for counts the root of the median, for
others a twentieth of it. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.grid import Floats, Grid
from alerts.judge import rolled
from alerts.rolling import every
from alerts.rule import Rule
from alerts.subject import Subject
from core.windows import MINUTE, Window

WEEKS, DAYS = 4, 6
"""How many weeks are looked back on, and, before there are LEAST_WEEKS of them, how many days."""
LEAST_WEEKS, LEAST_DAYS = 2, 3
"""Fewer are no history: what is normal is not known then."""
AROUND = (-10, -5, 0, 5, 10)
"""Minutes beside the same minute that count as the same time."""
MAD_TO_DEVIATION = 1.4826
LEAST_SHARE = 0.05
"""Of the median, the least spread of what is no count."""

NO_HISTORY = f"not enough history: what is normal takes {LEAST_WEEKS} weeks, or {LEAST_DAYS} days until then"

Reading = Callable[[Window], Grid]


@dataclass(frozen=True)
class Band:
    """Per subject and minute: what is normal; NaN where too little of its history is stored."""

    median: Floats
    spread: Floats

    def limit(self, rule: Rule) -> Floats:
        """What a value is compared with."""
        away = rule.threshold * self.spread
        low = np.maximum(
            self.median - away, 0.0
        )  # no signal is negative, so nothing is below a floor of zero
        return self.median + away if rule.upward else low


def band(rule: Rule, subjects: Sequence[Subject], ends: Sequence[datetime], read: Reading) -> Band:
    """The band of `subjects` at the minutes `ends`; `read` gives the grid of any window of the past."""
    window = Window(ends[0] - MINUTE, ends[-1])
    weeks = [_samples(rule, subjects, window, timedelta(weeks=n + 1), read) for n in range(WEEKS)]
    found = _of(rule, weeks, LEAST_WEEKS)
    if np.isnan(found.median).any():
        days = [_samples(rule, subjects, window, timedelta(days=n + 1), read) for n in range(DAYS)]
        by_day = _of(rule, [weeks[0], *days], LEAST_DAYS)
        lacks = np.isnan(found.median)
        found = Band(
            np.where(lacks, by_day.median, found.median), np.where(lacks, by_day.spread, found.spread)
        )
    return found


def _samples(
    rule: Rule, subjects: Sequence[Subject], window: Window, ago: timedelta, read: Reading
) -> Floats:
    """The signal so long ago at each minute and those around it: [around, subject, minute]."""
    margin = max(AROUND)
    start = window.start - ago - (margin + rule.over_minutes - 1) * MINUTE
    grid = read(Window(start, window.end - ago + margin * MINUTE))
    value = np.where(every(grid.flags[rule.spec.known], rule.over_minutes), rolled(rule, grid), np.nan)
    rows = {subject.key: at for at, subject in enumerate(grid.subjects)}
    at = [rows.get(subject.key, -1) for subject in subjects]
    padded = np.vstack([value, np.full((1, value.shape[1]), np.nan)])[at]
    count = int(window.duration / MINUTE)
    first = padded.shape[1] - count - margin
    return np.stack([padded[:, first + beside : first + beside + count] for beside in AROUND])


def _of(rule: Rule, samples: Sequence[Floats], least: int) -> Band:
    """Median and spread where at least so many of the stretches tell something."""
    told = np.sum([~np.isnan(one).all(axis=0) for one in samples], axis=0)
    everything = np.concatenate(samples)
    median = _median(everything)
    spread = _median(np.abs(everything - median)) * MAD_TO_DEVIATION
    median = np.where(told >= least, median, np.nan)
    return Band(median, np.maximum(spread, _least_spread(rule, median)))


def _median(samples: Floats) -> Floats:
    """The median over the first axis, of what is not NaN; NaN where nothing else is. `np.nanmedian` takes
    many times as long for few samples of many."""
    ordered = np.sort(samples, axis=0)  # NaN goes last
    count = np.count_nonzero(~np.isnan(samples), axis=0)
    lower, upper = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(samples) - 1)
    middle = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (lower, upper))
    found: Floats = sum(middle) / 2
    return found


def _least_spread(rule: Rule, median: Floats) -> Floats:
    if rule.spec.unit == "count":
        return np.maximum(np.sqrt(median), 1.0)
    return np.maximum(LEAST_SHARE * median, _GRAIN.get(rule.spec.unit, 0.0))


_GRAIN = {"share": 0.005, "ms": 1.0, "s": 1.0}
"""The least spread of what is all but constant: half a per cent, a millisecond, a second."""
