"""What could not be read, and why, until it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.facts import Gap, Run
from core.windows import Window, subtract
from store.schema import coverage, gap


@dataclass(frozen=True, slots=True)
class Seen:
    """A gap and when it was last met."""

    gap: Gap
    at: datetime


def write(
    connection: sa.Connection,
    run: Run,
    new: Sequence[Gap],
    *,
    read: Mapping[str, Sequence[Window]],
    whole: Sequence[Window],
    beside: Sequence[Window] = (),
    now: datetime,
) -> None:
    """Bring gaps up to date: `read` is what is covered by scope, `whole` what this run read of everything,
    `beside` what it read of the account's own series: there, gaps of scopes that are never read themselves (a
    refused metric) end."""
    table = gap.c
    here = (
        (table.collector == run.collector)
        & (table.account == run.target.account)
        & (table.region == run.target.region)
    )
    known = connection.execute(sa.select(gap).where(here)).all()
    old = [Seen(Gap(g.scope, Window(g.start, g.end), g.why, g.permission), g.seen_at) for g in known]
    ended = _never_read(connection, run, {seen.gap.scope for seen in old} - set(read)) if beside else set()
    read = {**read, **dict.fromkeys(ended, beside)}
    kept = after(old, [Seen(g, now) for g in new], read=read, whole=whole)
    if sorted(kept, key=_order) == sorted(old, key=_order):
        return
    connection.execute(sa.delete(gap).where(here))
    if kept:
        connection.execute(sa.insert(gap), [_row(run, seen) for seen in kept])


def _never_read(connection: sa.Connection, run: Run, scopes: set[str]) -> set[str]:
    """Those of `scopes` of which nothing was ever read."""
    c = coverage.c
    here = (
        (c.collector == run.collector) & (c.account == run.target.account) & (c.region == run.target.region)
    )
    query = sa.select(c.scope).where(here, c.scope.in_(sorted(scopes))).distinct()
    return scopes - set(connection.execute(query).scalars()) if scopes else set()


def after(
    old: Iterable[Seen],
    new: Sequence[Seen],
    *,
    read: Mapping[str, Sequence[Window]],
    whole: Sequence[Window],
) -> list[Seen]:
    """A gap ends where its scope, or the whole target, was read; a new one takes an older one's place."""
    kept: dict[str, list[Seen]] = defaultdict(list)
    for seen in old:
        kept[seen.gap.scope] += _cut(seen, [*read.get(seen.gap.scope, ()), *whole])
    for seen in new:
        scope, window = seen.gap.scope, seen.gap.window
        kept[scope] = [left for other in kept[scope] for left in _cut(other, [window])]
        kept[scope] += _cut(seen, read.get(scope, ()))
    return _joined([seen for of_scope in kept.values() for seen in of_scope])


def _cut(seen: Seen, parts: Iterable[Window]) -> list[Seen]:
    return [Seen(replace(seen.gap, window=w), seen.at) for w in subtract(seen.gap.window, parts)]


def _order(seen: Seen) -> tuple[Any, ...]:
    return seen.gap.scope, seen.gap.why, seen.gap.permission or "", seen.gap.window, seen.at


def _joined(gaps: Sequence[Seen]) -> list[Seen]:
    """Join touching gaps of one scope and reason, or an outage would leave a row per run."""
    joined: list[Seen] = []
    for seen in sorted(gaps, key=_order):
        last, window = joined[-1] if joined else None, seen.gap.window
        if last and replace(last.gap, window=window) == seen.gap and last.gap.window.end >= window.start:
            span = Window(last.gap.window.start, max(last.gap.window.end, window.end))
            joined[-1] = Seen(replace(last.gap, window=span), max(last.at, seen.at))
        else:
            joined.append(seen)
    return joined


def _row(run: Run, seen: Seen) -> dict[str, Any]:
    item = seen.gap
    return {
        "collector": run.collector,
        "account": run.target.account,
        "region": run.target.region,
        "scope": item.scope,
        "start": item.window.start,
        "end": item.window.end,
        "why": item.why,
        "permission": item.permission,
        "seen_at": seen.at,
    }
