"""What was read and what of it may still change: interval arithmetic and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.facts import Covered, Gap, Run, Target
from core.windows import Window, merge, settled_until, subtract
from store.schema import coverage

Key = tuple[str, int]
"""A scope and a period in seconds."""


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


def after(
    before: Mapping[Key, Spans], run: Run, covered: Sequence[Covered], gaps: Sequence[Gap], *, edge: datetime
) -> dict[Key, Spans]:
    """Spans of the scopes that the run read: less what it names a gap, unless an earlier run read that."""
    spans: dict[Key, Spans] = {}
    for item in covered:
        key = item.scope, item.period_s or run.period_s
        so_far = spans.get(key, before.get(key, Spans()))
        spans[key] = so_far.read(item.window, settled_to=edge if item.settled else None)
    for key in spans:
        known = before.get(key, Spans()).windows
        spans[key] = spans[key].without(_minus([g.window for g in gaps if g.scope == key[0]], known))
    return spans


def write(
    connection: sa.Connection, run: Run, covered: Sequence[Covered], gaps: Sequence[Gap], *, now: datetime
) -> dict[str, list[Window]]:
    """Keep what a run read; answers all that is read of its collector and target, by scope."""
    before = _spans(connection, run.collector, run.target)
    edge = settled_until(min(now, run.started_at))
    new = after(before, run, covered, gaps, edge=edge)
    _replace(connection, run, {key: spans for key, spans in new.items() if spans != before.get(key)})
    read: dict[str, list[Window]] = {}
    for (scope, _), spans in {**before, **new}.items():
        read.setdefault(scope, []).extend(spans.windows)
    return read


def _spans(connection: sa.Connection, collector: str, target: Target) -> dict[Key, Spans]:
    found: dict[Key, tuple[list[Window], list[Window]]] = {}
    for row in connection.execute(sa.select(coverage).where(_mine(collector, target))):
        settled, young = found.setdefault((row.scope, row.period_s), ([], []))
        (settled if row.settled else young).append(Window(row.start, row.end))
    return {key: Spans(tuple(merge(settled)), tuple(merge(young))) for key, (settled, young) in found.items()}


def _replace(connection: sa.Connection, run: Run, changed: Mapping[Key, Spans]) -> None:
    if not changed:
        return
    delete = sa.delete(coverage).where(
        _mine(run.collector, run.target),
        coverage.c.scope == sa.bindparam("of_scope"),
        coverage.c.period_s == sa.bindparam("of_period_s"),
    )
    connection.execute(delete, [{"of_scope": scope, "of_period_s": period_s} for scope, period_s in changed])
    same = {"collector": run.collector, "account": run.target.account, "region": run.target.region}
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


def _mine(collector: str, target: Target) -> sa.ColumnElement[bool]:
    c = coverage.c
    return (c.collector == collector) & (c.account == target.account) & (c.region == target.region)
