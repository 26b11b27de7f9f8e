"""Cached questions of the Cold starts page."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard import figures_cold, figures_cold_groups, figures_environments
from dashboard.queries import cached, store
from dashboard.what_if import WhatIf, what_if
from store.readers import cold, cold_groups, environments, starts
from store.readers.prices import list_prices
from store.store import Filter


@cached()
def cold_starts(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return cold.cold_starts(store(), window, now=_at, where=where)


@cached()
def advised(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    """`cold_starts` with what would help each function."""
    functions = cold.cold_starts(store(), window, now=_at, where=where)
    return figures_cold.advised(
        functions, starts.start_settings(store(), window, now=_at, where=where), window
    )


@cached()
def cold_series(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return cold.cold_series(store(), window, now=_at, where=where)


@cached(ttl_s=600, entries=16)
def cold_by_hour(window: Window, where: Filter) -> pd.DataFrame:
    return cold.cold_by_hour(store(), window, where=where)


@cached()
def groups(window: Window, where: Filter, by: tuple[str, ...], _at: datetime) -> pd.DataFrame:
    """`cold_groups` with what initialization cost."""
    found = cold_groups.cold_groups(store(), window, now=_at, by=by, where=where)
    finer = tuple(dict.fromkeys((*by, *figures_cold_groups.PRICED_BY)))
    parts = cold_groups.cold_groups(store(), window, now=_at, by=finer, where=where)
    return figures_cold_groups.priced(found, parts, by, partial(list_prices(store()).of, on=_at.date()))


@cached()
def ahead(window: Window, where: Filter, _at: datetime) -> figures_environments.Ahead:
    found = environments.environments(store(), window, now=_at, where=where)
    return figures_environments.ahead(found, partial(list_prices(store()).of, on=_at.date()))


@cached(ttl_s=300)
def deploy_effects(target: Target, function: str, window: Window, _at: datetime) -> pd.DataFrame:
    return cold_groups.deploy_effects(store(), target, function, window, now=_at)


@cached(ttl_s=300, entries=16)
def replayed(
    target: Target,
    function: str,
    window: Window,
    *,
    architecture: str,
    units_now: int,
    idle: timedelta | None,
    _at: datetime,
) -> WhatIf | None:
    told = starts.recorded_arrivals(store(), target, function, window, now=_at)
    prices = list_prices(store()).of(target.region, architecture, on=_at.date())
    return what_if(told, prices=prices, units_now=units_now, idle=idle)
