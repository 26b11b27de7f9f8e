"""The Price List is read whole: a broken, partial or contradictory answer is refused, with the reason."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.meters import CLOUDWATCH, LAMBDA
from core.pricelist import PriceListError, prices_of

SEEN = date(2026, 11, 18)
REGION = "eu-west-1"


def a_product(usage_type, *tiers, unit="Lambda-GB-Second", since="2026-09-01T00:00:00Z", **attributes):
    """`tiers` as (beginRange, endRange, USD), in any order."""
    dimensions = {
        f"rate{at}": {"unit": unit, "beginRange": begin, "endRange": end, "pricePerUnit": {"USD": usd}}
        for at, (begin, end, usd) in enumerate(tiers or [("0", "Inf", "0.0000002")])
    }
    return {
        "product": {"attributes": {"regionCode": REGION, "usagetype": usage_type, **attributes}},
        "terms": {"OnDemand": {"SKU.JRTCKXETXF": {"priceDimensions": dimensions, "effectiveDate": since}}},
    }


REQUESTS = a_product("EU-Request", unit="Requests", group="AWS-Lambda-Requests")
DURATION = a_product(
    "EU-Lambda-GB-Second",
    ("15000000000", "Inf", "0.0000133334"),
    ("0", "6000000000", "0.0000166667"),
    ("6000000000", "15000000000", "0.0000150000"),
    group="AWS-Lambda-Duration",
)
WHOLE = (REQUESTS, DURATION)


def read(*products, service=LAMBDA):
    return prices_of(service, products, region=REGION, seen=SEEN)


def by_name(*products):
    return {(p.name, p.architecture): p for p in read(*products)}


def test_an_answer_is_read_with_tiers_in_order_and_dates():
    found = by_name(*map(json.dumps, WHOLE))

    duration = found["duration", "x86_64"]
    assert [(t.above, t.usd) for t in duration.tiers] == [
        (0, Decimal("0.0000166667")),
        (6_000_000_000, Decimal("0.0000150000")),
        (15_000_000_000, Decimal("0.0000133334")),
    ]
    assert (duration.since, duration.seen, duration.region) == (date(2026, 9, 1), SEEN, REGION)
    assert found["requests", ""].usd == Decimal("0.0000002")


def test_a_group_names_the_price_where_the_usage_type_is_a_new_one():
    odd = a_product("EU-Lambda-GB-Second-V2-ARM", group="AWS-Lambda-Duration-ARM")

    assert ("duration", "arm64") in by_name(*WHOLE, odd)


def test_a_product_that_only_its_group_names_gives_way_to_one_whose_usage_type_does():
    odd = a_product("EU-Other-Request", ("0", "Inf", "9"), unit="Requests", group="AWS-Lambda-Requests")

    assert by_name(odd, *WHOLE) == by_name(*WHOLE)


def test_what_has_no_group_goes_by_its_usage_type():
    fee = a_product("EU-Lambda-Managed-Instances-m7g.xlarge-Management-Hours", unit="Hours")
    durable = a_product("EU-Lambda-Durable-Execution-Operations", unit="DurableOperations")

    assert {("instances", "m7g.xlarge"), ("durable_operations", "")} <= by_name(*WHOLE, fee, durable).keys()


@pytest.mark.parametrize(
    "product",
    [
        a_product("Global-Request", unit="Requests", location="Any"),
        a_product("EU-Request", ("0", "Inf", "9"), unit="Requests", regionCode="eu-west-2"),
        a_product("EU-Lambda-MicroVM-Memory-GB-Second-ARM"),
        a_product(
            "EU-Lambda-Edge-Request", ("0", "Inf", "9"), unit="Requests", group="AWS-Lambda-Edge-Requests"
        ),
        {},
    ],
    ids=["free tier", "another region", "another product", "edge", "empty"],
)
def test_what_no_meter_counts_here_is_passed_over(product):
    assert by_name(*WHOLE, product) == by_name(*WHOLE)


def test_the_arm_variant_of_a_price_that_is_one_for_both_must_agree():
    same, other = (
        a_product("EU-Request-ARM", ("0", "Inf", usd), unit="Requests") for usd in ("0.0000002", "0.0000003")
    )

    assert by_name(*WHOLE, same) == by_name(*WHOLE)
    with pytest.raises(PriceListError, match="another price of requests for Arm"):
        read(*WHOLE, other)


def test_a_first_tier_that_costs_nothing_is_a_free_amount_and_no_price():
    streamed = a_product(
        "EU-Lambda-Streaming-Response-Processed-Bytes",
        ("0", "100", "0"),
        ("100", "Inf", "0.008"),
        unit="Processed-Gigabytes",
    )

    (tier,) = by_name(*WHOLE, streamed)["streamed", ""].tiers
    assert (tier.above, tier.usd) == (0, Decimal("0.008"))


def test_lambdas_logs_have_the_price_of_vended_ones():
    vended = a_product("EU-VendedLog-Bytes", ("0", "Inf", "0.57"), unit="GB")
    written = a_product("EU-DataProcessing-Bytes", ("0", "Inf", "0.60"), unit="GB")
    kept = a_product("EU-TimedStorage-ByteHrs", ("0", "Inf", "0.03"), unit="GB-Mo")

    found = {p.name: p.usd for p in read(vended, written, kept, service=CLOUDWATCH)}

    assert found == {"log_ingest": Decimal("0.57"), "log_storage": Decimal("0.03")}


def with_term(**changes):
    product = deepcopy(DURATION)
    (term,) = product["terms"]["OnDemand"].values()
    term |= changes
    return product


def with_dimension(**changes):
    product = deepcopy(REQUESTS)
    (term,) = product["terms"]["OnDemand"].values()
    term["priceDimensions"]["rate0"] |= changes
    return product


@pytest.mark.parametrize(
    ("products", "why"),
    [
        ((REQUESTS,), r"lacks duration \(x86_64\)"),
        ((), r"lacks duration \(x86_64\), requests"),
        ((*WHOLE, "{"), "is not JSON"),
        ((*WHOLE, "[1]"), "is not an object"),
        ((REQUESTS, DURATION | {"terms": {}}), r"duration \(x86_64\) .* has 0 on-demand terms"),
        ((REQUESTS, with_term(effectiveDate=None)), "has no date that it holds since"),
        ((REQUESTS, with_term(priceDimensions={})), "has no price from zero on"),
        ((with_dimension(pricePerUnit={"CNY": "1"}), DURATION), "is priced in CNY, not in USD"),
        ((with_dimension(pricePerUnit={"USD": "free"}), DURATION), "has 'free' where a number is expected"),
        ((with_dimension(pricePerUnit={"USD": "-1"}), DURATION), "has -1 where a price"),
        ((with_dimension(unit="Dozens"), DURATION), "is told per Dozens, where Requests are counted"),
        ((with_dimension(beginRange="5"), DURATION), "has no price from zero on"),
        ((with_dimension(endRange="1000"), DURATION), "has no price above 1000"),
        ((*WHOLE, with_dimension(pricePerUnit={"USD": "7"})), "has two prices of requests"),
        (
            (REQUESTS, a_product("Lambda-GB-Second", ("0", "6", "2"), ("7", "Inf", "1"))),
            "tiers that do not join: one ends at 6, the next is at 7",
        ),
    ],
)
def test_an_answer_that_cannot_be_taken_says_why(products, why):
    with pytest.raises(PriceListError, match=why):
        read(*products)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = (
    ("product",),
    ("product", "attributes"),
    ("product", "attributes", "usagetype"),
    ("terms",),
    ("terms", "OnDemand"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF", "effectiveDate"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF", "priceDimensions"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF", "priceDimensions", "rate0", "beginRange"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF", "priceDimensions", "rate0", "pricePerUnit"),
    ("terms", "OnDemand", "SKU.JRTCKXETXF", "priceDimensions", "rate0", "unit"),
)


@given(st.sampled_from(PATHS), anything)
def test_whatever_stands_in_an_answer_it_is_read_or_refused(path, value):
    product = deepcopy(DURATION)
    inner = product
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value

    with suppress(PriceListError):
        assert {"requests", "duration"} <= {p.name for p in read(REQUESTS, product)}


@given(
    st.permutations(
        [*WHOLE, a_product("EU-Lambda-GB-Second-ARM"), a_product("EU-Request-ARM", unit="Requests")]
    )
)
def test_the_order_of_products_does_not_matter(products):
    assert read(*products) == read(*reversed(products))
