"""Our estimate of a month against the bill: what differs, why as far as can be told, and what is left."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple, cast

from core import billed
from core.billed import DIGITS, USED, Bill, Billed, What, meters_of_type, total
from core.meters import LAMBDA, METERS, Meter, Used, exact, without_prefix
from core.price_book import Price, PriceBook

UNEXPLAINED = "unexplained"
FREE_TIER, TIERS, PLANS = "free tier", "volume tiers", "savings plans"
DISCOUNTS, CREDITS, TAXES, FEES = "discounts", "credits and refunds", "tax", "other charges"
UNWATCHED, ELSEWHERE = "not watched: functions", "not watched: accounts and regions"
NOT_ESTIMATED, NO_PRICE, PRICE = "not estimated", "no price known", "another price"
LATE, UNREAD, ROUNDING = "late usage", "days not collected", "rounding"

REASONS: Mapping[str, str] = {
    FREE_TIER: "Use that the bill charges nothing for, at list price.",
    TIERS: "The bill charges the cheaper tiers of a payer's month; the estimate here is at the first tier.",
    PLANS: "What Savings Plans take off covered use, and what of them is charged without use.",
    DISCOUNTS: "Private prices and discount lines.",
    CREDITS: "Credit and refund lines.",
    TAXES: "Tax lines. No estimate has tax.",
    FEES: "Lines of other kinds, by AWS's word.",
    UNWATCHED: "Resources that the bill charges in watched places, but no inventory has.",
    ELSEWHERE: "Accounts and regions that the bill charges and no target covers.",
    NOT_ESTIMATED: "What is charged, but counted nowhere by us.",
    NO_PRICE: "Places or meters of which no price is known: the estimate leaves them out.",
    PRICE: "The bill's public price is not the one that the estimate goes by.",
    LATE: "Days that the bill does not have in full yet.",
    UNREAD: "Days of which the store has no use at all for the account and region.",
    ROUNDING: "Differences of a millionth of what is compared, or less.",
    UNEXPLAINED: "What is left: use that only one side has, for no reason that can be told.",
}
"""Every reason in words, in the order they are told."""

CLOSE_USD, CLOSE_SHARE = Decimal("1e-6"), Decimal("1e-6")
TRUSTED, ROUGH = Decimal("0.02"), Decimal("0.1")
"""Shares that may stay unexplained for an estimate to be trusted, or to be called rough."""
MOST_NAMES = 5

Place = tuple[str, str]
"""Account and region."""

Key = tuple[date, str]
"""Day and function: of what `Used` are reconciled."""

_BY_KIND = {
    billed.NEGATION: PLANS,
    billed.COMMITMENT: PLANS,
    billed.UNUSED: PLANS,
    billed.DISCOUNT: DISCOUNTS,
    billed.CREDIT: CREDITS,
    billed.REFUND: CREDITS,
    billed.TAX: TAXES,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the places of a bill. `names` are functions, log groups and queues per watched place;
    `days` those with any use in the store; from `settled_before` on the bill may lack use."""

    names: Mapping[Place, Set[str]]
    days: Mapping[Place, Set[date]]
    settled_before: date = date.max


class Cell(NamedTuple):
    """What is compared: all meters that share a usage type, in one place."""

    account: str
    region: str
    meter: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`usd` by which the bill is above (below: negative) our list estimate, for one reason. `names` are what
    it is mostly about: functions, days, usage types."""

    cell: Cell
    reason: str
    usd: Decimal
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """One cell: what the estimate at list price and the bill (net of commitments) say."""

    cell: Cell
    unit: str
    estimate_quantity: Decimal
    bill_quantity: Decimal
    estimate_usd: Decimal
    bill_usd: Decimal
    differences: tuple[Difference, ...]

    @property
    def unexplained_usd(self) -> Decimal:
        return total(one.usd for one in self.differences if one.reason == UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """All cells of a month; those with the most unexplained dollars first."""

    month: date
    cells: tuple[Compared, ...]

    @property
    def estimate_usd(self) -> Decimal:
        return total(one.estimate_usd for one in self.cells)

    @property
    def bill_usd(self) -> Decimal:
        return total(one.bill_usd for one in self.cells)

    @property
    def unexplained_usd(self) -> Decimal:
        """Without regard to sign: too much here and too little there do not cancel out."""
        return total(abs(one.unexplained_usd) for one in self.cells)

    @property
    def unexplained_share(self) -> Decimal | None:
        """Of the larger of estimate and bill; None: both are nothing."""
        larger = max(abs(self.bill_usd), self.estimate_usd)
        return self.unexplained_usd / larger if larger else None

    def by_reason(self) -> dict[str, tuple[Decimal, tuple[str, ...]]]:
        """USD and names per reason that occurs, in the order of REASONS."""
        found = {}
        for reason in REASONS:
            mine = [d for one in self.cells for d in one.differences if d.reason == reason]
            if mine:
                largest = sorted(mine, key=lambda d: -abs(d.usd))
                names = dict.fromkeys(name for d in largest for name in d.names)
                found[reason] = (total(d.usd for d in mine), tuple(names)[:MOST_NAMES])
        return found


def reconcile(
    used: Iterable[Used], bill: Bill, prices: PriceBook, known: Known, *, month: date
) -> Reconciled:
    """Compare what we counted with what was charged. The key of each `Used` is its day and function.

    Per cell, the estimate at list price plus its differences is the bill, to the last digit.
    """
    with localcontext(prec=DIGITS):
        cells: dict[Cell, _Sides] = {}
        for one in used:
            key = cast(Key, one.key)
            ours = cells.setdefault(cell_of(one), _Sides()).ours
            ours[key] = ours.get(key, Decimal(0)) + exact(one.quantity)
        for what, line in bill.items():
            cells.setdefault(_cell_of_line(what), _Sides()).bill[what] = line
        counted = {cell.meter for cell, sides in cells.items() if any(sides.ours.values())}
        last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        found = [_compared(c, sides, prices, known, counted, last) for c, sides in sorted(cells.items())]
    return Reconciled(month.replace(day=1), tuple(sorted(found, key=_worst)))


def _worst(one: Compared) -> tuple[Decimal, Decimal]:
    return -abs(one.unexplained_usd), -abs(one.bill_usd - one.estimate_usd)


# --- what is compared with what -----------------------------------------------------------------------------


def _canonical(meter: Meter) -> str:
    """The first of the meters that a bill cannot tell apart."""
    alike = (m for m in METERS.values() if (m.service, m.usage_types) == (meter.service, meter.usage_types))
    return next(alike).name


_CANONICAL = {name: _canonical(meter) for name, meter in METERS.items()}


def cell_of(used: Used) -> Cell:
    meter = METERS[used.meter]
    architecture = used.architecture if meter.by_architecture else ""
    return Cell(used.account, used.region, _CANONICAL[used.meter], architecture)


def _cell_of_line(what: What) -> Cell:
    """A usage type that no meter means stands for itself."""
    meters = meters_of_type(what.service, what.usage_type)
    if not meters:
        return Cell(what.account, what.region, without_prefix(what.usage_type), "")
    meter = METERS[_CANONICAL[meters[0]]]
    architecture = "arm64" if what.usage_type.endswith("-ARM") else "x86_64"
    return Cell(what.account, what.region, meter.name, architecture if meter.by_architecture else "")


@dataclass(slots=True)
class _Sides:
    ours: dict[Key, Decimal] = field(default_factory=dict)
    bill: Bill = field(default_factory=dict)


def _compared(
    cell: Cell, sides: _Sides, prices: PriceBook, known: Known, counted: Set[str], last: date
) -> Compared:
    meter = METERS.get(cell.meter)
    price = prices.of(meter, cell.region, cell.architecture, on=last) if meter else None
    estimate = sum(sides.ours.values(), Decimal(0))
    used = {what: line for what, line in sides.bill.items() if what.kind in USED}
    found = [
        *_other_lines(cell, sides.bill),
        *_explained(cell, sides, used, price, known, is_counted=cell.meter in counted),
    ]
    return Compared(
        cell,
        meter.unit if meter else "",
        estimate,
        sum((line.quantity for line in used.values()), Decimal(0)),
        estimate * price.usd if price else Decimal(0),
        sum((line.net_usd for line in sides.bill.values()), Decimal(0)),
        tuple(_merged(found)),
    )


def _merged(found: Iterable[Difference]) -> Iterator[Difference]:
    reasons: dict[str, list[Difference]] = {}
    for one in found:
        if one.usd:
            reasons.setdefault(one.reason, []).append(one)
    for reason, mine in reasons.items():
        names = tuple(dict.fromkeys(name for one in mine for name in one.names))
        yield Difference(mine[0].cell, reason, sum((one.usd for one in mine), Decimal(0)), names)


def _other_lines(cell: Cell, bill: Bill) -> Iterator[Difference]:
    for what, line in bill.items():
        if what.kind not in USED:
            reason = _BY_KIND.get(what.kind, FEES)
            yield Difference(cell, reason, line.net_usd, (what.kind,) if reason == FEES else ())


def _explained(
    cell: Cell, sides: _Sides, used: Bill, price: Price | None, known: Known, *, is_counted: bool
) -> Iterator[Difference]:
    """Differences of use: first what the estimate cannot have, then quantities, then prices."""
    place = (cell.account, cell.region)
    whole = sum((line.net_usd for line in used.values()), Decimal(0))
    if place not in known.names and not sides.ours:
        yield Difference(cell, ELSEWHERE, whole, (f"{cell.account} {cell.region or 'no region'}",))
    elif cell.meter not in METERS or not is_counted:
        yield Difference(cell, NOT_ESTIMATED, whole, (cell.meter,))
    elif price is None:
        yield Difference(cell, NO_PRICE, whole, (f"{cell.meter} in {cell.region}",))
    else:
        mine = {what: line for what, line in used.items() if _is_watched(what, known)}
        for what, line in used.items():
            if what not in mine:
                yield Difference(cell, UNWATCHED, line.net_usd, (what.resource,))
        yield from _by_day(cell, sides.ours, mine, price.usd, known)
        for what, line in mine.items():
            yield from _priced(cell, what, line, price)


def _is_watched(what: What, known: Known) -> bool:
    return not what.resource or what.resource in known.names.get((what.account, what.region), ())


# --- quantities ---------------------------------------------------------------------------------------------


def _by_day(
    cell: Cell, ours: Mapping[Key, Decimal], mine: Bill, usd: Decimal, known: Known
) -> Iterator[Difference]:
    """The bill's quantities less ours, day by day, at our list price."""
    for day in sorted({day for day, _ in ours} | {what.day for what in mine}):
        charged = {what: line.quantity for what, line in mine.items() if what.day == day}
        counted = {name: quantity for (of, name), quantity in ours.items() if of == day}
        gap = (sum(charged.values(), Decimal(0)) - sum(counted.values(), Decimal(0))) * usd
        if gap:
            size = max(sum(charged.values(), Decimal(0)), sum(counted.values(), Decimal(0))) * usd
            reason = _reason_of_day(cell, day, gap, size, known)
            names = (day.isoformat(),) if reason in (LATE, UNREAD) else ()
            yield Difference(cell, reason, gap, _apart(charged, counted) if reason == UNEXPLAINED else names)


def _reason_of_day(cell: Cell, day: date, gap: Decimal, size: Decimal, known: Known) -> str:
    if _is_close(gap, size):
        return ROUNDING
    if day >= known.settled_before:
        return LATE
    return UNEXPLAINED if day in known.days.get((cell.account, cell.region), ()) else UNREAD


def _apart(charged: Mapping[What, Decimal], counted: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The functions that differ most, where the bill names them, or has none of the day."""
    if charged and not any(what.resource and what.service == LAMBDA for what in charged):
        return ()
    gaps = {name: -quantity for name, quantity in counted.items()}
    for what, quantity in charged.items():
        gaps[what.resource] = gaps.get(what.resource, Decimal(0)) + quantity
    largest = sorted((name for name, gap in gaps.items() if gap and name), key=lambda n: (-abs(gaps[n]), n))
    return tuple(largest[:MOST_NAMES])


def _is_close(gap: Decimal, size: Decimal) -> bool:
    return abs(gap) <= max(CLOSE_USD, abs(size) * CLOSE_SHARE)


# --- prices -------------------------------------------------------------------------------------------------


def _priced(cell: Cell, what: What, line: Billed, price: Price) -> Iterator[Difference]:
    """What was charged for a quantity, less its value at our list price."""
    value = line.quantity * price.usd
    if what.kind == billed.FREE:
        yield Difference(cell, FREE_TIER, line.net_usd - value)
    elif what.kind == billed.COVERED:
        yield Difference(cell, PLANS, line.net_usd - value)
    else:
        listed = line.net_usd if line.list_usd is None else line.list_usd
        yield Difference(cell, _reason_of_price(listed, line.quantity, price), listed - value)
        discount = line.net_usd - listed
        yield Difference(cell, ROUNDING if _is_close(discount, listed) else DISCOUNTS, discount)


def _reason_of_price(listed: Decimal, quantity: Decimal, price: Price) -> str:
    value = quantity * price.usd
    if _is_close(listed - value, value):
        return ROUNDING
    lowest = min(tier.usd for tier in price.tiers) * quantity
    return TIERS if lowest - CLOSE_USD <= listed < value else PRICE


def sentence(found: Reconciled) -> str:
    """How far to trust the estimate, in one sentence."""
    month = f"{found.month:%B %Y}"
    if not found.bill_usd and not found.estimate_usd:
        return f"Neither the bill nor the estimate of {month} has anything that costs money."
    share = found.unexplained_share or Decimal(0)
    bill, left = _dollars(found.bill_usd), _dollars(found.unexplained_usd)
    if not found.unexplained_usd:
        return f"The estimate of {month} can be trusted: all of the {bill} that AWS charges is explained."
    percent = f"{float(share) * 100:.2g} %"
    trust = "can be trusted" if share <= TRUSTED else "is rough" if share <= ROUGH else "is off"
    return f"The estimate of {month} {trust}: of {bill} that AWS charges, {left} ({percent}) are unexplained."


def _dollars(usd: Decimal) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):,.2f}" if abs(usd) >= Decimal("0.01") else f"${usd:.6f}"
