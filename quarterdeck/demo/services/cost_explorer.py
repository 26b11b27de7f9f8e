"""Cost Explorer: GetCostAndUsage, with what the demo's invocations use at the demo's list prices.

A payer's month draws on AWS's free amounts from its first day on. What is charged is in `demo.used`. What ran
after now is in no answer, and the current month is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.meters import CLOUDWATCH, FREE_A_MONTH, LAMBDA, METERS, SQS, XRAY, Meter
from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.services.prices import PREFIX, USAGE_TYPES, list_price
from quarterdeck.demo.used import used_on
from quarterdeck.demo.wire import ApiError, Call

SERVICES = {
    "AWS Lambda": LAMBDA,
    "AmazonCloudWatch": CLOUDWATCH,
    "AWS X-Ray": XRAY,
    "Amazon Simple Queue Service": SQS,
}
GROUPS = ("USAGE_TYPE", "RECORD_TYPE")
DAYS_A_PAGE = 92
FINAL_AFTER = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Used:
    """What one region's functions of one architecture used of a meter on a day, and what it costs."""

    region: str
    meter: Meter
    architecture: str
    quantity: Decimal
    usd: Decimal


def get_cost_and_usage(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    _check(params)
    wanted = dict(_wanted(params.get("Filter")))
    start, end = (date.fromisoformat(params["TimePeriod"][name]) for name in ("Start", "End"))
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    page, rest = paged(days, params.get("NextPageToken"), DAYS_A_PAGE, invalid="InvalidNextTokenException")
    results = [_result(demo, account, day, wanted) for day in page]
    return {"ResultsByTime": results} | ({"NextPageToken": rest} if rest else {})


def _check(params: Mapping[str, Any]) -> None:
    if params["TimePeriod"]["Start"] >= params["TimePeriod"]["End"]:
        raise ApiError("ValidationException", "Start date (and hour) should be before end date (and hour)")
    keys = tuple(each.get("Key") for each in params.get("GroupBy", ()))
    if params.get("Granularity") != "DAILY" or keys != GROUPS:
        raise ApiError("ValidationException", f"The demo knows DAILY results grouped by {', '.join(GROUPS)}")


def _wanted(given: Mapping[str, Any] | None) -> Iterator[tuple[str, list[str]]]:
    for each in (given or {}).get("And", [given] if given else []):
        yield each["Dimensions"]["Key"], each["Dimensions"]["Values"]


def _result(demo: Demo, account: str, day: date, wanted: Mapping[str, list[str]]) -> dict[str, Any]:
    accounts = wanted.get("LINKED_ACCOUNT", [account])
    services = {SERVICES[name] for name in wanted.get("SERVICE", SERVICES) if name in SERVICES}
    groups = [
        _group(used)
        for used in (charged(demo, account, day) if account in accounts else ())
        if used.meter.service in services and used.region in wanted.get("REGION", [used.region])
    ]
    return {
        "TimePeriod": {"Start": day.isoformat(), "End": (day + timedelta(days=1)).isoformat()},
        "Total": {},
        "Groups": groups,
        "Estimated": demo.world.clock() < _month_end(day) + FINAL_AFTER,
    }


def _group(used: Used) -> dict[str, Any]:
    name = USAGE_TYPES.get(used.meter.name, used.meter.usage_types[0])
    arm = "-ARM" if used.architecture == "arm64" else ""
    return {
        "Keys": [f"{PREFIX.get(used.region, '')}{name}{arm}", "Usage"],
        "Metrics": {
            "UnblendedCost": {"Amount": f"{used.usd:f}", "Unit": "USD"},
            "UsageQuantity": {"Amount": f"{used.quantity:f}", "Unit": used.meter.unit},
        },
    }


def charged(demo: Demo, account: str, day: date) -> list[Used]:
    """The charges of a day; what its month has used before says how much of it is free."""
    used = [one for before in _days_of_month(day) for one in _used(demo, account, before)]
    left = dict(FREE_A_MONTH)
    found = []
    for of, region, meter, architecture, quantity in used:
        free = min(quantity, left.get(meter.free or "", Decimal(0)))
        if meter.free:
            left[meter.free] -= free
        price = list_price(meter, region, architecture, day)
        if of == day and price is not None:
            usd = ((quantity - free) * price.usd).quantize(Decimal("1e-10"))
            found.append(Used(region, meter, architecture, quantity, usd))
    return found


def _days_of_month(day: date) -> list[date]:
    return [day.replace(day=n) for n in range(1, day.day + 1)]


def _month_end(day: date) -> datetime:
    later = day.replace(day=28) + timedelta(days=4)
    return datetime(later.year, later.month, 1, tzinfo=UTC)


def _used(demo: Demo, account: str, day: date) -> list[tuple[date, str, Meter, str, Decimal]]:
    """What an account used on a day, added up per region, meter and architecture."""
    sums: dict[tuple[str, str, str], float] = {}
    for region, architecture, units in used_on(demo, account, day):
        for name, amount in units.items():
            by = architecture if METERS[name].by_architecture or name == "requests" else ""
            sums[region, name, by] = sums.get((region, name, by), 0.0) + amount
    return [
        (day, region, METERS[name], by, Decimal(str(round(units, 9))))
        for (region, name, by), units in sorted(sums.items())
        if units
    ]


HANDLERS: dict[str, Handler] = {"GetCostAndUsage": get_cost_and_usage}
