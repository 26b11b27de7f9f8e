"""What AWS charged per day and usage type, from Cost Explorer: once a day, and only where settings allow it.

Every request costs 0.01 USD. A run asks two questions (Lambda; what is counted with it) about all days that
may still change. GetCostAndUsage has no paginator in botocore, so its pages are turned here.

Source: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Expected, Learned
from collectors.meter import unit_price_usd
from core.billed import is_ours
from core.entities import Charge, ChargedDay
from core.errors import AccessDeniedError, AwsError
from core.facts import Covered, Gap, Target
from core.meters import CLOUDWATCH, LAMBDA, SQS, XRAY
from core.windows import Window
from store.readers.explored import explored
from store.store import Filter, Store

Services = Mapping[str, str]
"""Cost Explorer's names of services (the dimension SERVICE), and those of a Cost and Usage Report."""

QUESTIONS: tuple[Services, ...] = (
    {"AWS Lambda": LAMBDA},
    {"AmazonCloudWatch": CLOUDWATCH, "AWS X-Ray": XRAY, "Amazon Simple Queue Service": SQS},
)
"""Of each request. Of Lambda every usage type is ours; of the others those that meters know."""

USD_A_RUN = len(QUESTIONS) * (unit_price_usd("ce", "GetCostAndUsage") or Decimal(0))
"""Pages beyond the first are paid when they come."""

ALMOST = 0.9
"""The part of the interval after which the next reading is due: a restart asks for nothing twice."""

NO_DATA = "DataUnavailableException"


class NotUsableError(ValueError):
    """An answer that cannot be compared."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """The days of last month and this one that are not final yet, each as a whole; or why there are none."""
    region, days = aws.target.region, _days(ask)
    if region.startswith(("cn-", "us-gov-", "eusc-")):
        yield Expected(Gap("", ask.window, f"Cost Explorer is not asked for {region}: another partition"))
        return
    try:
        yield from fetch_charges(aws, *days) if days else ()
    except (AwsError, NotUsableError) as error:
        if isinstance(error, AccessDeniedError):
            raise
        yield _why_not(error, ask.window)
        return
    yield Covered("", ask.window)


def _why_not(error: AwsError | NotUsableError, window: Window) -> Learned:
    """A reason that waits for the next turn: every try is paid."""
    if isinstance(error, AwsError) and error.code == NO_DATA:
        why = "Cost Explorer has no data yet: it takes a day after it is switched on in the billing console"
        return Expected(Gap("", window, why))
    return Gap("", window, f"{error}; asked again at the next turn, as each request is paid")


def _days(ask: Ask) -> tuple[date, date] | None:
    """The first day to ask for and the one after the last; None: nothing is due."""
    today, seen = ask.window.end.date(), ask.held.get("seen")
    every = ask.settings.charges_every
    if isinstance(seen, datetime) and ask.window.end < seen + ALMOST * every:
        return None
    first = max(ask.held.get("since") or date.min, last_month(today))
    return (first, today) if first < today else None


def last_month(today: date) -> date:
    """The first day of the month before."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def recall(store: Store, target: Target, window: Window) -> Mapping[str, Any]:
    """`since` when days are missing or may change, and when they were last `seen`."""
    kept = {one.day: one for one in explored(store, Filter(target.account, target.region))}
    if not kept:
        return {}
    day = min(kept)
    while day in kept and not kept[day].is_estimated:
        day += timedelta(days=1)
    return {"since": day, "seen": max(one.seen for one in kept.values())}


def fetch_charges(aws: Aws, start: date, end: date) -> Iterator[ChargedDay]:
    """Every day from `start` to before `end`, days without a charge too. Raises NotUsableError."""
    lines: dict[str, list[Charge]] = {}
    estimated: dict[str, bool] = {}
    for services in QUESTIONS:
        for day in _results(aws, services, start, end):
            name = day["TimePeriod"]["Start"]
            estimated[name] = estimated.get(name, False) or bool(day.get("Estimated"))
            lines.setdefault(name, []).extend(to_charges(day.get("Groups", ()), services))
    for name, charges in sorted(lines.items()):
        yield ChargedDay(name=name, is_estimated=estimated[name], charges=tuple(charges))


def _results(aws: Aws, services: Services, start: date, end: date) -> Iterator[Mapping[str, Any]]:
    wanted: Mapping[str, Iterable[str]] = {
        "LINKED_ACCOUNT": (aws.target.account,),
        "REGION": (aws.target.region,),
        "SERVICE": services.keys(),
    }
    question: dict[str, Any] = {
        "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
        "Granularity": "DAILY",
        "Filter": {"And": [{"Dimensions": {"Key": k, "Values": list(v)}} for k, v in wanted.items()]},
        "Metrics": ["UnblendedCost", "UsageQuantity"],
        "GroupBy": [{"Type": "DIMENSION", "Key": key} for key in ("USAGE_TYPE", "RECORD_TYPE")],
    }
    while True:
        answer = aws.client("ce").get_cost_and_usage(**question)
        yield from answer["ResultsByTime"]
        if not answer.get("NextPageToken"):
            return
        question["NextPageToken"] = answer["NextPageToken"]


def to_charges(groups: Iterable[Mapping[str, Any]], services: Services) -> Iterator[Charge]:
    """What of an answer is ours. Raises NotUsableError for another currency than USD."""
    for group in groups:
        (usage_type, kind), metrics = group["Keys"], group["Metrics"]
        service = next((one for one in services.values() if is_ours(one, usage_type)), None)
        if service is None:
            continue
        cost, quantity = metrics["UnblendedCost"], metrics["UsageQuantity"]["Amount"]
        if cost["Unit"] != "USD":
            raise NotUsableError(f"Cost Explorer tells costs in {cost['Unit']}: only USD is compared")
        yield Charge(service=service, usage_type=usage_type, kind=kind, quantity=quantity, usd=cost["Amount"])


def estimate_usd(ask: Ask) -> Decimal:
    return USD_A_RUN if _days(ask) else Decimal(0)


COLLECTOR = Collector(
    name="charges",
    what="What AWS charged per day and usage type, from Cost Explorer, if `cost.cost_explorer` is on.",
    every="charges_every",
    permissions=("ce:GetCostAndUsage",),
    collect=collect,
    estimate_usd=estimate_usd,
    recall=recall,
)
