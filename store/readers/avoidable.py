"""What errors, timeouts, retries and cold starts cost: the part of a bill that bought nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from core.prices import ListPrices, Prices, cost, gb_seconds
from core.windows import Window
from store.asking import reader
from store.readers.billing import sizes_of
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.prices import read_book
from store.readers.records import COLD, INIT_BILLED_MS
from store.readers.things import EVERYTHING, Things, sql_where
from store.readers.usage import Sizes
from store.store import Filter, Store

WASTES: Mapping[str, str] = {
    "errors": "status <> 'success'",
    "timeouts": "status = 'timeout'",
    "retries": "nth > 1",
    "cold starts": COLD,
}
"""Which records each kind is made of. Of cold starts only billed initialization counts. Kinds overlap: an
invocation that timed out on its retry is in three."""

_SQL = f"""
    WITH told AS (SELECT ts, account, region, "function", version, memory_mb, init_type, status, init_ms,
            restore_ms, billed_ms, {INIT_BILLED_MS} AS init_billed_ms,
            CASE WHEN coalesce(request_id, '') = '' THEN 1 ELSE
                row_number() OVER (PARTITION BY account, region, "function", request_id
                    ORDER BY ts, event_id) END AS nth
        FROM invocations WHERE ts >= $start AND ts < $end AND {{wanted}})
    SELECT account, region, "function", coalesce(version, '') AS version, memory_mb,
        last_day(ts::DATE)::VARCHAR AS month_end,
        coalesce(init_type = 'provisioned-concurrency', false) AS provisioned,
        {
    ", ".join(
        f'''count(*) FILTER ({told}) AS "{name} n",
        sum({"init_billed_ms" if name == "cold starts" else "billed_ms"}) FILTER ({told}) AS "{name} ms"'''
        for name, told in WASTES.items()
    )
}
    FROM told GROUP BY ALL"""


@dataclass(slots=True)
class _Sum:
    invocations: int = 0
    usd: Decimal = field(default_factory=Decimal)
    unpriced: str = ""


@reader
def avoidable(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function and kind (of `WASTES`): account, region, function, kind, invocations, cost_usd (Decimal;
    None: a price or memory is not known), state (how well its log was read; None: in full).

    Requests and billed duration at the list prices of their month. A retry is a record whose request id
    another one had before it in the window: Lambda's own retries of asynchronous events, not those of callers
    or queues.
    """
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
        sizes = sizes_of(Things.read(snapshot, "function", "version", "alias", "provisioned"), coverage)
        span = {"start": window.start, "end": window.end}
        found = snapshot.frame(_SQL.format(wanted=wanted), {**span, **params})
        listed = ListPrices(read_book(snapshot))
    sums = _sums(rows(found.rename(columns=lambda name: name.replace(" ", "_"))), sizes, listed)
    lines = [
        [
            *place,
            kind,
            one.invocations,
            None if one.unpriced else one.usd,
            f"not collected: {one.unpriced}" if one.unpriced else coverage.seen("logs", *place).state(),
        ]
        for (place, kind), one in sums.items()
    ]
    columns = ["account", "region", "function", "kind", "invocations", "cost_usd", "state"]
    return pd.DataFrame(lines, columns=pd.Index(columns), dtype=object)


def _sums(found: Iterable[Any], sizes: Sizes, prices: ListPrices) -> dict[tuple[Any, str], _Sum]:
    sums: dict[tuple[Any, str], _Sum] = {}
    for row in found:
        place = (row.account, row.region, row.function)
        architecture = sizes.architecture(place, row.version)
        listed = prices.of(row.region, architecture, on=date.fromisoformat(row.month_end))
        for kind in WASTES:
            name = kind.replace(" ", "_")
            one = sums.setdefault((place, kind), _Sum())
            count, ms = int(getattr(row, f"{name}_n")), getattr(row, f"{name}_ms")
            if count:
                one.invocations += count
                _add(one, row, count, ms, kind, sizes, listed)
    return sums


def _add(one: _Sum, row: Any, count: int, ms: Any, kind: str, sizes: Sizes, listed: Prices) -> None:
    place = (row.account, row.region, row.function)
    memory_mb = row.memory_mb if row.memory_mb == row.memory_mb else sizes.memory_mb(place, row.version)
    if memory_mb is None or ms != ms or ms is None:
        one.unpriced = "the records lack memory or Billed Duration"
        return
    per_gb_s = listed.provisioned_duration if row.provisioned else listed.duration
    requests = Decimal(0) if kind == "cold starts" else cost(count, listed.request)
    ran = cost(gb_seconds(float(ms), float(memory_mb)), per_gb_s)
    if requests is None or ran is None:
        one.unpriced = (
            f"no price is known for {sizes.architecture(place, row.version) or 'it'} in {row.region}"
        )
    else:
        one.usd += requests + ran
