"""What a month's use costs a payer, and whose share that is: free amounts, plans, tiers, allocated back."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple

from core.meters import FREE_A_MONTH, METERS, Meter, Used, exact
from core.price_book import Price, PriceBook
from core.prices import GRAIN_USD
from core.settings import CostSettings, SavingsPlanSettings
from core.sharing import share_out

RULE = (
    "List cost is use times the first tier's price. Net cost is worked out per payer and month as AWS does:"
    " the free amounts are taken off, over all regions and architectures together and from each in"
    " proportion to its use; what a Compute Savings Plan covers is charged at its rate, and the rest over"
    " the tiers of its region and architecture. Functions, versions and hours then bear the payer's cost in"
    " proportion to their list cost, to the last decimal. A plan's commitment is taken over the month as a"
    " whole, while AWS takes each hour by itself: of bursts less is covered than shown here. What of the"
    " commitment is not used belongs to no function. Free amounts that other use of the payer draws on"
    " (accounts that are not watched, logs of other services) are not known; where there is such use,"
    " `cost.free_tier: elsewhere` counts none as free."
)
"""How net cost comes about, in words."""

QUANTITY_GRAIN = Decimal("1e-9")
"""Free amounts are divided to this grain of a unit."""

DIGITS = 60
"""Precision of sums and products: far more than months of use at these grains have."""

NO_QUANTITY = "how much was used is not known"


class Line(NamedTuple):
    """What is added up before tiers: one meter of an account in a region and month (its first day).
    `architecture` is "" where the meter's price does not go by it."""

    account: str
    region: str
    architecture: str
    meter: str
    month: date


@dataclass(frozen=True, slots=True)
class Rate:
    """What a line's units cost: `usd` a unit at list price, times `factor` (0..1, more only with a plan
    dearer than a tier) after free amounts, plan and tiers. `list_usd` and `net_usd` are the line's exact
    totals; all are None, and `why` says it, where the price is not known."""

    usd: Decimal | None
    factor: Decimal | None
    list_usd: Decimal | None
    net_usd: Decimal | None
    price: Price | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """What the use of one key costs: at list price, and as its share of what the payer is charged."""

    key: Hashable
    meter: str
    list_usd: Decimal | None
    net_usd: Decimal | None
    why: str | None = None


def charge(
    used: Iterable[Used],
    prices: PriceBook,
    settings: CostSettings,
    *,
    month: date,
    until: datetime | None = None,
) -> list[Charge]:
    """A charge per key, meter and place of all that was used in `month` (any day of it; `until` when, for one
    that goes on). Their sum is the payers' cost to the last decimal; their order is that of first use.

    Raises ValueError for a meter that does not exist and for less than nothing.
    """
    with localcontext(prec=DIGITS):
        parts: dict[Line, dict[Hashable, Decimal]] = {}
        unknown: list[Charge] = []
        for one in used:
            line = line_of(one, month)
            quantity = exact(one.quantity)
            if quantity.is_nan():
                unknown.append(Charge(one.key, one.meter, None, None, NO_QUANTITY))
                continue
            mine = parts.setdefault(line, {})
            mine[one.key] = mine.get(one.key, Decimal(0)) + quantity
        totals = {line: sum(mine.values(), Decimal(0)) for line, mine in parts.items()}
        rates = effective_rates(totals, prices, settings, until=until)
        return [c for line, mine in parts.items() for c in _charges(line, mine, rates[line])] + unknown


def line_of(used: Used, month: date) -> Line:
    """The line that a use is part of."""
    architecture = used.architecture if _meter(used.meter).by_architecture else ""
    return Line(used.account, used.region, architecture, used.meter, month.replace(day=1))


def _charges(line: Line, mine: Mapping[Hashable, Decimal], rate: Rate) -> list[Charge]:
    if rate.list_usd is None or rate.net_usd is None:
        nothing = Decimal(0)
        return [
            Charge(key, line.meter, *((None, None, rate.why) if quantity else (nothing, nothing, None)))
            for key, quantity in mine.items()
        ]
    listed = share_out(rate.list_usd, mine, GRAIN_USD)
    net = share_out(rate.net_usd, mine, GRAIN_USD)
    return [Charge(key, line.meter, listed[key], net[key]) for key in mine]


def effective_rates(
    totals: Mapping[Line, Decimal | float],
    prices: PriceBook,
    settings: CostSettings,
    *,
    until: datetime | None = None,
) -> dict[Line, Rate]:
    """The rate of every line. `totals` must hold all that the payers used in each month, so that tiers are
    right; money is then quantity x rate.usd x rate.factor, and a line's sum `net_usd`.

    Prices are those of the month's last day. Raises ValueError as `charge` does.
    """
    with localcontext(prec=DIGITS):
        found: dict[Line, Rate] = {}
        for (payer, month), mine in _by_payer(totals, settings).items():
            found |= _month(mine, prices, settings, payer=payer, hours=_hours(month, until))
        return found


def unused_commitment_usd(
    totals: Mapping[Line, Decimal | float],
    prices: PriceBook,
    settings: CostSettings,
    *,
    until: datetime | None = None,
) -> Decimal | None:
    """What of the plan's commitment pays for no use, over the payers and months of `totals`, which are as
    those of `effective_rates`; None: no plan has one. It is charged, and the cost of nobody."""
    plan = settings.savings_plan
    if plan is None or plan.commitment_usd_per_hour is None:
        return None
    unused = Decimal(0)
    with localcontext(prec=DIGITS):
        for (payer, month), mine in _by_payer(totals, settings).items():
            if _plan(settings, payer) is not None:
                covered = _coverable_usd(_pools(mine, prices, settings)[0].values(), plan)
                unused += max(Decimal(0), plan.commitment_usd_per_hour * _hours(month, until) - covered)
        return unused.quantize(GRAIN_USD)


def _by_payer(
    totals: Mapping[Line, Decimal | float], settings: CostSettings
) -> dict[tuple[str, date], dict[Line, Decimal]]:
    """The lines of each payer and month. Raises ValueError for less than nothing."""
    books: dict[tuple[str, date], dict[Line, Decimal]] = {}
    for line, quantity in totals.items():
        amount = exact(quantity)
        if not amount >= 0:
            raise ValueError(f"{amount} of {line.meter} in {line.region} cannot have been used")
        books.setdefault((settings.payer_of(line.account), line.month), {})[line] = amount
    return books


def left_out(charges: Iterable[Charge]) -> dict[str, int]:
    """What totals lack: each reason, and how many charges have no cost for it; the most frequent first."""
    return dict(Counter(one.why for one in charges if one.why is not None).most_common())


# --- one payer's month --------------------------------------------------------------------------------------


class _Pool(NamedTuple):
    """What is charged together: it has one price, tiers, free amount and plan."""

    region: str
    architecture: str
    name: str


@dataclass(slots=True)
class _Sum:
    meter: Meter
    price: Price | None
    quantity: Decimal
    billable: Decimal


def _month(
    mine: Mapping[Line, Decimal], prices: PriceBook, settings: CostSettings, *, payer: str, hours: Decimal
) -> dict[Line, Rate]:
    pools, lines = _pools(mine, prices, settings)
    covered = _covered_share(pools.values(), _plan(settings, payer), hours)
    return {
        line: rate
        for pool, each in pools.items()
        for line, rate in _rates(each, lines[pool], _plan(settings, payer), covered).items()
    }


def _pools(
    mine: Mapping[Line, Decimal], prices: PriceBook, settings: CostSettings
) -> tuple[dict[_Pool, _Sum], dict[_Pool, dict[Line, Decimal]]]:
    """What is charged together, free amounts taken off, and the lines of each."""
    pools: dict[_Pool, _Sum] = {}
    lines: dict[_Pool, dict[Line, Decimal]] = {}
    for line, quantity in mine.items():
        meter = _meter(line.meter)
        pool = _Pool(line.region, line.architecture, meter.pool)
        lines.setdefault(pool, {})[line] = quantity
        if pool not in pools:
            price = prices.of(meter, line.region, line.architecture, on=_last_day(line.month))
            pools[pool] = _Sum(meter, price, Decimal(0), Decimal(0))
        pools[pool].quantity += quantity
    _take_free(pools, settings)
    return pools, lines


def _take_free(pools: Mapping[_Pool, _Sum], settings: CostSettings) -> None:
    """Leave in `billable` what exceeds the free amounts."""
    for each in pools.values():
        each.billable = each.quantity
    if settings.free_tier is not True:
        return
    for name, amount in FREE_A_MONTH.items():
        drawing = {pool: each.quantity for pool, each in pools.items() if each.meter.free == name}
        free = min(amount, sum(drawing.values(), Decimal(0)))
        for pool, taken in share_out(free, drawing, QUANTITY_GRAIN).items():
            pools[pool].billable = max(Decimal(0), drawing[pool] - taken)


def _covered_share(sums: Iterable[_Sum], plan: SavingsPlanSettings | None, hours: Decimal) -> Decimal:
    """How much (0..1) of what the plan may cover its commitment is enough for."""
    if plan is None:
        return Decimal(0)
    if plan.commitment_usd_per_hour is None:
        return Decimal(1)
    whole = _coverable_usd(sums, plan)
    committed = plan.commitment_usd_per_hour * hours
    return Decimal(1) if whole <= committed else committed / whole


def _coverable_usd(sums: Iterable[_Sum], plan: SavingsPlanSettings) -> Decimal:
    """What the plan would charge for all that it may cover."""
    eligible = (each for each in sums if each.meter.savings_plan and each.price)
    return sum((each.billable * _plan_usd(each, plan) for each in eligible), Decimal(0))


def _rates(
    each: _Sum, lines: Mapping[Line, Decimal], plan: SavingsPlanSettings | None, covered: Decimal
) -> dict[Line, Rate]:
    if each.price is None:
        return {line: Rate(None, None, None, None, None, _no_price(line)) for line in lines}
    price = each.price
    by_plan = each.billable * covered if plan and each.meter.savings_plan else Decimal(0)
    net = (by_plan * _plan_usd(each, plan) if plan else Decimal(0)) + price.of(each.billable - by_plan)
    whole = each.quantity * price.usd
    factor = net / whole if whole else Decimal(1)
    listed = share_out(whole.quantize(GRAIN_USD), lines, GRAIN_USD)
    shares = share_out(net.quantize(GRAIN_USD), lines, GRAIN_USD)
    return {line: Rate(price.usd, factor, listed[line], shares[line], price) for line in lines}


def _plan_usd(each: _Sum, plan: SavingsPlanSettings) -> Decimal:
    assert each.price is not None
    return each.price.usd * (1 - plan.discount)


def _plan(settings: CostSettings, payer: str) -> SavingsPlanSettings | None:
    plan = settings.savings_plan
    return plan if plan and plan.payer in (None, payer) else None


def _no_price(line: Line) -> str:
    of = f"{line.meter} ({line.architecture})" if line.architecture else line.meter
    return f"no price of {of} in {line.region} is known"


def _meter(name: str) -> Meter:
    if name not in METERS:
        raise ValueError(f"there is no meter {name!r}; known: {', '.join(METERS)}")
    return METERS[name]


def _last_day(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _hours(month: date, until: datetime | None) -> Decimal:
    """Hours of the month, as far as it has come."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    end = start + timedelta(days=calendar.monthrange(month.year, month.month)[1])
    last = min(end, until) if until else end
    return Decimal(str(max(timedelta(0), last - start) / timedelta(hours=1)))
