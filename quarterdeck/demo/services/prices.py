"""The Price List: GetProducts, with the list prices of the demo's services."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from core.meters import CLOUDWATCH, LAMBDA, METERS, SQS, XRAY, Meter
from core.price_book import Price
from core.prices import packaged_book
from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.wire import ApiError, Call

PAGE = 100
SERVICES = (LAMBDA, CLOUDWATCH, XRAY, SQS)
PREFIX = {"us-east-1": "", "eu-west-1": "EU-", "eu-central-1": "EUC1-", "us-west-2": "USW2-"}
"""What usage types of a region begin with."""

USAGE_TYPES = {
    "requests": "Request",
    "duration": "Lambda-GB-Second",
    "snapstart_cache": "Lambda-SnapStart-Cached-GB-S",
    "ephemeral": "Lambda-Storage-GB-Second",
    "queue_requests": "Requests-RBP",
    "queue_requests_fifo": "Requests-FIFO-RBP",
    "provisioned_capacity": "Lambda-Provisioned-Concurrency",
    "provisioned_duration": "Lambda-Provisioned-GB-Second",
    "snapstart_restore": "Lambda-SnapStart-Restored-GB",
    "streamed": "Lambda-Streaming-Response-Processed-Bytes",
    "tenant_isolation": "Lambda-Tenant-Isolated-Environment-Memory-GB",
    "instances": "Lambda-Managed-Instances-{}-Management-Hours",
}
"""Where the meter's own pattern is not one name."""

GROUPS = {"requests": "AWS-Lambda-Requests", "duration": "AWS-Lambda-Duration"}
UNITS = {
    "GB-Seconds": "Lambda-GB-Second",
    "Operations": "DurableOperations",
    "GB-Month": "GB-Mo",
    "Hours": "Hrs",
}
ARCHITECTURES = ("x86_64", "arm64", "c7i.xlarge", "c7g.xlarge", "m7g.xlarge")


def get_products(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    service = call.params.get("ServiceCode")
    if service not in SERVICES:
        raise ApiError("InvalidParameterException", f"ServiceCode {service} is not known")
    wanted = {each["Field"]: each["Value"] for each in call.params.get("Filters", ())}
    regions = [wanted["regionCode"]] if "regionCode" in wanted else demo.world.company.enabled_regions
    today = demo.world.clock().date()
    found = [product for region in regions for product in _products(service, region, today)]
    kept = [json.dumps(each) for each in found if _passes(each["product"]["attributes"], wanted)]
    size = min(call.params.get("MaxResults", PAGE), PAGE)
    page, rest = paged(kept, call.params.get("NextToken"), size, invalid="InvalidNextTokenException")
    answer = {"FormatVersion": "aws_v1", "PriceList": page}
    return answer | ({"NextToken": rest} if rest else {})


def _passes(attributes: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(attributes.get(field) == value for field, value in wanted.items())


def _products(service: str, region: str, today: date) -> Iterator[dict[str, Any]]:
    """What we know of the region, and the prices of us-east-1 for the rest."""
    for meter in METERS.values():
        if meter.service == service and meter.name == meter.price and not meter.name.startswith("edge_"):
            for architecture in ARCHITECTURES if meter.by_architecture else ("",):
                price = list_price(meter, region, architecture, today)
                if price is not None:
                    yield _product(meter, price, region)
    if service == LAMBDA:
        yield _free(region)


def list_price(meter: Meter, region: str, architecture: str, today: date) -> Price | None:
    book = packaged_book()
    return book.of(meter, region, architecture, on=today) or book.of(
        meter, "us-east-1", architecture, on=today
    )


def _product(meter: Meter, price: Price, region: str) -> dict[str, Any]:
    usage_type = USAGE_TYPES.get(meter.name, meter.usage_types[0]).format(price.architecture)
    on_arm = "-ARM" if price.architecture == "arm64" else ""
    bounds = [f"{tier.above:f}" for tier in price.tiers]
    dimensions = {
        f"{meter.name}.{at}": {
            "unit": UNITS.get(meter.unit, meter.unit),
            "beginRange": bounds[at],
            "endRange": (*bounds[1:], "Inf")[at],
            "pricePerUnit": {"USD": f"{tier.usd:.10f}"},
        }
        for at, tier in enumerate(price.tiers)
    }
    group = {"group": GROUPS[meter.name] + on_arm} if meter.name in GROUPS else {}
    attributes = {"regionCode": region, "usagetype": f"{PREFIX.get(region, '')}{usage_type}{on_arm}"} | group
    return _listed(meter.service, attributes, dimensions, price.since)


def _free(region: str) -> dict[str, Any]:
    """The free amount, as the Price List tells it: no price of a region."""
    attributes = {"regionCode": region, "location": "Any", "usagetype": "Global-Request"}
    free = {"unit": "Requests", "beginRange": "0", "endRange": "1000000", "pricePerUnit": {"USD": "0"}}
    return _listed(LAMBDA, attributes, {"free": free}, date(2026, 9, 1))


def _listed(
    service: str, attributes: Mapping[str, str], dimensions: Mapping[str, Any], since: date
) -> dict[str, Any]:
    term = {"priceDimensions": dimensions, "effectiveDate": f"{since.isoformat()}T00:00:00Z"}
    return {
        "serviceCode": service,
        "product": {"productFamily": "Serverless", "attributes": {"servicecode": service, **attributes}},
        "terms": {"OnDemand": {f"{attributes['usagetype']}.JRTCKXETXF": term}},
    }


HANDLERS: dict[str, Handler] = {"GetProducts": get_products}
