"""What Spend says of moves, budgets, forecasts and prices that are lacking."""

from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pytest

from core.budgets import BudgetState
from core.cost_anomalies import CostAnomaly
from core.forecast import Forecast, unknown
from dashboard import figures_cost, figures_moves
from store.readers.budgets import FunctionAnomaly
from store.readers.cost_causes import Change
from store.readers.own_spend import OwnSpend

UNKNOWN = unknown(3)
KNOWN = Forecast(Decimal(80), Decimal(90), Decimal(120), 30)


def groups(**rows):
    frame = [
        {"name": name, "cost_usd": duration + logs, "duration_usd": duration, "logs_usd": logs,
         "invocations": calls, "basis": "records", "state": None}
        for name, (duration, logs, calls) in rows.items()
    ]  # fmt: skip
    return pd.DataFrame(frame)


def test_a_move_names_its_cause_and_group():
    before = groups(api=(Decimal(4), Decimal(1), 100.0), job=(Decimal(1), Decimal(0), 10.0))
    after = groups(api=(Decimal(8), Decimal(2), 200.0), job=(Decimal(1), Decimal(0), 10.0))

    said = figures_moves.sentence(figures_moves.moved(after, before)).replace("\\", "")

    assert "**More than before**: +$5.00 (+83%). Most of it: api, +$5.00: traffic +100% (+$5.00)." in said


def test_a_row_says_what_it_was_is_and_why():
    found = figures_moves.moved(
        groups(api=(Decimal(4), Decimal(6), 100.0)), groups(api=(Decimal(4), Decimal(1), 100.0))
    )

    row = figures_moves.table(found).iloc[0]

    assert (row["before_usd"], row["after_usd"], row["moved_usd"], row["moved_share"]) == (5, 10, 5, 1)
    assert row["why"] == "log ingestion per invocation (+$5.00)"
    assert figures_moves.export(found)["by_logs_usd"].iloc[0] == Decimal(5)


def test_without_an_earlier_window_nothing_is_compared():
    found = figures_moves.moved(groups(api=(Decimal(4), Decimal(1), 1.0)), groups()[:0])

    assert figures_moves.sentence(found) == "There is nothing earlier to compare with."
    assert figures_moves.table(found)["why"].iloc[0] == "new: nothing before"


@pytest.mark.parametrize(
    ("spent", "ahead", "state"),
    [(None, UNKNOWN, "not collected"), (101, KNOWN, "critical"), (10, Forecast(*[Decimal(100)] * 3, 30),
     "warning"), (10, KNOWN, "healthy")],
)  # fmt: skip
def test_a_budget_has_a_state_in_a_word(spent, ahead, state):
    usd = None if spent is None else Decimal(spent)
    one = BudgetState("team *shop*", Decimal(100), {}, usd, ahead, ())

    assert figures_cost.budget_words(one)[0] == state
    assert "*shop*" not in figures_cost.budget_words(one)[1]


def test_a_forecast_has_a_band_or_says_why_there_is_none():
    card, bare = figures_cost.forecast_card(KNOWN), figures_cost.forecast_card(UNKNOWN)

    assert (card.value, card.delta) == ("$90.00", "$80.00 to $120.00")
    assert (bare.value, bare.delta) == ("—", None)
    assert "7 whole days are needed" in bare.help


def test_what_has_no_price_is_counted_by_its_reason():
    states = [
        "not collected: duration: no price is known for arm64 in x; init: no price is known for arm64 in x",
        "not collected: logs: no price is known for Log ingestion in x",
        "provisional",
        None,
        "not collected: denied",
    ]

    found = figures_cost.priceless(pd.DataFrame({"state": states}))

    assert found == {"no price is known for arm64 in x": 1, "no price is known for Log ingestion in x": 1}


def test_what_of_a_commitment_is_not_used_has_a_card_where_there_is_one():
    month = groups(api=(Decimal(4), Decimal(1), 100.0)).assign(net_usd=Decimal(5))
    own = OwnSpend(Decimal(1), {}, 0)

    without = figures_cost.month_cards(month, own, tag=None)
    cards = figures_cost.month_cards(month, own, tag=None, unused_usd=Decimal("12.5"))

    assert [card.label for card in without] == ["This month so far", "Quarterdeck itself"]
    assert [(card.label, card.value) for card in cards][1] == ("Unused commitment", "$12.50")


DEPLOY = Change(datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "api", "deploy", "Deploy v3 → v4")
RESIZE = Change(datetime(2026, 11, 20, 9, 40, tzinfo=UTC), "api", "configuration", "Memory 512 MB → 1,024 MB")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_deploy_stands_with_what_an_invocation_costs_more_and_not_with_traffic():
    known = figures_moves.behind({"api": [RESIZE, DEPLOY], "job": [DEPLOY]}, [], zone=UTC, now=NOON)
    found = figures_moves.moved(
        groups(api=(Decimal(8), Decimal(1), 100.0), job=(Decimal(2), Decimal(0), 200.0)),
        groups(api=(Decimal(4), Decimal(1), 100.0), job=(Decimal(1), Decimal(0), 100.0)),
    )

    rows = figures_moves.table(found, known).set_index("name")["why"]

    deploy = "changed: Deploy v3 → v4 of api, 09:30, and 1 more"
    assert rows["api"] == f"duration per invocation (+$4.00); {deploy}"
    assert rows["job"] == "traffic +100% (+$1.00)"
    assert deploy in figures_moves.sentence(found, known).replace("\\", "")
    assert deploy in figures_moves.export(found, known).set_index("name").loc["api", "why"]


def test_a_day_far_above_its_usual_cost_is_told_with_its_cause():
    day = CostAnomaly(NOON.date(), 9.0, 3.0, "duration", "traffic", "3.0 times the invocations (300 for 100)")
    anomalies = [FunctionAnomaly(("1", "eu-west-1", "api"), day)]
    known = figures_moves.behind({}, anomalies, zone=UTC, now=NOON)
    found = figures_moves.moved(
        groups(api=(Decimal(9), Decimal(0), 300.0)), groups(api=(Decimal(3), Decimal(0), 100.0))
    )

    assert (
        figures_moves.table(found, known)["why"]
        .iloc[0]
        .endswith("; 20 November $9.00, usually $3.00: 3.0 times the invocations (300 for 100)")
    )
