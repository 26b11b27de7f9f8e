"""Pools of provisioned concurrency: how full each was, what spilled over, and what holding it costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from core.formulas import headroom, rate
from core.prices import ListPrices
from core.units import break_even_use
from core.windows import Window
from store.asking import reader
from store.readers.caps import PoolPrices
from store.readers.coverage import Coverage
from store.readers.frames import number, rows, with_none
from store.readers.lifecycle import provisioned
from store.readers.prices import read_book
from store.readers.states import Seen
from store.readers.things import EVERYTHING, PLACE, Place, Things, sql_where
from store.store import Filter, Snapshot, Store

NUMBERS = [
    *("held", "used_max", "headroom", "utilization", "invocations", "spillover", "worked_share"),
    *("break_even", "usd_month"),
]
COLUMNS = [*PLACE, "qualifier", "version", *NUMBERS, "orphan", "state"]


@reader
def provisioned_use(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Per pool of provisioned concurrency that there is, the one with least room first: account, region,
    function, qualifier (alias or version), version (that it stands for now; None: not known), held
    (environments), used_max (most at once), headroom (held - used_max), utilization (used_max / held),
    invocations (that it served), spillover (that found it full and ran on demand), worked_share (time of
    handlers on it / (held * window); NaN: durations were not told), break_even (the worked_share from which
    on it costs no more than on demand, cold starts aside), usd_month (of holding it for 30 days), orphan (why
    nothing reaches it; None: something does, or that is not known), state (None: settled numbers). CloudWatch
    tells nothing of a pool that is idle: that is zero where all of the window was read, and else NaN."""
    pools = provisioned(store, window, where=where)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        priced = PoolPrices(
            Things.read(snapshot, "function", "version", where=where),
            ListPrices(read_book(snapshot)),
            now.date(),
        )
        used = _used(snapshot, where)
    lines = []
    for pool in rows(pools):
        seen = coverage.seen("metrics", pool.account, pool.region, f"{pool.function}:{pool.qualifier}")
        at = (pool.account, pool.region, pool.function, pool.qualifier)
        lines.append(_line(pool, used.get(at), seen, priced, window))
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    frame[NUMBERS] = frame[NUMBERS].astype(float)
    for name in ("version", "orphan", "state"):
        frame[name] = with_none(frame[name])
    return frame.sort_values(["headroom", "held"], na_position="last", kind="stable", ignore_index=True)


def _used(snapshot: Snapshot, where: Filter) -> dict[tuple[str, str, str, str], Any]:
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", split_part(resource, ':', -1) AS qualifier,
            max(provisioned_max) AS used_max, sum(invocations) AS invocations,
            sum(duration_sum_ms) AS duration_ms
        FROM metrics WHERE scope = 'resource' AND {wanted} GROUP BY ALL""",
        params,
    )
    return {(row.account, row.region, row.function, row.qualifier): row for row in rows(frame)}


def _line(pool: Any, used: Any, seen: Seen, priced: PoolPrices, window: Window) -> list[Any]:
    place: Place = (pool.account, pool.region, pool.function)
    held = float(pool.requested if number(pool.allocated) is None else pool.allocated)
    served, spilled = (_counted(value, seen) for value in (pool.invocations, pool.spillover))
    most = number(getattr(used, "used_max", None))
    if most is None and (share := number(pool.utilization_max)) is not None:
        most = share * held
    most = _counted(most, seen)
    version = pool.version or pool.qualifier
    numbers = [
        held,
        most,
        headroom(held, most),
        rate(most, held),
        served,
        spilled,
        _worked_share(used, served, held, window),
        break_even_use(priced.prices(place, version)),
        priced.month_usd(place, version, held),
    ]
    return [*place, pool.qualifier, pool.version, *numbers, pool.orphan, seen.state()]


def _counted(value: Any, seen: Seen) -> float | None:
    """What was not told is zero where everything was read."""
    told = number(value)
    return 0.0 if told is None and seen.complete else told


def _worked_share(used: Any, served: float | None, held: float, window: Window) -> float | None:
    """Durations are told of all invocations of an alias or version: the pool has its share of them."""
    if served == 0:
        return 0.0
    ran, took_ms = (number(getattr(used, name, None)) for name in ("invocations", "duration_ms"))
    on_pool = rate(served, ran)
    if on_pool is None or took_ms is None or not held:
        return None
    return took_ms / 1000 * on_pool / (held * window.duration.total_seconds())
