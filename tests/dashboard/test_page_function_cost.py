"""The Function cost page against sums over the records that were committed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.cost_anomalies import CostAnomaly
from core.entities import Function, Version
from core.facts import Covered, Listed, Run, Target
from core.telemetry import InvocationRecord, MetricPoint
from core.windows import MINUTE, Window
from dashboard import numbers
from dashboard.figures_function_cost import unusual_sentence, unusual_table
from store.readers.avoidable import avoidable
from store.readers.budgets import UnusualDays
from store.readers.deploy_costs import around
from store.store import Filter
from tests.dashboard.every_page import words

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PROD = Target("111111111111", "eu-west-1")
WINDOW = Window(NOW - 3 * HOUR, NOW)
TIMES = {"from": WINDOW.start.isoformat(), "to": WINDOW.end.isoformat()}
FN = "111111111111.eu-west-1.api"
REQUEST, GB_SECOND = Decimal("0.0000002"), Decimal("0.0000166667")
"""Prices of eu-west-1, x86."""


def commit(store, collector, facts, window=WINDOW):
    times = {"started_at": NOW, "finished_at": NOW}
    run = Run(collector=collector, target=PROD, window=window, period_s=60, outcome="ok", **times)
    store.commit(run, facts, now=NOW)


def record(nth, *, billed, request=None, **about):
    minute = WINDOW.start + nth * MINUTE
    return InvocationRecord(
        function="api", ts=minute + timedelta(seconds=20), version="1", stream="s", event_id=f"e{nth}",
        request_id=request or f"r{nth}", duration_ms=float(billed - about.pop("init_billed", 0)),
        billed_ms=float(billed), memory_mb=1024.0, max_memory_mb=100.0, **about,
    )  # fmt: skip


RECORDS = [
    record(0, billed=100),
    record(1, billed=200, status="error"),
    record(2, billed=3000, status="timeout", request="again"),
    record(3, billed=3000, status="timeout", request="again"),
    record(4, billed=50, request="again"),
    record(5, billed=400, init_ms=300.0, init_billed=300),
]


@pytest.fixture
def told(store):
    """Half a dozen invocations of `api`: an error, a timeout tried three times, a cold start."""
    store.remember_target(PROD, "shop", now=NOW)
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:api"
    published = NOW - 2 * HOUR
    commit(store, "inventory", [Function(name="api", arn=arn, memory_mb=1024, tags={"team": "shop"})])
    commit(store, "details", [
        Version(name="api:1", function="api", version="1", published=NOW - 300 * HOUR),
        Version(name="api:2", function="api", version="2", published=published),
        Listed("provisioned", "api"),
    ])  # fmt: skip
    points = [
        MetricPoint(
            scope="function", function="api", ts=WINDOW.start + nth * MINUTE, period_s=60,
            invocations=1.0 if nth < len(RECORDS) else 0.0, errors=0.0, throttles=0.0, log_bytes=0.0,
        )
        for nth in range(180)
    ]  # fmt: skip
    commit(store, "metrics", points)
    commit(store, "logs", [*RECORDS, Covered("api", WINDOW)])
    return store


def usd(*billed_ms, requests=None):
    n = len(billed_ms) if requests is None else requests
    return Decimal(sum(billed_ms)) / 1000 * GB_SECOND + n * REQUEST


EXPECTED = {
    "errors": usd(200, 3000, 3000),
    "timeouts": usd(3000, 3000),
    "retries": usd(3000, 50),
    "cold starts": usd(300, requests=0),
}


def test_what_bought_nothing_is_prices_times_the_records_of_each_kind(told):
    found = avoidable(told, WINDOW, now=NOW, where=Filter(PROD.account, PROD.region, "api"))

    assert dict(zip(found["kind"], found["cost_usd"], strict=True)) == EXPECTED
    assert dict(zip(found["kind"], found["invocations"], strict=True)) == {
        "errors": 3, "timeouts": 2, "retries": 2, "cold starts": 1,
    }  # fmt: skip


def test_the_cards_of_a_functions_cost_are_sums_over_its_records(open_page, told):
    app = open_page("views/function_cost.py", fn=FN, **TIMES)

    shown = {metric.label.split(" :")[0]: metric for metric in app.metric}
    whole = usd(*(one.billed_ms for one in RECORDS))
    assert shown["Cost"].value == numbers.usd(whole)
    assert shown["Per thousand"].value == numbers.usd(whole / 6 * 1000)
    for label, kind in (("Errors", "errors"), ("Timeouts", "timeouts"), ("Retries", "retries"),
                        ("Cold starts", "cold starts")):  # fmt: skip
        assert shown[label].value == numbers.usd(EXPECTED[kind])
        assert numbers.percent(float(EXPECTED[kind] / whole)) in shown[label].delta


def test_parts_of_a_functions_cost_add_up_to_its_cost(open_page, told):
    app = open_page("views/function_cost.py", fn=FN, **TIMES)

    parts = next(frame.value for frame in app.dataframe if "formula" in frame.value)
    assert parts["cost_usd"].sum() == pytest.approx(float(usd(*(one.billed_ms for one in RECORDS))))


def test_without_a_function_all_are_offered_dearest_first(open_page, told):
    app = open_page("views/function_cost.py", **TIMES)

    row = app.dataframe[0].value.iloc[0]
    whole = float(usd(*(one.billed_ms for one in RECORDS)))
    assert (row["function"], row["driver"]) == ("api", "Duration")
    assert row["per_thousand_usd"] == pytest.approx(whole / 6 * 1000)


def test_without_a_function_the_page_says_what_all_cost_and_which_most(open_page, told):
    app = open_page("views/function_cost.py", **TIMES)

    whole = numbers.usd(usd(*(one.billed_ms for one in RECORDS))).replace("$", "\\$")
    said = next(text.value for text in app.markdown if "for 1 function in" in text.value)
    assert f"**{whole} for 1 function in this window**" in said
    assert f"api costs most: {whole}, 100% of it, driven by duration" in said


def test_a_deploy_is_compared_with_the_hours_around_it(open_page, told):
    app = open_page("views/function_cost.py", fn=FN, **TIMES)

    row = next(frame.value for frame in app.dataframe if "before_usd" in frame.value).iloc[0]
    whole = float(usd(*(one.billed_ms for one in RECORDS)))
    assert row["before_usd"] == pytest.approx(whole / 6 * 1000)
    assert row["before_invocations"] == 6
    assert row["after_usd"] != row["after_usd"]  # nothing was invoked since: not known, and not free
    assert "Of no deploy is both known" in words(app)


def test_a_deploy_is_compared_no_further_than_the_next_one():
    first, second = NOW - 5 * HOUR, NOW - 2 * HOUR + timedelta(seconds=30)

    before, after = around(second, [first, second], end=NOW)

    assert before == Window(first, NOW - 2 * HOUR)
    assert after == Window(NOW - 2 * HOUR + MINUTE, NOW)
    assert around(first, [first, second], end=NOW)[0].duration == 24 * HOUR


def an_anomaly(day, usd):
    return CostAnomaly(day, usd, 1.0, "logs", "logs", "3.0 times the log volume per invocation")


def test_unusual_days_say_what_they_cost_beyond_the_usual():
    found = [an_anomaly(date(2026, 11, 16), 4.0), an_anomaly(date(2026, 11, 12), 2.5)]

    assert unusual_sentence(UnusualDays(found, 12, 14)) == (
        "**2 of 12 days**, \\$4.50 above what is usual. 2 of 14 days could not be judged."
    )
    row = unusual_table(found).iloc[0]
    assert (row["above_usd"], row["component"], row["cause"]) == (3.0, "Log ingestion", "logs")


def test_days_that_cannot_be_judged_are_not_called_usual():
    assert "None of 14 days can be judged" in unusual_sentence(UnusualDays([], 0, 14))
    assert unusual_sentence(UnusualDays([], 14, 14)) == "None of 14 days."


def test_a_function_that_nobody_knows_is_said(open_page, told):
    assert "Nothing that ghost costs is known" in words(
        open_page("views/function_cost.py", fn="111111111111.eu-west-1.ghost", **TIMES)
    )
