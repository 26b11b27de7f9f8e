"""Price files: one list of prices, checked as a whole, every mistake named by line and field."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from core.errors import SettingsError
from core.marked_yaml import Document, parse
from core.meters import METERS
from core.price_book import EVERYWHERE, Confidence, Price, Tier
from core.settings import Section

ALWAYS = date(1, 1, 1)
"""Since when a price holds that says nothing of it."""

NAMES = tuple(dict.fromkeys(meter.price for meter in METERS.values()))
BY_ARCHITECTURE = frozenset(meter.price for meter in METERS.values() if meter.by_architecture)

REGION = rf"^({'[*]'}|[a-z]{{2,4}}(-[a-z]+)+-\d)$"


class TierRow(Section):
    above: Decimal = Field(ge=0, allow_inf_nan=False)
    usd: Decimal = Field(ge=0, allow_inf_nan=False)


class PriceRow(Section):
    """One price: `usd` a unit, or `tiers` that begin above 0 and rise."""

    price: str
    region: str = Field(pattern=REGION, description=f"{EVERYWHERE} is every region")
    architecture: str = ""
    usd: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    tiers: list[TierRow] = Field(default_factory=list)
    since: date | None = None
    source: str | None = None
    confidence: Confidence = "high"

    @model_validator(mode="after")
    def _is_whole(self) -> PriceRow:
        if self.price not in NAMES:
            raise ValueError(f"there is no price `{self.price}`; known: {', '.join(NAMES)}")
        if (self.usd is None) == (not self.tiers):
            raise ValueError("a price has either `usd` or `tiers`")
        if bool(self.architecture) != (self.price in BY_ARCHITECTURE):
            told = "needs an `architecture`" if self.price in BY_ARCHITECTURE else "has no `architecture`"
            raise ValueError(f"the price of {self.price} {told}")
        bounds = [tier.above for tier in self.tiers]
        if bounds and (bounds[0] != 0 or bounds != sorted(set(bounds))):
            raise ValueError("tiers begin above 0, and each begins above the one before")
        return self

    @property
    def key(self) -> tuple[str, str, str, date | None]:
        return self.price, self.region, self.architecture, self.since


class PriceFile(Section):
    """What a price file holds. `since` is of rows that have none of their own; `sources` spells out what rows
    name shortly."""

    as_of: date
    currency: Literal["USD"] = "USD"
    since: date = ALWAYS
    note: str = ""
    sources: dict[str, str] = Field(default_factory=dict)
    prices: list[PriceRow]

    def to_prices(self, *, source: str = "a price file") -> tuple[Price, ...]:
        return tuple(self._price(row, source) for row in self.prices)

    def _price(self, row: PriceRow, source: str) -> Price:
        tiers = [Tier(tier.above, tier.usd) for tier in row.tiers] or [
            Tier(Decimal(0), row.usd or Decimal(0))
        ]
        return Price(
            name=row.price,
            region=row.region,
            architecture=row.architecture,
            tiers=tuple(tiers),
            since=row.since or self.since,
            seen=self.as_of,
            source=self.sources.get(row.source or "", row.source or source),
            confidence=row.confidence,
        )


def packaged_prices(text: str) -> tuple[Price, ...]:
    """The prices of a file of ours, as JSON; it is checked all the same."""
    return PriceFile.model_validate(json.loads(text)).to_prices()


def parse_prices(text: str, name: str) -> tuple[Price, ...]:
    """The prices of somebody's file (YAML or JSON), all or none.

    Raises SettingsError with a line per mistake: `file:line: prices.3.usd: what is wrong`.
    """
    document = parse(text, name)
    if not isinstance(document.data, dict):
        raise SettingsError([f"{name}:1: a price file holds `as_of:` and `prices:` with a list below it"])
    try:
        file = PriceFile.model_validate(document.data)
    except ValidationError as error:
        raise SettingsError(_mistakes(error, document)) from error
    if twice := _twice(file, document):
        raise SettingsError(twice)
    return file.to_prices(source=name)


def own_prices(file: Path | None) -> tuple[Price, ...]:
    """The prices of the file that `cost.prices` names, all of them or none. Raises SettingsError with a line
    per mistake."""
    if file is None:
        return ()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: the price file cannot be read: {error}"]) from error
    return parse_prices(text, str(file))


def _mistakes(error: ValidationError, document: Document) -> list[str]:
    found = []
    for mistake in error.errors(include_url=False, include_input=False):
        where = mistake["loc"]
        path = ".".join(str(part) for part in where)
        found.append((document.line(where), f"{path}: {_said(mistake)}"))
    return [f"{document.name}:{line}: {what}" for line, what in sorted(found)]


def _said(mistake: Any) -> str:
    if mistake["type"] == "extra_forbidden":
        return "there is no such field"
    if mistake["type"] == "missing":
        return "this field is missing"
    if mistake["loc"][-1] == "region" and mistake["type"] == "string_pattern_mismatch":
        return "this is not a region, such as eu-west-1, nor * for all of them"
    message: str = mistake["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message.replace("should be", "must be", 1)


def _twice(file: PriceFile, document: Document) -> list[str]:
    seen, found = set[Any](), list[str]()
    for at, row in enumerate(file.prices):
        if row.key in seen:
            line = document.line(("prices", at))
            found.append(f"{document.name}:{line}: prices.{at}: this price is given twice for the same day")
        seen.add(row.key)
    return found
