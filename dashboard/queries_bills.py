"""Cached questions of the Reconciliation page."""

from __future__ import annotations

from datetime import date, datetime

from dashboard.queries import cached, store
from dashboard.queries_cost import settings
from store.readers import reconciling
from store.readers.reconciling import Reconciliation


@cached(ttl_s=60, entries=2)
def billed_months() -> dict[str, tuple[str, ...]]:
    """Months of which there is a bill, the newest first (2026-10), and its sources."""
    return reconciling.billed_months(store())


@cached(ttl_s=300, entries=8)
def reconciliation(month: str, against: str, _at: datetime) -> Reconciliation:
    first = date.fromisoformat(f"{month}-01")
    return reconciling.reconciliation(store(), first, settings(), now=_at, against=against)
