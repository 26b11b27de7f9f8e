"""List prices of the region from AWS's Price List, once a day and only where the settings allow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Expected, Learned
from core.entities import ListPrice
from core.facts import Covered, Gap
from core.price_book import Price
from core.pricelist import REQUIRED, PriceListError, prices_of

PAGE = 100
"""The largest page that GetProducts gives."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """The prices of each service, or why they could not be taken: those of a service are kept all or none."""
    region, today = aws.target.region, ask.window.end.date()
    if region.startswith(("cn-", "us-gov-", "eusc-")):
        why = f"AWS's Price List is not asked for {region}: it is of a partition of its own"
        yield Expected(Gap("", ask.window, why))
        return
    for service in REQUIRED:
        try:
            found = fetch_prices(aws, service, region, seen=today)
        except PriceListError as error:
            yield Gap(service, ask.window, f"prices were left as they are: {error}")
        else:
            yield from map(to_fact, found)
    yield Covered("", ask.window)


def fetch_prices(aws: Aws, service: str, region: str, *, seen: date) -> tuple[Price, ...]:
    """Raises PriceListError when the answer cannot be taken."""
    where = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    pages = aws.pages("pricing", "get_products", ServiceCode=service, Filters=where, PageSize=PAGE)
    products = [product for page in pages for product in page.get("PriceList", ())]
    return prices_of(service, products, region=region, seen=seen)


def to_fact(price: Price) -> ListPrice:
    words = (price.name, price.architecture, price.since.isoformat())
    return ListPrice(
        name=" ".join(filter(None, words)),
        price=price.name,
        architecture=price.architecture,
        since=price.since.isoformat(),
        tiers={f"{tier.above:f}": f"{tier.usd:f}" for tier in price.tiers},
        source=price.source,
    )


COLLECTOR = Collector(
    name="prices",
    what="List prices of the region from AWS's Price List, if `cost.refresh_prices` is on.",
    every="prices_every",
    permissions=("pricing:GetProducts",),
    collect=collect,
)
