"""What Lambda costs: prices per region and the arithmetic, in exact decimals. An unknown price is None, never
a guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources

from core.meters import METERS, exact
from core.price_book import Price, PriceBook
from core.price_file import packaged_prices

FREE_EPHEMERAL_MB = 512
GIB = 1024**3

GRAIN_USD = Decimal("1e-15")
"""Money is kept to this grain: fine enough for a millisecond of the smallest function, coarse enough that
sums of parts equal the whole to the last digit in Decimal's default precision."""


@dataclass(frozen=True, slots=True)
class Prices:
    """USD of one region and architecture: the first tier, free tier not subtracted.

    `request` and `log_ingest` are per request and per GiB, the others per GB-second (GB = 1,024 MB).
    """

    request: Decimal | None = None
    duration: Decimal | None = None
    provisioned_capacity: Decimal | None = None
    provisioned_duration: Decimal | None = None
    ephemeral: Decimal | None = None
    log_ingest: Decimal | None = None


UNKNOWN = Prices()


@cache
def packaged() -> tuple[Price, ...]:
    """The prices that came with this release."""
    return packaged_prices(resources.files("core").joinpath("data/prices.json").read_text("utf-8"))


@cache
def packaged_book() -> PriceBook:
    """A book of nothing but them; one with the prices of a store is `store.readers.prices.price_book`."""
    return PriceBook(packaged())


def _day() -> date:
    return max(price.seen for price in packaged())


def regions() -> tuple[str, ...]:
    return packaged_book().regions()


class ListPrices:
    """List prices of a book, as of any day: what the first unit of a month costs, before free amounts, tiers
    and plans. For what costs a little, and for what is proposed; totals are `core.tiering`'s."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._known: dict[tuple[str, str, date], Prices] = {}

    def of(self, region: str, architecture: str, *, on: date) -> Prices:
        """Prices of `architecture` (x86_64, arm64) in `region`; all None for a place we know nothing of."""
        key = region, architecture, on
        if key not in self._known:
            found = {field: self.usd(name, region, architecture, on=on) for field, name in _NAMES.items()}
            self._known[key] = Prices(**found)
        return self._known[key]

    def usd(self, meter: str, region: str, architecture: str = "", *, on: date) -> Decimal | None:
        """USD of a unit of one of `core.meters.METERS`; None: not known."""
        price = self._book.of(METERS[meter], region, architecture, on=on)
        return None if price is None else price.usd


def prices(region: str, architecture: str) -> Prices:
    """The list prices that came with this release, to hold answers against. What is shown or judged follows
    the store's own book: `store.readers.prices`."""
    return ListPrices(packaged_book()).of(region, architecture, on=_day())


_NAMES = {
    "request": "requests",
    "duration": "duration",
    "provisioned_capacity": "provisioned_capacity",
    "provisioned_duration": "provisioned_duration",
    "ephemeral": "ephemeral",
    "log_ingest": "log_ingest",
}


def cost(quantity: Decimal | float | None, price: Decimal | None) -> Decimal | None:
    """`quantity * price` in USD, to `GRAIN_USD`; None when unknown. Nothing costs nothing, whatever the
    price."""
    if quantity is None:
        return None
    amount = exact(quantity)
    if amount == 0:
        return Decimal(0)
    return None if price is None else (amount * price).quantize(GRAIN_USD)


def gb_seconds(milliseconds: float, memory_mb: float) -> Decimal:
    """Billed milliseconds at a memory size as GB-seconds, exactly."""
    return exact(milliseconds) * exact(memory_mb) / (1000 * 1024)


def ephemeral_gb_seconds(milliseconds: float, ephemeral_mb: float | None) -> Decimal:
    """Billed milliseconds of /tmp beyond the free 512 MB as GB-seconds; the default size is the free one."""
    return gb_seconds(milliseconds, max(0, (ephemeral_mb or FREE_EPHEMERAL_MB) - FREE_EPHEMERAL_MB))
