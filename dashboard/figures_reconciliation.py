"""What the Reconciliation page shows: the comparison's frames, cards and sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd

from core.reconciled import REASONS, UNEXPLAINED, Difference, Reconciled, sentence
from dashboard.answers import Answer
from dashboard.numbers import plain, usd
from dashboard.widgets import Card
from store.readers.explored import EXPLORER
from store.readers.reconciling import Reconciliation

_STATES = {
    "nothing": "healthy",
    "trusted": "healthy",
    "rough": "warning",
    "off": "critical",
    "too early": "not collected",
}
LEAST_SAID_USD = Decimal("0.0001")
"""A smaller difference is in the file and its sums, in no cell."""

NET = "what Savings Plans cover costs what it effectively costs"


def answer(told: Reconciliation) -> Answer:
    """How far to trust the estimate, and what must be known beside it."""
    state = _STATES[told.found.verdict]
    more = (
        "" if told.is_final else "The bill is not final yet: AWS completes it some days into the next month."
    )
    if told.without_bill:
        more += f" Not compared, for want of a bill: {plain(', '.join(told.without_bill))}."
    return Answer(state, f"**{plain(sentence(told.found))}**", more.strip())


def cards(told: Reconciliation) -> list[Card]:
    found, share = told.found, told.found.unexplained_share
    of_plans = "what Savings Plans cover is free here" if told.source == EXPLORER else NET
    return [
        Card(
            label="Bill",
            value=usd(found.bill_usd),
            help=f"What AWS charges for Lambda, its logs, traces and queues; {of_plans}.",
        ),
        Card(
            label="Estimate",
            value=usd(found.estimate_usd),
            help="Use times list price, before free amounts, tiers and plans.",
        ),
        Card(
            label="Unexplained",
            value=usd(found.unexplained_usd),
            help="Differences without a known reason, added up without regard to sign.",
            delta=None if share is None else f"{float(share):.2%}",
            arrow="off",
        ),
    ]


def reasons(found: Reconciled) -> pd.DataFrame:
    """From the estimate to the bill: reason, usd, names, means. What is unexplained comes first."""
    steps = found.by_reason()
    order = [UNEXPLAINED, *(reason for reason in REASONS if reason != UNEXPLAINED)]
    rows = [
        (reason, float(steps[reason][0]), ", ".join(steps[reason][1]), REASONS[reason])
        for reason in order
        if reason in steps
    ]
    return pd.DataFrame(rows, columns=pd.Index(["reason", "usd", "names", "means"]))


def cells(found: Reconciled) -> pd.DataFrame:
    """Per account, region and meter; the most unexplained first."""
    rows = [
        (
            one.cell.account,
            one.cell.region,
            one.cell.meter.replace("_", " "),
            one.cell.architecture,
            float(one.estimate_usd),
            float(one.bill_usd),
            float(one.unexplained_usd),
            "; ".join(f"{d.reason} {usd(d.usd)}" for d in one.differences if abs(d.usd) >= LEAST_SAID_USD),
        )
        for one in found.cells
    ]
    columns = [
        "account",
        "region",
        "meter",
        "architecture",
        "estimate_usd",
        "bill_usd",
        "unexplained_usd",
        "why",
    ]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def days(found: Reconciled) -> pd.DataFrame:
    """Per UTC day, the newest first: day (aware), estimate_usd, bill_usd, difference_usd."""
    rows = [
        (
            datetime(day.year, day.month, day.day, tzinfo=UTC),
            float(one.estimate_usd),
            float(one.bill_usd),
            float(one.bill_usd - one.estimate_usd),
        )
        for day, one in found.by_day().items()
    ]
    columns = ["day", "estimate_usd", "bill_usd", "difference_usd"]
    return pd.DataFrame(rows[::-1], columns=pd.Index(columns))


def export(found: Reconciled) -> pd.DataFrame:
    """The same with exact decimals, quantities and units."""
    rows = [
        {
            **one.cell._asdict(),
            "unit": one.unit,
            "estimate_quantity": one.estimate_quantity,
            "bill_quantity": one.bill_quantity,
            "estimate_usd": one.estimate_usd,
            "bill_usd": one.bill_usd,
            **{f"{reason} USD": _of(one.differences, reason) for reason in REASONS},
        }
        for one in found.cells
    ]
    return pd.DataFrame(rows)


def _of(differences: Sequence[Difference], reason: str) -> Decimal:
    return sum((d.usd for d in differences if d.reason == reason), Decimal(0))
