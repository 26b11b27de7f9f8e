"""What the Cost page says in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.budgets import BudgetState
from core.cost_words import COMPONENT_WORDS
from core.forecast import METHOD, Forecast
from core.windows import Window
from dashboard import numbers
from dashboard.seen import seen
from dashboard.widgets import Card
from store.readers.own_spend import OwnSpend

DAY, MONTH_DAYS = timedelta(days=1), 30
UNTAGGED = "untagged"
USUAL = frozenset({"requests", "duration", "init", "logs"})
NO_PRICE = re.compile(r"\bno price\b")

FORMULAS = {
    "Requests": "invocations × the price of a request",
    "Duration": "billed GB-seconds of the handler × the architecture's price (on demand, first tier)",
    "Initialization": "GB-seconds billed beyond the handler's time in cold invocations × the same price",
    "Ephemeral storage": "billed seconds × GB above the 512 MB that are free × its price",
    "Provisioned concurrency": "GB-seconds kept ready + GB-seconds used, each × its own price",
    "SnapStart": "GB-seconds that snapshots were cached + GB that were restored, each × its own price",
    "Response streaming": "bytes streamed beyond the free 6 MB of a request × the price per GB",
    "Durable functions": "operations + GB written + GB-months kept, each × its own price",
    "Managed Instances": "instance hours × the management fee of the type; EC2 itself is on EC2's bill",
    "Lambda@Edge": "requests + GB-seconds at the edge, each × its own price",
    "Event pollers": "hours of pollers, at the most of each 1 or 5 minutes (upper bound) × price",
    "Tenant isolation": "memory of environments made for single tenants × the price per GB",
    "Log ingestion": "bytes that arrived in the log group × the price of vended Lambda logs (first tier)",
    "Log storage": "GB-months that the log group keeps × the price of stored logs",
    "X-Ray traces": "traces that were recorded × the price of one",
    "SQS requests": "messages sent, received, deleted, empty receives (upper bound) × price",
}

Money = Mapping[str, Decimal | None]


def components(groups: pd.DataFrame) -> list[str]:
    """The components that the reader knows, in the order of pages."""
    return [name for name in COMPONENT_WORDS if f"{name}_usd" in groups]


def used(groups: pd.DataFrame) -> list[str]:
    """Those of them that every fleet has, or that cost something here."""
    return [name for name in components(groups) if name in USUAL or any(groups[f"{name}_usd"])]


def by_component(groups: pd.DataFrame) -> dict[str, Decimal | None]:
    """What each component costs over all groups; None when no group knows it."""
    return {COMPONENT_WORDS[name]: add(groups[f"{name}_usd"]) for name in components(groups)}


def priceless(groups: pd.DataFrame) -> dict[str, int]:
    """What sums lack for want of a price: each reason and how many groups it is said of, frequent first."""
    found: Counter[str] = Counter()
    for state in groups["state"]:
        if isinstance(state, str):
            told = state.removeprefix("not collected: ").split("; ")
            found.update({part.partition(": ")[2] or part for part in told if NO_PRICE.search(part)})
    return dict(found.most_common())


def add(column: pd.Series[Any]) -> Decimal | None:
    """The exact sum of what is known, None when nothing is."""
    known = [value for value in column if numbers.known(value)]
    return sum(known, Decimal(0)) if known else None


def named(groups: pd.DataFrame, by: str) -> pd.DataFrame:
    """The `costs` reader's frame with `name`: what the group is called; an empty tag is `untagged`."""
    return groups.assign(name=[str(value) if value else UNTAGGED for value in groups[by]])


def bars(parts: Money) -> pd.DataFrame:
    """label (component and amount), cost_usd (float): dearest first; what costs nothing or is not known is
    left out."""
    known = sorted(((usd, word) for word, usd in parts.items() if usd), reverse=True)
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
    """Of the page's window."""
    before = before if same_basis(groups, before) else before[:0]
    spent, was = add(groups["cost_usd"]), add(before["cost_usd"])
    days = Decimal(window.duration / DAY)
    here, there = seen(groups, ["name"]), seen(before, ["name"])
    per_day = None if spent is None else spent / days
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
            value=numbers.usd(None if per_day is None else per_day * MONTH_DAYS),
            help=f"The window's cost per day × {MONTH_DAYS}. The shorter the window, the rougher this is.",
            delta=f"{numbers.usd(per_day)} a day",
            arrow="off",
            **here.marks(),
        ),
    ]


def forecast_card(found: Forecast) -> Card:
    """The whole month's, with its band; or why it is not known."""
    if found.usd is None:
        return Card(label="Forecast", value=numbers.UNKNOWN, help=f"Not known: {found.why}. {METHOD}")
    return Card(
        label="Forecast",
        value=numbers.usd(found.usd),
        help=f"The whole month, net, from {found.days} days. {METHOD}",
        delta=f"{numbers.usd(found.low_usd)} to {numbers.usd(found.high_usd)}",
        arrow="off",
    )


def budget_words(one: BudgetState) -> tuple[str, str]:
    """A state (a name of `widgets.STATES`) and a sentence, as Markdown."""
    used, ahead = one.used, one.forecast_share
    if used is None:
        state = "not collected"
    elif used >= 1:
        state = "critical"
    elif one.passed or (ahead is not None and ahead >= 1):
        state = "warning"
    else:
        state = "healthy"
    return state, f"**{numbers.plain(one.name)}**: {numbers.plain(one.says)}"


def month_cards(
    month: pd.DataFrame, own: OwnSpend, *, tag: str | None, unused_usd: Decimal | None = None
) -> list[Card]:
    """Of the month so far: functions, the share without `tag` (None: no function has any), what of a plan's
    commitment is not used (None: there is none), ourselves.

    `month` is the frame of the `costs` reader with `name`, by that tag."""
    spent, here = add(month["cost_usd"]), seen(month, ["name"])
    cards = [
        Card(
            label="This month so far",
            value=numbers.usd(spent),
            help=here.help(
                "From the first of the month, UTC, to now, at list price; below it net: after free amounts, "
                "tiers and savings plan.",
                "groups",
            ),
            delta=f"{numbers.usd(add(month['net_usd']))} net" if "net_usd" in month else None,
            arrow="off",
            **here.marks(),
        )
    ]
    if tag is not None:
        bare = add(month[month["name"] == UNTAGGED]["cost_usd"]) or Decimal(0)
        cards.append(
            Card(
                label="Untagged",
                value=numbers.percent(float(bare / spent) if spent else None),
                help=f"Cost of functions without the tag {numbers.plain(tag)} / cost of all, this month so "
                "far, at list price.",
                delta=numbers.usd(bare),
                arrow="off",
            )
        )
    if unused_usd is not None:
        cards.append(_unused_card(unused_usd))
    missing = f" {own.unpriced:,} calls have no known price and are not in it." if own.unpriced else ""
    return [
        *cards,
        Card(
            label="Quarterdeck itself",
            value=numbers.usd(own.usd),
            help=f"What its own calls to AWS cost this month so far; not in the other numbers.{missing}",
            partial=bool(own.unpriced),
        ),
    ]


def _unused_card(usd: Decimal) -> Card:
    return Card(
        label="Unused commitment",
        value=numbers.usd(usd),
        help="The Savings Plan's commitment × hours of this month so far − what it charges for duration and "
        "provisioned concurrency that was collected. The payer is charged it; no function bears it.",
    )


def table(groups: pd.DataFrame, *, window: Window) -> pd.DataFrame:
    """name, cost_usd, share, per_day_usd, components, invocations, per_million_usd (floats), basis, state."""
    spent, days = add(groups["cost_usd"]), window.duration / DAY
    usd = groups["cost_usd"].astype("float64")
    calls = groups["invocations"].astype("float64")
    shown = pd.DataFrame({"name": groups["name"], "cost_usd": usd})
    if "net_usd" in groups:
        shown["net_usd"] = groups["net_usd"].astype("float64")
    shown["share"] = usd / float(spent) if spent else float("nan")
    shown["per_day_usd"] = usd / days
    for name in used(groups):
        shown[f"{name}_usd"] = groups[f"{name}_usd"].astype("float64")
    shown["invocations"] = calls
    shown["per_million_usd"] = (usd / calls.where(calls > 0)) * 1_000_000
    return shown.assign(
        basis=groups["basis"], state=[state or "settled" for state in groups["state"].fillna("")]
    )


def export(groups: pd.DataFrame, by: str, *, window: Window) -> pd.DataFrame:
    """What the CSV file holds: the window in UTC, the group, exact amounts, and what they rest on."""
    kept = [
        by,
        "cost_usd",
        *(["net_usd"] if "net_usd" in groups else []),
        *(f"{name}_usd" for name in components(groups)),
        "invocations",
        "basis",
        "state",
    ]
    file = groups[kept].copy()
    file.insert(0, "to", window.end.isoformat())
    file.insert(0, "from", window.start.isoformat())
    return file
