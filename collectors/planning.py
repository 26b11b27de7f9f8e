"""Which stretches of time are still to be read, newest first: pure arithmetic over what is covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.collector import CLOUDWATCH_LAG, HOUR, Reach
from core.windows import MINUTE, Window, ceil, floor, merge, subtract

FINE_S, COARSE_S, HOURLY_S = 60, 300, 3600
# How long CloudWatch keeps points of a period; an hour less, since a call takes its time.
FINE_KEPT, COARSE_KEPT, HOURLY_KEPT = (timedelta(days=d) - HOUR for d in (15, 63, 455))
# A query costs the same over a minute as over months: long pieces are cheap, short ones small.
COARSE_PIECE, HOURLY_PIECE = 96 * HOUR, 1440 * HOUR

PUNCTUAL = timedelta(seconds=2)
"""How much too early the next pass may come."""

Covering = Sequence[tuple[Window, int]]
"""Windows with their period in seconds, as the store tells them."""


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """One run to do. `newest` marks the piece that ends now."""

    window: Window
    period_s: int
    newest: bool = False
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What is wanted: fine history from `fine_start` to `end`, coarse from `start` to `fine_start`."""

    start: datetime
    fine_start: datetime
    end: datetime


def horizon(
    reach: Reach, *, now: datetime, backfill: timedelta, coarse: timedelta, since: timedelta | None = None
) -> Horizon:
    """How far back to read at `now`; `since` reads less. The fine history begins on a whole hour."""
    end = floor(now - reach.lag, MINUTE)
    fine_start = floor(min(now - backfill, end), HOUR)
    if reach.period_s:
        fine_start = max(fine_start, ceil(now - FINE_KEPT, HOUR))
    kept = min(HOURLY_KEPT, reach.kept)
    fine_start = max(fine_start, ceil(now - kept, HOUR))
    start = min(fine_start, max(floor(now - coarse, HOUR), ceil(now - kept, HOUR)))
    if not reach.coarse:
        start = fine_start
    if since is not None:
        # a window of `since` ends where metrics do, or later sources
        earliest = floor(now - max(CLOUDWATCH_LAG, reach.lag) - since, MINUTE)
        fine_start, start = max(fine_start, earliest), max(start, ceil(earliest, HOUR))
    return Horizon(start=min(start, fine_start), fine_start=fine_start, end=end)


def whole_hours(windows: Iterable[Window]) -> list[Window]:
    """The hours that `windows` touch."""
    return merge(Window(floor(w.start, HOUR), ceil(w.end, HOUR)) for w in windows)


def clip(windows: Iterable[Window], to: Window) -> list[Window]:
    return [part for window in windows if (part := window.overlap(to))]


def without(windows: Iterable[Window], parts: Sequence[Window]) -> list[Window]:
    return [left for window in windows for left in subtract(window, parts)]


def missing_fine(wanted: Horizon, settled: Covering, read: Covering, *, now: datetime) -> list[Window]:
    """What of the fine history is unread or unsettled.

    An hour once read at one period stays with it: hours begun at the fine one are finished so, and hours read
    at the coarse one are left alone.
    """
    fine = [w for w, period_s in read if period_s < COARSE_S]
    coarse = [w for w, period_s in read if period_s >= COARSE_S]
    oldest = max(wanted.start, ceil(now - FINE_KEPT, HOUR))
    older = Window(oldest, wanted.fine_start) if oldest < wanted.fine_start else None
    begun = clip(whole_hours(fine), older) if older else []
    desired = without([Window(wanted.fine_start, wanted.end), *begun], coarse)
    return without(merge(desired), [w for w, period_s in settled if period_s < COARSE_S])


def missing_coarse(wanted: Horizon, settled: Covering, read: Covering) -> list[Window]:
    """What of the coarse history is unread: whole hours, none of which was read at the fine period."""
    fine = whole_hours(w for w, period_s in read if period_s < COARSE_S)
    desired = (
        subtract(Window(wanted.start, floor(wanted.fine_start, HOUR)), fine) if _has_coarse(wanted) else []
    )
    return without(desired, [w for w, period_s in settled if period_s >= COARSE_S])


def _has_coarse(wanted: Horizon) -> bool:
    return wanted.start < floor(wanted.fine_start, HOUR)


def cut_back(window: Window, piece: timedelta, *, first: timedelta | None = None) -> Iterator[Window]:
    """Cut from the newest end into pieces, the first of which may have its own length."""
    end, step = window.end, first or piece
    while end > window.start:
        start = max(window.start, end - step)
        yield Window(start, end)
        end, step = start, piece


def plan(
    reach: Reach,
    wanted: Horizon,
    settled: Covering,
    read: Covering,
    *,
    now: datetime,
    newest: bool = True,
) -> list[tuple[Window, int]]:
    """The windows to read with their period, newest first; without what reaches the end, if not `newest`."""
    missing = missing_fine(wanted, settled, read, now=now)
    if not newest and missing and missing[-1].end == wanted.end:
        missing = missing[:-1]
    fine = [
        (part, reach.period_s)
        for window in reversed(missing)
        for part in cut_back(window, reach.piece, first=reach.first if window.end == wanted.end else None)
    ]
    if not reach.coarse:
        return fine
    return fine + _coarse_pieces(missing_coarse(wanted, settled, read), now=now)


def is_due(read: Covering, every: timedelta, *, end: datetime) -> bool:
    """Whether the newest minutes are to be read, `end` being where they end before it is cut to the minute.

    What was read ends on a whole minute before the last pass began, so a punctual pass never comes too soon.
    """
    return not read or end - max(window.end for window, _ in read) >= every - PUNCTUAL


def _coarse_pieces(windows: Sequence[Window], *, now: datetime) -> list[tuple[Window, int]]:
    """Five-minute pieces as long as CloudWatch keeps them, hourly ones before."""
    edge = ceil(now - COARSE_KEPT, HOUR)
    pieces: list[tuple[Window, int]] = []
    for window in reversed(windows):
        young = window.overlap(Window(edge, max(edge, window.end)))
        old = window.overlap(Window(min(edge, window.start), edge))
        pieces += [(part, COARSE_S) for part in cut_back(young, COARSE_PIECE)] if young else []
        pieces += [(part, HOURLY_S) for part in cut_back(old, HOURLY_PIECE)] if old else []
    return pieces


def by_scope(
    windows_of: Mapping[str, Sequence[tuple[Window, int]]], *, end: datetime, per_run: int
) -> list[Piece]:
    """Join scopes that miss the same window into pieces of at most `per_run` scopes, newest first."""
    together: dict[tuple[Window, int], list[str]] = {}
    for scope, windows in windows_of.items():
        for key in windows:
            together.setdefault(key, []).append(scope)
    ordered = sorted(together, key=lambda key: (key[0].end, key[0].start), reverse=True)
    return [
        Piece(window, period_s, window.end == end, tuple(together[window, period_s][at : at + per_run]))
        for window, period_s in ordered
        for at in range(0, len(together[window, period_s]), per_run)
    ]
