"""What is said of the month's money and of how functions are watched."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from dashboard import figures_budget
from store.readers.budget import Budget, Slowed, Unreached

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def budget(**about):
    values = {
        "cap_usd": Decimal(20),
        "spent_usd": Decimal(5),
        "today_usd": Decimal("0.25"),
        "reserved_usd": Decimal(0),
        "projected_usd": Decimal("12.5"),
        "usd_a_day": Decimal("0.75"),
        "month_ends": datetime(2026, 12, 1, tzinfo=UTC),
        "stops_at": None,
        "stopped": (),
        "step": 0,
        "decided_at": NOW,
    }
    return Budget(**(values | about))


SLOWED = (Slowed("quiet", 1200, 3600, 300),)


@pytest.mark.parametrize(
    ("about", "state"),
    [
        ({}, "healthy"),
        ({"cap_usd": None}, "info"),
        ({"slowed": SLOWED}, "warning"),
        ({"slowed": SLOWED, "stopped": ("metrics",)}, "critical"),
    ],
)
def test_the_budget_shouts_as_loud_as_it_must(about, state):
    assert figures_budget.budget_answer(budget(**about)).state == state


def test_what_is_slowed_and_when_it_would_stop_is_said():
    found = budget(slowed=SLOWED, others_slower=3, stops_at=NOW + timedelta(days=4))

    said = figures_budget.budget_lines(found, zone=UTC, now=NOW)

    assert "1,200 quiet functions: metrics every 1 h instead of 5 min" in said
    assert "logs, queues and traces run 3 times less often" in said
    assert any("would stop Tue 24 Nov, 12:00" in line for line in said)


def test_a_projection_that_is_not_known_is_not_said():
    assert not any("by the month" in s for s in said_of(projected_usd=None))
    assert any("$12.50 by the month" in s for s in said_of())


def said_of(**about):
    return figures_budget.budget_lines(budget(**about), zone=UTC, now=NOW)


@pytest.mark.parametrize(
    ("cap", "spent", "share"),
    [(Decimal(20), Decimal(5), 0.25), (Decimal(2), Decimal(5), 1.0), (Decimal(0), Decimal(0), 1.0)],
)
def test_the_spent_share_stays_on_its_bar(cap, spent, share):
    assert figures_budget.share_spent(budget(cap_usd=cap, spent_usd=spent)) == share


def test_a_target_that_is_not_reached_is_named_with_the_next_try_and_its_text_does_nothing():
    why = "role **x** <img src=x> cannot be assumed"
    one = Unreached("prod", "eu-west-1", why, NOW - timedelta(hours=2), NOW + timedelta(minutes=3))

    (line,) = figures_budget.unreached_lines([one], zone=UTC, now=NOW)

    assert line.startswith("**prod eu\\-west\\-1** is not reached since 10:00")
    assert "tried again at 12:03" in line
    assert r"\<img" in line


def test_spend_per_collector_adds_up_exactly_and_leaves_unknown_prices_out():
    spend = pd.DataFrame(
        {
            "collector": ["logs", "metrics", "metrics", "traces"],
            "calls": [1, 2, 3, 4],
            "units": [1, 200, 300, 4],
            "cost_usd": [Decimal(0), Decimal("0.002"), Decimal("0.003"), None],
        }
    )

    rows = figures_budget.by_collector(spend)

    assert rows["collector"][0] == "metrics"
    assert rows[["calls", "units", "cost_usd"]].iloc[0].tolist() == [5, 500, Decimal("0.005")]
    assert rows[rows["collector"] == "traces"]["cost_usd"].item() is None


def test_modes_are_counted_in_words():
    modes = pd.DataFrame({"mode": ["every", "off", "every"]})

    assert figures_budget.mode_summary(modes) == "2 every invocation, 1 off"
