"""Reservations that may have been forgotten, and provisioned concurrency that serves nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.caps import VERDICTS, Made, Reservation, verdict
from core.prices import ListPrices, Prices
from core.provisioned import month_usd
from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows, with_none
from store.readers.lifecycle import PLACE
from store.readers.lifecycle import provisioned as provisioned_pools
from store.readers.limits_then import LimitsThen
from store.readers.prices import read_book
from store.readers.records import FUNCTION_POINTS
from store.readers.states import known
from store.readers.things import EVERYTHING, Place, Things, matches, sql_where
from store.readers.triggers import NOW_ONLY
from store.store import Filter, Snapshot, Store

REQUEST = "ReservedConcurrentExecutions"
"""What a plan's request says when an action of ours sets a reservation, as AWS names it."""

CAPS = [*PLACE, "reserved", "verdict", "says", "do", "since", "used_max", "throttles", "state"]


@reader
def caps(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Reservations with something wrong, the worst first: account, region, function, reserved, verdict (one
    of `core.caps.VERDICTS`), says and do (sentences), since (when it was last seen to change; NaT: not since
    we watch), used_max and throttles (in the window; NaN: not known), state. A cap of an action is one that
    the audit says was applied, and that is in force still."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        things = Things.read(snapshot, "function", "reserved", "account_limits", where=where)
        used = _used(snapshot, where)
        made = _made(snapshot)
        reserved = {
            t.place: t.body.get("reserved") for t in things.of("reserved") if matches(where, *t.place)
        }
        changed = LimitsThen.read(snapshot, things, since=_EVER).changes(reserved)
    limits = {(t.account, t.region): int(t.body["concurrent_limit"]) for t in things.of("account_limits")}
    alive = {t.place for t in things.of("function")}
    lines = []
    for place, number in reserved.items():
        if number is None or place not in alive:
            continue
        seen, (most, throttles) = coverage.seen("metrics", *place), used.get(place, (None, 0.0))
        throttles = known(throttles, seen)
        judged = 0.0 if most is None and seen.complete else most if seen.complete or throttles else None
        one = Reservation(int(number), judged, throttles, made.get(place), limits.get(place[:2]))
        if found := verdict(one):
            told = (found.kind, found.says, found.do, changed.get(place), most, throttles, seen.state())
            lines.append((*place, one.reserved, *told))
    return _ordered(pd.DataFrame(lines, columns=pd.Index(CAPS)))


_EVER = NOW_ONLY.start


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    frame[["reserved", "used_max", "throttles"]] = frame[["reserved", "used_max", "throttles"]].astype(float)
    frame["since"] = pd.to_datetime(frame["since"], utc=True).dt.as_unit("us")
    frame["state"] = with_none(frame["state"])
    rank = frame["verdict"].map({name: at for at, name in enumerate(VERDICTS)})
    order = frame.assign(rank=rank).sort_values(
        ["rank", "throttles", "reserved", "function"], ascending=[True, False, False, True]
    )
    return frame.loc[order.index].reset_index(drop=True)


def _used(snapshot: Snapshot, where: Filter) -> dict[Place, tuple[float | None, float]]:
    """The most of each function's concurrency, and its throttles."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", max(concurrent_max) AS most,
            coalesce(sum(throttles), 0) AS throttles
        FROM metrics WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        params,
    )
    return {
        (row.account, row.region, row.function): (
            None if pd.isna(row.most) else float(row.most),
            float(row.throttles),
        )
        for row in rows(frame)
    }


def _made(snapshot: Snapshot) -> dict[Place, Made]:
    """The newest action that set (or removed) each function's reservation, if it set one."""
    c = schema.audit.c
    query = sa.select(c.ts, c.who, c.account, c.region, c.subject, c.plan)
    applied = query.where(c.mode == "apply", c.outcome == "applied").order_by(c.ts, c.id)
    found: dict[Place, Made] = {}
    for row in rows(snapshot.state(applied)):
        request = _request(row.plan)
        if REQUEST in request and request[REQUEST] is not None:
            place = row.account, row.region, str(request.get("FunctionName") or row.subject)
            found[place] = Made(row.ts.to_pydatetime(), str(row.who), int(request[REQUEST]))
    return found


def _request(plan: Any) -> Mapping[str, Any]:
    request = plan.get("request") if isinstance(plan, dict) else None
    return request if isinstance(request, dict) else {}


IDLE = [*PLACE, "qualifier", "version", "held", "why", "usd_month", "utilization_max", "invocations", "state"]


@reader
def idle_provisioned(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Provisioned concurrency that served nobody, the dearest first: account, region, function, qualifier,
    version (None: it does not exist), held (environments), why (a sentence), usd_month (Decimal: what holding
    them costs in 30 days at today's list price; None: price or memory not known), utilization_max (NaN:
    nothing was told), invocations (that it served in the window), state (of the window). What was not read in
    full, and is on a version or alias that something reaches, is not judged."""
    pools = provisioned_pools(store, window, where=where)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        things = Things.read(snapshot, "function", "version", where=where)
        listed = ListPrices(read_book(snapshot))
    sizes = PoolPrices(things, listed, now.date())
    lines = list(_idle(pools, coverage, sizes))
    frame = pd.DataFrame(lines, columns=pd.Index(IDLE))
    for name in ("version", "usd_month", "state"):
        frame[name] = with_none(frame[name])
    frame[["held", "utilization_max", "invocations"]] = frame[
        ["held", "utilization_max", "invocations"]
    ].astype(float)
    dear = frame["usd_month"].astype(float)
    order = frame.assign(dear=dear).sort_values(
        ["dear", "held", "function"], ascending=[False, False, True], na_position="first"
    )
    return frame.loc[order.index].reset_index(drop=True)


def _idle(pools: pd.DataFrame, coverage: Coverage, sizes: PoolPrices) -> Iterator[tuple[Any, ...]]:
    for row in rows(pools):
        place = (row.account, row.region, row.function)
        seen = coverage.seen("metrics", *place[:2], f"{row.function}:{row.qualifier}")
        served = 0.0 if pd.isna(row.invocations) else float(row.invocations)
        why = row.orphan
        if why is None and not served and seen.complete:
            why = f"{_named(row.qualifier)} was reached by no invocation in this window"
        if why is None or served:
            continue
        held = row.requested if row.allocated is None else row.allocated
        usd = sizes.month_usd(place, row.version or row.qualifier, float(held))
        told = (row.utilization_max, known(served, seen), seen.state())
        yield (*place, row.qualifier, row.version, held, why, usd, *told)


def _named(qualifier: str) -> str:
    return f"version {qualifier}" if qualifier.isdecimal() else f"alias {qualifier}"


class PoolPrices:
    """Memory and architecture of functions and their versions, and what they cost as of a day."""

    def __init__(self, things: Things, listed: ListPrices, on: date) -> None:
        self._listed, self._on = listed, on
        self._functions = {t.place: t.body for t in things.of("function")}
        self._versions = {(t.place, str(t.body["version"])): t.body for t in things.of("version")}

    def month_usd(self, place: Place, version: str, held: float) -> Any:
        own, whole = self._bodies(place, version)
        memory_mb = own.get("memory_mb") or whole.get("memory_mb")
        return month_usd(held, memory_mb, self.prices(place, version).provisioned_capacity)

    def prices(self, place: Place, version: str) -> Prices:
        own, whole = self._bodies(place, version)
        architecture = str(own.get("architecture") or whole.get("architecture") or "")
        return self._listed.of(place[1], architecture, on=self._on)

    def _bodies(self, place: Place, version: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return self._versions.get((place, version), {}), self._functions.get(place, {})
