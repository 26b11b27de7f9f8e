"""Cached questions of the Function cost page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store
from dashboard.queries_cost import settings
from store.readers import avoidable as avoiding
from store.readers import budgets as budgeting
from store.readers import cost
from store.readers import deploy_costs as deploying
from store.readers import log_groups as keeping
from store.readers.budgets import UnusualDays
from store.readers.things import Place
from store.store import Filter


@cached()
def dearest(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return cost.costs(store(), window, now=_at, by=("account", "region", "function"), where=where)


@cached()
def avoidable(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return avoiding.avoidable(store(), window, now=_at, where=where)


@cached()
def deploys(window: Window, place: Place, _at: datetime) -> pd.DataFrame:
    account, region, function = place
    return deploying.deploy_costs(store(), Target(account, region), function, window, now=_at)


@cached()
def over_time(window: Window, place: Place, _at: datetime) -> pd.DataFrame:
    """Per component."""
    return cost.cost_series(store(), window, now=_at, by="component", where=Filter(*place))


@cached(ttl_s=300, entries=32)
def unusual_days(days: Window, place: Place, _at: datetime) -> UnusualDays:
    """Whole days on which it cost far more than on days like them."""
    return budgeting.unusual_days(store(), days, place, now=_at, settings=settings())


@cached(ttl_s=300, entries=16)
def log_groups(window: Window, where: Filter) -> pd.DataFrame:
    return keeping.function_log_groups(store(), window, where=where)
