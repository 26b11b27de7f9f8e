"""What AWS Compute Optimizer finds of the memory of functions, once a day and only where settings allow it.

Source: https://docs.aws.amazon.com/compute-optimizer/latest/APIReference/API_LambdaFunctionRecommendation.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors.aws import Aws
from collectors.collector import Ask, Collector, Expected, Learned
from collectors.parse import Answer, Unreadable, each_parsed, parse_time, part, texts
from core.entities import OptimizerFinding
from core.errors import AwsError
from core.facts import Covered, Gap, Listed

NOT_OPTED_IN = "OptInRequiredException"
PAGE = 1000
"""The largest page that GetLambdaFunctionRecommendations gives."""

LATEST = "$LATEST"


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """A finding per function that Compute Optimizer looked at, or why there is none."""
    try:
        pages = list(aws.pages("compute-optimizer", "get_lambda_function_recommendations", maxResults=PAGE))
    except AwsError as error:
        if error.code != NOT_OPTED_IN:
            raise
        why = (
            f"account {aws.target.account} is not opted in to Compute Optimizer: "
            "`aws compute-optimizer update-enrollment-status --status Active` opts it in, free of charge"
        )
        yield Expected(Gap("", ask.window, why))
        return
    entries = [entry for page in pages for entry in page.get("lambdaFunctionRecommendations", ())]
    is_whole = True
    for item in each_parsed(to_finding, entries, what="the recommendation for", key="functionArn"):
        if isinstance(item, Unreadable):
            is_whole = False
            yield Gap(item.name, ask.window, item.why)
        else:
            yield item
    if is_whole:
        yield Listed("optimizer")
    yield Covered("", ask.window)


def to_finding(entry: Answer) -> OptimizerFinding:
    """Raises KeyError when the ARN or the finding is missing, ValueError when the ARN is none."""
    words = str(entry["functionArn"]).split(":")
    if len(words) < 7:
        raise ValueError("no ARN of a function")
    version = str(entry.get("functionVersion") or LATEST)
    options = sorted(entry.get("memorySizeRecommendationOptions") or (), key=lambda one: one["rank"])
    best: Answer = options[0] if options else {}
    return OptimizerFinding(
        name=f"{words[6]}:{version}",
        function=words[6],
        version=version,
        finding=str(entry["finding"]),
        reasons=texts(entry.get("findingReasonCodes")),
        memory_mb=entry.get("currentMemorySize"),
        recommended_mb=best.get("memorySize"),
        saves_usd_month=_dollars(part(best, "savingsOpportunity", "estimatedMonthlySavings")),
        duration_low_ms=_projected(best, "LowerBound"),
        duration_high_ms=_projected(best, "UpperBound"),
        invocations=entry.get("numberOfInvocations"),
        lookback_days=entry.get("lookbackPeriodInDays"),
        refreshed=parse_time(entry.get("lastRefreshTimestamp")),
    )


def _dollars(saving: Any) -> float | None:
    """Only US dollars are told."""
    known = isinstance(saving, dict) and saving.get("currency") == "USD"
    return float(saving["value"]) if known and saving.get("value") is not None else None


def _projected(option: Answer, statistic: str) -> float | None:
    found = option.get("projectedUtilizationMetrics") or ()
    return next((float(one["value"]) for one in found if one.get("statistic") == statistic), None)


COLLECTOR = Collector(
    name="optimizer",
    what="What Compute Optimizer finds of the memory of functions, if `cost.compute_optimizer` is on.",
    every="optimizer_every",
    permissions=("compute-optimizer:GetLambdaFunctionRecommendations",),
    collect=collect,
)
