"""Which stretches of time are still to be read, newest first: pure arithmetic over what is covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.collector import CLOUDWATCH_LAG, HOUR, Reach
from core.windows import MINUTE, Window, ceil, floor, merge, subtract
from store.tiers import Keeps

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
    """What is wanted: fine history from `fine_start` to `end`, coarse from `start` on, by the hour
    before `five_start`. Fine history that was begun is finished from `begun_start` on."""

    start: datetime
    five_start: datetime
    begun_start: datetime
    fine_start: datetime
    end: datetime


def horizon(
    reach: Reach,
    *,
    now: datetime,
    backfill: timedelta,
    coarse: timedelta,
    since: timedelta | None = None,
    keeps: Keeps | None = None,
) -> Horizon:
    """How far back to read at `now`; `since` reads less. The fine history begins on a whole hour. What the
    store would not keep, or not at that period, is not read, or it would be read for ever."""
    end = floor(now - reach.lag, MINUTE)
    fine_start = floor(min(now - backfill, end), HOUR)
    if reach.period_s:
        fine_start = max(fine_start, ceil(now - FINE_KEPT, HOUR))
    kept = min(HOURLY_KEPT, reach.kept)
    fine_start = max(fine_start, ceil(now - kept, HOUR))
    start = min(fine_start, max(floor(now - coarse, HOUR), ceil(now - kept, HOUR)))
    if keeps is not None:
        fine_start, start = max(fine_start, keeps.fine), max(start, keeps.since)
    if not reach.coarse:
        start = fine_start
    if since is not None:
        # a window of `since` ends where metrics do, or later sources
        earliest = floor(now - max(CLOUDWATCH_LAG, reach.lag) - since, MINUTE)
        fine_start, start = max(fine_start, earliest), max(start, ceil(earliest, HOUR))
    five_start, begun_start = ceil(now - COARSE_KEPT, HOUR), ceil(now - FINE_KEPT, HOUR)
    if keeps is not None:
        five_start, begun_start = max(five_start, keeps.five), max(begun_start, keeps.fine)
    start = min(start, fine_start)
    return Horizon(
        start=start,
        five_start=five_start,
        begun_start=max(start, begun_start),
        fine_start=fine_start,
        end=end,
    )


def whole_hours(windows: Iterable[Window]) -> list[Window]:
    """The hours that `windows` touch."""
    return merge(Window(floor(w.start, HOUR), ceil(w.end, HOUR)) for w in windows)


def clip(windows: Iterable[Window], to: Window) -> list[Window]:
    return [part for window in windows if (part := window.overlap(to))]


def without(windows: Iterable[Window], parts: Sequence[Window]) -> list[Window]:
    return [left for window in windows for left in subtract(window, parts)]


def missing_fine(wanted: Horizon, settled: Covering, read: Covering) -> list[Window]:
    """What of the fine history is unread or unsettled.

    An hour once read at one period stays with it: hours begun at the fine one are finished so, and hours read
    at the coarse one are left alone.
    """
    fine = [w for w, period_s in read if period_s < COARSE_S]
    coarse = [w for w, period_s in read if period_s >= COARSE_S]
    older = Window(wanted.begun_start, wanted.fine_start) if wanted.begun_start < wanted.fine_start else None
    begun = clip(whole_hours(fine), older) if older else []
    desired = without([Window(wanted.fine_start, wanted.end), *begun], coarse)
    return without(merge(desired), [w for w, period_s in settled if period_s < COARSE_S])


def missing_coarse(
    start: datetime, end: datetime, period_s: int, settled: Covering, read: Covering
) -> list[Window]:
    """What of the history at a coarse period is unread: whole hours, none of which was read at a shorter one
    (the store brings those to the period itself). An hour of which a part is unread is read again, whole."""
    if start >= end:
        return []
    shorter = whole_hours(w for w, of_s in read if of_s < period_s)
    desired = subtract(Window(start, end), shorter)
    return whole_hours(without(desired, [w for w, of_s in settled if of_s >= period_s]))


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
    newest: bool = True,
) -> list[tuple[Window, int]]:
    """The windows to read with their period, newest first; without what reaches the end, if not `newest`."""
    missing = missing_fine(wanted, settled, read)
    if not newest and missing and missing[-1].end == wanted.end:
        missing = missing[:-1]
    fine = [
        (part, reach.period_s)
        for window in reversed(missing)
        for part in cut_back(window, reach.piece, first=reach.first if window.end == wanted.end else None)
    ]
    if not reach.coarse:
        return fine
    return fine + _coarse_pieces(wanted, settled, read)


def is_due(read: Covering, every: timedelta, *, end: datetime) -> bool:
    """Whether the newest minutes are to be read, `end` being where they end before it is cut to the minute.

    What was read ends on a whole minute before the last pass began, so a punctual pass never comes too soon.
    """
    return not read or end - max(window.end for window, _ in read) >= every - PUNCTUAL


def _coarse_pieces(wanted: Horizon, settled: Covering, read: Covering) -> list[tuple[Window, int]]:
    """Five-minute pieces as long as CloudWatch and the store keep them, hourly ones before."""
    end = floor(wanted.fine_start, HOUR)
    edge = min(max(wanted.start, wanted.five_start), end)
    stretches = ((edge, end, COARSE_S, COARSE_PIECE), (wanted.start, edge, HOURLY_S, HOURLY_PIECE))
    return [
        (part, period_s)
        for first, last, period_s, piece in stretches
        for window in reversed(missing_coarse(first, last, period_s, settled, read))
        for part in cut_back(window, piece)
    ]


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
