"""Budgets, forecasts and anomalies over weeks of days whose cost is known."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.entities import Function
from core.facts import Listed, Target
from core.settings import BudgetSettings, CostSettings
from core.telemetry import MetricPoint
from core.windows import Window
from store.readers.budgets import anomalies, budgets, forecast, unusual_days

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
TODAY = NOW.replace(hour=0)
TARGET = Target("111111111111", "eu-west-1")
DAY = timedelta(days=1)
REQUEST_USD = Decimal("0.0000002")


@pytest.fixture
def database():
    """These readers ask others: one form of the store tells enough."""
    return


def a_function(name, **tags):
    return Function(name=name, arn=name, architecture="x86_64", memory_mb=1024, tags=tags, config_sha256="1")


@pytest.fixture
def filled(store, a_run):
    """Six weeks of two functions; `dear` maps a day to how many times the invocations of checkout."""

    def fill(days=42, dear=None):
        dear = dear or {}
        facts = [a_function("checkout", team="payments"), a_function("etl", team="data"), Listed("function")]
        for n in range(days + 1):
            ts = TODAY - n * DAY
            for name, count in (("checkout", 1_000_000.0 * dear.get(ts.date(), 1)), ("etl", 500_000.0)):
                facts.append(
                    MetricPoint(
                        scope="function",
                        function=name,
                        ts=ts + timedelta(hours=2),
                        period_s=3600,
                        invocations=count,
                        errors=0.0,
                        duration_sum_ms=count * 100,
                        log_bytes=0.0,
                    )
                )
        run = a_run(start=TODAY - days * DAY, end=NOW, target=TARGET, period_s=3600, at=NOW)
        store.commit(run, facts, now=NOW)
        return store

    return fill


def settings(**more):
    return CostSettings(free_tier=False, **more)


def a_budget(name="payments", usd=100, **where):
    return BudgetSettings(name=name, usd_per_month=Decimal(usd), where=where or {"tag:team": "payments"})


def test_a_budget_of_a_tag_is_what_its_functions_spent(filled):
    store = filled()
    both = [a_budget(), a_budget("all", 200, account=TARGET.account)]

    found = {one.name: one for one in budgets(store, settings(budgets=both), now=NOW)}

    assert found["all"].spent_usd == found["payments"].spent_usd * 3 / 2
    assert found["payments"].spent_usd > 18 * 1_000_000 * REQUEST_USD
    assert found["payments"].lacks is None


def test_a_month_of_equal_days_is_foreseen(filled):
    spent, ahead = forecast(filled(), settings(), now=NOW)

    assert ahead.days == 42
    # Today's use is all in the past: from noon on half a day is left, and twelve whole ones.
    assert float(ahead.usd) == pytest.approx(float(spent) * (1 + 12.5 / 18), rel=1e-6)


def test_without_history_the_forecast_is_unknown(filled):
    _, ahead = forecast(filled(days=3), settings(), now=NOW)

    assert ahead.usd is None
    assert "3 are known" in ahead.why


def test_a_dear_day_names_the_function_and_its_traffic(filled):
    dear = date(2026, 11, 16)

    [one] = anomalies(filled(dear={dear: 4}), Window(NOW - 7 * DAY, NOW), now=NOW)

    assert one.place == (TARGET.account, TARGET.region, "checkout")
    assert (one.found.day, one.found.cause) == (dear, "traffic")
    assert one.found.usd == pytest.approx(4 * one.found.expected_usd)


def test_equal_days_have_no_anomaly(filled):
    assert anomalies(filled(), Window(NOW - 7 * DAY, NOW), now=NOW) == []


def test_an_empty_store_knows_nothing(store):
    [one] = budgets(store, settings(budgets=[a_budget()]), now=NOW)

    assert one.spent_usd is None
    assert "not known" in one.says
    assert anomalies(store, Window(NOW - 7 * DAY, NOW), now=NOW) == []


PLACE = (TARGET.account, TARGET.region, "checkout")


def test_days_of_one_function_are_told_the_newest_first_with_how_many_were_judged(filled):
    dear = [date(2026, 11, 12), date(2026, 11, 16)]
    store = filled(days=15, dear=dict.fromkeys(dear, 4))

    told = unusual_days(store, Window(NOW - 7 * DAY, NOW), PLACE, now=NOW)

    assert [one.day for one in told.found] == dear[::-1]
    assert (told.judged, told.days) == (7, 7)


def test_days_with_too_few_before_them_are_not_called_usual(filled):
    told = unusual_days(filled(days=9), Window(NOW - 14 * DAY, NOW), PLACE, now=NOW)

    assert (told.found, told.judged, told.days) == ([], 2, 14)
