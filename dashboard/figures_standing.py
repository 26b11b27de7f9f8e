"""How rules stand about one function, its aliases and versions: the frame that its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from alerts.rule import Rule
from alerts.units import say
from dashboard import numbers

Place = tuple[str, str, str]
ORDER = ("firing", "unknown", "ok")
WORDS = {"firing": "Firing", "unknown": "Unknown", "ok": "OK"}
COLUMNS = ["state", "rule", "about", "value", "condition", "since", "severity", "reason"]


def standing(rules: Sequence[Rule], states: pd.DataFrame, place: Place, *, now: datetime) -> pd.DataFrame:
    """One row per rule and thing, what fires first: state, rule, about ("" or the alias), value (the newest),
    condition, since (how long it stands so), severity, reason (why it is unknown)."""
    account, region, name = place
    mine = states[(states["account"] == account) & (states["region"] == region)] if len(states) else states
    by_name = {rule.rule: rule for rule in rules}
    rows = [
        _row(by_name[row["rule"]], row, now)
        for row in mine.to_dict("records")
        if row["rule"] in by_name and name in {row["subject"], str(row["subject"]).partition(":")[0]}
    ]
    rows.sort(key=lambda row: (ORDER.index(row["is"]), row["rule"], row["about"]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(rule: Rule, state: Mapping[Any, Any], now: datetime) -> dict[str, Any]:
    value = state["value"]
    return {
        "is": state["state"],
        "state": WORDS.get(state["state"], state["state"]),
        "rule": rule.rule,
        "about": str(state["subject"]).partition(":")[2],
        "value": say(float(value), rule.spec.unit) if numbers.known(value) else numbers.UNKNOWN,
        "condition": rule.condition(),
        "since": numbers.age(now - state["since"]),
        "severity": rule.severity,
        "reason": state["reason"] if numbers.known(state["reason"]) else "",
    }


def counted(shown: pd.DataFrame) -> str:
    """`2 of 6 rules fire, 1 is unknown`."""
    firing, unknown = (int((shown["state"] == WORDS[word]).sum()) for word in ("firing", "unknown"))
    said = f"{firing} of {len(shown)} rules {'fires' if firing == 1 else 'fire'}"
    return said + (f", {unknown} {'is' if unknown == 1 else 'are'} unknown" if unknown else "")
