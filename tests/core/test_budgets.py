"""Thresholds of budgets, on what was spent and on where the month will end."""

from decimal import Decimal

import pytest

from core.budgets import Passed, fits, state, worst_first
from core.forecast import Forecast, unknown
from core.settings import BudgetSettings

BUDGET = BudgetSettings(name="payments", usd_per_month=Decimal(100), where={"tag:team": "payments"})


def ahead(usd):
    return Forecast(*[Decimal(usd)] * 3, days=30)


@pytest.mark.parametrize(
    ("spent", "end", "passed"),
    [
        ("79.99", "99.99", []),
        ("80", "99", [Passed("actual", Decimal("0.8"))]),
        ("50", "100", [Passed("forecast", Decimal(1))]),
        (
            "100",
            "150",
            [Passed("actual", Decimal(1)), Passed("forecast", Decimal(1)), Passed("actual", Decimal("0.8"))],
        ),
    ],
)
def test_thresholds_are_passed_when_they_are_reached(spent, end, passed):
    assert list(state(BUDGET, Decimal(spent), ahead(end)).passed) == passed


def test_what_is_not_known_passes_nothing_and_says_so():
    found = state(BUDGET, None, unknown(3), lacks="no permission")

    assert found.passed == ()
    assert found.says == "What payments has spent is not known: no permission."


def test_a_budget_without_a_forecast_says_why():
    assert "not known: 7 whole days are needed, 3 are known" in state(BUDGET, Decimal(5), unknown(3)).says


def test_the_worst_budget_comes_first():
    fine, over = state(BUDGET, Decimal(5), ahead(20)), state(BUDGET, Decimal(5), ahead(200))

    assert worst_first([state(BUDGET, None, unknown(0)), fine, over])[0] is over


def test_all_of_where_must_fit():
    where = {"account": "1", "tag:team": "payments"}

    assert fits(where, {"account": "1", "tag:team": "payments", "region": "x"})
    assert not fits(where, {"account": "2", "tag:team": "payments"})
