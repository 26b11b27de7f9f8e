"""A month's bill beside what the store counted of the same accounts."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

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
from store.readers.frames import rows
from store.readers.prices import read_book
from store.readers.things import Things
from store.store import Snapshot, Store

BEST_FIRST = ("cur", "focus", "cost_explorer")
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
def reconciliation(store: Store, month: date, settings: CostSettings) -> Reconciliation:
    """Raises BillError when the store has no bill of the month."""
    mine = _chosen(bills.imported(store), f"{month:%Y-%m}")
    if not mine:
        raise BillError(
            f"the store has no bill of {month:%Y-%m}: import one with `quarterdeck bill import FILE`"
            " (see docs/bills.md)"
        )
    whole = _whole(store, mine)
    window, is_final = _window(month), all(_is_final(one, month) for one in mine)
    with store.snapshot(window, ("usage",)) as snapshot:
        used = list(_used(snapshot, window, month))
        things = Things.read(snapshot, "function", "log_group", "queue")
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


def _used(snapshot: Snapshot, window: Window, month: date) -> Iterator[Used]:
    sums = ", ".join(f"sum({column}) AS {column}" for column in COUNTS)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", architecture, (ts AT TIME ZONE 'UTC')::DATE AS day, {sums}
            FROM usage WHERE ts >= $start AND ts < $end GROUP BY ALL""",
        {"start": window.start, "end": window.end},
    )
    for row in rows(frame):
        yield from _of_row(row, month)


def _of_row(row: Any, month: date) -> Iterator[Used]:
    for column, count in COUNTS.items():
        quantity = getattr(row, column)
        if quantity == quantity and quantity:  # NaN is nothing, or unknown
            units = count.units(Decimal(str(float(quantity))), month)
            day = row.day.date() if isinstance(row.day, datetime) else row.day
            yield Used((day, row.function), row.account, row.region, row.architecture, count.meter, units)


def _names(things: Things) -> dict[tuple[str, str], set[str]]:
    """Whatever of a place a bill may name, also what is gone since."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind in ("function", "log_group", "queue"):
        for thing in things.of(kind, gone=True):
            found.setdefault((thing.account, thing.region), set()).add(thing.name)
    return found
