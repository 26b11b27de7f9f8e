"""Functions that used to run and do not: what was expected of them, and which link is broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.schedules import parse
from core.silence import STOPPED, UNKNOWN, Expected, Link, Verdict, by_habit, by_schedule, verdict
from core.triggers import arn_part
from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.frames import STEP_SQL, milliseconds, rows, with_none
from store.readers.newest import last_invocations
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Coverage
from store.readers.things import EVERYTHING, Place, Thing, Things, matches, sql_where
from store.readers.triggers import all_triggers
from store.readers.wiring import source_name
from store.store import Filter, Snapshot, Store

LEARNS = timedelta(days=14)
"""As much as a habit is learned from: two weeks have two weekends."""

STEP = timedelta(minutes=5)
COLUMNS = [
    *("account", "region", "function", "state", "expected_by", "expected", "due", "last_invocation"),
    *("silent_for_s", "broken", "broken_since", "links", "says"),
]
_RANK = {STOPPED: 0, UNKNOWN: 1}


@reader
def silent_stops(
    store: Store, *, now: datetime, where: Filter = EVERYTHING, all_functions: bool = False
) -> pd.DataFrame:
    """Functions that should have run and did not, or of which that is not known: account, region, function,
    state (stopped, unknown; with `all_functions` also runs), expected_by (schedule, habit; None: nothing is
    expected), expected (the schedule, or what the habit is), due (when it should have run at the latest),
    last_invocation (NaT: none is stored), silent_for_s, broken (the link that explains it best, None: none is
    seen), broken_since (NaT: before we watched), links (list of all that is broken), says (a sentence).
    Stopped first, the longest overdue first.

    A function without schedule and with fewer invocations than make a habit is left out, unless a
    reservation of 0 stops it."""
    window = Window(now - LEARNS, now)
    with store.snapshot(window, ("metrics",)) as snapshot:
        things = Things.read(snapshot, "function", "reserved", "mapping", "trigger", where=where)
        read = Coverage.read(snapshot, window, now=now, only="metrics")
        step = max(STEP, read.coarsest("metrics"))
        active = _active(snapshot, where, step)
        links = _Links(things, all_triggers(store, where=where), _changed(snapshot), now)
        places = sorted(t.place for t in things.of("function") if matches(where, *t.place))
        expected = {
            place: list(_expected(links.scheduled(place), active.get(place, []), now=now, step=step))
            for place in places
        }
        coverage = Coverage.read(snapshot, _since_due(expected, now), now=now, only="metrics")
    known = {place: runs[-1] for place, runs in active.items() if runs}
    last = last_invocations(store, places, window, known, now=now)
    lines = []
    for place in places:
        unread = _unread(expected[place], coverage, place)
        told = verdict(expected[place], last.get(place), list(links.of(place)), now=now, unread=unread)
        if all_functions or told.state == STOPPED or (told.state == UNKNOWN and told.expected is not None):
            lines.append(_row(place, told, last.get(place), now))
    return _frame(lines)


def _since_due(expected: Mapping[Place, list[Expected]], now: datetime) -> Window:
    return Window(
        min((one.due for found in expected.values() for one in found if one.due < now), default=now), now
    )


def _frame(lines: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    for name in ("due", "last_invocation", "broken_since"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    frame["silent_for_s"] = frame["silent_for_s"].astype(float)
    for name in ("expected_by", "expected", "broken"):
        frame[name] = with_none(frame[name])
    rank = frame["state"].map(_RANK).fillna(2)
    order = frame.assign(rank=rank).sort_values(["rank", "due", "account", "region", "function"]).index
    return frame.loc[order].reset_index(drop=True)


def _row(place: Place, told: Verdict, last: datetime | None, now: datetime) -> dict[str, Any]:
    expected, link = told.expected, next(iter(told.broken), None)
    return dict(zip(("account", "region", "function"), place, strict=True)) | {
        "state": told.state,
        "expected_by": expected.by if expected else None,
        "expected": expected.says if expected else None,
        "due": expected.due if expected else None,
        "last_invocation": last,
        "silent_for_s": None if last is None else (now - last).total_seconds(),
        "broken": link.says if link else None,
        "broken_since": link.since if link else None,
        "links": [one.says for one in told.broken],
        "says": told.says,
    }


def _active(snapshot: Snapshot, where: Filter, step: timedelta) -> dict[Place, list[datetime]]:
    """Starts of steps with invocations, per function, in order."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", list_sort(list(DISTINCT {STEP_SQL})) AS steps FROM metrics
        WHERE {FUNCTION_POINTS} AND invocations > 0 AND {wanted} GROUP BY ALL""",
        {"step_ms": milliseconds(step), **params},
    )
    return {
        (row.account, row.region, row.function): [datetime.fromtimestamp(ms / 1000, UTC) for ms in row.steps]
        for row in rows(frame)
    }


def _expected(
    schedules: Iterable[Scheduled], active: list[datetime], *, now: datetime, step: timedelta
) -> Iterator[Expected]:
    """By its schedules if it has any that can be read, else by habit."""
    known = [(one, parsed) for one in schedules if (parsed := parse(one.text))]
    for one, parsed in known:
        since = None if one.is_off else one.since
        due = by_schedule(parsed, one.text, now=now, since=since, zone_known=one.zone_known)
        if due is not None:
            yield due
    if not known and (habit := by_habit(active, now=now, step=step)):
        yield habit


def _unread(expected: list[Expected], coverage: Coverage, place: Place) -> str | None:
    """Why it is not known whether the function ran since it was due."""
    if not expected:
        return None
    seen, due = coverage.seen("metrics", *place), min(one.due for one in expected)
    return seen.why if any(part.end > due for part in seen.missing) else None


def _changed(snapshot: Snapshot) -> Mapping[tuple[str, str, str], datetime]:
    """When each mapping, trigger and reservation last changed: kind, name and field ("" when it went)."""
    c = schema.change.c
    query = (
        sa.select(c.kind, c.name, c.field, sa.func.max(c.ts).label("ts"))
        .where(c.kind.in_(("mapping", "trigger", "reserved")))
        .group_by(c.kind, c.name, c.field)
    )
    return {(row.kind, row.name, row.field): _utc(row.ts) for row in rows(snapshot.state(query))}


def _utc(ts: Any) -> datetime:
    value: datetime = ts.to_pydatetime() if hasattr(ts, "to_pydatetime") else ts
    return value


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule that leads to a function. `since` is when it was first seen; one that `is_off` does not
    invoke, so that nothing need be waited for."""

    text: str
    since: datetime
    is_off: bool
    zone_known: bool


class _Links:
    """What leads to each function, and what of it is broken."""

    def __init__(
        self,
        things: Things,
        triggers: pd.DataFrame,
        changed: Mapping[tuple[str, str, str], datetime],
        now: datetime,
    ) -> None:
        self._changed = changed
        self._triggers: dict[Place, list[Any]] = defaultdict(list)
        for row in rows(triggers):
            self._triggers[row.account, row.region, row.function].append(row)
        self._first_seen: dict[str, datetime] = {}
        self._gone: dict[Place, list[Thing]] = defaultdict(list)
        for thing in (t for kind in ("mapping", "trigger") for t in things.of(kind, gone=True)):
            self._first_seen[thing.name] = thing.first_seen
            if thing.gone_at is not None and thing.gone_at > now - LEARNS:
                self._gone[thing.place].append(thing)
        self._reserved = {t.place: t.body.get("reserved") for t in things.of("reserved")}

    def scheduled(self, place: Place) -> Iterator[Scheduled]:
        """Schedules of sources that invoke it, or did until lately."""
        for row in self._triggers[place]:
            if isinstance(row.schedule, str):
                since = self._first_seen[row.name]
                yield Scheduled(row.schedule, since, not row.enabled, _zone_known(row.source_arn))
        for thing in self._lost_sources(place):
            if thing.body.get("schedule"):
                arn = thing.body.get("source_arn")
                yield Scheduled(str(thing.body["schedule"]), thing.first_seen, True, _zone_known(arn))

    def of(self, place: Place) -> Iterator[Link]:
        if self._reserved.get(place) == 0:
            since = self._changed.get(("reserved", place[2], "reserved"))
            yield Link("its reserved concurrency is 0: nothing of it may run", True, since, stops=True)
        yield from (self._link(row) for row in self._triggers[place])
        for thing in self._lost_sources(place):
            what = "event source mapping" if thing.kind == "mapping" else "permission to invoke it"
            called = source_name(str(thing.body.get("source_arn") or "")) or thing.name
            yield Link(f"the {what} was removed: {called}", True, thing.gone_at)

    def _lost_sources(self, place: Place) -> list[Thing]:
        """What led to it and was removed, unless the same source leads to it again."""
        alive = {row.source_arn for row in self._triggers[place] if isinstance(row.source_arn, str)}
        return [thing for thing in self._gone[place] if thing.body.get("source_arn") not in alive]

    def _link(self, row: Any) -> Link:
        kind = "trigger" if pd.isna(row.batch_size) and row.last_result is None else "mapping"
        called = f"{row.title} {row.source}"
        since = self._changed.get((kind, row.name, "state"))
        if row.enabled:
            return Link(f"{called} is enabled", False)
        if row.targets_function is False:
            since = self._changed.get((kind, row.name, "targets_function")) or since
            return Link(f"{called} does not target the function", True, since)
        if row.state == "NOT_FOUND":
            return Link(f"{called} is gone, its permission is left", True, since)
        return Link(f"{called} is {str(row.state or 'off').lower()}", True, since)


def _zone_known(arn: Any) -> bool:
    """Rules run in UTC; the time zone of EventBridge Scheduler's schedules is not kept."""
    return arn_part(str(arn or ""), 2) != "scheduler"
