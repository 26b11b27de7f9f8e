"""Which price holds where and when: list prices with their tiers, by meter, region, architecture and day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from core.meters import Meter

EVERYWHERE = "*"
"""The region of what costs the same in all of them."""

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Tier:
    """What a unit costs of all that a month's use has `above` (the tier's lower bound)."""

    above: Decimal
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One price, per unit of its meters. `name` is `core.meters.Meter.price`, `architecture` "" where there
    is one price for all; valid from `since` until the next one; `seen` is the day it was looked up."""

    name: str
    region: str
    architecture: str = ""
    tiers: tuple[Tier, ...]
    since: date
    seen: date
    source: str
    confidence: Confidence = "high"

    @property
    def usd(self) -> Decimal:
        """The list price: that of the first tier."""
        return self.tiers[0].usd

    def of(self, quantity: Decimal) -> Decimal:
        """What a month's `quantity` costs over the tiers, exactly."""
        bounds = [tier.above for tier in self.tiers[1:]]
        tops = [min(quantity, bound) for bound in bounds] + [quantity]
        return sum(
            (
                tier.usd * (top - tier.above)
                for tier, top in zip(self.tiers, tops, strict=True)
                if top > tier.above
            ),
            Decimal(0),
        )


Key = tuple[str, str, str]
"""Name, region, architecture."""


class PriceBook:
    """Prices in layers, such as one's own, those that AWS answered, and those that came with this release.

    The first layer that has a price for the day wins. A day before all of them has the earliest price that is
    known.
    """

    def __init__(self, *layers: Iterable[Price]) -> None:
        self._layers = [_by_key(layer) for layer in layers]
        seen = [[price.seen for own in layer.values() for price in own] for layer in self._layers]
        self.layers = tuple((len(days), max(days, default=None)) for days in seen)
        """Of each: how many prices, and when the newest was looked up."""

    def price(self, name: str, region: str, architecture: str = "", *, on: date) -> Price | None:
        """The price that held `on` that day; None: it is not known, and must not be guessed."""
        keys = (name, region, architecture), (name, EVERYWHERE, architecture)
        found = [layer[key] for key in keys for layer in self._layers if key in layer]
        valid = (_valid(prices, on) for prices in found)
        earliest = min((prices[0] for prices in found), key=lambda p: p.since, default=None)
        return next((price for price in valid if price is not None), earliest)

    def of(self, meter: Meter, region: str, architecture: str, *, on: date) -> Price | None:
        """The price of a meter, whatever architecture those have that cost the same on all."""
        return self.price(meter.price, region, architecture if meter.by_architecture else "", on=on)

    def regions(self) -> tuple[str, ...]:
        """Regions of which at least one price is known."""
        named = dict.fromkeys(key[1] for layer in self._layers for key in layer)
        return tuple(region for region in named if region != EVERYWHERE)


def _by_key(prices: Iterable[Price]) -> dict[Key, list[Price]]:
    found: dict[Key, list[Price]] = {}
    for price in prices:
        found.setdefault((price.name, price.region, price.architecture), []).append(price)
    return {key: sorted(each, key=lambda p: (p.since, p.seen)) for key, each in found.items()}


def _valid(prices: Sequence[Price], on: date) -> Price | None:
    at = bisect_right(prices, on, key=lambda p: p.since)
    return prices[at - 1] if at else None
