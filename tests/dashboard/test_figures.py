"""Numbers of the pages that are read: cost, cold starts, queues, alerts, collection."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import STARTER, load_rules
from core.cost_words import COMPONENT_WORDS
from core.windows import Window
from dashboard import figures_alerts, figures_collection, figures_cost, figures_queues, tables
from dashboard.seen import seen

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=12), NOW)
NAN = float("nan")


# --- what was seen -----------------------------------------------------------------------------------------


def states(*values):
    return pd.DataFrame({"name": [f"f{i}" for i in range(len(values))], "state": list(values)})


def test_a_number_is_marked_partial_when_a_row_was_not_collected_and_says_why():
    some = seen(states(None, "provisional", "not collected: 5 of 60 minutes: throttled"), ["name"])

    assert some.marks() == {"provisional": True, "partial": True}
    assert "1 of 3 functions not fully collected: throttled" in some.help("Sum.")


def test_windows_that_saw_different_things_are_not_compared():
    whole, part = seen(states(None, None), ["name"]), seen(states(None, "not collected: denied"), ["name"])

    assert whole.moved(part, 10, 5) == {}
    assert part.moved(part, 10, 5)["delta"] == "+100 %"


# --- cost --------------------------------------------------------------------------------------------------


def costs(*rows):
    frame = pd.DataFrame(
        [
            {"function": name, "cost_usd": usd, "invocations": calls, "basis": "records", "state": None}
            | {f"{part}_usd": usd if part == "duration" else Decimal(0) for part in COMPONENT_WORDS}
            for name, usd, calls in rows
        ]
    )
    return figures_cost.named(frame, "function")


@given(st.lists(st.decimals(min_value=0, max_value=10**6, places=9), min_size=1, max_size=20))
def test_money_is_added_up_exactly(amounts):
    assert figures_cost.add(pd.Series(amounts, dtype=object)) == sum(amounts)


def test_an_unknown_amount_is_left_out_and_all_unknown_is_unknown():
    assert figures_cost.add(pd.Series([Decimal("1.5"), None], dtype=object)) == Decimal("1.5")
    assert figures_cost.add(pd.Series([None], dtype=object)) is None


def test_the_empty_tag_is_called_untagged():
    frame = pd.DataFrame({"tag:team": ["", "shop"]})

    assert list(figures_cost.named(frame, "tag:team")["name"]) == ["untagged", "shop"]


def test_the_cost_table_gives_shares_days_and_the_price_of_a_million():
    table = figures_cost.table(costs(("a", Decimal("3"), 1_000_000), ("b", Decimal("1"), 0)), window=WINDOW)

    assert list(table["share"]) == [0.75, 0.25]
    assert list(table["per_day_usd"]) == [6.0, 2.0]
    assert table["per_million_usd"][0] == 3.0
    assert np.isnan(table["per_million_usd"][1])


def test_the_month_is_thirty_days_of_the_windows_pace():
    cards = figures_cost.cards(costs(("a", Decimal("2"), 1)), costs(("a", Decimal("1"), 1)), window=WINDOW)

    assert cards[0].value == "$2.00"
    assert cards[0].delta == "+100 %"
    assert cards[1].value == "$120.00"


def test_an_estimated_window_is_not_compared_with_a_recorded_one():
    estimated = costs(("a", Decimal("1"), 1)).assign(basis="metrics, estimated")

    cards = figures_cost.cards(costs(("a", Decimal("2"), 1)), estimated, window=WINDOW)

    assert "%" not in (cards[0].delta or "")


def test_the_export_keeps_exact_amounts_and_names_its_window():
    file = figures_cost.export(costs(("a", Decimal("0.000000001"), 1)), "function", window=WINDOW)

    assert file["cost_usd"][0] == Decimal("0.000000001")
    assert file["from"][0] == "2026-11-20T00:00:00+00:00"


@pytest.mark.parametrize(("least", "decimals"), [(12.0, 2), (0.5, 2), (0.05, 3), (0.002, 4), (1e-9, 4)])
def test_money_columns_have_the_decimals_that_their_smallest_amount_needs(least, decimals):
    assert tables.decimals(pd.Series([20.0, least, 0.0, NAN])) == decimals


# --- queues ------------------------------------------------------------------------------------------------


def test_unknown_traffic_of_a_source_is_not_balanced():
    known = pd.DataFrame({"sent": [10.0, 5.0], "deleted": [4.0, 5.0]})

    assert figures_queues.balance(known) == "+6"
    assert figures_queues.balance(known.assign(deleted=NAN)) == "—"


# --- alerts ------------------------------------------------------------------------------------------------


def incident(**columns):
    row = {
        "id": "a",
        "rule": "error-rate",
        "account": "1",
        "region": "eu",
        "subject_kind": "function",
        "subject": "orders",
        "severity": "critical",
        "title": "t",
        "text": "x",
        "opened_at": pd.Timestamp(NOW - timedelta(minutes=30)),
        "resolved_at": pd.NaT,
        "acked_at": pd.NaT,
        "acked_by": None,
        "value": 0.2,
        "threshold": 0.05,
        "held_back": None,
        "grouped_under": None,
    }
    return row | columns


def test_incidents_are_grouped_by_who_has_them():
    rows = [
        incident(id="new"),
        incident(id="mine", acked_at=pd.Timestamp(NOW), held_back="silenced"),
        incident(id="quiet", held_back="silenced"),
        incident(id="over", resolved_at=pd.Timestamp(NOW)),
        incident(id="member", grouped_under="new"),
        incident(id="left", grouped_under="over"),
    ]

    groups = figures_alerts.grouped(pd.DataFrame(rows))

    assert {name: list(frame["id"]) for name, frame in groups.items()} == {
        "Firing": ["new", "left"],
        "Acknowledged": ["mine"],
        "Held back": ["quiet"],
        "Told with another": ["member"],
        "Resolved": ["over"],
    }


def test_an_alert_says_how_long_it_fires_who_has_it_and_why_it_is_held_back():
    acked = pd.Timestamp(NOW - timedelta(minutes=10))

    text = figures_alerts.standing(incident(acked_at=acked, acked_by="*eve*", held_back="load test"), now=NOW)

    assert text == r"firing for 30 min · \*eve\* has it since 10 min · held back: load test"


def test_a_resolved_alert_says_how_long_it_lasted():
    over = incident(resolved_at=pd.Timestamp(NOW - timedelta(minutes=20)))

    assert figures_alerts.standing(over, now=NOW) == "resolved after 10 min, 20 min ago"


def test_the_chart_of_an_alert_begins_before_it_and_is_never_longer_than_six_hours():
    fresh = figures_alerts.span(incident(), now=NOW)
    old = figures_alerts.span(incident(opened_at=pd.Timestamp(NOW - timedelta(days=9))), now=NOW)

    assert fresh == Window(NOW - timedelta(minutes=90), NOW)
    assert old.duration == timedelta(hours=6)


def test_the_shipped_rule_is_used_when_its_threshold_is_the_incidents():
    shipped = {rule.rule: rule for rule in load_rules([STARTER])}

    same = figures_alerts.rule_of(incident(), shipped, None)
    other = figures_alerts.rule_of(incident(threshold=0.5), shipped, None)

    assert same is not None
    assert same.rule == "error-rate"
    assert other is None


def test_a_rule_of_your_own_is_made_up_from_its_notices_signal():
    rule = figures_alerts.rule_of(incident(rule="mine"), {}, "error_rate")

    assert rule is not None
    assert rule.above == 0.05


# --- collection --------------------------------------------------------------------------------------------


def collector(**columns):
    row = {
        "collector": "metrics",
        "account": "1",
        "region": "eu",
        "outcome": "ok",
        "age_s": 60.0,
        "permission": None,
        "runs_24h": 9,
        "failed_24h": 0,
    }
    return row | columns


def test_collectors_that_are_refused_come_before_late_ones_and_those_before_the_rest():
    frame = pd.DataFrame(
        [collector(), collector(age_s=1e6), collector(outcome="denied"), collector(outcome="partial")]
    )

    table = figures_collection.table(frame)

    assert [words[0] for words in table["standing"]] == ["denied", "partial", "late", "on time"]


def log_gaps(why="throttled"):
    return pd.DataFrame(
        {
            "collector": "logs",
            "account": "1",
            "region": "eu",
            "scope": ["a", "b"],
            "start": NOW,
            "end": NOW,
            "minutes": [10.0, 30.0],
            "why": why,
            "permission": None,
        }
    )


def fleet_of(**invocations):
    rows = [
        {"account": "1", "region": "eu", "function": name, "invocations": count, "states": {}}
        for name, count in invocations.items()
    ]
    return pd.DataFrame(rows, columns=["account", "region", "function", "invocations", "states"])


def test_gaps_of_many_functions_with_one_reason_are_one_line():
    holes = figures_collection.holes(log_gaps(), fleet_of(a=5.0, b=1.0))

    assert holes[["scopes", "minutes"]].iloc[0].tolist() == [2, 30.0]
    assert len(holes) == 1


def test_the_missing_log_of_a_function_that_was_not_invoked_hides_nothing():
    holes = figures_collection.holes(log_gaps("log group x does not exist"), fleet_of(a=0.0, b=1.0))

    assert [bool(hides) for hides in holes["hides"]] == [True, False]
    assert list(holes["example"]) == ["b", "a"]


@pytest.mark.parametrize(("permission", "shown"), [(NAN, ""), (None, ""), ("logs:Get", " `logs:Get`")])
def test_a_gap_is_told_in_full_with_the_action_that_is_missing(permission, shown):
    row = figures_collection.holes(log_gaps(), fleet_of(a=1.0, b=1.0)).iloc[0].to_dict()

    line = figures_collection.hole_line(
        row | {"permission": permission}, {("1", "eu"): "prod"}, zone=UTC, now=NOW
    )

    assert f"throttled{shown}  \n" in line
    assert "2 of them, such as a" in line
    assert "not seen: percentiles" in line


def test_a_log_that_was_not_read_hides_something_while_invocations_are_unknown():
    fleet = fleet_of(a=NAN, b=0.0)
    fleet["states"] = [{}, {"cold_starts": "not collected: 40 of 180 minutes: throttled"}]

    assert all(figures_collection.holes(log_gaps(), fleet)["hides"])


def test_unknown_prices_are_left_out_of_the_spend_and_said():
    spend = pd.DataFrame({"calls": [1, 2], "cost_usd": [Decimal("0.5"), None]})
    stored = pd.DataFrame({"size": [2048.0], "rows": [3.0]})
    holes = pd.DataFrame({"minutes": [], "hides": []})

    cards = figures_collection.cards(pd.DataFrame([collector()]), holes, spend, stored, projected_usd=None)

    by_label = {card.label: card for card in cards}
    assert by_label["Spent this month"].value == "$0.50"
    assert "1 operations have no known price" in by_label["Spent this month"].help
    assert by_label["Projected month"].value == "—"


@pytest.mark.parametrize("nobody", [None, float("nan")])
def test_what_happened_by_itself_names_nobody(nobody):
    event = {"what": "opened", "who": nobody, "text": nobody}

    assert figures_alerts.happened(event, said="") == "**opened**"
