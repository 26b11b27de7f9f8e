"""Cached questions of the Concurrency page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store
from store.readers import caps as forgotten
from store.readers import concurrency, provisioned_use, throttles
from store.readers import pools as over_time
from store.store import Filter


@cached()
def pools(window: Window, _at: datetime) -> pd.DataFrame:
    return concurrency.pools(store(), window, now=_at)


@cached()
def users(target: Target, window: Window, _at: datetime) -> pd.DataFrame:
    return concurrency.concurrency_series(store(), target, window, now=_at)


@cached()
def throttle_series(window: Window, _at: datetime) -> pd.DataFrame:
    return concurrency.throttle_series(store(), window, now=_at)


@cached()
def culprits(
    target: Target, window: Window, within: Window | None, _at: datetime
) -> tuple[datetime | None, pd.DataFrame]:
    return over_time.culprits(store(), target, window, now=_at, at=within)


@cached(entries=16)
def outlooks(where: Filter, _at: datetime) -> pd.DataFrame:
    return over_time.time_to_exhaustion(store(), now=_at, where=where)


@cached()
def bursts(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return throttles.throttle_bursts(store(), window, now=_at, where=where)


@cached()
def caps(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return forgotten.caps(store(), window, now=_at, where=where)


@cached()
def idle_provisioned(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return forgotten.idle_provisioned(store(), window, now=_at, where=where)


@cached()
def provisioned(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return provisioned_use.provisioned_use(store(), window, now=_at, where=where)
