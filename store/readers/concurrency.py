"""How much concurrency there is, who claims it, and what was throttled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from core.facts import Target
from core.formulas import headroom, rate, reservable
from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, number, rows, to_utc, with_none
from store.readers.lines import laid, read_of
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Seen, known
from store.readers.things import PLACE, Place, Thing, Things
from store.store import Snapshot, Store

KINDS = ("function", "reserved", "provisioned", "alias", "mapping", "account_limits")
RESERVED, SHARED, UNREAD = "reserved", "shared", "not read"
TOP, OTHER, CLAIMED = 8, "other", "(claimed)"

LIMITS = [
    *("limit", "reserved", "reserved_read", "unreserved", "reservable", "provisioned"),
    *("shared_max", "claimed_now", "claimed_max", "code_bytes", "code_limit_bytes"),
]
POOLS = ["limit", "used_max", "used_now", "headroom", "utilization", "throttles", "provisioned"]


@reader
def limits(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per account and region: account, region, limit, reserved (limit - unreserved), reserved_read (the sum
    of the reservations that were read), unreserved, reservable (what may still be reserved), provisioned (sum
    allocated), shared_max (most in use without a reservation), claimed_now (newest minute), claimed_max (in
    the window), code_bytes and code_limit_bytes (what functions, versions and layers store in the region, and
    may), claimed_ts (of the maximum), headroom (limit - claimed_max), utilization (claimed_max /
    limit), throttles, state (None: settled numbers; `silent`: nothing ran). Least headroom first, as a share
    of the limit."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        things = Things.read(snapshot, *KINDS)
        claimed = {(row.account, row.region): row for row in rows(_claimed(snapshot))}
    accounts = sorted(things.of("account_limits"), key=lambda t: (t.account, t.region))
    lines = [_limit(t, things, claimed.get((t.account, t.region)), coverage) for t in accounts]
    columns = ["account", "region", *LIMITS, "claimed_ts", "headroom", "utilization", "throttles", "state"]
    frame = pd.DataFrame(lines, columns=pd.Index(columns))
    numbers = [*LIMITS, "headroom", "utilization", "throttles"]
    frame[numbers] = frame[numbers].astype(float)
    frame["state"] = with_none(frame["state"])
    frame["claimed_ts"] = pd.to_datetime(frame["claimed_ts"], utc=True).dt.as_unit("us")
    order = frame["utilization"].fillna(-1.0).sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _claimed(snapshot: Snapshot) -> pd.DataFrame:
    return snapshot.frame(
        """SELECT account, region, max(claimed_max) AS claimed_max,
            arg_max(ts, (claimed_max, ts)) FILTER (claimed_max IS NOT NULL) AS claimed_ts,
            arg_max(claimed_max, ts) AS claimed_now, max(unreserved_max) AS shared_max,
            sum(throttles) AS throttles
        FROM metrics WHERE scope = 'account' GROUP BY ALL"""
    )


def _limit(account: Thing, things: Things, claimed: Any, coverage: Coverage) -> dict[str, Any]:
    place = account.account, account.region
    seen = coverage.seen("metrics", *place)
    limit, unreserved = account.body["concurrent_limit"], account.body["unreserved_limit"]
    most = _of(claimed, "claimed_max")
    return {
        "account": place[0],
        "region": place[1],
        "limit": limit,
        "reserved": limit - unreserved,
        "reserved_read": sum(_reserved(things, place).values()),
        "unreserved": unreserved,
        "reservable": reservable(limit, limit - unreserved),
        "provisioned": sum(_capacity(t) for t in things.of("provisioned") if (t.account, t.region) == place),
        "shared_max": _of(claimed, "shared_max"),
        "claimed_now": _of(claimed, "claimed_now"),
        "claimed_max": most,
        "code_bytes": account.body.get("code_size_bytes"),
        "code_limit_bytes": account.body.get("code_size_limit_bytes"),
        "claimed_ts": getattr(claimed, "claimed_ts", None),
        "headroom": headroom(limit, most),
        "utilization": rate(most, limit),
        "throttles": known(_of(claimed, "throttles") or 0.0, seen),
        "state": seen.state(silent=most is None),
    }


def _of(row: Any, name: str) -> float | None:
    return number(getattr(row, name, None))


def _reserved(things: Things, target: tuple[str, str]) -> dict[str, int]:
    return {
        t.name: int(t.body["reserved"])
        for t in things.of("reserved")
        if (t.account, t.region) == target and t.body.get("reserved") is not None
    }


def _capacity(thing: Thing) -> int:
    allocated = thing.body.get("allocated")
    return int(thing.body["requested"] if allocated is None else allocated)


@reader
def pools(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per function that used, reserves or provisions concurrency: account, region, function, pool (reserved,
    shared; `not read`: nobody looked if it reserves), limit (the pool's: its reservation, or the account's
    unreserved concurrency), used_max, used_now (newest minute with invocations), headroom (of the shared
    pool: what the whole account has left), utilization, throttles, provisioned, reachable (bool or None: some
    alias or caller reaches the provisioned version), note, state. Least headroom first."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        things = Things.read(snapshot, *KINDS)
        used = {(row.account, row.region, row.function): row for row in rows(_used(snapshot))}
        claimed = {(row.account, row.region): row for row in rows(_claimed(snapshot))}
        reached = _reached(snapshot) if any(things.of("provisioned")) else {}
    ledger = _Ledger(things, claimed, reached, coverage)
    wanted = (
        ledger.capped.keys() | ledger.provisioned.keys() | {p for p, row in used.items() if _matters(row)}
    )
    alive = {t.place for t in things.of("function")}
    lines = [ledger.row(place, used.get(place)) for place in sorted(wanted & alive)]
    columns = ["account", "region", "function", "pool", *POOLS, "reachable", "note", "state"]
    frame = pd.DataFrame(lines, columns=pd.Index(columns))
    frame[POOLS] = frame[POOLS].astype(float)
    frame["reachable"], frame["state"] = with_none(frame["reachable"]), with_none(frame["state"])
    order = frame.sort_values(
        ["headroom", "used_max"], ascending=[True, False], na_position="last", kind="stable"
    ).index
    return frame.loc[order].reset_index(drop=True)


def _used(snapshot: Snapshot) -> pd.DataFrame:
    return snapshot.frame(
        f"""SELECT account, region, "function", max(concurrent_max) AS used_max,
            arg_max(concurrent_max, ts) AS used_now, sum(throttles) AS throttles,
            sum(invocations) AS invocations
        FROM metrics WHERE {FUNCTION_POINTS} GROUP BY ALL"""
    )


def _matters(row: Any) -> bool:
    return bool((_of(row, "used_max") or 0) > 0 or (_of(row, "throttles") or 0) > 0)


class _Ledger:
    """What rows of `pools` are made of, found once for all functions."""

    def __init__(
        self,
        things: Things,
        claimed: Mapping[tuple[str, str], Any],
        reached: Mapping[Place, float],
        coverage: Coverage,
    ) -> None:
        self.claimed, self.reached, self.coverage = claimed, reached, coverage
        self.accounts = {(t.account, t.region): t.body for t in things.of("account_limits")}
        self.reserved = {t.place: t.body.get("reserved") for t in things.of("reserved")}
        self.capped = {place: int(n) for place, n in self.reserved.items() if n is not None}
        self.provisioned: dict[Place, list[Thing]] = defaultdict(list)
        for thing in things.of("provisioned"):
            self.provisioned[thing.place].append(thing)

    def row(self, place: Place, used: Any) -> dict[str, Any]:
        seen = self.coverage.seen("metrics", *place)
        most, throttles = _of(used, "used_max"), _of(used, "throttles") or 0.0
        pool, limit, left = self._pool(place, most, seen)
        provisioned = self.provisioned.get(place, [])
        reachable = self._is_reachable(place) if _of(used, "invocations") else None
        return dict(zip(("account", "region", "function"), place, strict=True)) | {
            "pool": pool,
            "limit": limit,
            "used_max": most,
            "used_now": _of(used, "used_now"),
            "headroom": left,
            "utilization": rate(most, limit),
            "throttles": known(throttles, seen),
            "provisioned": sum(map(_capacity, provisioned)),
            "reachable": reachable,
            "note": _note(self.capped.get(place), pool, throttles, provisioned, reachable),
            "state": seen.state(silent=most is None),
        }

    def _pool(self, place: Place, most: float | None, seen: Seen) -> tuple[str, float | None, float | None]:
        """Which pool the function draws from, what that holds, and what is left of it."""
        if (reserved := self.capped.get(place)) is not None:
            return RESERVED, reserved, headroom(reserved, 0.0 if most is None and seen.complete else most)
        if place not in self.reserved:
            return UNREAD, None, None
        account = self.accounts.get(place[:2])
        if account is None:
            return SHARED, None, None
        claimed = _of(self.claimed.get(place[:2]), "claimed_max")
        return SHARED, account["unreserved_limit"], headroom(account["concurrent_limit"], claimed)

    def _is_reachable(self, place: Place) -> bool | None:
        """Whether anything was served from provisioned concurrency; None without any, or while the window has
        holes."""
        held = self.provisioned.get(place)
        if not held:
            return None
        if any(self.reached.get((t.account, t.region, t.name), 0) > 0 for t in held):
            return True
        return False if self.coverage.seen("metrics", *place).complete else None


def _reached(snapshot: Snapshot) -> dict[Place, float]:
    """Per function and qualifier (`function:qualifier`): invocations that provisioned concurrency served."""
    frame = snapshot.frame(
        """SELECT account, region, "function" || ':' || split_part(resource, ':', -1) AS name,
            sum(coalesce(provisioned_invocations, 0)) AS served
        FROM metrics WHERE scope = 'resource' GROUP BY ALL"""
    )
    return {(row.account, row.region, row.name): row.served for row in rows(frame)}


def _note(
    reserved: int | None, pool: str, throttles: float, provisioned: list[Thing], reachable: bool | None
) -> str:
    said = []
    if reserved == 0:
        said.append("stopped: its reserved concurrency is 0")
    elif throttles and reserved is not None:
        said.append(f"throttled by its own reservation of {reserved}")
    elif throttles and pool == SHARED:
        said.append("throttled by what the account has left")
    if reachable is False:
        names = ", ".join(sorted(t.name.rsplit(":", 1)[-1] for t in provisioned))
        said.append(f"provisioned concurrency of {names} served no invocation in this window")
    return "; ".join(said)


@reader
def concurrency_series(store: Store, target: Target, window: Window, *, now: datetime) -> pd.DataFrame:
    """Long frame: ts, function (top 8 by maximum, then `other`), concurrent_max; plus function=`(claimed)`
    for the account's claimed concurrency. Whole steps only; 0 where a function was silent, NaN what was not
    collected (and claimed concurrency that CloudWatch did not tell)."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        grid = Grid(window, coverage.step("metrics"))
        found = snapshot.frame(
            f"""SELECT CASE scope WHEN 'account' THEN '{CLAIMED}' ELSE "function" END AS name,
                {STEP_SQL} AS step,
                max(CASE scope WHEN 'account' THEN claimed_max ELSE concurrent_max END) AS most
            FROM metrics WHERE scope IN ('function', 'account') AND account = $account AND region = $region
            GROUP BY ALL""",
            {"step_ms": grid.step_ms, "account": target.account, "region": target.region},
        )
    wide = found.pivot(index="step", columns="name", values="most").reindex(grid.starts_ms)
    claimed = wide.pop(CLAIMED) if CLAIMED in wide else pd.Series(np.nan, index=wide.index)
    read = inside(coverage.covered("metrics", target.account, target.region), grid.starts_ms, grid.step)
    order = wide.max().dropna().sort_values(ascending=False).index
    lines = {str(name): wide[name].fillna(0.0) for name in order[:TOP]}
    if len(order) > TOP:
        lines[OTHER] = wide[order[TOP:]].fillna(0.0).sum(axis="columns")
    return _long({**lines, CLAIMED: claimed} if len(found) else {}, read)


def _long(lines: Mapping[str, pd.Series[Any]], read: Any) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "ts": to_utc(line.index.to_numpy()),
                "function": name,
                "concurrent_max": line.where(read).to_numpy(),
            }
        )
        for name, line in lines.items()
    ]
    empty = pd.DataFrame(columns=pd.Index(["ts", "function", "concurrent_max"]))
    return pd.concat(parts, ignore_index=True) if parts else empty


@reader
def throttle_series(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Long frame: ts, account, region, function, throttles; only functions that were throttled. Whole steps
    only; 0 where none, NaN where not collected."""
    columns = ["ts", "account", "region", "function", "throttles"]
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        grid = Grid(window, coverage.step("metrics"))
        found = snapshot.frame(
            f"""SELECT account, region, "function", {STEP_SQL} AS step, sum(throttles) AS throttles
            FROM metrics WHERE {FUNCTION_POINTS} AND throttles > 0 GROUP BY ALL""",
            {"step_ms": grid.step_ms},
        )
    places = sorted({(str(a), str(r), str(f)) for a, r, f in found[PLACE].itertuples(index=False)})
    counted = laid(found, places, grid, ["throttles"])["throttles"]
    lines = np.where(read_of(coverage, places, grid), counted, np.nan)
    named = pd.DataFrame(np.repeat(np.array(places, dtype=object).reshape(-1, 3), len(grid), axis=0))
    named.columns = pd.Index(PLACE)
    ts = pd.concat([grid.ts] * len(places), ignore_index=True) if places else grid.ts.iloc[:0]
    return named.assign(ts=ts, throttles=lines.reshape(-1))[columns]
