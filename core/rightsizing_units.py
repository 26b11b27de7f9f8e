"""Provisioned concurrency: what serves nobody, and what would pay for itself by the hour of the week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from core.rightsizing import LEAST_USD, Band, Observed, Proposal, joined, keep, seen_in, unknown, words
from core.rightsizing_changes import no_units_change, schedule_change
from core.weekly import HOURS, WEEK, Week

LATEST = "$LATEST"
REPLAY_MISSES = Decimal("0.1")
"""What a replayed week differs from the next one: supposed, as a share of the saving."""


def idle(one: Observed) -> Iterator[Proposal]:
    """A proposal for each pool that served nobody."""
    for pool in one.pools:
        usd = pool.usd_month
        yield Proposal(
            kind="idle-provisioned",
            verdict="change",
            says=f"Give back {pool.held:,.0f} units of {_named(pool.qualifier)}",
            saves=None if usd is None else Band(usd, usd, usd),
            risk="a caller that names the version itself is not seen from here; it would start cold",
            evidence=(pool.why, f"looked at {words(one.window)}"),
            missing="" if usd is not None else f"the price of provisioned concurrency in {one.region}",
            now=pool.held,
            then=0.0,
            change=no_units_change(one, pool.qualifier),
        )


def _named(qualifier: str) -> str:
    return f"version {qualifier}" if qualifier.isdecimal() else f"alias {qualifier}"


def scheduled(
    one: Observed, found: Week | None, *, qualifier: str | None, over: timedelta, units_now: int = 0
) -> Proposal:
    """Units by the hour of the week, where a unit would be at work for more than the break-even share.
    `qualifier` is the alias or version that callers use, None when they use $LATEST; `over` is how much was
    replayed."""
    kind = "provisioned"
    if found is None:
        return unknown(kind, f"the price of provisioned concurrency in {one.region}")
    hours, most = int((found.units > 0).sum()), int(found.units.max())
    if not most and not units_now:
        return keep(kind, "no hour of the week keeps a unit at work for the break-even share of it")
    if over < WEEK or not found.is_whole:
        more = words(max(WEEK - over, timedelta(hours=1)))
        missing = f"{more} more of its records: a schedule needs every hour of a week"
        return unknown(kind, missing, says=f"{most:,} units in {hours} of the hours seen")
    usd = found.usd_month - found.always_usd_month(units_now)
    if usd < LEAST_USD:
        return keep(kind, "another number of units would save less than a cent a month")
    return Proposal(
        kind=kind,
        verdict="change",
        says=_says(units_now, most, hours),
        saves=Band(usd * (1 - REPLAY_MISSES), usd * (1 + REPLAY_MISSES), usd),
        risk=_risk(qualifier, units_now),
        evidence=(seen_in(one), f"{words(over)} of arrivals replayed, one by one"),
        now=float(units_now),
        change=schedule_change(one, qualifier or "live", found.turns()),
    )


def _says(units_now: int, most: int, hours: int) -> str:
    instead = f", not {units_now:,} always" if units_now else ""
    if not most:
        return f"None of {units_now:,} units: no hour keeps one at work enough"
    return f"Up to {most:,} units, in {hours} of the week's {HOURS} hours{instead}"


def _risk(qualifier: str | None, units_now: int) -> str:
    alias = f"callers use {LATEST}, which cannot have units: publish a version and call it by an alias"
    slower = "units may be there for speed: where they go, callers wait for cold starts again"
    return joined(
        "" if qualifier else alias, slower if units_now else "a quieter week costs more than it saves"
    )
