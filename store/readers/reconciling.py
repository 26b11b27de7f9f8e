"""A month's bill beside what the store counted of the same accounts."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.billed import Bill, add, resource_name
from core.billed import Line as BillLine
from core.errors import BillError
from core.metering import COUNTS
from core.meters import Used
from core.reconciled import Reconciled
from core.reconciling import Known, reconcile
from core.settings import CostSettings
from core.windows import Window, merge
from store import bills
from store.asking import reader
from store.bills import Imported
from store.readers.explored import EXPLORER, Explored, as_imported, explored, to_bill
from store.readers.measured import KINDS
from store.readers.metered import KEPT, Metering, meter_usage
from store.readers.prices import read_book
from store.readers.roughly import days_of, roughly_known, windows_read
from store.readers.things import EVERYTHING, Things
from store.store import Snapshot, Store
from store.tiers import DAY

IMPORTED = "imported"
SOURCES = (IMPORTED, EXPLORER)
"""Where a month's bill may come from; what was imported says more."""

BEST_FIRST = ("cur", "focus")
FINAL_AFTER = timedelta(days=5)
"""AWS completes a month's bill in the first days of the next one."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`bills` are those compared, one for each payer; `without_bill` are watched accounts (of Cost Explorer:
    accounts and regions) that are on none of them: nothing of theirs is compared."""

    found: Reconciled
    bills: tuple[Imported, ...]
    without_bill: tuple[str, ...]
    is_final: bool
    source: str = IMPORTED


@reader
def billed_months(store: Store) -> dict[str, tuple[str, ...]]:
    """Months of which there is a bill, the newest first, and its sources: 2026-10, imported before Cost
    Explorer's."""
    found: dict[str, set[str]] = {}
    for one in bills.imported(store):
        found.setdefault(one.month, set()).add(IMPORTED)
    for day in explored(store):
        if day.charges:
            found.setdefault(f"{day.day:%Y-%m}", set()).add(EXPLORER)
    return {month: tuple(one for one in SOURCES if one in found[month]) for month in sorted(found)[::-1]}


@reader
def reconciliation(
    store: Store, month: date, settings: CostSettings, *, now: datetime, against: str = ""
) -> Reconciliation:
    """`against` is one of SOURCES; "": the first that there is. Raises BillError when the store has no bill
    of the month from there."""
    charged = _charged(store, f"{month:%Y-%m}", against)
    if charged is None:
        raise BillError(
            f"the store has no bill of {month:%Y-%m}{f' from {against}' if against else ''}: import one with"
            " `quarterdeck bill import FILE`, or switch cost.cost_explorer on (see docs/bills.md)"
        )
    whole, mine, is_final, window = charged.bill, charged.of, charged.is_final, _window(month)
    with store.snapshot(window, KEPT) as snapshot:
        things = Things.read(snapshot, *KINDS)
        metered = meter_usage(snapshot, things, window, EVERYTHING, now=now, step=DAY)
        used = list(_used(metered))
        read, roughly = (
            _read_in_full(snapshot, things, window),
            roughly_known(metered, snapshot, things, window),
        )
        book = read_book(snapshot)
    compared = [one for one in used if charged.has(one)]
    days: dict[tuple[str, str], set[date]] = {}
    for one in compared:
        place, day = (one.account, one.region), one.key[0]  # type: ignore[index]
        if day in read.get(place, ()):
            days.setdefault(place, set()).add(day)
    ends = [date.fromisoformat(one.last_day) for one in mine if one.last_day and not is_final]
    settled = min(ends, default=date.max)
    found = reconcile(compared, whole, book, Known(_names(things), days, roughly, settled), month=month)
    without = sorted({charged.place_of(one) for one in used if not charged.has(one)})
    return Reconciliation(found, tuple(mine), tuple(without), is_final, charged.source)


@dataclass(frozen=True, slots=True)
class _Charged:
    """A month's bill from one source. `places`: the accounts, or accounts and regions, that it is of."""

    bill: Bill
    of: list[Imported]
    places: frozenset[str]
    is_final: bool
    source: str

    def has(self, used: Used) -> bool:
        return self.place_of(used) in self.places

    def place_of(self, used: Used) -> str:
        return f"{used.account} {used.region}" if self.source == EXPLORER else used.account


def _charged(store: Store, month: str, against: str) -> _Charged | None:
    mine = _chosen(bills.imported(store), month) if against in ("", IMPORTED) else []
    if mine:
        whole = _whole(store, mine)
        accounts = frozenset(what.account for what in whole)
        is_final = all(_is_final(one) for one in mine)
        return _Charged(whole, mine, accounts, is_final, IMPORTED)
    days = explored(store, month=month) if against in ("", EXPLORER) else []
    if not any(day.charges for day in days):
        return None
    places = frozenset(f"{day.account} {day.region}" for day in days)
    is_final = _is_over(days, month) and not any(day.is_estimated for day in days)
    return _Charged(to_bill(days), as_imported(days, month), places, is_final, EXPLORER)


def _is_over(days: list[Explored], month: str) -> bool:
    """Whether the last day was read."""
    return _window(date.fromisoformat(f"{month}-01")).end.date() - timedelta(days=1) in {d.day for d in days}


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


def _is_final(one: Imported) -> bool:
    month = date.fromisoformat(f"{one.month}-01")
    return one.imported_at >= _window(month).end + FINAL_AFTER


def _used(metered: Metering) -> Iterator[Used]:
    """What every function used on each day, as the estimate counts it."""
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
            found.setdefault((thing.account, thing.region), set()).add(resource_name(thing.name))
    return found


def _read_in_full(snapshot: Snapshot, things: Things, window: Window) -> dict[tuple[str, str], set[date]]:
    """Days of a place of which the metrics of every function that exists were read."""
    found = {place: set(days_of(window)) for place in _names(things)}
    read = windows_read(snapshot, window, "metrics")
    for thing in things.of("function"):
        mine = merge(read.get((thing.account, thing.region, thing.name), ()))
        found[thing.account, thing.region] &= {day for one in mine for day in days_of(one)}
    return found
