"""What leads to each function, and what of it is broken: the links that explain why it stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.silence import Link
from core.triggers import arn_part
from store import schema
from store.readers.frames import rows
from store.readers.things import Place, Thing, Things
from store.readers.wiring import source_name
from store.store import Snapshot

GONE_LATELY = timedelta(days=14)
"""How long what was removed is remembered as a reason."""

WATCHED = ("mapping", "trigger", "reserved")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule that leads to a function. `since` is when it was first seen; one that `is_off` does not
    invoke, so that nothing need be waited for."""

    text: str
    since: datetime
    is_off: bool
    zone_known: bool


def changed(snapshot: Snapshot) -> Mapping[tuple[str, str, str], datetime]:
    """When each mapping, trigger and reservation last changed: kind, name and field ("" when it went)."""
    c = schema.change.c
    query = (
        sa.select(c.kind, c.name, c.field, sa.func.max(c.ts).label("ts"))
        .where(c.kind.in_(WATCHED))
        .group_by(c.kind, c.name, c.field)
    )
    return {(row.kind, row.name, row.field): _utc(row.ts) for row in rows(snapshot.state(query))}


def _utc(ts: Any) -> datetime:
    value: datetime = ts.to_pydatetime() if hasattr(ts, "to_pydatetime") else ts
    return value


class Links:
    """What leads to each function: `things` with reserved, mapping and trigger, the `all_triggers` reader's
    frame, and when what `changed`."""

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
        self._kinds: dict[str, str] = {}
        self._first_seen: dict[str, datetime] = {}
        self._gone: dict[Place, list[Thing]] = defaultdict(list)
        for thing in (t for kind in ("mapping", "trigger") for t in things.of(kind, gone=True)):
            self._first_seen[thing.name], self._kinds[thing.name] = thing.first_seen, thing.kind
            if thing.gone_at is not None and thing.gone_at > now - GONE_LATELY:
                self._gone[thing.place].append(thing)
        self._reserved = {t.place: t.body.get("reserved") for t in things.of("reserved")}

    def scheduled(self, place: Place) -> Iterator[Scheduled]:
        """Schedules of sources that invoke it, or did until lately."""
        for row in self._triggers.get(place, ()):
            if isinstance(row.schedule, str):
                since = self._first_seen[row.name]
                yield Scheduled(row.schedule, since, not row.enabled, _zone_known(row.source_arn))
        for thing in self._lost_sources(place):
            if thing.body.get("schedule"):
                arn = thing.body.get("source_arn")
                yield Scheduled(str(thing.body["schedule"]), thing.first_seen, True, _zone_known(arn))

    def sources(self, place: Place) -> list[str]:
        """ARNs of what enabled mappings read for it."""
        found = (row for row in self._triggers.get(place, ()) if self._kinds.get(row.name) == "mapping")
        return [row.source_arn for row in found if row.enabled and isinstance(row.source_arn, str)]

    def of(self, place: Place) -> Iterator[Link]:
        if self._reserved.get(place) == 0:
            since = self._changed.get(("reserved", place[2], "reserved"))
            yield Link("its reserved concurrency is 0: nothing of it may run", True, since, stops=True)
        yield from (self._link(row) for row in self._triggers.get(place, ()))
        for thing in self._lost_sources(place):
            what = "event source mapping" if thing.kind == "mapping" else "permission to invoke it"
            called = source_name(str(thing.body.get("source_arn") or "")) or thing.name
            yield Link(f"the {what} was removed: {called}", True, thing.gone_at)

    def _lost_sources(self, place: Place) -> list[Thing]:
        """What led to it and was removed, unless the same source leads to it again."""
        if place not in self._gone:
            return []
        alive = {row.source_arn for row in self._triggers.get(place, ()) if isinstance(row.source_arn, str)}
        return [thing for thing in self._gone[place] if thing.body.get("source_arn") not in alive]

    def _link(self, row: Any) -> Link:
        kind, called = self._kinds.get(row.name, "trigger"), f"{row.title} {row.source}"
        since = self._changed.get((kind, row.name, "state"))
        if row.enabled and str(row.last_result or "").upper().startswith("PROBLEM"):
            since = self._changed.get((kind, row.name, "last_result"))
            return Link(f"{called} cannot hand over: {row.last_result}", True, since)
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
