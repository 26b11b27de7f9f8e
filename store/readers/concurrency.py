"""How much concurrency there is, who claims it, and what was throttled."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from store.store import Store


def limits(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per account and region: account, region, limit, reserved (sum), unreserved, provisioned (sum allocated), claimed_now, claimed_max (in window), claimed_ts (of the maximum),
    headroom (limit - claimed_max), utilization (claimed_max / limit), throttles, state."""
    raise NotImplementedError


def pools(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per function that used or reserves concurrency: account, region, function, pool (reserved, shared), limit (the pool's), used_max, used_now, headroom,
    utilization, throttles, provisioned, reachable (bool or None: some alias or caller reaches the provisioned version), note, state. Least headroom first."""
    raise NotImplementedError


def concurrency_series(store: Store, target: Target, window: Window, *, now: datetime) -> pd.DataFrame:
    """Long frame: ts, function (top 7 by maximum, then `other`), concurrent_max; plus function=`(claimed)` for the account's claimed concurrency."""
    raise NotImplementedError


def throttle_series(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Long frame: ts, account, region, function, throttles; only functions that were throttled."""
    raise NotImplementedError
