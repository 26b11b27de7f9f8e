"""Prices are refreshed only when allowed, kept with their history, and left alone by a broken answer."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from collectors import prices
from collectors.collector import Ask, Expected
from collectors.registry import COLLECTORS, chosen
from collectors.runner import run_once
from core.entities import ListPrice
from core.facts import Covered, Gap, Target
from core.prices import packaged_book
from core.settings import CostSettings
from core.windows import MINUTE, Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from store.readers.prices import price_book
from tests.collectors.conftest import NOW, refusing
from tests.collectors.proof.content import aws_at

pytestmark = pytest.mark.usefixtures("listed")

WINDOW = Window.last(MINUTE, now=NOW)
TODAY = NOW.date()
TARGET = Target("111122223333", "eu-west-1")


def a_product(usage_type, usd, *, unit, since="2026-09-01"):
    rate = {"unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
    term = {"priceDimensions": {"rate": rate}, "effectiveDate": f"{since}T00:00:00Z"}
    product = {"attributes": {"regionCode": "eu-west-1", "usagetype": usage_type}}
    return json.dumps({"product": product, "terms": {"OnDemand": {"term": term}}})


def answering(requests="0.0000002", since="2026-09-01"):
    """The Price List of a small AWS: every service with what it must have."""
    offers = {
        "AWSLambda": [
            a_product("EU-Request", requests, unit="Requests", since=since),
            a_product("EU-Lambda-GB-Second", "0.00001", unit="Lambda-GB-Second"),
        ],
        "AmazonCloudWatch": [
            a_product("EU-VendedLog-Bytes", "0.57", unit="GB"),
            a_product("EU-TimedStorage-ByteHrs", "0.03", unit="GB-Mo"),
        ],
        "AWSXRay": [a_product("EU-XRay-TracesStored", "0.000005", unit="Traces")],
        "AWSQueueService": [a_product("EU-Requests-RBP", "0.0000004", unit="Requests")],
    }
    return lambda params: {"FormatVersion": "aws_v1", "PriceList": offers[params["ServiceCode"]]}


def collected(aws):
    return list(prices.collect(aws, Ask(window=WINDOW)))


def requests_usd(store, on):
    return price_book(store).price("requests", "eu-west-1", on=on).usd


def test_it_runs_only_when_the_settings_allow_it():
    assert prices.COLLECTOR not in chosen(CostSettings())
    assert chosen(CostSettings(refresh_prices=True)) == (*COLLECTORS, prices.COLLECTOR)


def test_every_service_is_read_for_the_region(answered):
    facts = collected(answered(GetProducts=answering()))

    read = {fact.price for fact in facts if isinstance(fact, ListPrice)}
    assert {"requests", "duration", "log_ingest", "log_storage", "traces", "queue_requests"} == read
    assert facts[-1] == Covered("", WINDOW)


def test_the_price_list_is_asked_where_it_answers(answered):
    assert "us-east-1" in answered().client("pricing").meta.endpoint_url


def test_a_broken_answer_keeps_the_others_and_says_what_was_wrong(answered):
    whole = answering()

    def broken(params):
        return {"PriceList": ["{"]} if params["ServiceCode"] == "AWSXRay" else whole(params)

    facts = collected(answered(GetProducts=broken))

    (gap,) = [fact for fact in facts if isinstance(fact, Gap)]
    assert gap.scope == "AWSXRay"
    assert gap.why.startswith("prices were left as they are: a product of AWSXRay in eu-west-1 is not JSON")
    assert "traces" not in {fact.price for fact in facts if isinstance(fact, ListPrice)}


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_partitions_of_their_own_are_not_asked(answered, region):
    aws = answered()
    aws.target = Target("111122223333", region)

    (found,) = collected(aws)

    assert isinstance(found, Expected)
    assert aws.asked == {}


def test_what_was_read_is_priced_with_and_says_where_from(answered, store):
    run = run_once(prices.COLLECTOR, answered(GetProducts=answering("0.0000001")), store, WINDOW, now=NOW)

    price = price_book(store).price("requests", "eu-west-1", on=TODAY)
    assert run.outcome == "ok"
    assert (price.usd, price.since, price.seen) == (Decimal("0.0000001"), date(2026, 9, 1), TODAY)
    assert price.source == "AWS Price List, AWSLambda offer"


def test_a_past_month_keeps_the_price_that_held_then(answered, store):
    later = NOW + timedelta(days=30)
    before = answered(GetProducts=answering("0.0000001"))
    after = answered(GetProducts=answering("0.0000003", since="2026-12-01"))
    run_once(prices.COLLECTOR, before, store, WINDOW, now=NOW)
    run_once(prices.COLLECTOR, after, store, Window.last(MINUTE, now=later), now=later)

    found = [requests_usd(store, on) for on in (date(2026, 11, 30), date(2026, 12, 1))]

    assert found == [Decimal("0.0000001"), Decimal("0.0000003")]


@pytest.mark.parametrize("answer", [refusing("InternalErrorException"), refusing("AccessDeniedException")])
def test_a_refusal_changes_nothing(answered, store, answer):
    run_once(prices.COLLECTOR, answered(GetProducts=answering("0.0000001")), store, WINDOW, now=NOW)

    run = run_once(prices.COLLECTOR, answered(GetProducts=answer), store, WINDOW, now=NOW)

    assert run.outcome in ("failed", "denied")
    assert requests_usd(store, TODAY) == Decimal("0.0000001")


def test_a_missing_permission_is_named(answered, store):
    aws = answered(GetProducts=refusing("AccessDeniedException"))

    assert run_once(prices.COLLECTOR, aws, store, WINDOW, now=NOW).permission == "pricing:GetProducts"


def test_reading_it_again_changes_nothing_and_costs_nothing(answered, store):
    aws = answered(GetProducts=answering())
    run_once(prices.COLLECTOR, aws, store, WINDOW, now=NOW)
    before = store_prices(store)

    run = run_once(prices.COLLECTOR, aws, store, WINDOW, now=NOW)

    assert store_prices(store) == before
    assert all(usage.cost_usd == "0" for usage in run.usage)


def store_prices(store):
    book = price_book(store)
    return [book.price(name, "eu-west-1", on=TODAY) for name in ("requests", "traces", "log_storage")]


def test_the_demos_price_list_is_the_packaged_one():
    now = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
    with DemoServer(clock=FrozenClock(now)) as server, closing(aws_at(server.endpoint, TARGET)) as aws:
        facts = [f for f in collected(aws) if isinstance(f, ListPrice)]

    found = {(f.price, f.architecture): Decimal(f.tiers["0"]) for f in facts}
    ours = packaged_book().price("duration", "eu-west-1", "x86_64", on=TODAY)
    assert found["duration", "x86_64"] == ours.usd
    assert found["log_storage", ""] == Decimal("0.03")
    assert ("instances", "m7g.xlarge") in found
