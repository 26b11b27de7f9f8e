"""What rules look at beside whole functions: minutes of aliases and versions, and of capacity providers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.metrics import Metric
from core.windows import MINUTE, Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import Grid
from store.readers.minutes import (
    Marks,
    Minutes,
    Numbers,
    Place,
    ask,
    fields_of,
    finest_s,
    is_count,
    known_only,
    lay,
    period_sql,
    spread,
    total_of,
)
from store.readers.things import Thing, Things
from store.store import Snapshot, Store

OF_ALIASES, OF_PROVIDERS = fields_of({"resource"}), fields_of({"instances", "environments"})
"""Columns that come from metrics, by the subject that they are about."""


@reader
def alias_minutes(
    store: Store,
    window: Window,
    *,
    now: datetime,
    columns: Collection[str],
    coarse: bool = False,
    step: timedelta = MINUTE,
) -> Minutes:
    """Per alias, and version that is invoked by its number (`checkout:live`, `checkout:12`), and minute:
    `columns` (fields of metrics about them), collected, provisional. About each: functions (the one it is
    of), runtime, tags. `coarse`: hours count as read, and are spread. `step`: an hour for what whole
    hours add up to, instead of minutes."""
    grid = Grid(window, step)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = _coverage(snapshot, window, now, coarse)
        things = Things.read(snapshot, "function", "alias", "provisioned", "mapping", "trigger")
        places = sorted(set(_qualified(things)))
        name = "\"function\" || ':' || resource"
        fields = {name: OF_ALIASES[name] for name in columns}
        values = _values(snapshot, places, "metrics", name, "scope = 'resource'", fields, grid)
    known = {thing.place: thing for thing in things.of("function")}
    about = [_of_function(place, known) for place in places]
    counts = [name for name in columns if is_count(OF_ALIASES[name])]
    return _minutes("alias", places, about, grid, values, coverage, counts, places)


def _qualified(things: Things) -> Iterable[Place]:
    """Aliases, what has provisioned concurrency, and versions that something invokes by their number: of
    these CloudWatch is asked."""
    for kind in ("alias", "provisioned"):
        yield from ((t.account, t.region, t.name) for t in things.of(kind))
    for kind in ("mapping", "trigger"):
        for thing in things.of(kind):
            if str(thing.body.get("qualifier") or "").isdecimal():
                yield thing.account, thing.region, f"{thing.function}:{thing.body['qualifier']}"


def _of_function(place: Place, known: Mapping[Place, Thing]) -> dict[str, Any]:
    name = place[2].partition(":")[0]
    function = known.get((*place[:2], name))
    body = function.body if function else {}
    return {"functions": [name], "runtime": body.get("runtime"), "tags": dict(body.get("tags") or {})}


@reader
def provider_minutes(
    store: Store, window: Window, *, now: datetime, columns: Collection[str], coarse: bool = False
) -> Minutes:
    """Per capacity provider of Managed Instances and minute: `columns` (fields of metrics about its instances
    and environments: the highest of them; CloudWatch tells them every five minutes, and each stands for all
    five), collected, provisional. About each: functions (those that it runs)."""
    grid = Grid(window, MINUTE)
    with store.snapshot(window, ("capacity_samples",)) as snapshot:
        coverage = _coverage(snapshot, window, now, coarse)
        things = Things.read(snapshot, "function", "capacity_provider")
        providers = sorted(
            things.of("capacity_provider"), key=lambda thing: (thing.account, thing.region, thing.name)
        )
        places = [(thing.account, thing.region, thing.name) for thing in providers]
        fields = {name: OF_PROVIDERS[name] for name in columns}
        values = _values(snapshot, places, "capacity_samples", "provider", "true", fields, grid)
    arns = [str(thing.body["arn"]) for thing in providers]
    run = [(t.body.get("capacity_provider_arn"), t.account, t.region, t.name) for t in things.of("function")]
    about = [
        {"functions": sorted(name for own, *at, name in run if (own, *at) == (arn, *place[:2]))}
        for arn, place in zip(arns, places, strict=True)
    ]
    read_as = [(*place[:2], arn) for place, arn in zip(places, arns, strict=True)]
    return _minutes("provider", places, about, grid, values, coverage, (), read_as)


# --- both ---------------------------------------------------------------------------------------------------


def _coverage(snapshot: Snapshot, window: Window, now: datetime, coarse: bool) -> Coverage:
    return Coverage.read(snapshot, window, now=now, finest_s=finest_s(coarse), only="metrics")


def _values(
    snapshot: Snapshot,
    places: list[Place],
    kind: str,
    name: str,
    where: str,
    fields: Mapping[str, Metric],
    grid: Grid,
) -> dict[str, Numbers]:
    totals = [total_of(metric) for metric in fields.values()]
    if not totals or not places:
        return {}
    found = ask(snapshot, places, kind, name, where, totals, period_sql(grid), grid.step)
    return lay(found, len(places), grid, spread(fields, fields))


def _minutes(
    name: str,
    places: list[Place],
    about: list[dict[str, Any]],
    grid: Grid,
    values: Mapping[str, Numbers],
    coverage: Coverage,
    counts: Collection[str],
    read_as: list[Place],
) -> Minutes:
    """`read_as`: the scopes that their metrics are read under."""
    marks = Marks(coverage, grid)
    read = marks.read("metrics", read_as)
    flags = {"collected": read, "provisional": marks.young("metrics", read_as)}
    names = ("account", "region", name)
    return Minutes(names, tuple(places), tuple(about), grid.window, known_only(values, read, counts), flags)
