"""A price file is taken as a whole or not at all, and each mistake is named by line and field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import SettingsError
from core.price_file import ALWAYS, parse_prices

GOOD = """
as_of: 2026-11-01
since: 2026-10-01
sources: {edp: our agreement of October}
prices:
  - {price: requests, region: eu-west-1, usd: 0.00000018, source: edp}
  - price: duration
    region: eu-west-1
    architecture: arm64
    since: 2026-11-01
    tiers:
      - {above: 0, usd: "0.000012"}
      - {above: 7500000000, usd: "0.00001"}
  - {price: edge_requests, region: "*", usd: 0}
"""


def mistakes(text):
    with pytest.raises(SettingsError) as failure:
        parse_prices(text, "prices.yml")
    return failure.value.mistakes


def rows(*lines):
    return "as_of: 2026-11-01\nprices:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def test_a_good_file_is_read_exactly():
    requests, duration, edge = parse_prices(GOOD, "prices.yml")

    assert (requests.usd, requests.since, requests.source) == (
        Decimal("0.00000018"),
        date(2026, 10, 1),
        "our agreement of October",
    )
    assert [(t.above, t.usd) for t in duration.tiers] == [
        (0, Decimal("0.000012")),
        (7_500_000_000, Decimal("0.00001")),
    ]
    assert (duration.since, duration.source) == (date(2026, 11, 1), "prices.yml")
    assert (edge.region, edge.usd) == ("*", 0)


def test_a_price_without_a_day_holds_always():
    (found,) = parse_prices(rows("price: requests, region: eu-west-1, usd: 1"), "prices.yml")

    assert found.since == ALWAYS


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (
            "price: reqests, region: eu-west-1, usd: 1",
            "prices.0: there is no price `reqests`; known: requests,",
        ),
        ("price: requests, region: Ireland, usd: 1", "prices.0.region: this is not a region, such as"),
        ("price: requests, region: eu-west-1, usd: -1", "prices.0.usd: "),
        ("price: requests, region: eu-west-1, usd: .nan", "prices.0.usd: "),
        ("price: requests, region: eu-west-1, usd: .inf", "prices.0.usd: "),
        ("price: requests, region: eu-west-1, usd: cheap", "prices.0.usd: "),
        ("price: requests, region: eu-west-1", "prices.0: a price has either `usd` or `tiers`"),
        ("price: requests, usd: 1", "prices.0.region: this field is missing"),
        ("price: requests, region: eu-west-1, eur: 1", "prices.0.eur: there is no such field"),
        ("price: duration, region: eu-west-1, usd: 1", "prices.0: the price of duration needs an `arch"),
        (
            "price: requests, region: eu-west-1, architecture: arm64, usd: 1",
            "prices.0: the price of requests has",
        ),
        ("price: requests, region: eu-west-1, tiers: [{above: 5, usd: 1}]", "prices.0: tiers begin above 0"),
        (
            "price: requests, region: eu-west-1, tiers: [{above: 0, usd: 2}, {above: 0, usd: 1}]",
            "prices.0: tiers begin above 0",
        ),
        ("price: requests, region: eu-west-1, usd: 1, since: soon", "prices.0.since: "),
    ],
)
def test_a_mistake_is_named_by_line_and_field(row, what):
    (told,) = mistakes(rows(row))

    assert told.startswith(f"prices.yml:3: {what}")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "prices.yml:1: a price file holds"),
        ("- 1", "prices.yml:1: a price file holds"),
        ("as_of: 2026-11-01", "prices.yml:1: prices: this field is missing"),
        ("prices: []", "prices.yml:1: as_of: this field is missing"),
        ("as_of: 2026-11-01\nprices: 5", "prices.yml:2: prices: "),
        ("as_of: 2026-11-01\ncurrency: EUR\nprices: []", "prices.yml:2: currency: must be 'USD'"),
        ("as_of: [\n", "prices.yml:2: this is not YAML"),
    ],
)
def test_a_file_that_is_no_price_file_says_so(text, what):
    assert mistakes(text)[0].startswith(what)


def test_one_mistake_leaves_all_of_the_file_out_and_every_one_is_told():
    good, bad = "price: requests, region: eu-west-1, usd: 1", "price: requests, region: x, usd: y"

    told = mistakes(rows(good, bad, bad))

    assert [line.split(":")[1] for line in told] == ["4", "4", "5", "5"]


def test_a_price_given_twice_for_the_same_day_is_a_mistake():
    row = "price: requests, region: eu-west-1, usd: 1"

    assert mistakes(rows(row, row)) == ("prices.yml:4: prices.1: this price is given twice for the same day",)


def test_json_is_read_as_well():
    (found,) = parse_prices(
        '{"as_of": "2026-11-01", "prices": [{"price": "traces", "region": "eu-west-1", "usd": "0.000005"}]}',
        "prices.json",
    )

    assert found.usd == Decimal("0.000005")
