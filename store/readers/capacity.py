"""Provisioned concurrency: which versions have it, and how much was asked for when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.readers.frames import milliseconds, rows
from store.readers.things import Place, Thing, Things, once
from store.store import Snapshot


@once
def provisioned_versions(things: Things) -> dict[Place, set[str]]:
    """Per function: the versions that have provisioned concurrency, directly or through an alias."""
    targets = _alias_targets(things)
    found: dict[Place, set[str]] = {}
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        found.setdefault(thing.place, set()).update(targets.get((thing.place, qualifier), {qualifier}))
    return found


@once
def _alias_targets(things: Things) -> dict[tuple[Place, str], set[str]]:
    return {
        (t.place, str(t.body["alias"])): {str(t.body["version"]), *(t.body.get("weights") or {})}
        for t in things.of("alias", gone=True)
    }


@dataclass(frozen=True, slots=True)
class Capacity:
    """Provisioned capacity of one version over one step, in environment-milliseconds."""

    place: Place
    version: str
    step: int
    milliseconds: float


def capacity(
    snapshot: Snapshot, things: Things, window: Window, *, now: datetime, step: timedelta | None = None
) -> Iterator[Capacity]:
    """What was asked for until now, from the time it was configured, used or not: that is what AWS bills."""
    until = Window(window.start, max(window.start, min(window.end, now)))
    targets, past = _alias_targets(things), _past_requests(snapshot)
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        version = min(targets.get((thing.place, qualifier), {qualifier}))
        for span, count in _spans(thing, past.get((thing.account, thing.region, thing.name), [])):
            for part in _cut(span.overlap(until), step):
                start = _step_of(part, step)
                yield Capacity(thing.place, version, start, count * float(milliseconds(part.duration)))


def _cut(span: Window | None, step: timedelta | None) -> Iterator[Window]:
    if span is not None:
        yield from [span] if step is None else span.chunks(step)


def _step_of(part: Window, step: timedelta | None) -> int:
    start = round(part.start.timestamp() * 1000)
    return 0 if step is None else start - start % milliseconds(step)


def _past_requests(snapshot: Snapshot) -> dict[Place, list[tuple[datetime, int]]]:
    """Per configuration (account, region, name): when its size changed, and what it was before; oldest
    first."""
    change = schema.change
    query = sa.select(change).where(change.c.kind == "provisioned", change.c.field == "requested")
    found: dict[Place, list[tuple[datetime, int]]] = {}
    for row in rows(snapshot.state(query.order_by(change.c.ts))):
        name = (row.account, row.region, row.name)
        found.setdefault(name, []).append((row.ts.to_pydatetime(), int(row.old)))
    return found


def _spans(thing: Thing, past: Sequence[tuple[datetime, int]]) -> Iterator[tuple[Window, int]]:
    """When how many environments were asked for, as far back as we know of it."""
    modified, since = thing.body.get("last_modified"), thing.first_seen
    if modified is not None and not past:
        since = min(since, datetime.fromisoformat(str(modified)))
    for ts, count in past:
        if ts > since:
            yield Window(since, ts), count
            since = ts
    end = thing.gone_at or datetime.max.replace(tzinfo=since.tzinfo)
    if end > since:
        yield Window(since, end), int(thing.body["requested"])
