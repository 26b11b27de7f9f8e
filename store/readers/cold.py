"""Cold starts, from invocation records."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.bills import Bill, function_bills
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, rows, share, with_none
from store.readers.measured import KINDS
from store.readers.metered import KEPT
from store.readers.portions import by_step
from store.readers.proactive import less, proactive_starts
from store.readers.records import COLD, INIT_PERCENTILES, RESTORE_PERCENTILES, WAITED_MS
from store.readers.series import add, fill, logs_read, record_steps
from store.readers.states import Seen
from store.readers.summaries import AGGREGATED, larger, plus, summary_hours, summary_steps, summary_sums
from store.readers.things import EVERYTHING, PLACE, Place, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

COUNTS = ["records", "cold_starts", "proactive", "on_demand", "provisioned", "snap_start"]
MEASURES = ["init_p50_ms", "init_p95_ms", "init_max_ms", "waited_s"]
RESTORES = ["restore_p50_ms", "restore_p95_ms"]
CONFIGURATION = ["runtime", "architecture", "memory_mb"]
COLUMNS = [
    "account",
    "region",
    "function",
    *CONFIGURATION,
    "records",
    "cold_starts",
    "cold_start_rate",
    *MEASURES,
    "init_cost_usd",
    *COUNTS[2:],
    "state",
]

FIRST_MONDAY = 4 * 86_400_000
"""1970-01-05 as milliseconds since the epoch."""


@reader
def cold_starts(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function: account, region, function, runtime, architecture, memory_mb, records, cold_starts,
    cold_start_rate, init_p50_ms, init_p95_ms, init_max_ms, waited_s (sum of init and restore that callers
    waited for), init_cost_usd (Decimal, None: price unknown), proactive (cold starts of environments that
    were ready long before: nobody waited, see `proactive_starts`), on_demand, provisioned, snap_start
    (initializations by type; an unknown type counts as on-demand; provisioned ones kept nobody waiting and
    are no cold starts), state (of the log; None: settled numbers). Worst first (waited_s)."""
    ahead = _ahead(proactive_starts(store, window, where=where))
    with store.snapshot(window, KEPT) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        sums, summaries = _sums(snapshot, where, ahead), summary_sums(snapshot, window, where)
        billed = function_bills(snapshot, things, coverage, where, now=now)
    bodies = {t.place: t.body for t in things.of("function", gone=True)}
    alive = {t.place for t in things.of("function") if matches(where, *t.place)}
    lines = []
    for place in sorted(alive | sums.keys() | summaries.keys()):
        seen = coverage.seen("logs", *place)
        row, more = (None, None) if seen.nothing else (sums.get(place), summaries.get(place))
        counts = {name: float(getattr(row, name, 0.0)) for name in COUNTS}
        measured = {name: getattr(row, name, np.nan) for name in MEASURES}
        if more is not None:
            counts, measured = _with_summaries(counts, measured, more)
        init = _init_usd(billed.get(place))
        about = {name: bodies.get(place, {}).get(name) for name in CONFIGURATION}
        unknown = seen.nothing or (not seen.complete and row is None and more is None)
        lines.append(
            dict(zip(("account", "region", "function"), place, strict=True))
            | about
            | (dict.fromkeys(COUNTS, np.nan) if unknown else counts)
            | measured
            | {"init_cost_usd": None if unknown else init, "state": _state(seen, more)}
        )
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    frame[["memory_mb", *COUNTS, *MEASURES]] = frame[["memory_mb", *COUNTS, *MEASURES]].astype(float)
    frame["cold_start_rate"] = share(frame["cold_starts"], frame["records"])
    order = frame["waited_s"].fillna(-1.0).sort_values(ascending=False, kind="stable").index
    frame["state"] = with_none(frame["state"])
    return frame.loc[order].reset_index(drop=True)


def _init_usd(bill: Bill | None) -> Decimal | None:
    if bill is None:
        return Decimal(0)
    return None if "init" in bill.unknown else bill.components.get("init", Decimal(0))


def _with_summaries(
    counts: dict[str, float], measured: dict[str, Any], more: Any
) -> tuple[dict[str, float], dict[str, Any]]:
    """Counts and sums of records and of aggregated logs; the median of two parts is not known from theirs."""
    counts = {name: plus(value, getattr(more, name, None)) for name, value in counts.items()}
    counts["on_demand"] = plus(counts["on_demand"], more.cold_starts)
    return counts, {
        "init_p50_ms": np.nan,
        "init_p95_ms": np.nan,
        "init_max_ms": larger(measured["init_max_ms"], more.init_max_ms),
        "waited_s": plus(measured["waited_s"], more.waited_s),
    }


def _state(seen: Seen, more: Any) -> str | None:
    return AGGREGATED if more is not None and seen.complete else seen.state()


def _ahead(proactive: pd.DataFrame) -> pd.DataFrame:
    """Per function: proactive, and their ahead_s that nobody waited for."""
    found = proactive.groupby(PLACE)["init_ms"].agg(proactive="size", ahead_s="sum").reset_index()
    return found.assign(ahead_s=found["ahead_s"] / 1000)


def _sums(snapshot: Snapshot, where: Filter, ahead: pd.DataFrame) -> dict[Place, Any]:
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", count(*) AS records, count(*) FILTER ({COLD}) AS cold_starts,
            {INIT_PERCENTILES}, max(init_ms) FILTER ({COLD}) AS init_max_ms,
            sum({WAITED_MS}) FILTER ({COLD}) / 1000 AS waited_s,
            count(*) FILTER (init_type = 'provisioned-concurrency'
                AND (init_ms IS NOT NULL OR restore_ms IS NOT NULL)) AS provisioned,
            count(*) FILTER ({COLD} AND (init_type = 'snap-start' OR restore_ms IS NOT NULL)) AS snap_start
        FROM invocations WHERE {wanted} GROUP BY ALL""",
        params,
    )
    frame["on_demand"] = frame["cold_starts"] - frame["snap_start"]
    frame = frame.merge(ahead, on=PLACE, how="left")
    frame["proactive"] = frame["proactive"].fillna(0.0)
    frame["waited_s"] = less(frame["waited_s"], frame["ahead_s"])
    return {(row.account, row.region, row.function): row for row in rows(frame)}


@reader
def cold_series(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per `chart_step`, whole steps only: ts, records, cold_starts, cold_start_rate, init_p50_ms,
    init_p95_ms, restore_p50_ms, restore_p95_ms (of SnapStart). A step that was not read for every function of
    whose log anything was read is NaN."""
    names = ["init_p50_ms", "init_p95_ms", *RESTORES]
    with store.snapshot(window, ("invocations", "invocation_summaries")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        grid = Grid(window, coverage.step("logs"))
        summed = summary_steps(snapshot, grid, where)
        told = record_steps(snapshot, grid, where).merge(
            _restores(snapshot, grid, where), on="step", how="left"
        )
        frame = grid.lay(told)[["ts", "records", "cold_starts", *names]]
    add(frame, summed, ["records", "cold_starts"])
    fill(frame, logs_read(coverage, grid, where), counts=["records", "cold_starts"], measures=names)
    frame.insert(3, "cold_start_rate", share(frame["cold_starts"], frame["records"]))
    return frame


def _restores(snapshot: Snapshot, grid: Grid, where: Filter) -> pd.DataFrame:
    wanted, params = sql_where(where)
    return by_step(
        snapshot,
        grid,
        f"""SELECT {STEP_SQL} AS step, {RESTORE_PERCENTILES}
        FROM invocations WHERE {{some}} AND {wanted} AND restore_ms IS NOT NULL AND {COLD} GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )


@reader
def cold_by_hour(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """weekday (0 Monday), hour (UTC), records, cold_starts, cold_start_rate; only hours with records."""
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations", "invocation_summaries")) as snapshot:
        told = snapshot.frame(
            f"""SELECT {_HOUR}, count(*)::DOUBLE AS records, count(*) FILTER ({COLD})::DOUBLE AS cold_starts
            FROM invocations WHERE {wanted} GROUP BY ALL""",
            params,
        )
        summed = summary_hours(snapshot, window, where, keys=_HOUR)
    frame = told if summed is None else pd.concat([told, summed])
    frame = frame.groupby(["weekday", "hour"], as_index=False)[["records", "cold_starts"]].sum()
    frame["cold_start_rate"] = share(frame["cold_starts"], frame["records"])
    return frame


_HOUR = (
    f"""(epoch_ms(ts) - {FIRST_MONDAY}) // 86400000 % 7 AS weekday, epoch_ms(ts) // 3600000 % 24 AS hour"""
)
