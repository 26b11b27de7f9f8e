"""Who was throttled when, and which limit it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.throttling import Burst, Minute, Pool, Work, bursts, cause, consequence
from core.windows import MINUTE, MOST_POINTS, Window, lines_step
from store.asking import reader
from store.readers.frames import STEP_SQL, Grid, inside, milliseconds, rows, with_none
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Coverage
from store.readers.things import EVERYTHING, Place, Things, sql_where
from store.store import Filter, Snapshot, Store

TOP = 20
OTHER = "other"
LOOK_BACK = timedelta(minutes=5)
"""How far before a burst the scaling of its function is looked at."""

WORST = 100


@reader
def throttle_heatmap(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING, top: int = TOP
) -> pd.DataFrame:
    """A cell per function and step, the most throttled functions first, whole steps only: ts, account,
    region, function, throttles, total (of the function, in the window). The `top` most throttled, then the
    sum of all others as `other` of account and region "" (total NaN when there are none: then it is left
    out). 0 where none was throttled, NaN where it was not collected; never more than 1,500 cells."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        totals = _totals(snapshot, where)
        names = list(totals)[:top]
        others = list(totals)[top:]
        grid = Grid(
            window, lines_step(window, max(1, len(names) + bool(others)), coverage.coarsest("metrics"))
        )
        found = _steps(snapshot, grid, where)
    lines = [_cells(found.get(place), [place], place, coverage, grid, totals[place]) for place in names]
    if others:
        rest = pd.concat([found[place] for place in others if place in found] or [_none()])
        rest = rest.groupby("step")["throttles"].sum().reset_index()
        total = sum(totals[place] for place in others)
        lines.append(_cells(rest, others, ("", "", OTHER), coverage, grid, total))
    columns = ["ts", "account", "region", "function", "throttles", "total"]
    empty = _cells(None, [], ("", "", ""), coverage, grid, 0.0).iloc[:0]
    return pd.concat(lines or [empty], ignore_index=True)[columns].iloc[:MOST_POINTS]


def _none() -> pd.DataFrame:
    return pd.DataFrame({"step": pd.Series(dtype="int64"), "throttles": pd.Series(dtype=float)})


def _totals(snapshot: Snapshot, where: Filter) -> dict[Place, float]:
    """Throttled functions and how often, most first."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", sum(throttles) AS throttles FROM metrics
        WHERE {FUNCTION_POINTS} AND throttles > 0 AND {wanted} GROUP BY ALL
        ORDER BY throttles DESC, account, region, "function" """,
        params,
    )
    return {(row.account, row.region, row.function): float(row.throttles) for row in rows(frame)}


def _steps(snapshot: Snapshot, grid: Grid, where: Filter) -> dict[Place, pd.DataFrame]:
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(throttles) AS throttles FROM metrics
        WHERE {FUNCTION_POINTS} AND throttles > 0 AND {wanted} GROUP BY ALL""",
        {"step_ms": grid.step_ms, **params},
    )
    groups = frame.groupby(["account", "region", "function"])
    return {(str(a), str(r), str(f)): one[["step", "throttles"]] for (a, r, f), one in groups}


def _cells(
    found: pd.DataFrame | None, of: list[Place], named: Place, coverage: Coverage, grid: Grid, total: float
) -> pd.DataFrame:
    line = grid.lay(_none() if found is None else found)
    read = np.ones(len(grid), dtype=bool)
    for place in of:
        read &= inside(coverage.covered("metrics", *place), grid.starts_ms, grid.step)
    line["throttles"] = line["throttles"].astype(float).fillna(0.0).where(read)
    account, region, function = named
    return line.assign(account=account, region=region, function=function, total=float(total))


# --- bursts and their causes --------------------------------------------------------------------------------

BURSTS = [
    *("account", "region", "function", "start", "end", "throttles", "cause", "evidence"),
    *("used_max", "limit", "consequence"),
]


@reader
def throttle_bursts(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING, most: int = WORST
) -> pd.DataFrame:
    """Stretches in which a function was throttled, the worst first (at most `most`): account, region,
    function, start, end (of the last minute), throttles, cause (one of `core.throttling.CAUSES`), evidence (a
    sentence), used_max (of the pool that was full; NaN: not told), limit (of that pool; NaN: not known),
    consequence (what became of the throttled work, as far as metrics and triggers tell)."""
    with store.snapshot(Window(window.start - LOOK_BACK, window.end), ("metrics",)) as snapshot:
        things = Things.read(snapshot, "function", "reserved", "account_limits", "mapping", "trigger")
        step = max(MINUTE, Coverage.read(snapshot, window, now=now, only="metrics").coarsest("metrics"))
        throttled = list(_totals(snapshot, where))
        minutes = _minutes(snapshot, throttled, step)
        accounts = _accounts(snapshot, step)
    pools = _pools(things)
    fed = _fed(things)
    lines = [
        _burst_row(
            place,
            burst,
            pools,
            minutes[place],
            accounts.get(place[:2], {}),
            fed.get(place, frozenset()),
            step,
        )
        for place in throttled
        for burst in bursts((m for m in minutes[place].values() if m.ts >= window.start), step=step)
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(BURSTS))
    frame[["throttles", "used_max", "limit"]] = frame[["throttles", "used_max", "limit"]].astype(float)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    frame["consequence"] = with_none(frame["consequence"])
    order = frame.sort_values(
        ["throttles", "start", "function"], ascending=[False, False, True], kind="stable"
    )
    return order.head(most).reset_index(drop=True)


def _minutes(snapshot: Snapshot, places: list[Place], step: timedelta) -> dict[Place, dict[datetime, Minute]]:
    """What each throttled function did, by step."""
    frame = snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(throttles) AS throttles,
            max(concurrent_max) AS concurrent, sum(invocations) AS invocations,
            sum(async_received) AS received, sum(async_dropped) AS dropped,
            max(async_age_max_ms) AS async_age, max(iterator_age_max_ms) AS iterator_age
        FROM metrics WHERE {FUNCTION_POINTS}
            AND list_contains($names::VARCHAR[], account || ' ' || region || ' ' || "function")
        GROUP BY ALL ORDER BY step""",
        {"step_ms": milliseconds(step), "names": [" ".join(place) for place in places]},
    )
    found: dict[Place, dict[datetime, Minute]] = {place: {} for place in places}
    for row in rows(frame):
        ts = pd.Timestamp(row.step, unit="ms", tz="UTC").to_pydatetime()
        work = Work(*(_told(getattr(row, n)) for n in ("received", "dropped", "async_age", "iterator_age")))
        found[row.account, row.region, row.function][ts] = Minute(
            ts, _told(row.throttles) or 0.0, _told(row.concurrent), work
        )
    return found


def _accounts(snapshot: Snapshot, step: timedelta) -> dict[tuple[str, str], dict[datetime, float]]:
    """The claimed concurrency of each account and region, by step."""
    frame = snapshot.frame(
        f"""SELECT account, region, {STEP_SQL} AS step, max(claimed_max) AS claimed FROM metrics
        WHERE scope = 'account' AND claimed_max IS NOT NULL GROUP BY ALL""",
        {"step_ms": milliseconds(step)},
    )
    found: dict[tuple[str, str], dict[datetime, float]] = {}
    for row in rows(frame):
        ts = pd.Timestamp(row.step, unit="ms", tz="UTC").to_pydatetime()
        found.setdefault((row.account, row.region), {})[ts] = float(row.claimed)
    return found


def _pools(things: Things) -> tuple[Mapping[Place, int], Mapping[tuple[str, str], int]]:
    """Reservations by function, limits by account and region."""
    reserved = {
        t.place: int(t.body["reserved"]) for t in things.of("reserved") if t.body.get("reserved") is not None
    }
    limits = {(t.account, t.region): int(t.body["concurrent_limit"]) for t in things.of("account_limits")}
    return reserved, limits


def _fed(things: Things) -> dict[Place, frozenset[str]]:
    found: dict[Place, set[str]] = {}
    for place, kind in _sources(things):
        found.setdefault(place, set()).add(kind)
    return {place: frozenset(kinds) for place, kinds in found.items()}


def _sources(things: Things) -> Iterator[tuple[Place, str]]:
    for thing in things.of("mapping"):
        yield thing.place, str(thing.body.get("source_kind") or "mapping")
    for thing in things.of("trigger"):
        yield thing.place, str(thing.body["kind"])


def _burst_row(
    place: Place,
    burst: Burst,
    pools: tuple[Mapping[Place, int], Mapping[tuple[str, str], int]],
    minutes: Mapping[datetime, Minute],
    claimed: Mapping[datetime, float],
    fed: frozenset[str],
    step: timedelta,
) -> dict[str, Any]:
    reserved, limits = pools[0].get(place), pools[1].get(place[:2])
    mine = [m for ts, m in minutes.items() if burst.start - LOOK_BACK <= ts < burst.end]
    most = max((v for ts, v in claimed.items() if burst.start <= ts < burst.end), default=None)
    found = cause(burst, mine, Pool(reserved=reserved, limit=limits, claimed_max=most), step=step)
    inside_ = [m.work for m in mine if m.ts >= burst.start]
    return dict(zip(("account", "region", "function"), place, strict=True)) | {
        "start": burst.start,
        "end": burst.end,
        "throttles": burst.throttles,
        "cause": found.kind,
        "evidence": found.says,
        "used_max": found.used,
        "limit": found.limit,
        "consequence": consequence(inside_, fed),
    }


def _told(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
