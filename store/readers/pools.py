"""Pools of concurrency over time: how full, who uses them at their peak, and when they run out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.exhaustion import exhaustion
from core.facts import Target
from core.windows import MINUTE, Window, lines_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, milliseconds, share, to_utc
from store.readers.records import FUNCTION_POINTS
from store.readers.things import EVERYTHING, Things
from store.store import Filter, Snapshot, Store

ACCOUNT, SHARED = "(account)", "(shared)"
"""Pools that belong to no function: all that is claimed, and what is in use unreserved."""

LINES = 8
TREND = timedelta(minutes=30)
"""As much of the newest minutes makes a trend: longer, and a new one is seen late."""
HERE = "account = $account AND region = $region"


@reader
def pool_series(
    store: Store, target: Target, window: Window, *, now: datetime, most: int = LINES
) -> pd.DataFrame:
    """Long frame, whole steps only: ts, pool (`(account)`: all that is claimed; `(shared)`: in use without a
    reservation; else the function that reserves it; at most `most`, the fullest first), used_max (NaN: not
    collected, or the account's not told; 0 where a function was silent), limit (as it is now; NaN: not
    known), utilization (0..1), collected (bool)."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        limits = _limits(snapshot, target)
        peaks = _peaks(snapshot, target, limits)
        names = sorted(peaks, key=lambda name: (name[0] != "(", -peaks[name], name))[:most]
        grid = Grid(window, lines_step(window, max(1, len(names)), coverage.coarsest("metrics")))
        found = _used(snapshot, target, grid.step)
    parts = [_line(name, found, limits[name], coverage, target, grid) for name in names]
    empty = _line(ACCOUNT, found, np.nan, coverage, target, grid).iloc[:0]
    return pd.concat(parts or [empty], ignore_index=True)


def _limits(snapshot: Snapshot, target: Target) -> dict[str, float]:
    """What each pool holds; a reservation of 0 is none."""
    here = Filter(target.account, target.region)
    things = Things.read(snapshot, "reserved", "account_limits", where=here)
    own = {t.name: float(t.body["reserved"]) for t in things.of("reserved") if t.body.get("reserved")}
    body: Mapping[str, Any] = next((t.body for t in things.of("account_limits")), {})
    account = float(body.get("concurrent_limit") or np.nan)
    return {ACCOUNT: account, SHARED: float(body.get("unreserved_limit") or np.nan), **own}


def _peaks(snapshot: Snapshot, target: Target, limits: Mapping[str, float]) -> dict[str, float]:
    """How full each pool was at its fullest, as a share; those that nothing is told of are left out."""
    found = _used(snapshot, target, timedelta(days=3650)).groupby("pool")["used"].max()
    shares = {
        str(name): most / limits.get(str(name), np.nan) for name, most in found.items() if str(name) in limits
    }
    return {name: -1.0 if np.isnan(part) else float(part) for name, part in shares.items()}


def _used(snapshot: Snapshot, target: Target, step: timedelta) -> pd.DataFrame:
    """pool (functions too that reserve nothing), step, used."""
    return snapshot.frame(
        f"""SELECT "function" AS pool, {STEP_SQL} AS step, max(concurrent_max) AS used FROM metrics
            WHERE {FUNCTION_POINTS} AND {HERE} AND concurrent_max IS NOT NULL GROUP BY ALL
        UNION ALL SELECT '{ACCOUNT}', {STEP_SQL} AS step, max(claimed_max) FROM metrics
            WHERE scope = 'account' AND {HERE} AND claimed_max IS NOT NULL GROUP BY ALL
        UNION ALL SELECT '{SHARED}', {STEP_SQL} AS step, max(unreserved_max) FROM metrics
            WHERE scope = 'account' AND {HERE} AND unreserved_max IS NOT NULL GROUP BY ALL""",
        {"step_ms": milliseconds(step), "account": target.account, "region": target.region},
    )


def _line(
    name: str, found: pd.DataFrame, limit: float, coverage: Coverage, target: Target, grid: Grid
) -> pd.DataFrame:
    line = grid.lay(found[found["pool"] == name][["step", "used"]]).rename(columns={"used": "used_max"})
    scope = "" if name in {ACCOUNT, SHARED} else name
    covered = coverage.covered("metrics", target.account, target.region, scope)
    line["collected"] = inside(covered, grid.starts_ms, grid.step)
    used = line["used_max"].astype(float)
    line["used_max"] = (used.fillna(0.0) if scope else used).where(line["collected"])
    line["limit"] = limit
    line["utilization"] = share(line["used_max"], line["limit"])
    return line.assign(pool=name)[["ts", "pool", "used_max", "limit", "utilization", "collected"]]


CULPRITS = ["function", "pool", "concurrent_max", "share", "usual", "above_usual", "invocations", "throttles"]


@reader
def culprits(
    store: Store,
    target: Target,
    window: Window,
    *,
    now: datetime,
    at: Window | datetime | None = None,
    most: int = LINES,
) -> tuple[datetime | None, pd.DataFrame]:
    """Who used the concurrency in one minute: that of `at` (of a window: its busiest), else the one in which
    most was claimed (None: nothing is told). Per function: function, pool (reserved, shared), concurrent_max
    (in that minute), share (0..1 of the sum of all functions'), usual (median of its minutes of the window,
    silent ones as 0), above_usual (what it took more than that), invocations, throttles (of that minute). At
    most `most`, who took most above the usual first. Minutes are as long as the stored points."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        step = max(MINUTE, Coverage.read(snapshot, window, now=now, only="metrics").coarsest("metrics"))
        within = at if isinstance(at, Window) else window
        peak_ms = _floor_ms(at, step) if isinstance(at, datetime) else _peak(snapshot, target, step, within)
        reserved = set(_limits(snapshot, target)) - {ACCOUNT, SHARED}
        found = _at(snapshot, target, step, peak_ms)
        told = snapshot.frame(
            f"SELECT count(DISTINCT {STEP_SQL}) AS steps FROM metrics WHERE {HERE}", _here(target, step)
        )
    frame = found.assign(usual=_medians(found, int(told["steps"].iloc[0])))
    frame["pool"] = ["reserved" if name in reserved else "shared" for name in frame["function"]]
    frame["share"] = share(
        frame["concurrent_max"], pd.Series(frame["concurrent_max"].sum(), index=frame.index)
    )
    frame["above_usual"] = frame["concurrent_max"] - frame["usual"]
    order = frame.sort_values(["above_usual", "concurrent_max", "function"], ascending=[False, False, True])
    when = None if peak_ms is None else to_utc(np.array([peak_ms])).iloc[0].to_pydatetime()
    return when, order[CULPRITS].head(most).reset_index(drop=True)


def _here(target: Target, step: timedelta) -> dict[str, Any]:
    return {"account": target.account, "region": target.region, "step_ms": milliseconds(step)}


def _floor_ms(at: datetime, step: timedelta) -> int:
    return round(at.timestamp() * 1000) // milliseconds(step) * milliseconds(step)


def _peak(snapshot: Snapshot, target: Target, step: timedelta, within: Window) -> int | None:
    """The step in which most was claimed (the newest of equals); where that is not told, in which most was in
    use."""
    found = snapshot.frame(
        f"""SELECT step, claimed, used FROM (
            SELECT {STEP_SQL} AS step, max(claimed_max) AS claimed,
                sum(concurrent_max) FILTER ({FUNCTION_POINTS}) AS used
            FROM metrics WHERE {HERE} AND ts >= $start AND ts < $end GROUP BY ALL)
        WHERE claimed IS NOT NULL OR used IS NOT NULL
        ORDER BY claimed DESC NULLS LAST, used DESC NULLS LAST, step DESC LIMIT 1""",
        {**_here(target, step), "start": within.start, "end": within.end},
    )
    return None if found.empty else int(found["step"].iloc[0])


def _at(snapshot: Snapshot, target: Target, step: timedelta, at_ms: int | None) -> pd.DataFrame:
    """Functions of one step, each with all its maxima of the window."""
    return snapshot.frame(
        f"""SELECT "function", max(most) FILTER (step = $at) AS concurrent_max,
            sum(invocations) FILTER (step = $at) AS invocations,
            coalesce(sum(throttles) FILTER (step = $at), 0) AS throttles, list(coalesce(most, 0)) AS levels
        FROM (SELECT "function", {STEP_SQL} AS step, max(concurrent_max) AS most,
                sum(invocations) AS invocations, sum(throttles) AS throttles
            FROM metrics WHERE {FUNCTION_POINTS} AND {HERE} GROUP BY ALL)
        GROUP BY "function" HAVING concurrent_max > 0 ORDER BY "function" """,
        {**_here(target, step), "at": -1 if at_ms is None else at_ms},
    )


def _medians(found: pd.DataFrame, steps: int) -> list[float]:
    """The median of each function's levels; steps in which others were told and it was not count as 0."""
    return [float(np.median([*levels, *[0.0] * (steps - len(levels))])) for levels in found["levels"]]


# --- when they run out --------------------------------------------------------------------------------------

FORECAST = [
    *("account", "region", "pool", "limit", "used_now", "headroom", "per_minute", "exhausted_at"),
    *("soonest_s", "confidence", "outlook", "says", "state"),
]


@reader
def time_to_exhaustion(store: Store, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per account and region, and per reservation that is used: account, region, pool, limit, used_now (the
    newest minute told), headroom, per_minute (growth by the trend of the last half hour), exhausted_at (NaT:
    not within 24 h, or no trend), soonest_s (if one function grows as fast as Lambda lets it: 1,000 per 10
    s), confidence (of the trend, -1..1: `core.exhaustion.Exhaustion`), outlook (full, growing, steady,
    unknown), says (a sentence), state (None: settled numbers). The soonest first."""
    window = Window.last(TREND, now=now)
    lines = []
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        for account, region in sorted(coverage.targets("metrics")):
            if where.account in {None, account} and where.region in {None, region}:
                lines += _outlooks(snapshot, coverage, Target(account, region), where.function)
    frame = pd.DataFrame(lines, columns=pd.Index(FORECAST))
    numbers = ["limit", "used_now", "headroom", "per_minute", "soonest_s", "confidence"]
    frame[numbers] = frame[numbers].astype(float)
    frame["exhausted_at"] = pd.to_datetime(frame["exhausted_at"], utc=True).astype("datetime64[us, UTC]")
    return frame.sort_values(["exhausted_at", "soonest_s", "pool"], na_position="last").reset_index(drop=True)


def _outlooks(
    snapshot: Snapshot, coverage: Coverage, target: Target, function: str | None
) -> list[tuple[Any, ...]]:
    limits, used = _limits(snapshot, target), _used(snapshot, target, MINUTE)
    sharing = set(used.loc[used["used"] > 0, "pool"]) - limits.keys()
    lines = []
    for pool, limit in limits.items():
        if pool == SHARED or function not in {None, pool}:
            continue
        mine = used[used["pool"] == pool].sort_values("step")
        if pool != ACCOUNT and mine.empty:
            continue
        points = [
            (ts.to_pydatetime(), float(most))
            for ts, most in zip(to_utc(mine["step"].to_numpy()), mine["used"], strict=True)
        ]
        growers = max(1, len(sharing)) if pool == ACCOUNT else 1
        told = exhaustion(points, None if np.isnan(limit) else limit, growers=growers)
        seen = coverage.seen("metrics", target.account, target.region, "" if pool == ACCOUNT else pool)
        lines.append(
            (
                *(
                    target.account,
                    target.region,
                    pool,
                    limit,
                    points[-1][1] if points else None,
                    told.headroom,
                ),
                *(
                    told.per_minute,
                    told.at,
                    told.soonest_s,
                    told.confidence,
                    told.state,
                    told.says,
                    seen.state(silent=not points),
                ),
            )
        )
    return lines
