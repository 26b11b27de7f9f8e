"""The six numbers of the Overview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from core.formulas import rate
from core.windows import Window
from dashboard import numbers
from dashboard.compare import changed, earlier
from dashboard.figures import PROVISIONAL, spark
from dashboard.figures_fleet import Moved, Sum
from dashboard.widgets import Card, Colour

DAY = timedelta(days=1)
COST = (
    "List price of the window, projected to a day; Spend has its parts. The line has those that are known by"
    " the minute: requests, duration, initialization, /tmp, provisioned concurrency, log ingestion."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What one window says: sums over functions, its steps, percentiles of all records, limits."""

    window: Window
    sums: Mapping[str, Sum]
    series: pd.DataFrame
    records: Mapping[str, float | None]
    limits: pd.DataFrame
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """How it moved against the window it is compared with; `p95_ms` None when that cannot be compared."""

    moves: Mapping[str, Moved | None]
    p95_ms: float | None


def cards(now: Now, before: Before) -> list[Card]:
    return [
        _invocations(now, before),
        _error_rate(now, before),
        _p95(now, before),
        _throttles(now, before),
        _concurrency(now),
        _cost(now, before),
    ]


def _invocations(now: Now, before: Before) -> Card:
    here, moved = now.sums["invocations"], before.moves.get("invocations")
    minutes = now.window.duration / timedelta(minutes=1)
    return Card(
        label="Invocations / min",
        value=numbers.count(here.value / minutes if here.value is not None else None),
        points=spark(now.series["invocations"], "sum"),
        help=_help("Invocations that started in the window, divided by its minutes.", now, here, moved),
        **_marks(here),
        **_moved(moved, "gray"),
    )


def _error_rate(now: Now, before: Before) -> Card:
    here, failed, invoked = now.sums["errors"], before.moves.get("failed"), before.moves.get("invoked")
    move: dict[str, Any] = {}
    if failed and invoked:
        rates = rate(failed.value, invoked.value), rate(failed.before, invoked.before)
        move = _coloured(changed(*rates, kind="rate"), "red")
    return Card(
        label="Error rate",
        value=numbers.percent(rate(here.value, now.sums["invocations"].value)),
        points=spark(now.series["error_rate"], "max"),
        help=_help("Errors divided by invocations, over all functions.", now, here, failed),
        **_marks(here),
        **move,
    )


def _p95(now: Now, before: Before) -> Card:
    here, seen = now.records.get("duration_p95_ms"), now.sums["duration_p95_ms"]
    formula = "95 of 100 invocations were faster; over every invocation record."
    return Card(
        label="p95 duration",
        value=numbers.ms(here),
        points=spark(now.series["duration_p95_ms"], "max"),
        help=_help(formula, now, seen, None, compared=before.p95_ms is not None),
        **_marks(seen),
        **changed(here, before.p95_ms),
    )


def _throttles(now: Now, before: Before) -> Card:
    here, moved = now.sums["throttles"], before.moves.get("throttles")
    return Card(
        label="Throttles",
        value=numbers.count(here.value),
        points=spark(now.series["throttles"], "sum"),
        kind="bar",
        help=_help("Invocations that Lambda turned away for want of concurrency.", now, here, moved),
        **_marks(here),
        **_moved(moved, "orange"),
    )


def _concurrency(now: Now) -> Card:
    formula = (
        "The account and region nearest its limit: the most concurrent executions claimed in the window."
    )
    label, points = "Concurrency", spark(now.series["concurrent_max"], "max")
    ranked = now.limits[now.limits["utilization"].notna()].sort_values("utilization", ascending=False)
    if ranked.empty:
        return Card(label=label, value=numbers.UNKNOWN, points=points, help=f"{formula} Not collected yet.")
    worst = ranked.iloc[0]
    used, place = float(worst["utilization"]), now.names.get(worst["account"], worst["account"])
    return Card(
        label=label,
        value=numbers.count(worst["claimed_max"]),
        delta=f"{used:.0%} of {numbers.count(worst['limit'])}",
        colour="red" if used >= 0.9 else "orange" if used >= 0.75 else "gray",
        arrow="off",
        points=points,
        help=f"{formula} Here: {numbers.plain(place)} {worst['region']}.",
        provisional=worst["state"] == PROVISIONAL,
    )


def _cost(now: Now, before: Before) -> Card:
    here, moved = now.sums["cost_usd"], before.moves.get("cost_usd")
    days = now.window.duration / DAY
    return Card(
        label="Cost / day",
        value=numbers.usd(here.value / days if here.value is not None else None),
        points=spark(now.series["cost_usd"], "sum"),
        help=_help(COST, now, here, moved),
        **_marks(here),
        **_moved(moved, "orange"),
    )


def _moved(move: Moved | None, colour: Colour) -> dict[str, Any]:
    """How a total moved; a rise is drawn in `colour`."""
    return _coloured(changed(move.value, move.before), colour) if move else {}


def _coloured(move: dict[str, Any], colour: Colour) -> dict[str, Any]:
    """The move with a rise in `colour`. A fall of traffic or errors is gray: no news, or no good news yet."""
    if not move:
        return {}
    if move["colour"] == "orange":
        return move | {"colour": colour}
    return move if colour == "orange" else move | {"colour": "gray"}


def _marks(seen: Sum) -> dict[str, Any]:
    return {"provisional": seen.provisional, "partial": bool(seen.missing)}


def _help(formula: str, now: Now, seen: Sum, moved: Moved | None, *, compared: bool = False) -> str:
    """The formula, what is missing, and what the movement is against."""
    said = [formula]
    if seen.missing:
        holes = f"{seen.missing:,} of {seen.among:,} functions"
        said.append(f"{holes} not fully collected: {numbers.plain(seen.why)}.")
    if moved or compared:
        said.append(f"The change is against {against(now.window)}.")
    if moved and moved.left_out:
        said.append(f"It leaves out {moved.left_out:,} functions that one of the two windows does not see.")
    return " ".join(said)


def against(window: Window) -> str:
    """What a window is compared with, in words."""
    days = (window.start - earlier(window).start) // DAY
    return "the same hours yesterday" if days == 1 else f"the {days} days before"
