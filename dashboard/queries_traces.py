"""Cached questions of the Traces page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from core.windows import Window
from dashboard.queries import cached, store
from store.readers import trace_totals, tracing
from store.readers.states import Seen
from store.store import Filter


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which traces the page is asked for; None and "" are all."""

    where: Filter
    outcome: str | None = None
    slower_than_ms: float | None = None
    root: str | None = None

    def filters(self) -> Mapping[str, Any]:
        """As the readers take it: `failed` and `ok` are answers to whether anything failed."""
        words: dict[str, dict[str, Any]] = {"failed": {"failed": True}, "ok": {"outcome": "ok"}}
        outcome = words.get(self.outcome or "", {"outcome": self.outcome})
        return {**outcome, "slower_than_ms": self.slower_than_ms, "root": self.root}


@cached()
def traces(window: Window, wanted: Wanted, order: str, limit: int) -> pd.DataFrame:
    return tracing.traces(store(), window, where=wanted.where, order=order, limit=limit, **wanted.filters())


@cached()
def totals(window: Window, wanted: Wanted, _at: datetime) -> tuple[Mapping[str, float | None], Seen | None]:
    return trace_totals.trace_totals(store(), window, where=wanted.where, now=_at, **wanted.filters())


@cached()
def roots(window: Window, where: Filter) -> pd.DataFrame:
    return trace_totals.trace_roots(store(), window, where=where)


@cached()
def service_map(window: Window, where: Filter, _at: datetime) -> tracing.ServiceMap:
    return tracing.service_map(store(), window, where=where, now=_at)
