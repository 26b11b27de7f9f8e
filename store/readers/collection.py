"""Can the numbers be believed: runs, freshness, coverage, gaps, spend and size."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.windows import Window
from store.store import Store


def targets(store: Store) -> pd.DataFrame:
    """account, region, alias, last_seen."""
    raise NotImplementedError


def collectors(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per collector, account, region: collector, account, region, outcome (of the last run), last_run, last_ok, data_until (end of coverage), age_s, error,
    permission, runs_24h, failed_24h. Failing first."""
    raise NotImplementedError


def runs(store: Store, window: Window) -> pd.DataFrame:
    """Columns of the run table, newest first."""
    raise NotImplementedError


def gaps(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """collector, account, region, scope, start, end, minutes, why, permission: what of the window was not read."""
    raise NotImplementedError


def freshness(store: Store, *, now: datetime) -> datetime | None:
    """Up to when metrics are complete for every target; None before the first run."""
    raise NotImplementedError


def spend(store: Store, *, now: datetime) -> pd.DataFrame:
    """Month to date per collector, service, operation: calls, units, cost_usd (Decimal or None), projected_usd (for the whole month)."""
    raise NotImplementedError


def size(store: Store) -> pd.DataFrame:
    """kind, files, rows, bytes; the state database and the hot tail included."""
    raise NotImplementedError
