"""A price is looked up by place and day, in layers, and is of tiers; what is not known is None."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.meters import METERS
from core.price_book import EVERYWHERE, Price, PriceBook, Tier
from core.prices import packaged, packaged_book

DAY = date(2026, 11, 1)


def a_price(usd="1", *, since=date(2026, 1, 1), seen=date(2026, 11, 21), region="eu-west-1", name="requests"):
    return Price(
        name=name,
        region=region,
        tiers=(Tier(Decimal(0), Decimal(usd)),),
        since=since,
        seen=seen,
        source="a test",
    )


def usd(book, *, on=DAY, region="eu-west-1"):
    found = book.price("requests", region, on=on)
    return None if found is None else found.usd


def test_a_month_has_the_price_that_held_then():
    book = PriceBook([a_price("2", since=date(2026, 10, 1)), a_price("1", since=date(2026, 1, 1))])

    assert [usd(book, on=day) for day in (date(2026, 9, 30), date(2026, 10, 1))] == [1, 2]


def test_a_day_before_all_that_is_known_has_the_earliest_price():
    book = PriceBook([a_price("2", since=date(2026, 10, 1))], [a_price("1", since=date(2026, 9, 1))])

    assert usd(book, on=date(2024, 1, 1)) == 1


def test_the_first_layer_that_knows_the_day_wins():
    own, ours = [a_price("5", since=date(2026, 10, 1))], [a_price("1", since=date(2026, 9, 1))]

    assert [usd(PriceBook(own, ours), on=day) for day in (date(2026, 9, 30), DAY)] == [1, 5]


def test_a_price_of_everywhere_holds_where_there_is_none_of_the_place():
    book = PriceBook([a_price("9", region=EVERYWHERE), a_price("1")])

    assert [usd(book), usd(book, region="ap-south-2")] == [1, 9]


def test_a_price_that_nobody_knows_is_none():
    assert usd(PriceBook([a_price()]), region="ap-south-2") is None


def test_a_book_says_how_many_prices_each_layer_has_and_when_the_newest_was_looked_up():
    book = PriceBook([], [a_price(seen=date(2026, 11, 2)), a_price(seen=date(2026, 11, 20))])

    assert book.layers == ((0, None), (2, date(2026, 11, 20)))


@pytest.mark.parametrize(
    ("quantity", "usd"), [(0, "0"), (6, "6"), (10, "10"), (11, "10.5"), (30, "20"), (40, "21")]
)
def test_use_is_charged_tier_by_tier(quantity, usd):
    tiers = (
        Tier(Decimal(0), Decimal(1)),
        Tier(Decimal(10), Decimal("0.5")),
        Tier(Decimal(30), Decimal("0.1")),
    )
    price = Price(
        name="duration", region="x", architecture="arm64", tiers=tiers, since=DAY, seen=DAY, source="a test"
    )

    assert price.of(Decimal(quantity)) == Decimal(usd)


def test_every_packaged_price_is_dated_named_and_falls_from_tier_to_tier():
    for price in packaged():
        assert price.name in METERS
        assert price.source
        assert price.since <= price.seen
        usds = [tier.usd for tier in price.tiers]
        assert usds == sorted(usds, reverse=True)
        assert usds[-1] > 0


def test_every_meter_has_a_price_somewhere():
    regions = packaged_book().regions()
    for meter in METERS.values():
        kinds = ("x86_64", "c7i.xlarge")
        assert any(packaged_book().of(meter, r, kind, on=DAY) for r in regions for kind in kinds), meter.name


@pytest.mark.parametrize("region", ["ap-south-2", "ap-southeast-7", "mx-central-1", "cn-north-1"])
def test_regions_without_a_public_price_are_not_guessed(region):
    assert packaged_book().price("duration", region, "x86_64", on=DAY) is None


def test_other_regions_have_tiers_in_the_proportions_of_us_east_1_and_say_so():
    price = packaged_book().price("duration", "af-south-1", "x86_64", on=DAY)

    assert [tier.usd for tier in price.tiers] == [
        Decimal(p) for p in ("0.0000221", "0.00001989", "0.00001768")
    ]
    assert price.confidence == "medium"
    assert "proportions of us-east-1" in price.source
