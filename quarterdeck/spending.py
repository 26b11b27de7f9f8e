"""`quarterdeck spend`: what watching cost this month by API and collector, and where the budget stands."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from quarterdeck.output import plain
from store import bill
from store.readers import collection
from store.readers.budget import budget, unpriced
from store.readers.frames import rows
from store.store import Store

Document = dict[str, Any]


def spend_document(store: Store, *, now: datetime, cap_usd: Decimal | None) -> Document:
    """Calls, billed units and USD: per operation, per collector, in sum; with the cap and what it slows."""
    month = bill.month_start(now)
    spend = collection.spend(store, now=now)
    calls = [dict(row._asdict()) for row in rows(spend)]
    found = budget(store, now=now, cap_usd=cap_usd)
    return {
        "month": {"start": plain(month), "until": plain(now), "end": plain(found.month_ends)},
        "calls": sum(row["calls"] for row in calls),
        "cost_usd": _sum(calls),
        "unpriced": unpriced(spend),
        "projected_usd": found.projected_usd,
        "today_usd": found.today_usd,
        "cap_usd": found.cap_usd,
        "stops_at": found.stops_at,
        "is_stopped": found.is_stopped,
        "budget": found.why,
        "slowed": [
            {
                "activity": each.activity,
                "functions": each.functions,
                "every_s": each.every_s,
                "usual_s": each.usual_s,
            }
            for each in found.slowed
        ],
        "collectors": _by_collector(calls),
        "operations": calls,
    }


def _by_collector(calls: list[Document]) -> list[Document]:
    """Dearest first."""
    found = []
    for name in dict.fromkeys(row["collector"] for row in calls):
        mine = [row for row in calls if row["collector"] == name]
        sums = {"calls": sum(r["calls"] for r in mine), "units": sum(r["units"] for r in mine)}
        found.append({"collector": name, **sums, "cost_usd": _sum(mine)})
    return sorted(found, key=lambda row: row["cost_usd"] or Decimal(0), reverse=True)


def _sum(calls: list[Document]) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [row["cost_usd"] for row in calls if row["cost_usd"] is not None]
    return sum(known, Decimal(0)) if known else None
