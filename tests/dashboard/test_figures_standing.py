"""How rules stand about one function."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from alerts.rule import Rule
from dashboard.figures_standing import counted, standing

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
PLACE = ("111122223333", "eu-west-1", "checkout")
RULES = [
    Rule.model_validate({"rule": "errors", "signal": "error_rate", "above": "5%"}),
    Rule.model_validate({"rule": "live", "signal": "alias_error_rate", "above": "5%"}),
    Rule.model_validate({"rule": "busy", "signal": "throttles", "above": 5}),
]


def states(*rows):
    names = ["rule", "account", "region", "subject", "state", "value", "reason"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(since=NOW - timedelta(minutes=7), evaluated_at=NOW)


def test_what_fires_comes_first_then_what_is_unknown_with_the_reason():
    found = standing(
        RULES,
        states(
            ("errors", *PLACE, "ok", 0.001, None),
            ("busy", *PLACE, "unknown", None, "not collected"),
            ("live", *PLACE[:2], "checkout:live", "firing", 0.2, None),
        ),
        PLACE,
        now=NOW,
    )

    told = found[["state", "rule", "about", "value", "since", "reason"]].to_numpy().tolist()
    assert told == [
        ["Firing", "live", "live", "20 %", "7 min", ""],
        ["Unknown", "busy", "", "\u2014", "7 min", "not collected"],
        ["OK", "errors", "", "0.1 %", "7 min", ""],
    ]
    assert counted(found) == "1 of 3 rules fires, 1 is unknown"


def test_other_functions_and_rules_that_are_gone_are_left_out():
    found = standing(
        RULES,
        states(
            ("errors", *PLACE[:2], "checkout-two", "firing", 1.0, None),
            ("errors", "999999999999", *PLACE[1:], "firing", 1.0, None),
            ("gone", *PLACE, "firing", 1.0, None),
        ),
        PLACE,
        now=NOW,
    )

    assert found.empty
