"""Compute Optimizer: GetLambdaFunctionRecommendations. Production is opted in, staging is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.specs import PROD, Spec
from quarterdeck.demo.wire import ApiError, Call

PAGE = 1000
LOOKBACK_DAYS = 14
LEAST_PER_MINUTE = 50 / (LOOKBACK_DAYS * 24 * 60)
MOST_MB = 1792
"""Compute Optimizer looks at functions of up to so much memory with 50 invocations in 14 days."""

USED_LITTLE = 0.5
GB_SECOND_USD = 0.0000166667


def get_lambda_function_recommendations(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    if account != PROD:
        raise ApiError("OptInRequiredException", "Aws account is not registered for recommendation.")
    wanted = set(call.params.get("functionArns") or ())
    specs = demo.world.company.functions_of(account, call.region)
    found = [_recommendation(demo, spec) for spec in specs if not wanted or spec.arn in wanted]
    size = min(call.params.get("maxResults", PAGE), PAGE)
    page, rest = paged(found, call.params.get("nextToken"), size, invalid="InvalidParameterValueException")
    return {"lambdaFunctionRecommendations": page} | ({"nextToken": rest} if rest else {})


def _recommendation(demo: Demo, spec: Spec) -> dict[str, Any]:
    invocations = round(spec.per_minute * 60 * 24 * LOOKBACK_DAYS)
    told: dict[str, Any] = {
        "functionArn": f"{spec.arn}:$LATEST",
        "functionVersion": "$LATEST",
        "accountId": spec.account,
        "currentMemorySize": spec.memory_mb,
        "numberOfInvocations": invocations,
        "lookbackPeriodInDays": float(LOOKBACK_DAYS),
        "lastRefreshTimestamp": demo.world.clock().replace(microsecond=0) - timedelta(hours=7),
    }
    if spec.memory_mb > MOST_MB or spec.per_minute < LEAST_PER_MINUTE:
        why = "Inconclusive" if spec.memory_mb > MOST_MB else "InsufficientData"
        return told | {"finding": "Unavailable", "findingReasonCodes": [why]}
    smaller = spec.memory_mb // 2
    if spec.memory_share >= USED_LITTLE or smaller < 128:
        return told | {"finding": "Optimized", "findingReasonCodes": []}
    option = _option(spec, smaller)
    return told | {
        "finding": "NotOptimized",
        "findingReasonCodes": ["MemoryOverprovisioned"],
        "memorySizeRecommendationOptions": [option],
    }


def _option(spec: Spec, memory_mb: int) -> Mapping[str, Any]:
    gb_s = spec.per_minute * 60 * 24 * 30 * spec.median_ms / 1000 * (spec.memory_mb - memory_mb) / 1024
    saved = gb_s * GB_SECOND_USD
    return {
        "rank": 1,
        "memorySize": memory_mb,
        "projectedUtilizationMetrics": [
            {"name": "Duration", "statistic": name, "value": spec.median_ms * factor}
            for name, factor in (("LowerBound", 1.0), ("UpperBound", 1.8), ("Expected", 1.3))
        ],
        "savingsOpportunity": {
            "savingsOpportunityPercentage": 50.0,
            "estimatedMonthlySavings": {"currency": "USD", "value": round(saved, 4)},
        },
    }


HANDLERS: dict[str, Handler] = {"GetLambdaFunctionRecommendations": get_lambda_function_recommendations}
