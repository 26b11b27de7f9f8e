"""Which prices hold: those of one's own file, those that AWS answered, those that came with the release."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from core.errors import SettingsError
from core.facts import ListPrice
from core.price_book import Price, PriceBook, Tier
from core.price_file import parse_prices
from core.prices import packaged
from core.settings import CostSettings
from core.windows import Window
from store import schema
from store.asking import reader
from store.store import Snapshot, Store

_EPOCH = datetime.fromtimestamp(0, UTC)


@reader
def price_book(store: Store, settings: CostSettings) -> PriceBook:
    """All prices that are known, with their history. Raises SettingsError when `cost.prices` is broken."""
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        return read_book(snapshot, settings)


def read_book(snapshot: Snapshot, settings: CostSettings) -> PriceBook:
    """The same, for readers that look at other things at the same instant."""
    return PriceBook(own_prices(settings.prices), refreshed_prices(snapshot), packaged())


def own_prices(file: Path | None) -> tuple[Price, ...]:
    """The prices of a file, all of them or none. Raises SettingsError with a line per mistake."""
    if file is None:
        return ()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: the price file cannot be read: {error}"]) from error
    return parse_prices(text, str(file))


def refreshed_prices(snapshot: Snapshot) -> list[Price]:
    """What AWS's Price List answered, older prices included; of several accounts' answers the newest."""
    c = schema.entity.c
    query = sa.select(c.region, c.body, c.last_seen).where(c.kind == ListPrice.KIND).order_by(c.last_seen)
    return [_price(*row) for row in snapshot.state(query).itertuples(index=False, name=None)]


def _price(region: str, body: dict[str, str | dict[str, str]], last_seen: datetime) -> Price:
    tiers = body["tiers"]
    assert isinstance(tiers, dict)
    return Price(
        name=str(body["price"]),
        region=region,
        architecture=str(body["architecture"]),
        tiers=tuple(sorted((Tier(Decimal(a), Decimal(u)) for a, u in tiers.items()), key=lambda t: t.above)),
        since=date.fromisoformat(str(body["since"])),
        seen=last_seen.date(),
        source=str(body["source"]),
    )
