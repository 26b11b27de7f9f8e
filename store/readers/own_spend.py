"""What Quarterdeck's own calls to AWS cost in any window."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from core.windows import Window
from store import bill, schema
from store.asking import reader
from store.readers.frames import rows
from store.readers.things import EVERYTHING
from store.store import Filter, Store


@dataclass(frozen=True, slots=True)
class OwnSpend:
    """`usd` is exact, and None when nothing was counted; `by_service` its parts, the dearest first;
    `unpriced` calls have no known price and are not in it."""

    usd: Decimal | None
    by_service: dict[str, Decimal]
    unpriced: int


@reader
def own_spend(store: Store, window: Window, *, where: Filter = EVERYTHING) -> OwnSpend:
    """Calls are counted per hour: an hour belongs to the window it begins in."""
    usage = schema.usage.c
    query = sa.select(usage.service, usage.calls, usage.cost_usd).where(
        usage.hour >= window.start, usage.hour < window.end, usage.operation != bill.RESERVED[1]
    )
    for column, value in ((usage.account, where.account), (usage.region, where.region)):
        query = query if value is None else query.where(column == value)
    with store.snapshot(window) as snapshot:
        found = list(rows(snapshot.state(query)))
    parts: dict[str, Decimal] = {}
    for row in found:
        if isinstance(row.cost_usd, str):
            parts[row.service] = parts.get(row.service, Decimal(0)) + Decimal(row.cost_usd)
    unpriced = sum(int(row.calls) for row in found if not isinstance(row.cost_usd, str))
    ordered = dict(sorted(parts.items(), key=lambda part: (-part[1], part[0])))
    return OwnSpend(sum(parts.values(), Decimal(0)) if found else None, ordered, unpriced)
