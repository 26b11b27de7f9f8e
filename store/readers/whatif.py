"""One function's recorded invocations, replayed as if it were set up differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from core.backtesting import Backtest, backtests
from core.facts import Target
from core.prices import FREE_EPHEMERAL_MB, Prices
from core.whatif import LEAST_RECORDS, Recorded, Setup, WhatIf, what_if
from core.windows import Window
from store.asking import reader
from store.readers import starts
from store.readers.caps import idle_provisioned
from store.readers.lifecycle import provisioned
from store.readers.prices import list_prices
from store.readers.things import Things
from store.store import Filter, Store

WHOLE = 0.9
"""An environment that was seen at work for so much of the time may have lived longer: who knows its end?"""

MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be different; None: as it is."""

    memory_mb: int | None = None
    architecture: str | None = None
    units: int | None = None
    timeout_s: int | None = None

    def of(self, now: Setup) -> Setup:
        return Setup(
            memory_mb=now.memory_mb if self.memory_mb is None else float(self.memory_mb),
            architecture=self.architecture or now.architecture,
            units=now.units if self.units is None else self.units,
            timeout_s=now.timeout_s if self.timeout_s is None else float(self.timeout_s),
            ephemeral_mb=now.ephemeral_mb,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`found` is None where `missing` says what would have to be known. `state` is the log's over `window`,
    which is what the newest records fill if there are more than are replayed (`is_cut`). `versions` are those
    that were called, `has_snap_start` is of published versions, `idle_units` serve nobody: they are left
    out."""

    now: Setup | None
    found: WhatIf | None = None
    missing: str = ""
    window: Window
    state: str | None = None
    is_cut: bool = False
    has_lead: bool = True
    versions: tuple[str, ...] = ()
    has_snap_start: bool = False
    idle_units: int = 0
    backtests: tuple[Backtest, ...] = ()


@reader
def whatif(
    store: Store,
    target: Target,
    function: str,
    window: Window,
    asked: Asked,
    *,
    now: datetime,
    most: int = MOST,
) -> Answer:
    """The answer for one function; at most its newest `most` invocations are replayed. Money is at today's
    list prices: before free amounts, tiers and plans."""
    where = Filter(target.account, target.region, function)
    with store.snapshot(window) as snapshot:
        things = Things.read(snapshot, "function", where=where)
    mine = [thing for thing in things.of("function") if thing.name == function]
    units, idle = units_at_work(store, where, window, now=now)
    if not mine or mine[0].body.get("memory_mb") is None:
        return Answer(now=None, window=window, missing="how it is set up now (lambda:ListFunctions)")
    body = mine[0].body
    setup = Setup(
        memory_mb=float(body["memory_mb"]),
        architecture=str(body.get("architecture") or "x86_64"),
        units=units,
        timeout_s=float(body.get("timeout_s") or 900),
        ephemeral_mb=float(body.get("ephemeral_mb") or FREE_EPHEMERAL_MB),
    )
    told = starts.recorded_arrivals(store, target, function, window, now=now, most=most)
    records = int(told.frame["is_counted"].sum())
    answer = Answer(
        now=setup,
        window=told.window,
        state=told.state,
        is_cut=told.is_cut,
        has_lead=told.has_lead,
        versions=tuple(sorted(told.counted["version"].unique())),
        has_snap_start=body.get("snap_start") == "PublishedVersions",
        idle_units=idle,
    )
    if records < LEAST_RECORDS:
        return replace(answer, missing=_more(records, told.state))
    run, listed = recorded(told), list_prices(store)

    def prices(architecture: str) -> Prices:
        return listed.of(target.region, architecture, on=now.date())

    found = what_if(run, setup, asked.of(setup), prices=prices)
    return replace(answer, found=found, backtests=tuple(backtests(run)))


@reader
def units_at_work(store: Store, where: Filter, window: Window, *, now: datetime) -> tuple[int, int]:
    """Units of provisioned concurrency that callers reach, and those that serve nobody."""
    idle = idle_provisioned(store, window, now=now, where=where)
    every = provisioned(store, window, where=where)
    is_idle = every["qualifier"].isin(idle["qualifier"])
    requested = every["requested"].astype(float)
    return int(requested[~is_idle].sum()), int(requested[is_idle].sum())


def _more(records: int, state: str | None) -> str:
    why = f" ({state})" if state and state.startswith("not") else ""
    return f"{LEAST_RECORDS - records:,} more invocation records: {records:,} are kept of this window{why}"


def recorded(told: starts.Recorded) -> Recorded:
    """The reader's frame as arrays, in order of arrival. A size that is not told is the median of all."""
    frame = told.frame.sort_values("start_ms", kind="stable")
    memory = frame["memory_mb"].fillna(frame["memory_mb"].median())
    life = told.oldest
    return Recorded(
        start_ms=frame["start_ms"].to_numpy(dtype=np.int64),
        duration_ms=frame["duration_ms"].to_numpy(dtype=np.float64),
        waited_ms=frame["waited_ms"].to_numpy(dtype=np.float64),
        init_billed_ms=frame["init_billed_ms"].to_numpy(dtype=np.float64),
        memory_mb=memory.to_numpy(dtype=np.float64),
        version=pd.factorize(frame["version"])[0].astype(np.int64),
        timed_out=frame["timed_out"].to_numpy(dtype=np.bool_),
        counted=frame["is_counted"].to_numpy(dtype=np.bool_),
        length=max(told.read, timedelta(minutes=1)),
        life=life if life and life < WHOLE * told.read else None,
    )
