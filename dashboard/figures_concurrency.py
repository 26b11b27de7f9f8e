"""The Concurrency page's answer and numbers: frames in, a sentence and cards out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from core.exhaustion import FULL as GONE
from dashboard import numbers
from dashboard.answers import Answer, concurrency_answer, total
from dashboard.compare import changed
from dashboard.figures import PROVISIONAL, reason
from dashboard.figures_pools import BAD, runs_out, sure
from dashboard.numbers import plain
from dashboard.widgets import Card

CLAIMED = "Claimed = unreserved in use + all reserved + provisioned of functions without a reservation."
OUTLOOK = (
    "The trend of the last 30 minutes (median of the slopes between all pairs of minutes), carried on to "
    "the limit; a function gains at most 1,000 per 10 s. No trend is carried on further than 24 h."
)
RESERVABLE = "Limit − reserved − 100, which AWS keeps unreserved."
MONTHLY = (
    "Environments held × memory × seconds of 30 days × price of provisioned capacity. What has no price "
    "is not in the sum."
)


def answer(limits: pd.DataFrame, bursts: pd.DataFrame, outlooks: pd.DataFrame) -> Answer:
    """The page's answer: the nearest limit, when it is met, and whether refused work was lost. `limits` with
    `place`."""
    found = concurrency_answer(limits)
    soon = outlooks[outlooks["outlook"].isin(("growing", GONE))]
    soon = soon[soon["pool"] == "(account)"]
    more = f"{found.more} · {plain(soon.iloc[0]['says'])}" if len(soon) else found.more
    state = found.state
    if len(bursts) and state in ("healthy", "warning"):
        state = "critical" if bursts["fate"].isin(BAD).any() else "warning"
    return replace(found, state=state, more=more)


def cards(
    limits: pd.DataFrame,
    before: pd.DataFrame,
    outlooks: pd.DataFrame,
    bursts: pd.DataFrame,
    idle: pd.DataFrame,
) -> list[Card]:
    """Six numbers; `limits` with `place`, the nearest first, `before` those of the time before."""
    return [
        _nearest(limits),
        _runs_out(outlooks),
        _throttled(limits, before),
        _lost(bursts),
        _reservable(limits),
        _nobody(idle),
    ]


def _nearest(limits: pd.DataFrame) -> Card:
    known = limits.dropna(subset=["utilization"])
    if known.empty:
        return Card(label="Nearest limit", value=numbers.UNKNOWN, help=f"Most claimed / limit. {CLAIMED}")
    row = known.iloc[0]
    return Card(
        label="Nearest limit",
        value=numbers.percent(row["utilization"]),
        delta=f"{numbers.count(row['headroom'])} of {numbers.count(row['limit'])} left",
        arrow="off",
        help=f"Most claimed / limit, of {plain(row['place'])}. {CLAIMED}",
        **_marks(known.head(1)),
    )


def _marks(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "provisional": bool((frame["state"] == PROVISIONAL).any()),
        "partial": any(reason(state) for state in frame["state"]),
    }


def _runs_out(outlooks: pd.DataFrame) -> Card:
    told = outlooks[outlooks["outlook"] != "unknown"]
    if told.empty:
        return Card(label="Runs out", value=numbers.UNKNOWN, help=f"Too few minutes for a trend. {OUTLOOK}")
    row = told.iloc[0]
    name = "the account" if row["pool"] == "(account)" else plain(row["pool"])
    return Card(
        label="Runs out",
        value=runs_out(row) or numbers.UNKNOWN,
        delta=name,
        arrow="off",
        help=f"Of {name} in {row['region']}: {plain(row['says'])}{_how_sure(row)}. {OUTLOOK}",
    )


def _how_sure(row: pd.Series[Any]) -> str:
    words = None if row["outlook"] == GONE else sure(row["confidence"])
    return f" ({words})" if words else ""


def _throttled(limits: pd.DataFrame, before: pd.DataFrame) -> Card:
    now, was = total(limits["throttles"]), total(before["throttles"])
    comparable = not any(reason(state) for state in [*limits["state"], *before["state"]])
    return Card(
        label="Throttled",
        value=numbers.count(now),
        help="Refused invocations of all functions; each try counts. Not in invocations, not in errors.",
        **(changed(now, was) if comparable else {}),
        **_marks(limits),
    )


def _lost(bursts: pd.DataFrame) -> Card:
    bad = int(bursts["fate"].isin(BAD).sum())
    return Card(
        label="Bursts that lost work",
        value=numbers.count(bad),
        delta=f"of {len(bursts)} burst{'' if len(bursts) == 1 else 's'}" if len(bursts) else "no burst",
        colour="orange" if bad else "gray",
        arrow="off",
        help="Bursts of throttles in whose minutes asynchronous events were dropped, or messages arrived in "
        "the dead-letter queue of a queue that feeds the function.",
    )


def _reservable(limits: pd.DataFrame) -> Card:
    known = limits.dropna(subset=["reservable"]).sort_values("reservable", kind="stable")
    if known.empty:
        return Card(label="May be reserved", value=numbers.UNKNOWN, help=RESERVABLE)
    row = known.iloc[0]
    return Card(
        label="May be reserved",
        value=numbers.count(row["reservable"]),
        delta=str(row["region"]),
        arrow="off",
        help=f"{RESERVABLE} The least, in {plain(row['place'])}.",
    )


def _nobody(idle: pd.DataFrame) -> Card:
    usd = [value for value in idle["usd_month"] if value is not None]
    unpriced = len(idle) - len(usd)
    held = numbers.count(float(idle["held"].sum()))
    return Card(
        label="Serves nobody, a month",
        value=numbers.usd(sum(usd)) if usd or not len(idle) else numbers.UNKNOWN,
        delta=f"{held} provisioned" if len(idle) else "none",
        colour="orange" if len(idle) else "gray",
        arrow="off",
        help=f"Provisioned concurrency that nothing reaches, or that served nothing in this window. {MONTHLY}"
        + (f" {unpriced} without a known price." if unpriced else ""),
    )
