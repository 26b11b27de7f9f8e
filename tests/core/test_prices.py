"""Prices are looked up, never guessed, and money adds up to the last digit."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import prices


def test_the_first_tier_of_us_east_1():
    x86, arm = prices.prices("us-east-1", "x86_64"), prices.prices("us-east-1", "arm64")

    assert (x86.request, x86.duration) == (Decimal("0.0000002"), Decimal("0.0000166667"))
    assert (arm.duration, arm.provisioned_duration) == (Decimal("0.0000133334"), Decimal("0.0000077778"))
    assert (x86.ephemeral, x86.log_ingest) == (Decimal("0.0000000309"), Decimal("0.50"))


def test_a_price_nobody_published_is_none():
    assert prices.prices("eu-west-1", "arm64").provisioned_capacity is None
    assert prices.prices("ap-south-2", "x86_64").duration is None


@pytest.mark.parametrize(("region", "architecture"), [("mars-north-1", "x86_64"), ("us-east-1", "riscv64")])
def test_an_unknown_place_or_processor_has_no_duration_price(region, architecture):
    assert prices.prices(region, architecture).duration is None


@pytest.mark.parametrize("region", prices.regions())
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_every_known_price_is_an_exact_positive_decimal(region, architecture):
    known = [p for p in asdict(prices.prices(region, architecture)).values() if p is not None]

    assert all(isinstance(price, Decimal) and price > 0 for price in known)


def test_arm_is_cheaper_where_both_are_known():
    for region in prices.regions():
        x86, arm = prices.prices(region, "x86_64").duration, prices.prices(region, "arm64").duration
        assert x86 is None or arm is None or arm < x86


def test_an_unknown_price_leaves_the_cost_unknown_but_nothing_is_free():
    assert prices.cost(3, None) is None
    assert prices.cost(None, Decimal(1)) is None
    assert prices.cost(0, None) == 0


def test_a_million_requests_cost_twenty_cents():
    assert prices.cost(1_000_000, prices.prices("us-east-1", "x86_64").request) == Decimal("0.2")


def test_a_second_of_a_gigabyte_is_a_gb_second():
    assert prices.gb_seconds(1000, 1024) == 1
    assert prices.gb_seconds(1, 128) == Decimal("0.000125")


def test_only_storage_beyond_512_mb_is_billed():
    assert prices.ephemeral_gb_seconds(1000, 512) == 0
    assert prices.ephemeral_gb_seconds(1000, None) == 0
    assert prices.ephemeral_gb_seconds(1000, 1536) == 1


@given(st.lists(st.tuples(st.integers(1, 900_000), st.sampled_from([128, 1024, 1769, 10_240])), max_size=40))
def test_parts_add_up_to_the_whole_in_any_order(invocations):
    price = prices.prices("eu-west-1", "x86_64").duration
    parts = [prices.cost(prices.gb_seconds(ms, mb), price) for ms, mb in invocations]

    assert sum(parts, Decimal(0)) == sum(reversed(parts), Decimal(0))
