"""A month per team: its functions' cost, shared costs allocated, and what the sums lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from core.chargeback import Statement, statement
from core.windows import Window
from store import bill
from store.asking import reader
from store.readers.cost import COMPONENTS, costs
from store.readers.own_spend import own_spend
from store.readers.things import EVERYTHING
from store.store import Filter, Store

OWN = "Quarterdeck's calls to AWS"


@dataclass(frozen=True, slots=True)
class Chargeback:
    """`window` is the part of the month that has passed; `states` says per group what its sum lacks."""

    statement: Statement
    window: Window
    is_whole: bool
    states: dict[str, str]
    unpriced_calls: int


def month_window(month: datetime, *, now: datetime) -> Window:
    """The month of a moment in UTC, up to now."""
    start = bill.month_start(month)
    return Window(start, max(min(bill.next_month(start), now), start))


@reader
def chargeback(
    store: Store, month: datetime, *, now: datetime, by: str, where: Filter = EVERYTHING
) -> Chargeback:
    """The statement of the month that `month` is in. `by` is one of the groups of `costs` (tag:team)."""
    window = month_window(month, now=now)
    groups = costs(store, window, now=now, by=(by,), where=where)
    own = own_spend(store, window, where=where)
    shared = {OWN: own.usd} if own.usd else {}
    return Chargeback(
        statement(_direct(groups, by), shared),
        window,
        bill.next_month(window.start) <= now,
        {str(row[by]): row["state"] for row in _rows(groups) if isinstance(row["state"], str)},
        own.unpriced,
    )


def _direct(groups: pd.DataFrame, by: str) -> dict[str, dict[str, Decimal]]:
    return {
        str(row[by]): {name: usd for name in COMPONENTS if (usd := row[f"{name}_usd"])}
        for row in _rows(groups)
    }


def _rows(groups: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    return groups.to_dict("records")
