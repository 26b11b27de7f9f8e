"""A month's bill beside what the store counted of the same accounts."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.billed import Bill, add
from core.billed import Line as BillLine
from core.errors import BillError
from core.metering import COUNTS
from core.meters import Used
from core.reconciling import Known, Reconciled, reconcile
from core.settings import CostSettings
from core.windows import Window
from store import bills
from store.asking import reader
from store.bills import Imported
from store.readers.billing import KINDS
from store.readers.metered import KEPT, meter_usage
from store.readers.prices import read_book
from store.readers.things import EVERYTHING, Things
from store.store import Snapshot, Store
from store.tiers import DAY

BEST_FIRST = ("cur", "focus")
FINAL_AFTER = timedelta(days=5)
"""AWS completes a month's bill in the first days of the next one."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`bills` are those compared, one for each payer; `without_bill` are watched accounts that are on none of
    them: nothing of theirs is compared."""

    found: Reconciled
    bills: tuple[Imported, ...]
    without_bill: tuple[str, ...]
    is_final: bool


@reader
def billed_months(store: Store) -> list[str]:
    """Months of which there is a bill, the newest first: 2026-10."""
    return list(dict.fromkeys(one.month for one in bills.imported(store)))


@reader
def reconciliation(store: Store, month: date, settings: CostSettings, *, now: datetime) -> Reconciliation:
    """Raises BillError when the store has no bill of the month."""
    mine = _chosen(bills.imported(store), f"{month:%Y-%m}")
    if not mine:
        raise BillError(
            f"the store has no bill of {month:%Y-%m}: import one with `quarterdeck bill import FILE`"
            " (see docs/bills.md)"
        )
    whole = _whole(store, mine)
    window, is_final = _window(month), all(_is_final(one, month) for one in mine)
    with store.snapshot(window, KEPT) as snapshot:
        things = Things.read(snapshot, *KINDS, "log_group", "queue")
        used = list(_used(snapshot, things, window, now=now))
        book = read_book(snapshot, settings)
    accounts = {what.account for what in whole}
    compared = [one for one in used if one.account in accounts]
    days: dict[tuple[str, str], set[date]] = {}
    for one in compared:
        days.setdefault((one.account, one.region), set()).add(one.key[0])  # type: ignore[index]
    settled = date.max if is_final else min(date.fromisoformat(one.last_day) for one in mine if one.last_day)
    found = reconcile(compared, whole, book, Known(_names(things), days, settled), month=month)
    without = sorted({one.account for one in used} - accounts)
    return Reconciliation(found, tuple(mine), tuple(without), is_final)


def _chosen(imported: list[Imported], month: str) -> list[Imported]:
    """The best bill of every payer."""
    best: dict[str, Imported] = {}
    for one in sorted(imported, key=lambda one: BEST_FIRST.index(one.source)):
        if one.month == month:
            best.setdefault(one.payer, one)
    return [best[payer] for payer in sorted(best)]


def _whole(store: Store, mine: list[Imported]) -> Bill:
    whole: Bill = {}
    for one in mine:
        for what, line in bills.bill(store, one.source, one.payer, one.month).items():
            add(whole, BillLine(one.payer, what.day, what, line))
    return whole


def _window(month: date) -> Window:
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return Window(start, start + timedelta(days=calendar.monthrange(month.year, month.month)[1]))


def _is_final(one: Imported, month: date) -> bool:
    return one.imported_at >= _window(month).end + FINAL_AFTER


def _used(snapshot: Snapshot, things: Things, window: Window, *, now: datetime) -> Iterator[Used]:
    """What every function used on each day, as the estimate counts it."""
    metered = meter_usage(snapshot, things, window, EVERYTHING, now=now, step=DAY)
    if not metered.columns:
        return
    sums = ", ".join(f"sum({column}) AS {column}" for column in metered.columns)
    told = metered.ask(
        f'SELECT account, region, "function", architecture, step, {sums} FROM used GROUP BY ALL'
    )
    for row in told.to_pylist():
        key = (datetime.fromtimestamp(row["step"] / 1000, UTC).date(), row["function"])
        for column in metered.columns:
            if row[column]:
                count = COUNTS[column]
                units = Decimal(str(row[column])) / count.per_unit
                yield Used(key, row["account"], row["region"], row["architecture"], count.meter, units)


def _names(things: Things) -> dict[tuple[str, str], set[str]]:
    """Whatever of a place a bill may name, also what is gone since."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind in ("function", "log_group", "queue"):
        for thing in things.of(kind, gone=True):
            found.setdefault((thing.account, thing.region), set()).add(thing.name)
    return found
