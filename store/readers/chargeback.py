"""A month per team: its functions' cost, shared costs allocated, and what the sums lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from core.chargeback import Statement, statement
from core.settings import CostSettings
from core.windows import Window
from store import bill
from store.asking import reader
from store.readers.commitment import unused_commitment
from store.readers.cost import costs
from store.readers.own_spend import own_spend
from store.readers.things import EVERYTHING
from store.store import Filter, Store

OWN = "Quarterdeck's calls to AWS"


@dataclass(frozen=True, slots=True)
class Chargeback:
    """`window` is the part of the month that has passed; `states` says per group what its sum lacks,
    `list_usd` what it would cost at list price; `unused_usd` is what of a Savings Plan's commitment pays for
    nothing (None: there is none), which is in no line."""

    statement: Statement
    window: Window
    is_whole: bool
    states: dict[str, str]
    list_usd: dict[str, Decimal]
    unpriced_calls: int
    unused_usd: Decimal | None = None


def month_window(month: datetime, *, now: datetime) -> Window:
    """The month of a moment in UTC, up to now."""
    start = bill.month_start(month)
    return Window(start, max(min(bill.next_month(start), now), start))


@reader
def chargeback(
    store: Store,
    month: datetime,
    *,
    now: datetime,
    by: str,
    where: Filter = EVERYTHING,
    settings: CostSettings,
) -> Chargeback:
    """The statement of the month that `month` is in: net cost, as the payer is charged by `settings`. `by` is
    one of the groups of `costs` (tag:team)."""
    window = month_window(month, now=now)
    groups = costs(store, window, now=now, by=(by, "component"), where=where, settings=settings)
    own = own_spend(store, window, where=where)
    shared = {OWN: own.usd} if own.usd else {}
    return Chargeback(
        statement(_direct(groups, by), shared),
        window,
        bill.next_month(window.start) <= now,
        _states(groups, by),
        _listed(groups, by),
        own.unpriced,
        unused_commitment(store, window, now=now, settings=settings),
    )


def _direct(groups: pd.DataFrame, by: str) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = {}
    for row in _rows(groups):
        mine = found.setdefault(str(row[by]), {})
        if row["net_usd"]:
            mine[row["component"]] = mine.get(row["component"], Decimal(0)) + row["net_usd"]
    return found


def _listed(groups: pd.DataFrame, by: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in _rows(groups):
        found[str(row[by])] = found.get(str(row[by]), Decimal(0)) + row["cost_usd"]
    return found


def _states(groups: pd.DataFrame, by: str) -> dict[str, str]:
    """Per group what speaks most against its sum: holes before lateness."""
    found: dict[str, str] = {}
    for row in _rows(groups):
        state, name = row["state"], str(row[by])
        if isinstance(state, str) and not found.get(name, "").startswith("not"):
            found[name] = state
    return found


def _rows(groups: pd.DataFrame) -> Sequence[dict[Any, Any]]:
    return groups.to_dict("records")
