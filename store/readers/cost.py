"""What functions cost, by component."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from core.windows import Window
from store.readers.fleet import EVERYTHING
from store.store import Filter, Store

COMPONENTS = ("requests", "duration", "init", "ephemeral", "provisioned", "logs")


def costs(
    store: Store,
    window: Window,
    *,
    now: datetime,
    by: Sequence[str] = ("function",),
    where: Filter = EVERYTHING,
) -> pd.DataFrame:
    """Per group (`by`: account, region, function, runtime, architecture, component, tag:NAME): the group's columns, cost_usd and one column per component
    (`requests_usd` ...; exact Decimal), invocations, basis (`records` or `metrics, estimated`), state. Dearest first. An untagged function's tag is ""."""
    raise NotImplementedError


def cost_series(
    store: Store, window: Window, *, now: datetime, by: str = "function", where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Long frame: ts (day, or hour below 3 days), group (top 7 and `other`), cost_usd (float)."""
    raise NotImplementedError
