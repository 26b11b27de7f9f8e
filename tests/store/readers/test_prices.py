"""The book of prices: one's own before those that AWS answered, before those that came with the release."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.entities import ListPrice
from core.errors import SettingsError
from core.facts import Run, Target
from core.price_file import own_prices
from core.settings import StoreSettings
from core.windows import Window
from store.readers.prices import price_book, price_sources
from store.store import Store

NOW = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def facts(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path / "facts", free_space_floor_mb=0))
    yield store
    store.close()


def answered(store, usd, *, account="111122223333", at=NOW, since="2026-09-01"):
    """Keep that AWS answered this price of requests in Ireland."""
    price = ListPrice(
        name=f"requests {since}",
        price="requests",
        architecture="",
        since=since,
        tiers={"0": usd},
        source="AWS Price List, AWSLambda offer",
    )
    window = Window(at - timedelta(minutes=1), at)
    run = Run(
        collector="prices",
        target=Target(account, "eu-west-1"),
        window=window,
        period_s=0,
        started_at=at,
        finished_at=at,
        outcome="ok",
    )
    store.commit(run, [price], now=at)


def own(tmp_path, *rows):
    file = tmp_path / "prices.yml"
    file.write_text("as_of: 2026-11-01\nprices:\n" + "".join(f"  - {{{row}}}\n" for row in rows))
    return own_prices(file)


def usd(store, prices=(), *, on=TODAY):
    store.prices = prices
    return price_book(store).price("requests", "eu-west-1", on=on).usd


def test_without_anything_else_the_packaged_prices_hold(facts):
    assert usd(facts) == Decimal("0.0000002")


def test_what_aws_answered_comes_before_what_is_packaged(facts):
    answered(facts, "0.0000001")

    assert usd(facts) == Decimal("0.0000001")


def test_ones_own_price_comes_before_what_aws_answered(facts, tmp_path):
    answered(facts, "0.0000001")

    assert usd(facts, own(tmp_path, "price: requests, region: eu-west-1, usd: 3")) == 3


def test_ones_own_price_holds_from_its_day(facts, tmp_path):
    prices = own(tmp_path, "price: requests, region: eu-west-1, usd: 3, since: 2026-11-01")

    assert usd(facts, prices, on=date(2026, 10, 31)) == Decimal("0.0000002")
    assert usd(facts, prices, on=date(2026, 11, 1)) == 3


def test_of_two_accounts_answers_the_newer_counts(facts):
    answered(facts, "0.0000009", account="444455556666", at=NOW + timedelta(hours=1))
    answered(facts, "0.0000001", account="111122223333")

    assert usd(facts, on=TODAY) == Decimal("0.0000009")


def test_a_book_is_made_anew_once_aws_has_answered(facts):
    before = usd(facts)

    answered(facts, "0.0000001")

    assert (before, usd(facts)) == (Decimal("0.0000002"), Decimal("0.0000001"))


def test_it_is_told_which_prices_hold(facts, tmp_path):
    answered(facts, "0.0000001")
    facts.prices = own(tmp_path, "price: requests, region: eu-west-1, usd: 3")

    told = price_sources(facts)

    assert told.startswith("List prices: 1 of your own file, of 2026-11-01; then 1 of AWS's Price List")


def test_a_broken_file_is_named_by_its_line_and_none_of_it_is_used(tmp_path):
    row = "price: requests, region: eu-west-1, usd: 3"

    with pytest.raises(SettingsError, match=r"prices\.yml:4: prices\.1\.usd"):
        own(tmp_path, row, "price: requests, region: eu-west-1, usd: nine")


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(SettingsError, match="the price file cannot be read"):
        own_prices(tmp_path / "gone.yml")
