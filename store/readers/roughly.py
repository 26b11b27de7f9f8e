"""On which days of a month usage is known roughly: estimated from metrics, or not read in full, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa

from core.metering import COUNTS
from core.reconciling import CANONICAL, Rough
from core.windows import Window, ceil, merge
from store import schema
from store.readers.frames import rows
from store.readers.held import log_groups
from store.readers.metered import Metering, parse_unknown
from store.readers.things import Things
from store.store import Snapshot
from store.tiers import DAY

ESTIMATED = Rough("estimated from metrics", Decimal("0.4"))
"""Initialization is lacking there: seldom more than so much of a day, where few invocations are cold."""
UNTOLD = Rough("metrics do not tell what provisioned concurrency served")
BY_RECORDS = {
    **dict.fromkeys(("duration", "init", "ephemeral", "edge_duration"), ESTIMATED),
    "provisioned_duration": UNTOLD,
}
"""Meters that metrics can only estimate."""

BUSIEST = Rough("pollers are known at their most of five minutes or more", Decimal("0.5"), is_most=True)
POLLERS = ("event_pollers", "event_pollers_sqs")
BATCHED = Rough("up to ten messages may have been one request", Decimal("0.9"), is_most=True)
UNSIZED = Rough("stored logs have the size of when it was first read")
IN_PART = {
    "traces": ("tracing", Rough("traces were read in part")),
    "queues": ("queues", Rough("a queue was read in part")),
}
"""Collectors whose days count in full or roughly: of which component, and why."""

Key = tuple[str, str, str]
"""Account, region and meter, of those that a bill cannot tell apart the first."""

Roughly = Mapping[Key, Mapping[date, Rough]]


def roughly_known(metered: Metering, snapshot: Snapshot, things: Things, window: Window) -> Roughly:
    """`metered` is of the window, by day."""
    found: dict[Key, dict[date, Rough]] = {}
    told = (
        *_unsized(things, window),
        *_in_part(snapshot, things, window),
        *_at_most(snapshot),
        *_estimated(metered),
        *_batched(things, window),
    )
    for account, region, meters, day, why in told:
        for meter in meters:
            found.setdefault((account, region, CANONICAL[meter]), {}).setdefault(day, why)
    return found


One = tuple[str, str, Iterable[str], date, Rough]


def _estimated(metered: Metering) -> Iterator[One]:
    if not metered.columns:
        return
    told = metered.ask(
        """SELECT DISTINCT account, region, step, estimated, unknown FROM used
        WHERE estimated OR unknown IS NOT NULL ORDER BY ALL"""
    )
    for row in told.to_pylist():
        day = datetime.fromtimestamp(row["step"] / 1000, UTC).date()
        if row["estimated"]:
            for meter, rough in BY_RECORDS.items():
                yield row["account"], row["region"], (meter,), day, rough
        for component, why in parse_unknown(row["unknown"]).items():
            yield row["account"], row["region"], _meters_of(component), day, Rough(why)


def _meters_of(component: str) -> list[str]:
    return [count.meter for count in COUNTS.values() if count.component == component]


def _unsized(things: Things, window: Window) -> Iterator[One]:
    """What a log group held before we looked is not known: AWS tells what it holds now."""
    first: dict[tuple[str, str], datetime] = {}
    for group in log_groups(things).values():
        place = group.account, group.region
        first[place] = min(first.get(place, group.first_seen), group.first_seen)
    for (account, region), since in first.items():
        for day in days_of(Window(window.start, max(window.start, min(window.end, since + DAY)))):
            yield account, region, ("log_storage",), day, UNSIZED


def _at_most(snapshot: Snapshot) -> Iterator[One]:
    """Days on which pollers were read, or are kept, at more than a minute a sample."""
    told = snapshot.frame(
        """SELECT DISTINCT account, region, (ts AT TIME ZONE 'UTC')::DATE AS day FROM mapping_samples
        WHERE period_s > 60 AND coalesce(poller_units_max, provisioned_pollers_max) IS NOT NULL"""
    )
    for row in rows(told):
        yield row.account, row.region, POLLERS, date.fromisoformat(str(row.day)[:10]), BUSIEST


def _batched(things: Things, window: Window) -> Iterator[One]:
    """CloudWatch counts messages of queues, AWS charges requests."""
    for account, region in sorted({(t.account, t.region) for t in things.of("queue", gone=True)}):
        for day in days_of(window):
            yield account, region, ("queue_requests", "queue_requests_fifo"), day, BATCHED


def _in_part(snapshot: Snapshot, things: Things, window: Window) -> Iterator[One]:
    """Days of which a queue, or a target's traces, were not read from start to end."""
    scopes = {"traces": {(t.account, t.region, "") for t in things.of("function")}}
    scopes["queues"] = {(t.account, t.region, t.name) for t in things.of("queue")}
    for collector, (component, why) in IN_PART.items():
        read = windows_read(snapshot, window, collector)
        for key in sorted(scopes[collector]):
            whole = {day for part in merge(read.get(key, ())) for day in days_of(part)}
            for day in sorted({*days_of(window)} - whole):
                yield key[0], key[1], _meters_of(component), day, why


def windows_read(
    snapshot: Snapshot, window: Window, collector: str
) -> dict[tuple[str, str, str], list[Window]]:
    """What was read, by account, region and scope, cut to the window."""
    c = schema.coverage.c
    query = sa.select(c.account, c.region, c.scope, c.start, c.end)
    query = query.where(c.collector == collector, c.start < window.end, c.end > window.start)
    found: dict[tuple[str, str, str], list[Window]] = {}
    for one in rows(snapshot.state(query)):
        part = Window(max(one.start, window.start), min(one.end, window.end))
        found.setdefault((one.account, one.region, one.scope), []).append(part)
    return found


def days_of(window: Window) -> Iterator[date]:
    """The whole UTC days in it."""
    day = ceil(window.start, DAY)
    while day + DAY <= window.end:
        yield day.date()
        day += DAY
