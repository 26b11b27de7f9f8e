"""What was read and what of it may still change: interval arithmetic and its table.

A fleet has thousands of scopes, most of them read together: what is worked out for one is used for all that
have the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from core.facts import ACCOUNT, Covered, Gap, Run, Target
from core.windows import Window, merge, settled_until, subtract
from store.schema import coverage

Key = tuple[str, int]
"""A scope and a period in seconds."""

Raw = tuple[int, int, bool]
"""Start and end of a row in milliseconds since the epoch, and whether it is settled."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Spans:
    """Windows read for one scope at one period; a window is in one of the two."""

    settled: tuple[Window, ...] = ()
    provisional: tuple[Window, ...] = ()

    @property
    def windows(self) -> list[Window]:
        return merge([*self.settled, *self.provisional])

    def read(self, window: Window, *, settled_to: datetime | None) -> Spans:
        """After `window` was read, at a moment that settles what is before `settled_to` (None: nothing)."""
        edge = window.start if settled_to is None else min(max(settled_to, window.start), window.end)
        settled = merge([*self.settled, Window(window.start, edge)])
        young = merge([*_minus(self.provisional, [window]), Window(edge, window.end)])
        return Spans(tuple(settled), tuple(_minus(young, settled)))

    def without(self, windows: Sequence[Window]) -> Spans:
        return Spans(tuple(_minus(self.settled, windows)), tuple(_minus(self.provisional, windows)))


def _minus(windows: Iterable[Window], parts: Sequence[Window]) -> list[Window]:
    return [left for window in windows for left in subtract(window, parts)]


_NOTHING = Spans()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one scope: windows with their period, merged per period."""

    settled: tuple[tuple[Window, int], ...] = ()
    read: tuple[tuple[Window, int], ...] = ()


NOTHING_READ = Reading()


def after(
    before: Mapping[Key, Spans], run: Run, covered: Sequence[Covered], gaps: Sequence[Gap], *, edge: datetime
) -> dict[Key, Spans]:
    """Spans of the scopes that the run read: less what it names a gap, unless an earlier run read that."""
    spans: dict[Key, Spans] = {}
    done: dict[tuple[int, int, bool], tuple[Spans, Spans]] = {}  # holds what its ids are of
    for item in covered:
        key = item.scope, item.period_s or run.period_s
        so_far = spans.get(key) or before.get(key) or _NOTHING
        same = id(so_far), id(item.window), item.settled
        if same not in done:
            done[same] = so_far, so_far.read(item.window, settled_to=edge if item.settled else None)
        spans[key] = done[same][1]
    holes: dict[str, list[Window]] = defaultdict(list)
    for gap in gaps:
        holes[gap.scope].append(gap.window)
    for key in [key for key in spans if key[0] in holes]:
        known = before.get(key, _NOTHING).windows
        spans[key] = spans[key].without(_minus(holes[key[0]], known))
    return spans


def write(
    connection: sa.Connection, run: Run, covered: Sequence[Covered], gaps: Sequence[Gap], *, now: datetime
) -> dict[str, list[Window]]:
    """Keep what a run read; answers what is read around that, by scope, where ACCOUNT stands for the whole
    target ("") too."""
    touched = [c.window for c in covered] + [gap.window for gap in gaps]
    if not touched:
        return {}
    around = Window(min(w.start for w in touched), max(w.end for w in touched))
    ids, before = _around(connection, run, around)
    new = after(before, run, covered, gaps, edge=settled_until(min(now, run.started_at)))
    changed = {key: spans for key, spans in new.items() if spans != before.get(key)}
    gone = [id_ for key in changed for id_ in ids.get(key, ())]
    _replace(connection, run.collector, run.target, changed, gone)
    read: dict[str, list[Window]] = {}
    for (scope, _), windows in zip(both := {**before, **new}, _windows(both.values()), strict=True):
        read[scope] = [*read.get(scope, ()), *windows]
    if ACCOUNT in read:
        read[""] = [*read.get("", ()), *read[ACCOUNT]]
    return read


def _windows(all_spans: Iterable[Spans]) -> Iterator[list[Window]]:
    done: dict[int, list[Window]] = {}
    for spans in all_spans:
        if id(spans) not in done:
            done[id(spans)] = spans.windows
        yield done[id(spans)]


def _around(
    connection: sa.Connection, run: Run, around: Window
) -> tuple[Mapping[Key, list[int]], dict[Key, Spans]]:
    """Row ids and spans of everything that lies in or touches a window: nothing else can change with it."""
    c = coverage.c
    near = (c.start <= around.end) & (c.end >= around.start)
    query = sa.select(c.id, c.scope, c.period_s, _START, _END, c.settled).where(
        _mine(run.collector, run.target), near
    )
    ids: dict[Key, list[int]] = defaultdict(list)
    rows: dict[Key, list[Raw]] = defaultdict(list)
    for id_, scope, period_s, start, end, settled in connection.execute(query):
        ids[scope, period_s].append(id_)
        rows[scope, period_s].append((start, end, settled))
    made: dict[tuple[Raw, ...], Spans] = {}
    return ids, {key: _shared(made, tuple(sorted(raw)), _to_spans) for key, raw in rows.items()}


def _shared(made: dict[Any, Made], raw: Any, make: Callable[[Any], Made]) -> Made:
    if raw not in made:
        made[raw] = make(raw)
    return made[raw]


def _to_spans(raw: Sequence[Raw]) -> Spans:
    settled = merge(_window(start, end) for start, end, settled in raw if settled)
    return Spans(
        tuple(settled), tuple(merge(_window(start, end) for start, end, settled in raw if not settled))
    )


def _window(start_ms: int, end_ms: int) -> Window:
    return Window(_time(start_ms), _time(end_ms))


def _time(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_ms)


_EPOCH = datetime.fromtimestamp(0, UTC)
_START = sa.type_coerce(coverage.c.start, sa.BigInteger).label("start")
_END = sa.type_coerce(coverage.c.end, sa.BigInteger).label("end")


def _replace(
    connection: sa.Connection,
    collector: str,
    target: Target,
    changed: Mapping[Key, Spans],
    replaced: Sequence[int],
) -> None:
    if replaced:
        delete = sa.delete(coverage).where(coverage.c.id == sa.bindparam("of_id"))
        connection.execute(delete, [{"of_id": id_} for id_ in replaced])
    same = {"collector": collector, "account": target.account, "region": target.region}
    rows = [
        {**same, "scope": scope, "period_s": period_s, "start": w.start, "end": w.end, "settled": settled}
        for (scope, period_s), spans in changed.items()
        for settled, windows in ((True, spans.settled), (False, spans.provisional))
        for w in windows
    ]
    if rows:
        connection.execute(sa.insert(coverage), rows)


def covered(
    connection: sa.Connection, collector: str, target: Target, scope: str, *, settled: bool | None
) -> list[tuple[Window, int]]:
    """Windows read for one scope with their period, merged per period; `settled` None asks for both kinds."""
    query = sa.select(coverage).where(_mine(collector, target), coverage.c.scope == scope)
    if settled is not None:
        query = query.where(coverage.c.settled == settled)
    found: dict[int, list[Window]] = {}
    for row in connection.execute(query):
        found.setdefault(row.period_s, []).append(Window(row.start, row.end))
    return [(window, period_s) for period_s in sorted(found) for window in merge(found[period_s])]


def readings(
    connection: sa.Connection, collector: str, target: Target, since: datetime
) -> dict[str, Reading]:
    """What was read of every scope and does not end before `since`. Scopes with the same rows share one."""
    c = coverage.c
    query = sa.select(c.scope, c.period_s, _START, _END, c.settled)
    rows: dict[str, list[tuple[int, int, int, bool]]] = defaultdict(list)
    for scope, *raw in connection.execute(query.where(_mine(collector, target), c.end >= since)):
        rows[scope].append((raw[0], raw[1], raw[2], raw[3]))
    made: dict[Any, Reading] = {}
    return {scope: _shared(made, tuple(sorted(raw)), _to_reading) for scope, raw in rows.items()}


def _to_reading(raw: Sequence[tuple[int, int, int, bool]]) -> Reading:
    periods = sorted({row[0] for row in raw})

    def merged(*, settled: bool) -> tuple[tuple[Window, int], ...]:
        return tuple(
            (window, period_s)
            for period_s in periods
            for window in merge(
                _window(r[1], r[2]) for r in raw if r[0] == period_s and (r[3] or not settled)
            )
        )

    return Reading(settled=merged(settled=True), read=merged(settled=False))


def _mine(collector: str, target: Target) -> sa.ColumnElement[bool]:
    c = coverage.c
    return (c.collector == collector) & (c.account == target.account) & (c.region == target.region)


def spans(connection: sa.Connection, collector: str, *, before: datetime) -> dict[Target, list[Window]]:
    """By target: what begins before a moment, whatever its scope."""
    c = coverage.c
    query = sa.select(c.account, c.region, _START, _END).distinct()
    found: dict[Target, list[Window]] = defaultdict(list)
    for account, region, start, end in connection.execute(
        query.where(c.collector == collector, c.start < before)
    ):
        found[Target(account, region)].append(_window(start, end))
    return {target: merge(windows) for target, windows in found.items()}


def roll(connection: sa.Connection, collector: str, target: Target, window: Window, period_s: int) -> None:
    """What was read of `window` at a shorter period counts as read at `period_s` from now on."""
    c = coverage.c
    near = (c.start <= window.end) & (c.end >= window.start)
    query = sa.select(c.id, c.scope, c.period_s, _START, _END, c.settled).where(
        _mine(collector, target), near
    )
    ids: dict[str, list[int]] = defaultdict(list)
    rows: dict[str, list[tuple[int, int, int, bool]]] = defaultdict(list)
    for id_, scope, *raw in connection.execute(query):
        ids[scope].append(id_)
        rows[scope].append((raw[0], raw[1], raw[2], raw[3]))
    made: dict[Any, dict[int, Spans] | None] = {}
    new = {
        scope: _shared(made, tuple(sorted(raw)), lambda raw: _rolled(raw, window, period_s))
        for scope, raw in rows.items()
    }
    changed = {(scope, at_s): of for scope, found in new.items() if found for at_s, of in found.items()}
    gone = [id_ for scope, found in new.items() if found for id_ in ids[scope]]
    _replace(connection, collector, target, changed, gone)


def _rolled(
    raw: Sequence[tuple[int, int, int, bool]], window: Window, period_s: int
) -> dict[int, Spans] | None:
    """One scope's spans by period, what of `window` is shorter put to `period_s`; None: nothing is."""
    by_period: dict[int, list[Raw]] = defaultdict(list)
    for at_s, start, end, settled in raw:
        by_period[at_s].append((start, end, settled))
    old = {at_s: _to_spans(rows) for at_s, rows in by_period.items()}
    short = [of for at_s, of in old.items() if at_s < period_s]
    moved = [part for of in short for w in of.settled if (part := w.overlap(window))]
    young = [part for of in short for w in of.provisional if (part := w.overlap(window))]
    if not moved and not young:
        return None
    there = old.get(period_s, _NOTHING)
    sure = merge([*there.settled, *moved])
    unsure = _minus(merge([*there.provisional, *young]), sure)
    left = {at_s: of.without([window]) if at_s < period_s else of for at_s, of in old.items()}
    return {**left, period_s: Spans(tuple(sure), tuple(unsure))}
