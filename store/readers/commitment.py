"""What of a Compute Savings Plan's commitment was paid for nothing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.settings import CostSettings
from core.tiering import unused_commitment_usd
from core.windows import Window
from store.asking import reader
from store.readers.metered import KEPT
from store.readers.prices import read_book
from store.readers.rates import month_totals
from store.store import Store


@reader
def unused_commitment(
    store: Store, month: Window, *, now: datetime, settings: CostSettings
) -> Decimal | None:
    """USD of a month (whole, or up to now) of all payers that use anything; None: no plan has a commitment.
    What was not collected counts as not used."""
    if settings.savings_plan is None or settings.savings_plan.commitment_usd_per_hour is None:
        return None
    with store.snapshot(month, KEPT) as snapshot:
        used = month_totals(snapshot, month, now=now)
        return unused_commitment_usd(used, read_book(snapshot), settings, until=now)
