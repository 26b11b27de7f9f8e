"""Which prices hold: those of one's own file, those that AWS answered, those that came with the release."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa

from core.entities import ListPrice
from core.price_book import Price, PriceBook, Tier
from core.prices import ListPrices, packaged
from core.windows import Window
from store import schema
from store.asking import reader
from store.revisions import Kept
from store.store import Snapshot, Store

_EPOCH = datetime.fromtimestamp(0, UTC)
_NEVER = Window(_EPOCH, _EPOCH)
_BOOKS = Kept[PriceBook](limit=16)


@reader
def price_book(store: Store) -> PriceBook:
    """All prices that are known, with their history: one's own first, then what AWS's Price List answered,
    then those of this release."""
    with store.snapshot(_NEVER) as snapshot:
        return read_book(snapshot)


@reader
def list_prices(store: Store) -> ListPrices:
    """Its list prices, for what is shown beside what is stored."""
    return ListPrices(price_book(store))


@reader
def price_sources(store: Store) -> str:
    """Which prices hold, in a sentence."""
    (own, since), (answered, read), (ours, looked_up) = price_book(store).layers
    told = [f"{own:,} of your own file, of {since}"] if own else []
    told += [f"{answered:,} of AWS's Price List, read until {read}"] if answered else []
    told += [f"{ours:,} that came with this release, looked up on {looked_up}"]
    return f"List prices: {'; then '.join(told)}."


def read_book(snapshot: Snapshot) -> PriceBook:
    """The same, for readers that look at other things at the same instant. Made anew only when prices were
    read anew."""
    part, revision = ("book", "", ""), book_revision(snapshot)
    if part not in (found := _BOOKS.of({part: revision})):
        found = {part: PriceBook(snapshot.prices, refreshed_prices(snapshot), packaged())}
        _BOOKS.keep({part: revision}, found)
    return found[part]


def book_revision(snapshot: Snapshot) -> str:
    """What the book is made of: prices of one's own by their value, AWS's by what changed and was seen."""
    c, seen = schema.revision.c, schema.entity.c
    changed = sa.select(c.account, c.region, c.value).where(c.kind == ListPrice.KIND)
    newest = sa.select(sa.func.max(seen.last_seen)).where(seen.kind == ListPrice.KIND)
    told = [*snapshot.rows(changed, rows=1000), *snapshot.rows(newest, rows=1)]
    return f"{hash(snapshot.prices)} {sorted(str(row) for rows in told for row in rows)}"


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
