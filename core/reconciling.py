"""Our estimate of a month against the bill: what differs, why as far as can be told, and what is left."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple, cast

from core import billed
from core.billed import DIGITS, USED, Bill, Billed, What, meters_of_type
from core.meters import LAMBDA, METERS, Meter, Used, exact, without_prefix
from core.price_book import Price, PriceBook
from core.reconciled import (
    CREDITS,
    DISCOUNTS,
    ELSEWHERE,
    FEES,
    FREE_TIER,
    LATE,
    MOST_NAMES,
    NO_DAY,
    NO_PRICE,
    NOT_ESTIMATED,
    PLANS,
    PRICE,
    ROUGHLY,
    ROUNDING,
    SHARED,
    TAXES,
    TIERS,
    UNEXPLAINED,
    UNREAD,
    UNWATCHED,
    Cell,
    Compared,
    Day,
    Difference,
    Reconciled,
)

CLOSE_USD, CLOSE_SHARE = Decimal("1e-6"), Decimal("1e-6")

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


class Rough(NamedTuple):
    """Why a day's use is known roughly, and by how much of the larger side it may be off for that. What is
    known at `most` says nothing of a bill that has more."""

    why: str
    share: Decimal = Decimal(1)
    is_most: bool = False

    def explains(self, gap: Decimal, size: Decimal) -> bool:
        return abs(gap) <= size * self.share and not (self.is_most and gap > 0)


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the places of a bill. `names` are functions, log groups and queues per watched place;
    `days` those with any use in the store, but for those that were not read of every function; `roughly`
    those of a place and meter on which not all use is known as it was, and why; from `settled_before` on the
    bill may lack use."""

    names: Mapping[Place, Set[str]]
    days: Mapping[Place, Set[date]]
    roughly: Mapping[tuple[str, str, str], Mapping[date, Rough]] = field(default_factory=dict)
    settled_before: date = date.max


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


CANONICAL = {name: _canonical(meter) for name, meter in METERS.items()}


def cell_of(used: Used) -> Cell:
    meter = METERS[used.meter]
    architecture = used.architecture if meter.by_architecture else ""
    return Cell(used.account, used.region, CANONICAL[used.meter], architecture)


def _cell_of_line(what: What) -> Cell:
    """A usage type that no meter means stands for itself."""
    meters = meters_of_type(what.service, what.usage_type)
    if not meters:
        return Cell(what.account, what.region, without_prefix(what.usage_type), "")
    meter = METERS[CANONICAL[meters[0]]]
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
        _days(sides, price.usd if price else Decimal(0)),
    )


def _days(sides: _Sides, usd: Decimal) -> dict[date, Day]:
    found: dict[date, Day] = {}
    for (day, _), quantity in sides.ours.items():
        held = found.get(day, NO_DAY)
        found[day] = held._replace(estimate_usd=held.estimate_usd + quantity * usd)
    for what, line in sides.bill.items():
        held = found.get(what.day, NO_DAY)
        found[what.day] = held._replace(bill_usd=held.bill_usd + line.net_usd)
    return found


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
    elif not is_counted and _is_shared(cell):
        yield Difference(cell, SHARED, whole, _usage_types(used))
    elif cell.meter not in METERS or not is_counted:
        yield Difference(cell, NOT_ESTIMATED, whole, (cell.meter,))
    elif price is None:
        yield Difference(cell, NO_PRICE, whole, (f"{cell.meter} in {cell.region}",))
    else:
        mine = {what: line for what, line in used.items() if _is_watched(what, known)}
        for what, line in used.items():
            if what not in mine:
                reason = SHARED if _is_shared(cell) else UNWATCHED
                yield Difference(cell, reason, line.net_usd, (what.resource,))
        yield from _by_day(cell, sides.ours, mine, price.usd, known)
        turns = _free_until(mine) if METERS[cell.meter].free else None
        for what, line in mine.items():
            yield from _priced(cell, what, line, price, is_part_free=what.day == turns)


def _is_shared(cell: Cell) -> bool:
    """Whether other services than Lambda use what the meter counts, too."""
    return cell.meter in METERS and METERS[cell.meter].service != LAMBDA


def _usage_types(lines: Iterable[What]) -> tuple[str, ...]:
    return tuple(sorted({what.usage_type for what in lines}))


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
            for reason, part in _reasons_of_day(cell, day, gap, size, _unnamed(cell, charged) * usd, known):
                yield Difference(cell, reason, part, _names(cell, day, reason, charged, counted, known))


def _unnamed(cell: Cell, charged: Mapping[What, Decimal]) -> Decimal:
    """What may be another service's use: the bill names no resource of it."""
    unnamed = (quantity for what, quantity in charged.items() if not what.resource)
    return sum(unnamed, Decimal(0)) if _is_shared(cell) else Decimal(0)


def _names(
    cell: Cell,
    day: date,
    reason: str,
    charged: Mapping[What, Decimal],
    counted: Mapping[str, Decimal],
    known: Known,
) -> tuple[str, ...]:
    if reason == UNEXPLAINED:
        return _apart(charged, counted)
    if reason == SHARED:
        return _usage_types(what for what in charged if not what.resource)
    if reason == ROUGHLY:
        return (known.roughly[cell[:3]][day].why,)
    return (day.isoformat(),) if reason in (LATE, UNREAD) else ()


def _reasons_of_day(
    cell: Cell, day: date, gap: Decimal, size: Decimal, unnamed_usd: Decimal, known: Known
) -> Iterator[tuple[str, Decimal]]:
    """Why a day's use differs, with the part of the gap that each reason has."""
    if _is_close(gap, size):
        yield ROUNDING, gap
    elif day >= known.settled_before:
        yield LATE, gap
    elif day not in known.days.get((cell.account, cell.region), ()):
        yield UNREAD, gap
    else:
        others = max(Decimal(0), min(gap, unnamed_usd))
        rough = known.roughly.get(cell[:3], {}).get(day)
        left = gap - others
        yield SHARED, others
        yield ROUGHLY if rough and rough.explains(left, size) else UNEXPLAINED, left


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


def _free_until(mine: Bill) -> date | None:
    """The day on which a free amount is used up: the first that is charged. A source that tells days without
    list prices has what is free of it and what is not in one line."""
    charged = [what.day for what, line in mine.items() if what.kind == billed.USAGE and line.net_usd]
    return min(charged, default=None)


def _priced(
    cell: Cell, what: What, line: Billed, price: Price, *, is_part_free: bool
) -> Iterator[Difference]:
    """What was charged for a quantity, less its value at our list price."""
    value = line.quantity * price.usd
    if what.kind == billed.FREE:
        yield Difference(cell, FREE_TIER, line.net_usd - value)
    elif what.kind == billed.COVERED:
        yield Difference(cell, PLANS, line.net_usd - value)
    else:
        listed = line.net_usd if line.list_usd is None else line.list_usd
        reason = _reason_of_price(listed, line.quantity, price)
        if is_part_free and line.list_usd is None and reason != ROUNDING and listed < value:
            reason = FREE_TIER
        yield Difference(cell, reason, listed - value)
        discount = line.net_usd - listed
        yield Difference(cell, ROUNDING if _is_close(discount, listed) else DISCOUNTS, discount)


def _reason_of_price(listed: Decimal, quantity: Decimal, price: Price) -> str:
    value = quantity * price.usd
    if _is_close(listed - value, value):
        return ROUNDING
    lowest = min(tier.usd for tier in price.tiers) * quantity
    return TIERS if lowest - CLOSE_USD <= listed < value else PRICE
