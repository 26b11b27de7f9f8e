"""What functions could be set up as to cost less, from production: evidence of each, and proposals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.facts import Target
from core.prices import ListPrices
from core.replay import arrivals, place
from core.rightsizing import AtSize, Observed, Pool, Proposal, lacking, unknown
from core.rightsizing_rules import Rates, proposals
from core.rightsizing_units import LATEST, scheduled
from core.units import break_even_use
from core.weekly import week
from core.windows import Window, subtract, total
from store.asking import reader
from store.readers.capacity import provisioned_versions
from store.readers.caps import idle_provisioned
from store.readers.coverage import Coverage
from store.readers.prices import list_prices
from store.readers.rightsizing_records import busiest_hours, sizes, used_versions
from store.readers.rightsizing_setup import KINDS, Setup, idle_pools
from store.readers.starts import recorded_arrivals
from store.readers.sums import metric_sums
from store.readers.things import EVERYTHING, Place, Thing, Things, matches
from store.readers.whatif import units_at_work
from store.store import Filter, Store

REPLAYED = 8
"""Functions a question replays at most, the busiest: others are told when they are asked for alone."""

MOST_ARRIVALS = 200_000


@dataclass(frozen=True, slots=True)
class Saving:
    """A proposal and the function that it is about."""

    account: str
    region: str
    function: str
    proposal: Proposal

    @property
    def place(self) -> Place:
        return self.account, self.region, self.function


@reader
def observed(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> list[Observed]:
    """The evidence of every function that exists, by place."""
    idle = idle_pools(idle_provisioned(store, window, now=now, where=where))
    with store.snapshot(window, ("metrics", "invocations")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        by_size = sizes(snapshot, window, provisioned_versions(things), where)
        counted = metric_sums(snapshot, window, where)
        setup = Setup.of(things, coverage, counted, used_versions(snapshot, where))
    functions = sorted(things.of("function"), key=lambda thing: thing.place)
    return [
        _observed(thing, setup, by_size.get(thing.place, ()), idle.get(thing.place, ()), window)
        for thing in functions
        if matches(where, *thing.place)
    ]


def _observed(
    thing: Thing, setup: Setup, by_size: Sequence[AtSize], idle: Sequence[Pool], window: Window
) -> Observed:
    body, at = thing.body, thing.place
    log = setup.coverage.seen("logs", *at)
    return Observed(
        account=at[0],
        region=at[1],
        function=at[2],
        window=window.duration,
        seen=_seen(setup.coverage, at),
        why_not=log.why if log.missing else "",
        runtime=body.get("runtime"),
        architecture=str(body.get("architecture") or "x86_64"),
        package_type=body.get("package_type"),
        layers=len(body.get("layers") or ()),
        is_edge=bool(body.get("edge_master_arn")),
        is_managed=bool(body.get("capacity_provider_arn")),
        memory_mb=body.get("memory_mb"),
        timeout_s=body.get("timeout_s"),
        ephemeral_mb=body.get("ephemeral_mb"),
        log_format=str(body.get("log_format") or "Text"),
        log_level=body.get("application_log_level"),
        invocations=setup.invocations(at),
        sizes=tuple(by_size),
        log_group=setup.log_group(thing),
        pools=tuple(idle),
        old_versions=tuple(setup.old_versions(at)),
        code_share=setup.code_share.get(at[:2]),
    )


def _seen(coverage: Coverage, at: Place) -> timedelta:
    """How much of the window its log was read for by single records."""
    sums = coverage.aggregated(*at)
    return total(left for part in coverage.covered("logs", *at) for left in subtract(part, sums))


@reader
def savings(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> list[Saving]:
    """What each function could save, find out or keep: ranked by what a month would save, the dearest first,
    what is only at stake after them. Provisioned concurrency is replayed for the REPLAYED busiest functions
    of which some hour could pay for a unit. Money is at today's list prices: before free amounts, tiers and
    plans."""
    listed = list_prices(store)
    told = observed(store, window, now=now, where=where)
    found = [
        Saving(one.account, one.region, one.function, proposal)
        for one in told
        for proposal in proposals(one, rates(listed, one.region, now))
    ]
    by_place = {(one.account, one.region, one.function): one for one in told}
    found += [
        Saving(*at, scheduled_units(store, by_place[at], window, now=now))
        for at in _worth_replaying(store, listed, window, where, now=now)
        if at in by_place
    ]
    return sorted(found, key=_rank)


def _rank(one: Saving) -> tuple[Any, ...]:
    proposal = one.proposal
    order = {"change": 0, "unknown": 1, "keep": 2}[proposal.verdict]
    middle = proposal.saves.middle if proposal.saves else None
    return order, middle is None, -(middle or Decimal(0)), one.place, proposal.kind


def rates(listed: ListPrices, region: str, now: datetime) -> Rates:
    """Prices of a region as of a day."""
    day = now.date()
    return Rates(
        compute=lambda architecture: listed.of(region, architecture, on=day),
        log_ingest=listed.usd("log_ingest", region, on=day),
        log_storage=listed.usd("log_storage", region, on=day),
        snapshot=listed.usd("snapstart_cache", region, on=day),
    )


# --- units --------------------------------------------------------------------------------------------------


def _worth_replaying(
    store: Store, listed: ListPrices, window: Window, where: Filter, *, now: datetime
) -> list[Place]:
    """The busiest of which some hour keeps a unit at work for the break-even share, or that have units."""
    with store.snapshot(window, ("invocations",)) as snapshot:
        things = Things.read(snapshot, "provisioned", "alias", "function", where=where)
        hours = busiest_hours(snapshot, where)
    have = set(provisioned_versions(things))
    bodies = {thing.place: thing.body for thing in things.of("function")}

    def pays(at: Place, busy: float) -> bool:
        architecture = str(bodies.get(at, {}).get("architecture") or "x86_64")
        even = break_even_use(listed.of(at[1], architecture, on=now.date()))
        return at in have or (even is not None and busy >= even)

    worth = sorted((at for at, busy in hours.items() if pays(at, busy)), key=lambda at: -hours[at])
    return worth[:REPLAYED]


@reader
def scheduled_units(store: Store, one: Observed, window: Window, *, now: datetime) -> Proposal:
    """What units by the hour of the week would save, from its arrivals one by one."""
    target = Target(one.account, one.region)
    where = Filter(one.account, one.region, one.function)
    told = recorded_arrivals(store, target, one.function, window, now=now, most=MOST_ARRIVALS)
    with store.snapshot(window) as snapshot:
        things = Things.read(snapshot, "alias", where=where)
    if lacks := lacking(one):
        return unknown("provisioned", lacks)
    frame = told.frame.sort_values("start_ms", kind="stable")
    placed = place(arrivals(frame["start_ms"], frame["end_ms"], frame["version"].tolist()))
    found = week(
        placed.number,
        placed.arrivals.start_ms,
        placed.arrivals.end_ms,
        window=Window(max(told.window.start, told.window.end - told.read), told.window.end),
        memory_mb=float(one.memory_mb or 0),
        prices=list_prices(store).of(one.region, one.architecture, on=now.date()),
    )
    units_now, _ = units_at_work(store, where, window, now=now)
    qualifier = _qualifier(one, things, frame["version"])
    over = told.read
    return scheduled(one, found, qualifier=qualifier, over=over, units_now=units_now)


def _qualifier(one: Observed, things: Things, versions: pd.Series[Any]) -> str | None:
    """The alias of the version that is called most, or that version; None: it is $LATEST."""
    called = versions[versions != ""].mode()
    most = str(called.iloc[0]) if len(called) else LATEST
    if most == LATEST:
        return None
    place = one.account, one.region, one.function
    aliases = [t.body for t in things.of("alias") if t.place == place and str(t.body["version"]) == most]
    return str(aliases[0]["alias"]) if aliases else most
