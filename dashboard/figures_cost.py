"""What the Cost page says in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.windows import Window
from dashboard import numbers
from dashboard.charts.cost import COMPONENT_WORDS
from dashboard.seen import Seen, seen
from dashboard.widgets import Card

DAY, MONTH_DAYS = timedelta(days=1), 30
UNTAGGED = "untagged"

FORMULAS = {
    "Requests": "invocations × the price of a request",
    "Duration": "billed GB-seconds of the handler × the architecture's price (on demand, first tier)",
    "Initialization": "GB-seconds billed beyond the handler's time in cold invocations × the same price",
    "Ephemeral storage": "billed seconds × GB above the 512 MB that are free × its price",
    "Provisioned concurrency": "GB-seconds kept ready + GB-seconds used, each × its own price",
    "Log ingestion": "bytes that arrived in the log group × the price of vended Lambda logs (first tier)",
}

SHOWN = ("Duration", "Log ingestion", "Provisioned concurrency", "Initialization")
SHORT = {"Provisioned concurrency": "Provisioned"}

Money = Mapping[str, Decimal | None]


def by_component(groups: pd.DataFrame) -> dict[str, Decimal | None]:
    """What each component costs over all groups; None when no group knows it."""
    return {word: add(groups[f"{name}_usd"]) for name, word in COMPONENT_WORDS.items()}


def add(column: pd.Series[Any]) -> Decimal | None:
    """The exact sum of what is known, None when nothing is."""
    known = [value for value in column if numbers.known(value)]
    return sum(known, Decimal(0)) if known else None


def named(groups: pd.DataFrame, by: str) -> pd.DataFrame:
    """The `costs` reader's frame with `name`: what the group is called; an empty tag is `untagged`."""
    return groups.assign(name=[str(value) if value else UNTAGGED for value in groups[by]])


def bars(components: Money) -> pd.DataFrame:
    """label (component and amount), cost_usd (float): dearest first; what is not known is left out."""
    known = sorted(((usd, word) for word, usd in components.items() if usd is not None), reverse=True)
    return pd.DataFrame(
        {
            "cost_usd": [float(usd) for usd, _ in known],
            "label": [f"{word}  {numbers.usd(usd)}" for usd, word in known],
        }
    )


def same_basis(groups: pd.DataFrame, before: pd.DataFrame) -> bool:
    """Whether both windows were billed from the same source: an estimate knows no initialization."""
    return set(groups["basis"].dropna()) == set(before["basis"].dropna())


def cards(groups: pd.DataFrame, before: pd.DataFrame, *, window: Window) -> list[Card]:
    before = before if same_basis(groups, before) else before[:0]
    spent, was = add(groups["cost_usd"]), add(before["cost_usd"])
    days = Decimal(window.duration / DAY)
    parts, parts_was = by_component(groups), by_component(before)
    here, there = seen(groups, ["name"]), seen(before, ["name"])
    return [
        Card(
            label="In this window",
            value=numbers.usd(spent),
            help=here.help(
                "All components at list price, before free tier, savings plans and credits.", "groups"
            ),
            **here.marks(),
            **here.moved(there, spent, was),
        ),
        Card(
            label="A month at this pace",
            value=numbers.usd(None if spent is None else spent / days * MONTH_DAYS),
            help=f"The window's cost per day × {MONTH_DAYS}. The shorter the window, the rougher this is.",
            delta=f"{numbers.usd(None if spent is None else spent / days)} a day",
            arrow="off",
            **here.marks(),
        ),
        *(_part(word, parts[word], parts_was[word], here, there) for word in SHOWN),
    ]


def _part(word: str, usd: Decimal | None, was: Decimal | None, here: Seen, there: Seen) -> Card:
    return Card(
        label=SHORT.get(word, word),
        value=numbers.usd(usd),
        help=here.help(f"{FORMULAS[word][:1].upper()}{FORMULAS[word][1:]}.", "groups"),
        **here.marks(),
        **here.moved(there, usd, was),
    )


def table(groups: pd.DataFrame, *, window: Window) -> pd.DataFrame:
    """name, cost_usd, share, per_day_usd, components, invocations, per_million_usd (floats), basis, state."""
    spent, days = add(groups["cost_usd"]), window.duration / DAY
    usd = groups["cost_usd"].astype("float64")
    calls = groups["invocations"].astype("float64")
    shown = pd.DataFrame({"name": groups["name"], "cost_usd": usd})
    shown["share"] = usd / float(spent) if spent else float("nan")
    shown["per_day_usd"] = usd / days
    for name in COMPONENT_WORDS:
        shown[f"{name}_usd"] = groups[f"{name}_usd"].astype("float64")
    shown["invocations"] = calls
    shown["per_million_usd"] = (usd / calls.where(calls > 0)) * 1_000_000
    return shown.assign(
        basis=groups["basis"], state=[state or "settled" for state in groups["state"].fillna("")]
    )


def export(groups: pd.DataFrame, by: str, *, window: Window) -> pd.DataFrame:
    """What the CSV file holds: the window in UTC, the group, exact amounts, and what they rest on."""
    kept = [by, "cost_usd", *(f"{name}_usd" for name in COMPONENT_WORDS), "invocations", "basis", "state"]
    file = groups[kept].copy()
    file.insert(0, "to", window.end.isoformat())
    file.insert(0, "from", window.start.isoformat())
    return file
