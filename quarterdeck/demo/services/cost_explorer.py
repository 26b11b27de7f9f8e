"""Cost Explorer: GetCostAndUsage, with what the demo's invocations use at the demo's list prices.

A payer's month draws on AWS's free amounts from its first day on. What is charged: requests, duration (init
and provisioned concurrency included), /tmp storage, event pollers, logs ingested and traces stored. What ran
after now is in no answer, and the current month is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from core.meters import CLOUDWATCH, FREE_A_MONTH, LAMBDA, METERS, SQS, XRAY, Meter
from core.prices import GIB
from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.logsizes import log_bytes
from quarterdeck.demo.mappings import poller_units
from quarterdeck.demo.metrics import is_reachable
from quarterdeck.demo.model import DAY_MS, MINUTE_MS, Day, Flags
from quarterdeck.demo.services.prices import PREFIX, USAGE_TYPES, list_price
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.wire import ApiError, Call

SERVICES = {
    "AWS Lambda": LAMBDA,
    "AmazonCloudWatch": CLOUDWATCH,
    "AWS X-Ray": XRAY,
    "Amazon Simple Queue Service": SQS,
}
GROUPS = ("USAGE_TYPE", "RECORD_TYPE")
FREE_TMP_MB = 512
MB_MS = 1024 * 1000
DAYS_A_PAGE = 92
FINAL_AFTER = timedelta(days=5)

Sums = Mapping[str, float]
"""Units by meter."""


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
    """What every function of an account used on a day, added up per region, meter and architecture."""
    sums: dict[tuple[str, str, str], float] = {}
    for spec in demo.world.company.functions:
        for name, units in _of_function(demo, spec, day).items() if spec.account == account else ():
            by = spec.architecture if METERS[name].by_architecture or name == "requests" else ""
            sums[spec.region, name, by] = sums.get((spec.region, name, by), 0.0) + units
    return [
        (day, region, METERS[name], by, Decimal(str(round(units, 9))))
        for (region, name, by), units in sorted(sums.items())
        if units
    ]


def _of_function(demo: Demo, spec: Spec, day: date) -> Sums:
    number, now_ms = (day - date(1970, 1, 1)).days, demo.world.now_ms()
    if number * DAY_MS < demo.world.begin_ms or number * DAY_MS > now_ms:
        return {}
    source = spec.source_spec
    until = min(now_ms, (number + 1) * DAY_MS)
    sums: Sums = demo.charges.get(
        (source.key, number, until), lambda: _sums(demo.world.day(source, number), now_ms)
    )
    return sums


def _sums(day: Day, now_ms: int) -> Sums:
    spec, ran = day.spec, day.start_ms <= now_ms
    provisioned = day.provisioned & ran if is_reachable(spec) else np.zeros(len(day), dtype=np.bool_)
    found = {
        "requests": float(ran.sum()),
        "duration": 0.0 if spec.provider else _gb_s(day, ran & ~provisioned),
        "provisioned_duration": _gb_s(day, provisioned),
        "provisioned_capacity": _held_gb_s(spec, day, now_ms),
        "ephemeral": float(day.billed_ms[ran].sum()) * max(0, spec.tmp_mb - FREE_TMP_MB) / MB_MS,
        "event_pollers": _poller_hours(spec, day, now_ms),
        "log_ingest": float(log_bytes(day)[ran].sum()) / GIB,
        "traces": float((day.sampled & ran).sum()) if spec.tracing else 0.0,
    }
    return {name: units for name, units in found.items() if units}


def _gb_s(day: Day, which: Flags) -> float:
    return float((day.billed_ms[which] * day.memory_mb[which]).sum()) / MB_MS


def _held_gb_s(spec: Spec, day: Day, now_ms: int) -> float:
    """Provisioned concurrency is charged for as long as it is configured."""
    if spec.provisioned is None:
        return 0.0
    return spec.provisioned[1] * spec.memory_mb * _there_ms(day, now_ms) / MB_MS


def _poller_hours(spec: Spec, day: Day, now_ms: int) -> float:
    """A poller unit is there as long as its mapping is, and another one in busy minutes."""
    if spec.pollers is None:
        return 0.0
    units = poller_units(day)
    more = (units.value - 1)[units.minute * MINUTE_MS <= now_ms].sum()
    return (_there_ms(day, now_ms) / MINUTE_MS + float(more)) / 60


def _there_ms(day: Day, now_ms: int) -> int:
    """How long what is there all day has been there by now."""
    begin_ms = int(day.start_ms[0]) // DAY_MS * DAY_MS if len(day) else now_ms
    return min(DAY_MS, max(0, now_ms - begin_ms))


HANDLERS: dict[str, Handler] = {"GetCostAndUsage": get_cost_and_usage}
