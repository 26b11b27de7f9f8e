"""The fleet table: a row per function over a window, as `quarterdeck fleet` prints it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from core.windows import MINUTE, Window
from store.asking import reader
from store.readers.bills import function_bills
from store.readers.coverage import Coverage
from store.readers.fleet_row import FleetTable
from store.readers.letters import LOOK_BACK, dead_letters
from store.readers.measured import KINDS as MEASURED
from store.readers.measured import Told
from store.readers.metered import KEPT
from store.readers.newest import last_invocations
from store.readers.series import fleet_steps, function_counts
from store.readers.summaries import summary_sums
from store.readers.sums import metric_sums, newest_of, record_sums
from store.readers.things import EVERYTHING, Place, Thing, Things, matches
from store.store import Filter, Store

__all__ = ["EVERYTHING", "fleet", "fleet_series", "sparklines"]

KINDS = (*MEASURED, "reserved")
SPARKS = 30


@reader
def fleet(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """One row per known function (gone ones included when they have facts in the window), sorted by account,
    region, function.

    Columns: account, region, function, runtime, architecture, memory_mb, timeout_s, tags (dict), reserved,
    invocations, errors, error_rate, throttles, duration_p50_ms, duration_p95_ms, duration_p99_ms,
    duration_max_ms, max_concurrency, cold_starts, cold_start_rate, init_p50_ms, init_p95_ms,
    max_memory_used_mb, timeouts, out_of_memory, dead_letters, cost_usd (Decimal), last_invocation, states
    (dict). Rates are 0..1. NaN/None is not known, and `states` says why: `silent`, `not collected: WHY`; a
    known number over a window that may still change is `provisional`; one over a window with holes is `not
    collected: 40 of 180 minutes ...` beside the part that is known (None when that part is zero). Where a log
    is aggregated, its sums are added to the records, and percentiles are None.
    """
    with store.snapshot(Window(window.start - LOOK_BACK, window.end), KEPT) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        metrics = metric_sums(snapshot, window, where)
        records = record_sums(snapshot, window, where)
        summaries = summary_sums(snapshot, window, where)
        letters = dead_letters(snapshot, things, coverage)
        told = Told(metrics, records)
        billed = function_bills(snapshot, things, coverage, where, now=now, told=told)
    places = _places(things, {**metrics, **records, **summaries}, where)
    newest = last_invocations(store, places, window, newest_of(metrics, records, summaries), now=now)
    ordered = sorted(places)
    table = FleetTable(ordered, coverage, metrics, records, summaries)
    table.configure(places, {t.place: t.body.get("reserved") for t in things.of("reserved")})
    table.measure(newest)
    table.spend(billed, letters)
    return table.finished()


def _places(things: Things, facts: Iterable[Place], where: Filter) -> dict[Place, Thing | None]:
    """Functions that exist, and those with facts in the window."""
    known_things = {t.place: t for t in things.of("function", gone=True)}
    alive = {place: thing for place, thing in known_things.items() if thing.gone_at is None}
    seen = {place: known_things.get(place) for place in facts}
    return {place: thing for place, thing in {**alive, **seen}.items() if matches(where, *place)}


@reader
def fleet_series(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Sums over all functions per `chart_step(window)` (five minutes at least over five-minute history),
    whole steps only.

    Columns: ts, invocations, errors, throttles, error_rate, duration_p50_ms, duration_p95_ms, duration_p99_ms
    (over all invocation records), concurrent_max (highest claimed concurrency, summed over accounts; of one
    function its own), cold_starts, cost_usd (float), collected (bool), provisional (bool). A step that was
    not collected is NaN; so is one that was read for some targets only, or for the logs of some functions
    only.
    """
    return fleet_steps(store, window, now=now, where=where)


@reader
def sparklines(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function, and lists of about 30 points: invocations, errors (NaN: not collected)."""
    step = -(-window.duration // (SPARKS * MINUTE)) * MINUTE
    return function_counts(store, window, max(step, MINUTE), now=now, where=where)
