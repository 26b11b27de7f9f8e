"""The month's cap: what a run may spend is reserved before it starts, and no call goes beyond it.

A reservation is kept in the store until the run's own bill is, so the cap holds for runs side by side, for
several processes on one store, and for processes that were killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from collectors import plan
from collectors.aws import Aws
from collectors.collector import Ask, Collector
from collectors.registry import COLLECTORS
from core.errors import BudgetError
from core.facts import Target
from core.settings import CollectSettings
from store import bill
from store.store import Store

TOP_UP_USD = Decimal("0.005")
"""What a run reserves at least when its estimate was too low (retries, further pages)."""

HISTORY_SHARE = Decimal("0.5")
"""How much of what live reading leaves of the month's cap a piece of older history may take."""

ZERO = Decimal(0)
DAY = timedelta(days=1)


class Bank(Protocol):
    """Where reservations are kept."""

    def reserve(self, usd: Decimal, *, anyway: bool = False) -> bool:
        """Set aside; False when the cap would be passed, unless `anyway`: it is spent already."""
        ...

    def release(self, usd: Decimal) -> None: ...


class Hold:
    """What one run may spend. Every paid attempt takes from it, or raises BudgetError before it is made."""

    def __init__(self, bank: Bank, cap_usd: Decimal, estimate_usd: Decimal = ZERO) -> None:
        self._bank, self._cap_usd = bank, cap_usd
        self.reserved_usd, self.spent_usd = ZERO, ZERO
        self.is_open = estimate_usd == 0 or self._reserve(estimate_usd)

    def take(self, usd: Decimal) -> None:
        """Pay for a call that is about to be made."""
        self.ensure(usd)
        self.spent_usd += usd

    def ensure(self, usd: Decimal) -> None:
        """See to it that `usd` could be paid: for calls whose price the answer tells."""
        short = self.spent_usd + usd - self.reserved_usd
        if usd and short > 0 and not (self._reserve(max(short, TOP_UP_USD)) or self._reserve(short)):
            raise BudgetError(f"{sentence(self._cap_usd)}, so no further paid call is made")

    def settle(self, usd: Decimal) -> None:
        """Pay for what was used already."""
        self.spent_usd += usd
        beyond = self.spent_usd - self.reserved_usd
        if beyond > 0:
            self._bank.reserve(beyond, anyway=True)
            self.reserved_usd += beyond

    def release(self) -> None:
        """Give the reservation back: the bill is written."""
        if self.reserved_usd:
            self._bank.release(self.reserved_usd)
        self.reserved_usd = self.spent_usd = ZERO

    def _reserve(self, usd: Decimal) -> bool:
        granted = self._bank.reserve(usd)
        self.reserved_usd += usd if granted else ZERO
        return granted


def sentence(cap_usd: Decimal) -> str:
    return f"the budget of {cap_usd:f} USD a month (aws.budget_usd_per_month) would be passed"


@dataclass(frozen=True, slots=True)
class StoreBank:
    """Reservations of one run of one collector in the store."""

    store: Store
    target: Target
    collector: str
    cap_usd: Decimal
    now: datetime

    def reserve(self, usd: Decimal, *, anyway: bool = False) -> bool:
        cap_usd = None if anyway else self.cap_usd
        with self.store.transaction() as connection:
            return bill.reserve(connection, self.target, self.collector, usd, cap_usd=cap_usd, now=self.now)

    def release(self, usd: Decimal) -> None:
        with self.store.transaction() as connection:
            bill.release(connection, self.target, self.collector, usd, now=self.now)


def cap_usd(aws: Aws) -> Decimal | None:
    """The month's cap, None without one."""
    cap = aws.settings.budget_usd_per_month
    return None if cap is None else Decimal(str(cap))


def live_usd(store: Store, settings: CollectSettings, *, now: datetime) -> Decimal:
    """What live reading of all targets watched will cost from now to the month's end, at its usual pace."""
    known = {target: store.inventory(target) for target in store.targets(since=now - DAY)}
    days_left = Decimal(str((bill.next_month(now) - now) / DAY))
    return plan.usd_a_day(known, settings, COLLECTORS) * days_left


@contextmanager
def held(
    collector: Collector, aws: Aws, store: Store, ask: Ask, *, now: datetime, live_usd: Decimal = ZERO
) -> Iterator[str | None]:
    """Reserve what a run is expected to cost; yields why it must not start, or None.

    Older history may not take what live reading needs until the month's end (`live_usd`).

    Within, paid calls of this thread are held to it. What was reserved is given back when the block ends
    well: by then the run's bill must be in the store. Raises StoreError.
    """
    cap = cap_usd(aws)
    if cap is None:
        yield None
        return
    estimate = collector.estimate_usd(ask)
    if not ask.newest and (why := history_waits(cap, spent_usd(store, now), live_usd, estimate)):
        yield why
        return
    hold = Hold(StoreBank(store, aws.target, collector.name, cap, now), cap, estimate)
    if not hold.is_open:
        yield refusal(cap, spent_usd(store, now), estimate)
        return
    with aws.spending(hold):
        yield None
    hold.release()


def history_waits(cap: Decimal, spent: Decimal, live: Decimal, estimate: Decimal) -> str | None:
    """Why a piece of older history is not read now; None when it may be."""
    if estimate <= HISTORY_SHARE * max(ZERO, cap - spent - live):
        return None
    return (
        f"{cap - spent:.4f} USD are left of the budget of {cap:f} USD a month (aws.budget_usd_per_month);"
        f" live reading needs {live:.4f} until the month ends, and a piece of history may take half of the"
        f" rest: this one would take {estimate:.4f}"
    )


def refusal(cap: Decimal, spent: Decimal, estimate: Decimal) -> str:
    used = f"{spent:.4f} USD spent, this run up to {estimate:.4f}"
    return f"{sentence(cap)}: {used}; raise it, or collect less often"


def spent_usd(store: Store, now: datetime) -> Decimal:
    """Spent this month by all targets, reservations included."""
    with store.engine.connect() as connection:
        return bill.spent_usd(connection, now)
