"""Cost Explorer is asked once a day and only when allowed; days that may change are read until final."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from collectors import cost_explorer
from collectors.collector import Ask, Expected
from collectors.cost_explorer import COLLECTOR
from collectors.plan import made_up, price
from collectors.registry import COLLECTORS, chosen
from collectors.runner import run_once
from core.billed import What
from core.entities import Charge, ChargedDay
from core.facts import Target
from core.settings import CollectSettings, CostSettings, RetentionSettings
from core.windows import MINUTE, Window
from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.specs import Company
from store.readers.explored import explored, to_bill
from tests.collectors.conftest import NOW, TARGET, refusing
from tests.collectors.proof.content import aws_at

WINDOW = Window.last(MINUTE, now=NOW)
DAY = timedelta(days=1)
LAMBDA_ONLY = ["AWS Lambda"]


def group(usage_type="EU-Lambda-GB-Second", kind="Usage", quantity="1000", usd="0.0166667", unit="USD"):
    return {
        "Keys": [usage_type, kind],
        "Metrics": {
            "UnblendedCost": {"Amount": usd, "Unit": unit},
            "UsageQuantity": {"Amount": quantity, "Unit": "N/A"},
        },
    }


def services_of(params):
    return params["Filter"]["And"][-1]["Dimensions"]["Values"]


def answering(lambda_groups=(), beside=(), *, estimated_from=date(2026, 11, 1)):
    """Every day of what was asked for, with the same groups."""

    def answer(params):
        start, end = (date.fromisoformat(params["TimePeriod"][name]) for name in ("Start", "End"))
        groups = lambda_groups if services_of(params) == LAMBDA_ONLY else beside
        days = [start + n * DAY for n in range((end - start).days)]
        return {"ResultsByTime": [one_day(day, groups, day >= estimated_from) for day in days]}

    return answer


def one_day(day, groups, is_estimated=False):
    period = {"Start": day.isoformat(), "End": (day + DAY).isoformat()}
    return {"TimePeriod": period, "Groups": list(groups), "Estimated": is_estimated}


def collected(aws, **held):
    return list(cost_explorer.collect(aws, Ask(window=WINDOW, held=held)))


def days_in(facts):
    return [fact for fact in facts if isinstance(fact, ChargedDay)]


def test_it_runs_only_when_the_settings_allow_it():
    assert COLLECTOR not in chosen(CostSettings())
    assert chosen(CostSettings(cost_explorer=True)) == (*COLLECTORS, COLLECTOR)


def test_every_day_of_last_month_and_this_one_is_kept_with_or_without_charges(answered):
    aws = answered(GetCostAndUsage=answering([group()]))

    days = days_in(collected(aws))

    assert [days[0].name, days[-1].name, len(days)] == ["2026-10-01", "2026-11-20", 51]
    assert days[0].charges == (
        Charge("AWSLambda", "EU-Lambda-GB-Second", "Usage", quantity="1000", usd="0.0166667"),
    )
    assert [days[0].is_estimated, days[-1].is_estimated] == [False, True]


def test_it_asks_for_its_own_account_and_region_alone(answered):
    asked = []
    aws = answered(GetCostAndUsage=lambda params: asked.append(params) or {"ResultsByTime": []})

    collected(aws)

    dimensions = {d["Dimensions"]["Key"]: d["Dimensions"]["Values"] for d in asked[0]["Filter"]["And"]}
    assert dimensions == {
        "LINKED_ACCOUNT": [TARGET.account], "REGION": [TARGET.region], "SERVICE": LAMBDA_ONLY
    }  # fmt: skip
    assert asked[0]["Metrics"] == ["UnblendedCost", "UsageQuantity"]


def test_pages_are_turned_to_the_last(answered):
    def answer(params):
        first = one_day(date(2026, 11, 1), [group()], True)
        second = one_day(date(2026, 11, 2), [group()], True)
        if params.get("NextPageToken"):
            return {"ResultsByTime": [second]}
        return {"ResultsByTime": [first], "NextPageToken": "more"}

    aws = answered(GetCostAndUsage=answer)
    days = days_in(collected(aws))

    assert [day.name for day in days] == ["2026-11-01", "2026-11-02"]
    assert [len(day.charges) for day in days] == [1, 1]
    assert aws.asked["GetCostAndUsage"] == 4


def test_of_other_services_only_what_is_counted_with_lambda_is_kept(answered):
    beside = [group("EU-VendedLog-Bytes"), group("EU-CW:AlarmMonitorUsage"), group("EU-Requests-RBP")]

    day = days_in(collected(answered(GetCostAndUsage=answering((), beside))))[0]

    assert [(one.service, one.usage_type) for one in day.charges] == [
        ("AmazonCloudWatch", "EU-VendedLog-Bytes"), ("AWSQueueService", "EU-Requests-RBP")
    ]  # fmt: skip


def test_what_is_final_is_not_read_again_and_what_may_change_is(answered, listed):
    run_once(COLLECTOR, answered(GetCostAndUsage=answering([group()])), listed, WINDOW, now=NOW)
    asked = []
    answer = answering([group(usd="0.02")])
    aws = answered(GetCostAndUsage=lambda params: asked.append(params["TimePeriod"]) or answer(params))
    later = NOW + DAY

    run_once(COLLECTOR, aws, listed, Window.last(MINUTE, now=later), now=later)

    assert asked[0] == {"Start": "2026-11-01", "End": "2026-11-22"}
    costs = {one.day: one.charges[0].usd for one in explored(listed)}
    assert (costs[date(2026, 10, 31)], costs[date(2026, 11, 1)]) == ("0.0166667", "0.02")


def test_a_restart_on_the_same_day_asks_for_nothing_and_reserves_nothing(answered, listed):
    run_once(COLLECTOR, answered(GetCostAndUsage=answering([group()])), listed, WINDOW, now=NOW)
    aws, soon = answered(GetCostAndUsage=answering([group()])), NOW + timedelta(hours=3)
    window = Window.last(MINUTE, now=soon)

    run = run_once(COLLECTOR, aws, listed, window, now=soon)

    assert run.outcome == "ok"
    assert not aws.asked
    held = cost_explorer.recall(listed, TARGET, window)
    assert cost_explorer.estimate_usd(Ask(window=window, held=held)) == 0
    assert cost_explorer.estimate_usd(Ask(window=window)) == Decimal("0.02")


def test_a_missing_permission_is_named(answered, listed):
    aws = answered(GetCostAndUsage=refusing("AccessDeniedException"))

    run = run_once(COLLECTOR, aws, listed, WINDOW, now=NOW)

    assert (run.outcome, run.permission) == ("denied", "ce:GetCostAndUsage")


def test_an_account_that_has_no_data_yet_is_no_failure(answered):
    (only,) = collected(answered(GetCostAndUsage=refusing("DataUnavailableException")))

    assert isinstance(only, Expected)
    assert "no data yet" in only.gap.why


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusing("LimitExceededException"), "LimitExceeded"),
        (answering([group(unit="CNY")]), "Cost Explorer tells costs in CNY: only USD is compared"),
    ],
)
def test_a_failure_keeps_nothing_and_waits_for_its_turn_as_requests_are_paid(answered, listed, answer, said):
    run = run_once(COLLECTOR, answered(GetCostAndUsage=answer), listed, WINDOW, now=NOW)

    assert run.outcome == "partial"
    assert said in run.error
    assert explored(listed) == []


def test_other_partitions_are_not_asked(answered):
    aws = answered(GetCostAndUsage=answering())
    aws.target = Target(TARGET.account, "cn-north-1")

    (only,) = collected(aws)

    assert "another partition" in only.gap.why
    assert not aws.asked


def test_the_plan_prices_it_before_the_first_call():
    (line,) = price(
        {TARGET: made_up(3)}, CollectSettings(), [COLLECTOR], retention=RetentionSettings(), now=NOW
    )

    assert line.usd_a_month == Decimal("0.6")


def test_a_month_of_it_is_a_bill_in_the_words_of_imported_ones(answered, listed):
    groups = [
        group(), group(kind="Credit", quantity="1000", usd="-1.5"), group("EU-Request", usd="0", quantity="7")
    ]  # fmt: skip
    run_once(COLLECTOR, answered(GetCostAndUsage=answering(groups)), listed, WINDOW, now=NOW)

    bill = to_bill(one for one in explored(listed) if one.day == date(2026, 11, 5))

    what = What(
        date(2026, 11, 5), TARGET.account, TARGET.region, "AWSLambda", "EU-Lambda-GB-Second", "", "usage"
    )
    free = what._replace(usage_type="EU-Request", kind="free")
    assert {one.kind for one in bill} == {"usage", "credit", "free"}
    assert (bill[what].quantity, bill[what].net_usd) == (1000, Decimal("0.0166667"))
    assert (bill[what._replace(kind="credit")].quantity, bill[free].quantity) == (0, 7)


def test_the_demo_charges_what_its_functions_used():
    now = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
    few = tuple(spec for spec in MERIDIAN.functions_of("111122223333", "us-east-1"))[:2]
    with (
        DemoServer(clock=FrozenClock(now), company=Company(few)) as server,
        closing(aws_at(server.endpoint, Target("111122223333", "us-east-1"), impatient=False)) as aws,
    ):
        days = days_in(collected(aws))
        (usage,) = aws.take_usage()
        number = (date(2026, 11, 17) - date(1970, 1, 1)).days
        ran = sum(len(server.world.day(spec, number)) for spec in few)

    newest = next(day for day in days if day.name == "2026-11-17")
    requests = [one for one in newest.charges if one.usage_type.startswith("Request")]
    assert sum(Decimal(one.quantity) for one in requests) == ran > 0
    assert newest.is_estimated
    before_history = next(day for day in days if day.name == "2026-10-05")
    assert {one.usage_type for one in before_history.charges} == {"TimedStorage-ByteHrs"}
    assert (usage.calls, usage.cost_usd) == (2, "0.02")
