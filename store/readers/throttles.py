"""Who was throttled when, and which limit it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.throttled_work import Work, fate
from core.throttling import Burst, Minute, Pool, bursts, cause
from core.windows import MINUTE, MOST_POINTS, Window, lines_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, milliseconds, rows
from store.readers.letters import LOOK_BACK as QUEUES_LOOK_BACK
from store.readers.limits_then import KINDS as LIMITS
from store.readers.limits_then import LimitsThen
from store.readers.records import FUNCTION_POINTS
from store.readers.things import EVERYTHING, PLACE, Place, Things, sql_where
from store.readers.throttled_work import KINDS, Traffic, Wired, wired
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


def _totals(snapshot: Snapshot, where: Filter, *, since: datetime | None = None) -> dict[Place, float]:
    """Throttled functions and how often (from `since` on), most first."""
    wanted, filtered = sql_where(where)
    params: dict[str, Any] = {**filtered, "since": since}
    wanted += " AND ($since IS NULL OR ts >= $since)"
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
    groups = frame.groupby(PLACE)
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
    *("used_max", "limit", "fate", "consequence"),
]
MOST_THROTTLED = 200
"""Of so many functions, the most throttled, bursts are told apart."""


@reader
def throttle_bursts(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING, most: int = WORST
) -> pd.DataFrame:
    """Stretches in which a function was throttled, the worst first (at most `most`): account, region,
    function, start, end (of the last minute), throttles, cause (one of `core.throttling.CAUSES`), evidence (a
    sentence), used_max (of the pool that was full; NaN: not told), limit (of that pool, as it was then; NaN:
    not known), fate (one of `core.throttled_work.FATES`), consequence (what became of the throttled work, as
    far as metrics, queues and triggers tell)."""
    with store.snapshot(
        Window(window.start - QUEUES_LOOK_BACK, window.end), ("metrics", "queue_samples")
    ) as snapshot:
        throttled = list(_totals(snapshot, where, since=window.start))[:MOST_THROTTLED]
        lines = _burst_rows(snapshot, window, throttled, now) if throttled else []
    frame = pd.DataFrame(lines, columns=pd.Index(BURSTS))
    frame[["throttles", "used_max", "limit"]] = frame[["throttles", "used_max", "limit"]].astype(float)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    order = frame.sort_values(
        ["throttles", "start", "function"], ascending=[False, False, True], kind="stable"
    )
    return order.head(most).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Told:
    """All that bursts are judged by."""

    minutes: Mapping[Place, Mapping[datetime, Minute]]
    claimed: Mapping[tuple[str, str], Mapping[datetime, float]]
    spilled: Mapping[Place, Mapping[datetime, float]]
    provisioned: Mapping[Place, int]
    limits: LimitsThen
    wired: Mapping[Place, Wired]
    traffic: Traffic
    step: timedelta


def _burst_rows(
    snapshot: Snapshot, window: Window, throttled: list[Place], now: datetime
) -> list[dict[str, Any]]:
    things = Things.read(snapshot, *KINDS, *LIMITS, "provisioned")
    step = max(MINUTE, Coverage.read(snapshot, window, now=now, only="metrics").coarsest("metrics"))
    reach = Window(window.start - QUEUES_LOOK_BACK, window.end)
    fed = wired(things, set(throttled))
    told = _Told(
        _minutes(snapshot, throttled, step, since=window.start - LOOK_BACK),
        _accounts(snapshot, step),
        _spilled(snapshot, throttled, step),
        _provisioned(things),
        LimitsThen.read(snapshot, things, since=window.start),
        fed,
        Traffic.read(snapshot, Coverage.read(snapshot, reach, now=now, only="queues"), things, fed.values()),
        step,
    )
    return [
        _burst_row(place, burst, told)
        for place in throttled
        for burst in bursts((m for m in told.minutes[place].values() if m.ts >= window.start), step=step)
    ]


def _minutes(
    snapshot: Snapshot, places: list[Place], step: timedelta, *, since: datetime
) -> dict[Place, dict[datetime, Minute]]:
    """What each throttled function did, by step: in those with throttles and a little before."""
    frame = snapshot.frame(
        f"""WITH steps AS (
            SELECT account, region, "function", {STEP_SQL} AS step, sum(throttles) AS throttles,
                max(concurrent_max) AS concurrent, sum(async_received) AS received,
                sum(async_dropped) AS dropped, max(async_age_max_ms) AS async_age,
                max(iterator_age_max_ms) AS iterator_age
            FROM metrics WHERE {FUNCTION_POINTS} AND ts >= $since AND {_NAMED} GROUP BY ALL)
        SELECT * FROM steps
        QUALIFY sum(throttles) OVER (PARTITION BY account, region, "function" ORDER BY step
            RANGE BETWEEN CURRENT ROW AND $ahead_ms FOLLOWING) > 0
        ORDER BY step""",
        {
            "step_ms": milliseconds(step),
            "names": _joined(places),
            "since": since,
            "ahead_ms": milliseconds(max(step, LOOK_BACK)),
        },
    )
    found: dict[Place, dict[datetime, Minute]] = {place: {} for place in places}
    for row in rows(frame):
        ts = _utc(row.step)
        work = Work(*(_told(getattr(row, n)) for n in ("received", "dropped", "async_age", "iterator_age")))
        found[row.account, row.region, row.function][ts] = Minute(
            ts, _told(row.throttles) or 0.0, _told(row.concurrent), work
        )
    return found


_NAMED = """list_contains($names::VARCHAR[], account || ' ' || region || ' ' || "function")"""


def _joined(places: list[Place]) -> list[str]:
    return [" ".join(place) for place in places]


def _utc(step_ms: int) -> datetime:
    return datetime.fromtimestamp(step_ms / 1000, UTC)


def _accounts(snapshot: Snapshot, step: timedelta) -> dict[tuple[str, str], dict[datetime, float]]:
    """The claimed concurrency of each account and region, by step."""
    frame = snapshot.frame(
        f"""SELECT account, region, {STEP_SQL} AS step, max(claimed_max) AS claimed FROM metrics
        WHERE scope = 'account' AND claimed_max IS NOT NULL GROUP BY ALL""",
        {"step_ms": milliseconds(step)},
    )
    found: dict[tuple[str, str], dict[datetime, float]] = {}
    for row in rows(frame):
        found.setdefault((row.account, row.region), {})[_utc(row.step)] = float(row.claimed)
    return found


def _spilled(snapshot: Snapshot, places: list[Place], step: timedelta) -> dict[Place, dict[datetime, float]]:
    """Invocations that found provisioned concurrency used up, by step."""
    frame = snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(provisioned_spillover) AS spilled
        FROM metrics WHERE scope = 'resource' AND provisioned_spillover > 0 AND {_NAMED} GROUP BY ALL""",
        {"step_ms": milliseconds(step), "names": _joined(places)},
    )
    found: dict[Place, dict[datetime, float]] = {}
    for row in rows(frame):
        found.setdefault((row.account, row.region, row.function), {})[_utc(row.step)] = float(row.spilled)
    return found


def _provisioned(things: Things) -> dict[Place, int]:
    """What each function's aliases and versions hold ready."""
    found: dict[Place, int] = {}
    for thing in things.of("provisioned"):
        held = thing.body.get("allocated")
        own = int(thing.body["requested"] if held is None else held)
        found[thing.place] = found.get(thing.place, 0) + own
    return found


def _burst_row(place: Place, burst: Burst, told: _Told) -> dict[str, Any]:
    mine = [m for ts, m in told.minutes[place].items() if burst.start - LOOK_BACK <= ts < burst.end]
    found = cause(burst, mine, _pool(place, burst, told), step=told.step)
    work = [m.work for m in mine if m.ts >= burst.start and m.work]
    fed = told.wired.get(place, Wired())
    feeds = [told.traffic.feed(arn, burst.start, burst.end) for arn in fed.queues]
    became = fate(work, fed.kinds, feeds, fed.kept_in)
    return dict(zip(("account", "region", "function"), place, strict=True)) | {
        "start": burst.start,
        "end": burst.end,
        "throttles": burst.throttles,
        "cause": found.kind,
        "evidence": found.says,
        "used_max": found.used,
        "limit": found.limit,
        "fate": became.kind,
        "consequence": became.says,
    }


def _pool(place: Place, burst: Burst, told: _Told) -> Pool:
    during = Window(burst.start, burst.end)
    claimed = [v for ts, v in told.claimed.get(place[:2], {}).items() if ts in during]
    spilled = [v for ts, v in told.spilled.get(place, {}).items() if ts in during]
    return Pool(
        reserved=told.limits.reserved(place, burst.start),
        limit=told.limits.limit(*place[:2], burst.start),
        claimed_max=max(claimed, default=None),
        is_read=told.limits.is_read(place),
        provisioned=told.provisioned.get(place, 0),
        spilled=sum(spilled),
        event_source_max=told.wired[place].event_source_max if place in told.wired else None,
    )


def _told(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
