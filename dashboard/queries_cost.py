"""Cached questions of the pages about cost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import pandas as pd

from core.budgets import BudgetState
from core.facts import Target
from core.forecast import Forecast
from core.settings import CostSettings
from core.spend_moves import Move
from core.windows import Window
from dashboard import figures_cost, figures_moves
from dashboard.compare import earlier
from dashboard.launch import cost_settings
from dashboard.queries import cached, store, targets
from store.readers import budgets as budgeting
from store.readers import chargeback as charging
from store.readers import commitment as committed
from store.readers import cost, prices
from store.readers import cost_causes as causes
from store.readers import own_spend as own
from store.readers.budgets import FunctionAnomaly
from store.readers.chargeback import Chargeback
from store.readers.cost_causes import Change
from store.readers.own_spend import OwnSpend
from store.store import Filter


def settings() -> CostSettings:
    """Who pays, and at which prices."""
    return cost_settings(os.environ)


@cached(ttl_s=300, entries=2)
def price_sources() -> str:
    """Which prices hold."""
    return prices.price_sources(store())


def costs(window: Window, where: Filter, at: datetime, by: str) -> pd.DataFrame:
    """At list price and net, by one group."""
    return costs_by(window, where, at, (by,))


@cached()
def costs_by(window: Window, where: Filter, _at: datetime, by: tuple[str, ...]) -> pd.DataFrame:
    return cost.costs(store(), window, now=_at, by=by, where=where, settings=settings())


@cached()
def cost_series(window: Window, where: Filter, _at: datetime, by: str) -> pd.DataFrame:
    return cost.cost_series(store(), window, now=_at, by=by, where=where)


@cached(shared=True)
def moves(window: Window, where: Filter, _at: datetime, by: str) -> list[Move]:
    """How each group moved since the window before, and what moved it: the largest move first."""
    now, then = (figures_cost.named(costs(each, where, _at, by), by) for each in (window, earlier(window)))
    return figures_moves.moved(now, then)


@cached()
def own_spend(window: Window, where: Filter) -> OwnSpend:
    """What Quarterdeck's own calls cost."""
    return own.own_spend(store(), window, where=where)


@cached(entries=16)
def changes_by(window: Window, where: Filter, by: str) -> Mapping[str, Sequence[Change]]:
    """What was done to the functions of each group in the window, the newest first."""
    return causes.changes_by(store(), window, by=by, where=where)


@cached(ttl_s=300, entries=64)
def anomalies(window: Window, where: Filter, _at: datetime) -> list[FunctionAnomaly]:
    """Whole days of the window that cost a function of `where` far more than days like it."""
    return budgeting.anomalies(store(), window, now=_at, where=where, settings=settings())


@cached(ttl_s=300, entries=4)
def unused_commitment(month: Window, _at: datetime) -> Decimal | None:
    """What of a Savings Plan's commitment pays for nothing in a month; None: no plan has one."""
    return committed.unused_commitment(store(), month, now=_at, settings=settings())


@cached(ttl_s=300, entries=16)
def forecast(where: Filter, _at: datetime, day: str) -> Forecast:
    """What this month will cost, net; `day` tells one answer from the next day's."""
    return budgeting.forecast(store(), settings(), now=_at, where=where)[1]


@cached(ttl_s=300, entries=2)
def budgets(_at: datetime, day: str) -> list[BudgetState]:
    """Where every budget of the settings stands, the worst first."""
    return budgeting.budgets(store(), settings(), now=_at)


@cached(ttl_s=300, entries=32)
def chargeback(month: datetime, where: Filter, _at: datetime, by: str) -> Chargeback:
    """The statement of a month; `month` is its first instant."""
    return charging.chargeback(store(), month, now=_at, by=by, where=where, settings=settings())


@cached(ttl_s=300, entries=2)
def tag_names() -> list[str]:
    """Every tag that some function carries, the most used first."""
    known = [Target(row["account"], row["region"]) for row in targets().to_dict("records")]
    tags = pd.Series(
        [tag for t in known for f in store().inventory(t).functions for tag in f.tags], dtype="object"
    )
    return [str(tag) for tag in tags.value_counts().index]
