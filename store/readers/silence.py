"""Functions that used to run and do not: what was expected of them, and which link is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.schedules import parse
from core.silence import (
    DELETED,
    RUNS,
    STOPPED,
    UNJUDGED,
    UNKNOWN,
    Expected,
    Habit,
    Link,
    Verdict,
    by_habit,
    by_schedule,
    missed_at,
    ran_by,
    verdict,
)
from core.windows import LATENESS, Window
from store.asking import reader
from store.readers import silence_facts
from store.readers.coverage import Coverage, Pace, read_paces
from store.readers.frames import with_none
from store.readers.newest import last_invocations
from store.readers.silence_links import Links, Scheduled, changed
from store.readers.silence_unread import Unread
from store.readers.things import EVERYTHING, Place, Things, matches
from store.readers.triggers import all_triggers
from store.store import Filter, Store

LEARNS = timedelta(days=14)
"""As much as a habit is learned from: two weeks have two weekends."""
STEP = timedelta(minutes=15)

QUIET_FOR = timedelta(days=5)
"""Of what did not run for so long more history is read: it may have been busy before, or run once a week."""
LEARNS_SELDOM, SELDOM_STEP = timedelta(days=70), timedelta(hours=1)

COLUMNS = [
    *("account", "region", "function", "state", "expected_by", "expected", "confidence", "due"),
    *("last_invocation", "silent_for_s", "broken", "broken_since", "links", "says", "runs"),
]
_RANK = {STOPPED: 0, UNKNOWN: 1, DELETED: 2, UNJUDGED: 3, RUNS: 4}
_NO_TIME = timedelta()


@reader
def silent_stops(
    store: Store, *, now: datetime, where: Filter = EVERYTHING, all_functions: bool = False
) -> pd.DataFrame:
    """Functions that should have run and did not, or of which that is not known: account, region, function,
    state (stopped; unknown: what it did was not read; deleted, in the last two weeks, though it was at work;
    with `all_functions` also runs, and not judged: nothing is expected of it), expected_by (schedule, habit;
    None: nothing is expected), expected (the schedule, or what the habit is), confidence (0..1 of a habit;
    NaN of a schedule, which AWS states), due (of the first run that it missed, else of the last expected),
    last_invocation (NaT: none is stored), silent_for_s, broken (the link that explains it best, None: none is
    seen), broken_since (NaT: before we watched), links (list of all that is broken), says (a sentence), runs
    (list of invocations in `silence_facts.RUN_STEPS` equal steps, None for what runs and what is not judged).
    Stopped first, the longest overdue first.

    A function without schedule whose invocations make no habit is not judged, unless a reservation of 0 stops
    it; of one whose triggers were not read it is not known whether it has a schedule."""
    case = _Case.read(store, where, now)
    judged = {place: case.judge(place) for place in case.places}
    stopped = {place: last for place, told in judged.items() if (last := _if_stopped(told, case.last[place]))}
    sources = {place: case.links.sources(place) for place in stopped}
    more = silence_facts.since_last_run(store, stopped, sources, now=now)
    judged |= {place: case.judge(place, found) for place, found in more.items() if found}
    judged |= dict(case.deleted())
    shown = [
        place for place, told in judged.items() if all_functions or told.state in {STOPPED, DELETED, UNKNOWN}
    ]
    listed = {place: case.last[place] for place in shown if judged[place].state in {STOPPED, DELETED}}
    runs = silence_facts.runs(store, listed, now=now)
    return _frame([_row(place, judged[place], case.last[place], runs.get(place), now) for place in shown])


def _if_stopped(told: Verdict, last: datetime | None) -> datetime | None:
    return last if told.state == STOPPED else None


@dataclass(frozen=True, slots=True)
class _Case:
    """All that is known for judging, per function."""

    now: datetime
    places: list[Place]
    links: Links
    expected: Mapping[Place, list[Expected]]
    last: Mapping[Place, datetime | None]
    coverage: Coverage
    since_due: Coverage
    paces: Mapping[Place, Pace]
    gone: Mapping[Place, datetime]
    unread: Unread

    @classmethod
    def read(cls, store: Store, where: Filter, now: datetime) -> _Case:
        window = Window(now - LEARNS, now)
        with store.snapshot(window, ("metrics",)) as snapshot:
            things = Things.read(snapshot, "function", "alias", "reserved", "mapping", "trigger", where=where)
            coverage, paces = Coverage.read(snapshot, window, now=now, only="metrics"), read_paces(snapshot)
            step = max(STEP, coverage.coarsest("metrics"))
            habits = silence_facts.habits(snapshot, step, where=where)
            newest = silence_facts.last_runs(snapshot, where)
            unread = Unread.read(snapshot, things)
            links = Links(things, all_triggers(store, where=where), changed(snapshot), now)
        known = [t for t in things.of("function", gone=True) if matches(where, *t.place)]
        gone = {t.place: t.gone_at for t in known if t.gone_at is not None and t.gone_at > window.start}
        places = sorted(t.place for t in known if t.gone_at is None)
        last = _last(store, [*places, *gone], window, newest, now)
        learned = {place: by_habit(habit, step=step) for place, habit in habits.items()}
        learned |= _seldom(store, [p for p in places if not learned.get(p)], last, now)
        expected = {
            place: list(
                _expected(
                    links.scheduled(place),
                    habits.get(place),
                    learned.get(place),
                    last[place],
                    _as_of(place, paces, now),
                )
            )
            for place in [*places, *gone]
        }
        with store.snapshot(window, ("metrics",)) as snapshot:
            due = Coverage.read(snapshot, _since_due(expected, now), now=now, only="metrics")
        return cls(now, places, links, expected, last, coverage, due, paces, gone, unread)

    def judge(self, place: Place, more: Iterable[Link] = ()) -> Verdict:
        as_of, links = _as_of(place, self.paces, self.now), [*self.links.of(place), *more]
        expected, last = self.expected[place], self.last[place]
        told = verdict(expected, last, links, now=as_of, unread=self._unread(place))
        why = self._never_read(place) or self.unread.why(place)
        return replace(told, state=UNKNOWN, says=why) if told.state == UNJUDGED and why else told

    def deleted(self) -> Iterator[tuple[Place, Verdict]]:
        """Of what had work to do when it was deleted."""
        for place, at in self.gone.items():
            if self.expected[place] and place not in self.places:
                link = Link("the function was deleted", True, at, stops=True)
                yield place, Verdict(DELETED, self.expected[place][0], (link,), link.says)

    def _unread(self, place: Place) -> str | None:
        """Why it is not known whether the function ran since it was due. What it is not the turn of yet does
        not count."""
        if not self.expected[place]:
            return None
        seen, due = self.since_due.seen("metrics", *place), min(one.due for one in self.expected[place])
        turn = self.now - LATENESS - (self.paces[place].every if place in self.paces else _NO_TIME)
        missing = [part for part in seen.missing if part.end > due and part.start < turn]
        return seen.why if missing else None

    def _never_read(self, place: Place) -> str | None:
        seen = self.coverage.seen("metrics", *place)
        return f"what it did is not known: {seen.why}" if seen.nothing else None


def _since_due(expected: Mapping[Place, list[Expected]], now: datetime) -> Window:
    dues = (one.due for found in expected.values() for one in found if one.due < now)
    return Window(min(dues, default=now), now)


def _as_of(place: Place, paces: Mapping[Place, Pace], now: datetime) -> datetime:
    """Until when it may be judged: what is read seldom is known later."""
    return now - paces[place].every if place in paces else now


def _last(
    store: Store, places: list[Place], window: Window, known: Mapping[Place, datetime], now: datetime
) -> dict[Place, datetime | None]:
    """The newest invocation of each, None where none is stored."""
    found = last_invocations(store, places, window, known, now=now)
    return {place: found.get(place) for place in places}


def _seldom(
    store: Store, places: list[Place], last: Mapping[Place, datetime | None], now: datetime
) -> dict[Place, Expected | None]:
    """Habits from the hours of ten weeks, of functions that did not run for days."""
    quiet = [place for place in places if (at := last[place]) is not None and at < now - QUIET_FOR]
    if not quiet:
        return {}
    with store.snapshot(Window(now - LEARNS_SELDOM, now), ("metrics",)) as snapshot:
        habits = silence_facts.habits(snapshot, SELDOM_STEP, among=quiet)
    return {place: by_habit(habit, step=SELDOM_STEP) for place, habit in habits.items()}


def _expected(
    schedules: Iterable[Scheduled],
    habit: Habit | None,
    learned: Expected | None,
    last: datetime | None,
    now: datetime,
) -> Iterator[Expected]:
    """By its schedules that can be read and are on, or that invoked it until they were not; else by habit."""
    by_schedules = False
    for one in schedules:
        parsed = parse(one.text)
        ran = parsed is not None and (
            not one.is_off or ran_by(parsed, habit, last, step=STEP, zone_known=one.zone_known)
        )
        if parsed is None or not ran:
            continue
        by_schedules = True
        since, zone_known = None if one.is_off else one.since, one.zone_known
        if due := by_schedule(
            parsed, one.text, now=now, since=since, zone_known=zone_known, is_off=one.is_off
        ):
            yield due
    if learned is not None and not by_schedules:
        yield learned


def _row(
    place: Place, told: Verdict, last: datetime | None, runs: list[float | None] | None, now: datetime
) -> dict[str, Any]:
    expected, link = told.expected, next(iter(told.broken), None)
    return dict(zip(("account", "region", "function"), place, strict=True)) | {
        "state": told.state,
        "expected_by": expected.by if expected else None,
        "expected": expected.says if expected else None,
        "confidence": expected.confidence if expected else None,
        "due": _due(told, last),
        "last_invocation": last,
        "silent_for_s": None if last is None else (now - last).total_seconds(),
        "broken": link.says if link else None,
        "broken_since": link.since if link else None,
        "links": [one.says for one in told.broken],
        "says": told.says,
        "runs": runs,
    }


def _due(told: Verdict, last: datetime | None) -> datetime | None:
    if told.expected is None or told.state == RUNS:
        return told.expected.due if told.expected else None
    return missed_at(told.expected, last)


def _frame(lines: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    for name in ("due", "last_invocation", "broken_since"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    for name in ("silent_for_s", "confidence"):
        frame[name] = frame[name].astype(float)
    for name in ("expected_by", "expected", "broken", "runs"):
        frame[name] = with_none(frame[name])
    rank = frame["state"].map(_RANK)
    order = frame.assign(rank=rank).sort_values(["rank", "due", "account", "region", "function"]).index
    return frame.loc[order].reset_index(drop=True)
