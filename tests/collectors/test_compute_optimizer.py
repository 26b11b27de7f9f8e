"""Compute Optimizer is asked only when allowed; what it cannot say is said, with the reason."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from collectors import compute_optimizer
from collectors.collector import Ask, Expected
from collectors.registry import COLLECTORS, chosen
from collectors.runner import run_once
from core.entities import OptimizerFinding
from core.facts import Covered, Gap, Listed, Target
from core.settings import CostSettings
from core.windows import MINUTE, Window
from quarterdeck.demo.server import DemoServer, FrozenClock
from store.readers.optimizer import NOT_ASKED, NOT_LOOKED_AT, optimizer
from tests.collectors.conftest import NOW, refusing
from tests.collectors.proof.content import aws_at

pytestmark = pytest.mark.usefixtures("listed")

WINDOW = Window.last(MINUTE, now=NOW)
TARGET = Target("111122223333", "eu-west-1")
PLACE = (TARGET.account, TARGET.region, "f")


def recommendation(name="f", **about):
    return {
        "functionArn": f"arn:aws:lambda:eu-west-1:111122223333:function:{name}:$LATEST",
        "functionVersion": "$LATEST",
        "currentMemorySize": 1024,
        "numberOfInvocations": 5000,
        "lookbackPeriodInDays": 14.0,
        "lastRefreshTimestamp": datetime(2026, 11, 17, tzinfo=UTC),
        "finding": "NotOptimized",
        "findingReasonCodes": ["MemoryOverprovisioned"],
        "memorySizeRecommendationOptions": [
            {
                "rank": 1,
                "memorySize": 512,
                "savingsOpportunity": {"estimatedMonthlySavings": {"currency": "USD", "value": 1.25}},
                "projectedUtilizationMetrics": [
                    {"name": "Duration", "statistic": "LowerBound", "value": 100.0},
                    {"name": "Duration", "statistic": "UpperBound", "value": 180.0},
                ],
            }
        ],
    } | about


def answering(*entries):
    answer = {"lambdaFunctionRecommendations": list(entries)}
    return {"GetLambdaFunctionRecommendations": lambda params: answer}


def collected(aws):
    return list(compute_optimizer.collect(aws, Ask(window=WINDOW)))


def told(store):
    day = Window(NOW - timedelta(days=1), NOW)
    return optimizer(store, day, now=NOW)[PLACE]


def test_it_runs_only_when_the_settings_allow_it():
    assert compute_optimizer.COLLECTOR not in chosen(CostSettings())
    assert chosen(CostSettings(compute_optimizer=True)) == (*COLLECTORS, compute_optimizer.COLLECTOR)


def test_a_finding_is_its_first_recommendation(answered):
    second = {"rank": 2, "memorySize": 768}
    entry = recommendation()
    entry["memorySizeRecommendationOptions"].insert(0, second)

    found, *rest = collected(answered(**answering(entry)))

    assert (found.name, found.finding, found.recommended_mb) == ("f:$LATEST", "NotOptimized", 512)
    assert (found.saves_usd_month, found.duration_low_ms, found.duration_high_ms) == (1.25, 100.0, 180.0)
    assert rest == [Listed("optimizer"), Covered("", WINDOW)]


def test_unavailable_is_kept_with_its_reason_and_no_numbers(answered, store):
    entry = recommendation(finding="Unavailable", findingReasonCodes=["InsufficientData"])
    del entry["memorySizeRecommendationOptions"]

    run_once(compute_optimizer.COLLECTOR, answered(**answering(entry)), store, WINDOW, now=NOW)

    assert told(store).says == "Unavailable (InsufficientData)"
    assert told(store).recommended_mb is None
    assert told(store).saves_usd_month is None


def test_an_account_that_is_not_opted_in_says_how_to(answered, store):
    aws = answered(GetLambdaFunctionRecommendations=refusing("OptInRequiredException"))

    run = run_once(compute_optimizer.COLLECTOR, aws, store, WINDOW, now=NOW)

    assert run.outcome in ("ok", "partial")
    assert "update-enrollment-status --status Active" in told(store).says


def test_a_missing_permission_is_named(answered, store):
    aws = answered(GetLambdaFunctionRecommendations=refusing("AccessDeniedException"))

    run = run_once(compute_optimizer.COLLECTOR, aws, store, WINDOW, now=NOW)

    assert run.outcome == "denied"
    assert "compute-optimizer:GetLambdaFunctionRecommendations" in told(store).says


def test_what_was_never_asked_says_so(store):
    assert told(store).says == NOT_ASKED


def test_a_function_that_it_did_not_look_at_is_not_called_optimized(answered, store):
    run_once(compute_optimizer.COLLECTOR, answered(**answering()), store, WINDOW, now=NOW)

    assert told(store).says == NOT_LOOKED_AT


def test_other_currencies_are_no_dollars(answered):
    entry = recommendation()
    option = entry["memorySizeRecommendationOptions"][0]
    option["savingsOpportunity"]["estimatedMonthlySavings"] = {"currency": "CNY", "value": 9.0}

    assert collected(answered(**answering(entry)))[0].saves_usd_month is None


def test_an_entry_that_cannot_be_read_keeps_the_others(answered):
    broken = recommendation(functionArn="nonsense")

    facts = collected(answered(**answering(broken, recommendation("g"))))

    assert [f.function for f in facts if isinstance(f, OptimizerFinding)] == ["g"]
    assert [f.scope for f in facts if isinstance(f, Gap)] == ["nonsense"]
    assert Listed("optimizer") not in facts


def test_the_demo_has_findings_of_each_kind_and_an_account_that_did_not_opt_in():
    now = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
    with DemoServer(clock=FrozenClock(now)) as server:
        with closing(aws_at(server.endpoint, TARGET)) as aws:
            facts = [f for f in collected(aws) if isinstance(f, OptimizerFinding)]
        with closing(aws_at(server.endpoint, Target("444455556666", "eu-west-1"))) as aws:
            (gap,) = collected(aws)

    assert {f.finding for f in facts} == {"Optimized", "NotOptimized", "Unavailable"}
    assert isinstance(gap, Expected)
