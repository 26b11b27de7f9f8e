"""The Chargeback page against plain sums over the facts that were committed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.facts import Run, Usage
from dashboard import numbers
from tests.dashboard.every_page import words
from tests.dashboard.test_numbers_another_way import (
    LOG_GIB,
    MEMORY_MB,
    NOW,
    PROD,
    WINDOW,
    cards,
    fleet,
    table,
)

__all__ = ["fleet"]

OWN = Decimal("0.0731")


@pytest.fixture
def month(fleet, store):
    """What each team is charged for November (all but its logs is within the free amounts), and what our own
    calls cost."""
    used = Usage(service="monitoring", operation="GetMetricData", calls=7, units=7, cost_usd=str(OWN))
    at = NOW - timedelta(hours=1)
    times = {"started_at": at, "finished_at": at}
    run = Run(
        collector="changes", target=PROD, window=WINDOW, period_s=60, outcome="ok", usage=(used,), **times
    )
    store.commit(run, [], now=at)
    bytes_of = {name: sum(told.of(name).sum("log_bytes") for told in fleet) for name in MEMORY_MB}
    return {f"of-{name}": Decimal(kept) / 1024**3 * LOG_GIB for name, kept in bytes_of.items()}


def test_the_statement_is_prices_times_what_each_team_used(open_page, month, fleet):
    rows = table(open_page("views/chargeback.py", month="2026-11"), "charged_usd").set_index("name")

    whole = sum(month.values())
    for team, usd in month.items():
        listed = sum(told.of(team.removeprefix("of-")).usd() for told in fleet)
        assert rows.loc[team, "list_usd"] == pytest.approx(float(listed))
        assert rows.loc[team, "own_usd"] == pytest.approx(float(usd))
        assert rows.loc[team, "shared_usd"] == pytest.approx(float(OWN * usd / whole))
        assert abs(rows.loc[team, "charged_usd"] - float(usd + OWN * usd / whole)) < 0.01
    lines = rows.drop("Total")["charged_usd"]
    assert sum(Decimal(f"{usd:.2f}") for usd in lines) == (whole + OWN).quantize(Decimal("0.01"))


def test_cards_are_the_sums_of_the_statement(open_page, month):
    shown = cards(open_page("views/chargeback.py"))

    assert shown["Charged"][0] == f"${sum(month.values()) + OWN:,.2f}"
    assert shown["Shared"][0] == numbers.usd(OWN)
    assert shown["Without the tag"][0] == "0%"


def test_another_month_has_its_own_statement(open_page, month):
    text = words(open_page("views/chargeback.py", month="2026-09"))

    assert "September 2026" in text
    assert "$0.00 for September 2026" in text


def test_a_month_or_a_grouping_that_does_not_exist_falls_back(open_page, month):
    app = open_page("views/chargeback.py", month="2026-13", by="tag:nobody")

    assert not app.exception
    assert "November 2026 so far" in words(app)


def test_how_it_adds_up_is_on_the_page(open_page, month):
    text = words(open_page("views/chargeback.py"))

    assert "in proportion" in text
    assert "largest remainder" in text
