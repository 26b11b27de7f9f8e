"""Reading AWS's Price List: products of one service and region into prices, all of them or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from core.errors import QuarterdeckError
from core.meters import CLOUDWATCH, LAMBDA, METERS, SQS, XRAY, meters_of
from core.price_book import Price, Tier

REQUIRED: Mapping[str, frozenset[tuple[str, str]]] = {
    LAMBDA: frozenset({("requests", ""), ("duration", "x86_64")}),
    CLOUDWATCH: frozenset({("log_ingest", ""), ("log_storage", "")}),
    XRAY: frozenset({("traces", "")}),
    SQS: frozenset({("queue_requests", "")}),
}
"""Service to what an answer that is whole has everywhere, as price and architecture."""

GROUPS: Mapping[str, str] = {
    "AWS-Lambda-Requests": "requests",
    "AWS-Lambda-Duration": "duration",
    "AWS-Lambda-Duration-Provisioned": "provisioned_duration",
    "AWS-Lambda-Provisioned-Concurrency": "provisioned_capacity",
    "AWS-Lambda-Storage-Duration": "ephemeral",
    "AWS-Lambda-SnapStart-Cache": "snapstart_cache",
    "AWS-Lambda-SnapStart-Restore": "snapstart_restore",
    "AWS-Lambda-Processed-Bytes": "streamed",
    "AWS-Lambda-Durable-Execution-Operations": "durable_operations",
    "AWS-Lambda-Durable-Execution-Written-Bytes": "durable_written",
    "AWS-Lambda-Durable-Execution-TimedStorage-ByteHrs": "durable_kept",
    "AWS-Lambda-Event-Poller-Unit-Duration": "event_pollers",
    "AWS-Lambda-SQS-Event-Poller-Unit-Duration": "event_pollers_sqs",
}
"""A product's group, without -ARM, to its price; what has no group goes by its usage type."""

UNITS: Mapping[str, frozenset[str]] = {
    "Requests": frozenset({"request", "requests"}),
    "GB-Seconds": frozenset({"lambda-gb-second", "gb-second", "gb-seconds", "seconds"}),
    "GB": frozenset({"gb", "gigabytes", "processed-gigabytes"}),
    "GB-Month": frozenset({"gb-mo", "gb-month", "gigabytesmonth"}),
    "Operations": frozenset({"durableoperations", "operations"}),
    "Hours": frozenset({"hrs", "hours", "event-poller-unit-hours"}),
    "Traces": frozenset({"traces"}),
}
"""Our units, and the words that the Price List has for them, in small letters."""

ON_ARM = "-ARM"
NOT_THE_PRICE = re.compile(r"DataProcessing(IA)?-Bytes")
"""What programs write to logs themselves: Lambda's logs are charged as vended ones since 2025-05."""

_INSTANCE = re.compile(r"Lambda-Managed-Instances-(.+)-Management-Hours")


class PriceListError(QuarterdeckError):
    """The answer cannot be taken: which product, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Named:
    price: str
    architecture: str
    unit: str
    is_variant: bool
    """The same price once more, as told for Arm."""
    is_sure: bool
    """Its usage type says so, not only its group."""


def prices_of(service: str, products: Iterable[Any], *, region: str, seen: date) -> tuple[Price, ...]:
    """The prices in `products` (entries of GetProducts' PriceList, as JSON text or parsed).

    Products that no meter of ours counts, of other places and of the free tier are passed over. Raises
    PriceListError when one that we count cannot be read, when two contradict each other, or when the answer
    lacks what every region has.

    Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html and the AWSLambda
    offer of 2026-09 (`terms.OnDemand.*.priceDimensions.*.pricePerUnit`).
    """
    told: dict[tuple[str, str, bool], list[tuple[bool, Price]]] = {}
    for raw in products:
        product = _parsed(raw, service, region)
        named = _named(service, _mapping(_mapping(product.get("product")).get("attributes")), region)
        if named is not None:
            price = _price(product, named, service, region, seen)
            key = price.name, price.architecture, named.is_variant
            told.setdefault(key, []).append((named.is_sure, price))
    where = f"{service} in {region}"
    one = {key: _the_one(prices, where) for key, prices in told.items()}
    found = {key[:2]: price for key, price in one.items() if not key[2]}
    for (name, architecture, is_variant), price in one.items():
        usual = found.get((name, architecture))
        if is_variant and usual is not None and usual.tiers != price.tiers:
            raise PriceListError(f"{where} tells another price of {name} for Arm, which is not expected")
    if lacking := REQUIRED.get(service, frozenset()) - found.keys():
        raise PriceListError(f"{where} lacks {', '.join(sorted(map(_words, lacking)))}")
    return tuple(found[key] for key in sorted(found))


def _the_one(prices: Iterable[tuple[bool, Price]], where: str) -> Price:
    """The price that all products of one kind agree on; those that only their group names count if no usage
    type does."""
    ordered = sorted(prices, key=lambda told: not told[0])
    is_sure, first = ordered[0]
    if any(each.tiers != first.tiers for sure, each in ordered if sure == is_sure):
        raise PriceListError(f"{where} has two prices of {_words((first.name, first.architecture))}")
    return first


def _words(key: tuple[str, str]) -> str:
    return f"{key[0]} ({key[1]})" if key[1] else key[0]


def _parsed(raw: Any, service: str, region: str) -> Mapping[str, Any]:
    try:
        product = json.loads(raw) if isinstance(raw, str | bytes) else raw
    except ValueError as error:
        raise PriceListError(f"a product of {service} in {region} is not JSON: {error}") from error
    if not isinstance(product, Mapping):
        raise PriceListError(f"a product of {service} in {region} is not an object")
    return product


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _named(service: str, attributes: Mapping[str, Any], region: str) -> _Named | None:
    """Which price a product is; None for what is not ours, not of this region, or a free amount."""
    usage_type, group = str(attributes.get("usagetype") or ""), str(attributes.get("group") or "")
    elsewhere = attributes.get("regionCode", region) != region or attributes.get("location") == "Any"
    if elsewhere or usage_type.startswith("Global-") or NOT_THE_PRICE.search(usage_type):
        return None
    names = {METERS[meter].price for meter in meters_of(service, usage_type)}
    by_group = GROUPS.get(group.removesuffix(ON_ARM)) if service == LAMBDA else None
    name = by_group or next(iter(names), None)
    if name is None or name.startswith("edge_"):
        return None  # Lambda@Edge has one price everywhere, and no region of its own
    meter = METERS[name]
    is_arm = usage_type.endswith(ON_ARM) or group.endswith(ON_ARM)
    instance = _INSTANCE.search(usage_type)
    architecture = instance[1] if instance else "arm64" if is_arm else "x86_64"
    return _Named(
        name,
        architecture if meter.by_architecture else "",
        meter.unit,
        is_variant=is_arm and not meter.by_architecture,
        is_sure=name in names,
    )


def _price(product: Mapping[str, Any], named: _Named, service: str, region: str, seen: date) -> Price:
    what = f"{_words((named.price, named.architecture))} of {service} in {region}"
    terms = list(_mapping(_mapping(product.get("terms")).get("OnDemand")).values())
    if len(terms) != 1:
        raise PriceListError(f"{what} has {len(terms)} on-demand terms, not one")
    term = _mapping(terms[0])
    dimensions = [_mapping(each) for each in _mapping(term.get("priceDimensions")).values()]
    return Price(
        name=named.price,
        region=region,
        architecture=named.architecture,
        tiers=_tiers(dimensions, named.unit, what),
        since=_since(term.get("effectiveDate"), what),
        seen=seen,
        source=f"AWS Price List, {service} offer",
    )


def _since(text: Any, what: str) -> date:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError as error:
        raise PriceListError(f"{what} has no date that it holds since") from error


def _tiers(dimensions: Iterable[Mapping[str, Any]], unit: str, what: str) -> tuple[Tier, ...]:
    """Tiers in order, the first beginning at zero and each where the one before ends. A first one that costs
    nothing is a free amount, which is not a matter of the price."""
    ranges = sorted(_range(each, unit, what) for each in dimensions)
    if not ranges or ranges[0][0] != 0:
        raise PriceListError(f"{what} has no price from zero on")
    for (_, end, _), (start, _, _) in pairwise(ranges):
        if end != start:
            raise PriceListError(
                f"{what} has tiers that do not join: one ends at {end}, the next is at {start}"
            )
    if ranges[-1][1].is_finite():
        raise PriceListError(f"{what} has no price above {ranges[-1][1]}")
    if len(ranges) > 1 and ranges[0][2] == 0:
        ranges = [(Decimal(0), ranges[1][1], ranges[1][2]), *ranges[2:]]
    return tuple(Tier(start, usd) for start, _, usd in ranges)


def _range(dimension: Mapping[str, Any], unit: str, what: str) -> tuple[Decimal, Decimal, Decimal]:
    told = str(dimension.get("unit"))
    if told.lower() not in UNITS.get(unit, frozenset()):
        raise PriceListError(f"{what} is told per {told[:40]}, where {unit} are counted")
    per_unit = _mapping(dimension.get("pricePerUnit"))
    if "USD" not in per_unit:
        raise PriceListError(f"{what} is priced in {', '.join(map(str, per_unit)) or 'nothing'}, not in USD")
    start = _number(dimension.get("beginRange"), what)
    end = (
        Decimal("Infinity")
        if dimension.get("endRange") == "Inf"
        else _number(dimension.get("endRange"), what)
    )
    return start, end, _number(per_unit["USD"], what)


def _number(text: Any, what: str) -> Decimal:
    try:
        number = Decimal(str(text))
    except InvalidOperation as error:
        raise PriceListError(f"{what} has {str(text)[:40]!r} where a number is expected") from error
    if not number.is_finite() or number < 0:
        raise PriceListError(f"{what} has {number} where a price or a bound is expected")
    return number
