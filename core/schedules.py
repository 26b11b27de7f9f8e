"""When a schedule of EventBridge should have run: rate and cron expressions, in UTC.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import product

_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)", re.IGNORECASE)
_CRON = re.compile(r"cron\(\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*\)", re.IGNORECASE)
_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = {name: i for i, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: i for i, name in enumerate(_DAY_NAMES, 1)}
FARTHEST = timedelta(days=400)
"""How far back a run is looked for: a schedule that is due more seldom is not judged."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so long, since a moment that EventBridge does not tell."""

    every: timedelta


@dataclass(frozen=True, slots=True)
class Cron:
    """Minutes and hours of days that `is_day` picks."""

    minutes: frozenset[int]
    hours: frozenset[int]
    is_day: Callable[[date], bool]


@lru_cache(maxsize=4096)
def parse(expression: str) -> Rate | Cron | None:
    """`rate(5 minutes)`, `cron(0 8 ? * MON-FRI *)`; None for `at(...)` and what is no schedule."""
    if match := _RATE.fullmatch(expression.strip()):
        count, unit = int(match[1]), match[2].lower()
        return Rate(timedelta(**{f"{unit}s": count})) if count else None
    if match := _CRON.fullmatch(expression.strip()):
        try:
            return _cron(*(part.upper() for part in match.groups()))
        except ValueError:
            return None
    return None


def _cron(minute: str, hour: str, day: str, month: str, weekday: str, year: str) -> Cron:
    months, years = _values(month, 1, 12, _MONTHS), _values(year, 1970, 2199, {})
    in_month = _day_of_month(day) if day != "?" else _day_of_week(weekday)

    def is_day(at: date) -> bool:
        return at.month in months and at.year in years and in_month(at)

    return Cron(_values(minute, 0, 59, {}), _values(hour, 0, 23, {}), is_day)


def _values(text: str, least: int, most: int, names: Mapping[str, int]) -> frozenset[int]:
    """`*`, `5`, `1,2`, `1-5`, `*/15`, `10-40/5`, names for numbers. Raises ValueError for anything else."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if first == "*":
            start, end = least, most
        else:
            start = _number(first, names)
            end = _number(last, names) if dash else most if step else start
        found.update(range(start, end + 1, int(step) if step else 1))
    if not found or min(found) < least or max(found) > most:
        raise ValueError(f"{text!r} lies outside {least} to {most}")
    return frozenset(found)


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text] if text in names else int(text)


def _day_of_month(text: str) -> Callable[[date], bool]:
    """Days, `L` (the last) or `15W` (the working day nearest to it)."""
    if text == "L":
        return lambda at: at.day == _last(at)
    if text.endswith("W"):
        near = int(text[:-1])
        return lambda at: at.day == _working_day(at, near)
    days = _values(text, 1, 31, {})
    return lambda at: at.day in days


def _day_of_week(text: str) -> Callable[[date], bool]:
    """Days from 1 (SUN) to 7, `6L` (the last of the month) or `6#3` (the third)."""
    if "#" in text:
        day, nth = text.split("#")
        wanted, count = _number(day, _DAYS), int(nth)
        return lambda at: _weekday(at) == wanted and (at.day - 1) // 7 + 1 == count
    if text.endswith("L") and text != "L":
        wanted = _number(text[:-1], _DAYS)
        return lambda at: _weekday(at) == wanted and at.day + 7 > _last(at)
    days = frozenset({7}) if text == "L" else _values(text, 1, 7, _DAYS)
    return lambda at: _weekday(at) in days


def _weekday(at: date) -> int:
    return at.isoweekday() % 7 + 1


def _last(at: date) -> int:
    return monthrange(at.year, at.month)[1]


def _working_day(at: date, near: int) -> int:
    """The day of `at`'s month from Monday to Friday that is nearest to `near`."""
    near = min(near, _last(at))
    weekday = at.replace(day=near).isoweekday()
    if weekday == 6:
        return near - 1 if near > 1 else near + 2
    if weekday == 7:
        return near + 1 if near < _last(at) else near - 2
    return near


def last_due(schedule: Cron, now: datetime) -> datetime | None:
    """The newest moment at or before `now` at which it is due; None within `FARTHEST`."""
    return next(_backwards(schedule, now), None)


def next_due(schedule: Cron, after: datetime) -> datetime | None:
    """The first moment later than `after` at which it is due; None within `FARTHEST`."""
    after = after.astimezone(UTC)
    for ahead in range(FARTHEST.days):
        day = after.date() + timedelta(days=ahead)
        if schedule.is_day(day):
            for hour, minute in product(sorted(schedule.hours), sorted(schedule.minutes)):
                if (at := datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)) > after:
                    return at
    return None


def _backwards(schedule: Cron, now: datetime) -> Iterator[datetime]:
    now = now.astimezone(UTC)
    for ago in range(FARTHEST.days):
        day = now.date() - timedelta(days=ago)
        if schedule.is_day(day):
            for hour in sorted(schedule.hours, reverse=True):
                for minute in sorted(schedule.minutes, reverse=True):
                    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if at <= now:
                        yield at
