"""Rates of whole months are kept between questions, and follow whatever they rest on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.facts import Listed
from core.price_file import parse_prices
from core.settings import CostSettings, SavingsPlanSettings
from store.readers import rates
from store.readers.cost import costs

BILLED = CostSettings(savings_plan=SavingsPlanSettings(discount=Decimal("0.5")))
MANY = 3_000_000.0
"""More requests than are free."""


@pytest.fixture
def counted(monkeypatch):
    """Windows of usage that rates were worked out from."""
    windows = []

    def meter_usage(snapshot, things, window, *args, **about):
        windows.append(window)
        return real(snapshot, things, window, *args, **about)

    real = rates.meter_usage
    monkeypatch.setattr(rates, "meter_usage", meter_usage)
    return windows


@pytest.fixture
def busy(world):
    world.run("inventory", [world.function(), Listed("function")])
    world.run("details")
    world.run("metrics", [world.point(100, MANY, duration_sum_ms=1000.0 * MANY, log_bytes=0)])
    return world


def net(world, *, minutes=180, settings=BILLED):
    told = costs(world.store, world.window(minutes), now=world.now, settings=settings)
    return sum(told["net_usd"], Decimal(0))


def test_questions_about_the_same_month_share_its_rates(busy, counted):
    net(busy)
    once = list(counted)
    net(busy, minutes=120)
    costs(busy.store, busy.window(60), now=busy.now, by=("component",), settings=BILLED)

    assert counted == once


def test_later_usage_makes_the_month_dearer(busy):
    before = net(busy)

    busy.run("metrics", [busy.point(50, MANY, duration_sum_ms=1000.0 * MANY, log_bytes=0)])

    # Free amounts are taken off once: what came later is charged in full.
    assert net(busy) > 2 * before


@pytest.mark.parametrize("billed", [CostSettings(), CostSettings(free_tier=False)])
def test_other_settings_have_rates_of_their_own(busy, billed):
    before = net(busy)

    assert net(busy, settings=billed) > before


def test_a_price_of_ones_own_is_followed(busy):
    before = net(busy)

    busy.store.prices = parse_prices(
        "as_of: 2026-11-01\nprices: [{price: requests, region: eu-west-1, usd: 1}]", ""
    )

    assert net(busy) > before


def test_an_older_month_is_not_counted_again_when_a_newer_one_goes_on(busy, counted):
    month = timedelta(days=30)
    net(busy, minutes=month / timedelta(minutes=1))
    busy.run("metrics", [busy.point(50, 1, duration_sum_ms=1.0, log_bytes=0)])
    net(busy, minutes=month / timedelta(minutes=1))

    assert [window.start.month for window in counted].count(10) == 1


def test_of_a_month_that_goes_on_only_the_newest_hours_are_counted_again(busy, counted):
    net(busy)
    busy.run("metrics", [busy.point(10, MANY, duration_sum_ms=1000.0 * MANY, log_bytes=0)])
    net(busy)

    settled, newest, again = counted
    assert settled.end == newest.start == again.start
    assert busy.now - again.start < timedelta(minutes=80)


def test_a_month_in_pieces_costs_what_it_does_at_once(busy, monkeypatch):
    for minute in (3000, 50, 10):
        busy.run("metrics", [busy.point(minute, MANY, duration_sum_ms=1000.0 * MANY, log_bytes=0)])
    in_pieces = net(busy)

    monkeypatch.setattr(rates, "LATENESS", timedelta(days=99))
    monkeypatch.setattr(rates, "_TOTALS", rates.Kept())
    monkeypatch.setattr(rates, "_RATES", rates.Kept())

    assert net(busy) == in_pieces
