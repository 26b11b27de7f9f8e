"""What ages or serves nobody: layers, runtimes near their end, provisioned concurrency without a caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.entities import Alias, Provisioned
from core.provisioned import orphaned
from core.runtimes import lifecycle
from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.frames import rows, with_none
from store.readers.things import EVERYTHING, Place, Thing, Things, matches, sql_where
from store.readers.triggers import NOW_ONLY
from store.store import Filter, Snapshot, Store

PLACE = ("account", "region", "function")
LAYERS = ("layer", "version", "created", "age_days", "latest", "latest_created", "versions_behind")
RUNTIMES = (
    "runtime",
    "state",
    "deprecated_on",
    "create_blocked_on",
    "update_blocked_on",
    "days_left",
    "said",
)
POOLS = ("qualifier", "version", "requested", "allocated", "available", "status")
USE = ("utilization_max", "invocations", "spillover")


@reader
def layers(store: Store, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function and layer it uses: account, region, function, layer (its name), layer_arn, version,
    created, age_days (of that version), latest (the newest version's number), latest_created,
    versions_behind. None: not read, as with layers of other accounts; created is None too when that version
    was deleted."""
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(snapshot, "function", "layer", where=where)
    known = {(t.account, t.region, t.name): t.body for t in things.of("layer")}
    found = [
        dict(zip(PLACE, thing.place, strict=True)) | _layer(known, thing, arn, now)
        for thing in _functions(things, where)
        for arn in thing.body.get("layers") or ()
    ]
    return _frame(found, (*PLACE, "layer", "layer_arn", *LAYERS[1:]), times=("created", "latest_created"))


def _functions(things: Things, where: Filter) -> list[Thing]:
    mine = (thing for thing in things.of("function") if matches(where, *thing.place))
    return sorted(mine, key=lambda thing: thing.place)


def _layer(known: Mapping[Any, Mapping[str, Any]], thing: Thing, arn: str, now: datetime) -> dict[str, Any]:
    layer, _, number = arn.rpartition(":")
    body = known.get((thing.account, thing.region, arn), {})
    created, latest = body.get("created"), body.get("latest")
    version = int(number) if number.isdecimal() else None
    return {
        "layer": layer.rpartition(":")[2],
        "layer_arn": layer,
        "version": version,
        "created": created,
        "age_days": (now - datetime.fromisoformat(created)).days if created else None,
        "latest": latest,
        "latest_created": body.get("latest_created"),
        "versions_behind": None if latest is None or version is None else max(0, latest - version),
    }


@reader
def runtimes(store: Store, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function: account, region, function, runtime (None: a container image), state (`supported`,
    `ending`: within 180 days, `ended`: no patches, `create blocked`, `update blocked`, `unknown`),
    deprecated_on, create_blocked_on, update_blocked_on (dates; None: none published), days_left (to the end
    of support, negative after it; None: no known end), said (a sentence). The soonest end first."""
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(snapshot, "function", where=where)
    found = [
        dict(zip(PLACE, thing.place, strict=True)) | _runtime(thing.body.get("runtime"), now)
        for thing in _functions(things, where)
    ]
    found.sort(key=lambda row: (row["days_left"] is None, row["days_left"] or 0))
    return _frame(found, (*PLACE, *RUNTIMES))


def _runtime(runtime: str | None, now: datetime) -> dict[str, Any]:
    cycle = lifecycle(runtime, now.date())
    return {name: getattr(cycle, name) for name in RUNTIMES}


@reader
def provisioned(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per pool of provisioned concurrency that there is: account, region, function, qualifier (an alias or a
    version), version (that it stands for now; None: no such alias), requested, allocated, available (as of
    the last look), status, utilization_max (0..1, highest of the window; NaN: nothing was said, as when
    idle), invocations, spillover (invocations that found the pool used up; NaN: nothing was said), orphan
    (why nothing reaches it: a sentence; None: something does, or versions and aliases were not read)."""
    kinds = ("provisioned", "alias", "version", "mapping", "trigger")
    with store.snapshot(window, ("metrics",)) as snapshot:
        things = Things.read(snapshot, *kinds, where=where)
        used = _used(snapshot, where)
        listed = _listed(snapshot)
    reached = _Reached(things, listed)
    pools = (t for t in things.of("provisioned") if matches(where, *t.place))
    found = [_pool(thing, reached) for thing in sorted(pools, key=lambda t: (*t.place, t.name))]
    frame = _frame(found, (*PLACE, *POOLS, "orphan"))
    keys = [*PLACE, "qualifier"]
    return frame.astype(dict.fromkeys(keys, object)).merge(
        used.astype(dict.fromkeys(keys, object)), how="left"
    )[[*PLACE, *POOLS, *USE, "orphan"]]


def _used(snapshot: Snapshot, where: Filter) -> pd.DataFrame:
    passes, params = sql_where(where)
    return snapshot.frame(
        f"""SELECT account, region, "function", split_part(resource, ':', -1) AS qualifier,
            max(provisioned_utilization_max) AS utilization_max,
            sum(provisioned_invocations) AS invocations, sum(provisioned_spillover) AS spillover
        FROM metrics WHERE scope = 'resource' AND {passes} GROUP BY ALL""",
        params,
    )


def _listed(snapshot: Snapshot) -> set[tuple[str, str, str, str]]:
    """Account, region, kind and function ("" for all) of listings that were complete once."""
    c = schema.listing.c
    query = sa.select(c.account, c.region, c.kind, c.function).where(c.kind.in_(("version", "alias")))
    return {(row.account, row.region, row.kind, row.function) for row in rows(snapshot.state(query))}


class _Reached:
    """Versions and aliases of functions, and what is known to invoke them."""

    def __init__(self, things: Things, listed: set[tuple[str, str, str, str]]) -> None:
        self.listed = listed
        self.versions: dict[Place, set[str]] = defaultdict(set)
        self.aliases: dict[Place, list[Alias]] = defaultdict(list)
        self.named: dict[Place, set[str]] = defaultdict(set)
        for thing in things.of("version"):
            self.versions[thing.place].add(str(thing.body["version"]))
        for thing in things.of("alias"):
            self.aliases[thing.place].append(_alias(thing))
        for thing in _qualified(things):
            self.named[thing.place].add(str(thing.body["qualifier"]))

    def orphan(self, pool: Provisioned, place: Place) -> str | None:
        account, region, function = place
        if not {(account, region, "version", ""), (account, region, "alias", function)} <= self.listed:
            return None
        named = self.named[place]
        return orphaned(pool, versions=self.versions[place], aliases=self.aliases[place], named=named)

    def version(self, pool: Provisioned, place: Place) -> str | None:
        if pool.qualifier.isdecimal():
            return pool.qualifier
        return next((alias.version for alias in self.aliases[place] if alias.alias == pool.qualifier), None)


def _qualified(things: Things) -> Iterator[Thing]:
    for kind in ("mapping", "trigger"):
        yield from (thing for thing in things.of(kind) if thing.body.get("qualifier"))


def _alias(thing: Thing) -> Alias:
    body = thing.body
    return Alias(
        name=thing.name,
        function=thing.function,
        alias=str(body["alias"]),
        version=str(body["version"]),
        weights=body.get("weights") or {},
    )


def _pool(thing: Thing, reached: _Reached) -> dict[str, Any]:
    body = thing.body
    qualifier = str(body["qualifier"])
    pool = Provisioned(
        name=thing.name, function=thing.function, qualifier=qualifier, requested=body["requested"]
    )
    same = {name: body.get(name) for name in POOLS if name != "version"}
    version = reached.version(pool, thing.place)
    place = dict(zip(PLACE, thing.place, strict=True))
    return place | same | {"version": version, "orphan": reached.orphan(pool, thing.place)}


def _frame(
    found: list[dict[str, Any]], columns: tuple[str, ...], times: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Rows as a frame with None where nothing is known, and NaT in `times`."""
    frame = pd.DataFrame(found, columns=pd.Index(columns), dtype=object)
    for name in columns:
        frame[name] = with_none(frame[name])
    for name in times:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").dt.as_unit("us")
    return frame
