"""What the Overview says: six numbers, four panels, the functions worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from core.formulas import rate
from core.windows import Window
from dashboard import numbers
from dashboard.compare import changed
from dashboard.figures import PROVISIONAL, Total, reason, spark, total
from dashboard.widgets import Card, Colour

SEVERITIES = ("critical", "warning", "info")
ORDER = (*SEVERITIES, "not collected", "healthy", "silent")
"""States of a function, the worst first; unknown is worse than healthy."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What one window says: the fleet table, its steps, percentiles over all records, limits per target."""

    window: Window
    fleet: pd.DataFrame
    series: pd.DataFrame
    records: Mapping[str, float | None]
    limits: pd.DataFrame
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The same of the window it is compared with."""

    fleet: pd.DataFrame
    records: Mapping[str, float | None]


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
    here, there = total(now.fleet, "invocations"), total(before.fleet, "invocations")
    minutes = now.window.duration / timedelta(minutes=1)
    return Card(
        label="Invocations / min",
        value=numbers.count(here.value / minutes if here.value is not None else None),
        points=spark(now.series["invocations"], "sum"),
        help=_help("Invocations that started in the window, divided by its minutes.", here),
        **_marks(here),
        **_moved(here, there, "gray"),
    )


def _error_rate(now: Now, before: Before) -> Card:
    here, there = total(now.fleet, "errors"), total(before.fleet, "errors")
    share = rate(here.value, total(now.fleet, "invocations").value)
    share_before = rate(there.value, total(before.fleet, "invocations").value)
    return Card(
        label="Error rate",
        value=numbers.percent(share),
        points=spark(now.series["error_rate"], "max"),
        help=_help("Errors divided by invocations, over all functions.", here),
        **_marks(here),
        **(_coloured(changed(share, share_before, kind="rate"), "red") if here.comparable(there) else {}),
    )


def _p95(now: Now, before: Before) -> Card:
    here, there = now.records.get("duration_p95_ms"), before.records.get("duration_p95_ms")
    seen, was = total(now.fleet, "duration_p95_ms"), total(before.fleet, "duration_p95_ms")
    return Card(
        label="p95 duration",
        value=numbers.ms(here),
        points=spark(now.series["duration_p95_ms"], "max"),
        help=_help("95 of 100 invocations were faster; over every invocation record.", seen),
        **_marks(seen),
        **(changed(here, there) if seen.comparable(was) else {}),
    )


def _throttles(now: Now, before: Before) -> Card:
    here, there = total(now.fleet, "throttles"), total(before.fleet, "throttles")
    return Card(
        label="Throttles",
        value=numbers.count(here.value),
        points=spark(now.series["throttles"], "sum"),
        kind="bar",
        help=_help("Invocations that Lambda turned away for want of concurrency.", here),
        **_marks(here),
        **_moved(here, there, "orange"),
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
    here, there = total(now.fleet, "cost_usd"), total(before.fleet, "cost_usd")
    days = now.window.duration / DAY
    return Card(
        label="Cost / day",
        value=numbers.usd(here.value / days if here.value is not None else None),
        points=spark(now.series["cost_usd"], "sum"),
        help=_help("List price of the window, projected to a day. See Cost for its parts.", here),
        **_marks(here),
        **_moved(here, there, "orange"),
    )


def _moved(here: Total, there: Total, colour: Colour) -> dict[str, Any]:
    """How a total moved, if both were collected in full; a rise is drawn in `colour`."""
    if not here.comparable(there):
        return {}
    return _coloured(changed(here.value, there.value), colour)


def _coloured(move: dict[str, Any], colour: Colour) -> dict[str, Any]:
    """The move with a rise in `colour`. A fall of traffic or errors is gray: no news, or no good news yet."""
    if not move:
        return {}
    if move["colour"] == "orange":
        return move | {"colour": colour}
    return move if colour == "orange" else move | {"colour": "gray"}


def _marks(seen: Total) -> dict[str, Any]:
    return {"provisional": seen.provisional, "partial": bool(seen.missing)}


def _help(formula: str, seen: Total) -> str:
    if not seen.missing:
        return formula
    holes = f"{len(seen.missing)} of {seen.among} functions"
    return f"{formula} {holes} not fully collected: {numbers.plain(seen.why)}."


# --- the table ----------------------------------------------------------------------------------------------


def table(
    fleet: pd.DataFrame,
    sparklines: pd.DataFrame,
    incidents: pd.DataFrame,
    names: Mapping[str, str],
    *,
    window: Window,
) -> pd.DataFrame:
    """Functions worst first, as the page shows them: state, function, where, team, invocations, traffic,
    error_rate, errors, p95_ms, throttles, cold_start_rate, cost_per_day_usd, data, account, region.
    Rates are in percent, traffic and errors are sparklines."""
    worst = firing(incidents)
    keys = ["account", "region", "function"]
    rows = fleet.merge(
        sparklines.rename(columns={"invocations": "traffic", "errors": "failures"}), "left", on=keys
    )
    rows["state"] = [_state(row, worst) for row in rows.to_dict("records")]
    rows["rank"] = rows["state"].map(ORDER.index)
    rows = rows.sort_values(
        ["rank", "errors", "throttles", "invocations"], ascending=[True, False, False, False]
    )
    days = window.duration / DAY
    return pd.DataFrame(
        {
            "state": [[state] for state in rows["state"]],
            "function": rows["function"],
            "where": [
                f"{names.get(a, a)} · {r}" for a, r in zip(rows["account"], rows["region"], strict=True)
            ],
            "team": [tags.get("team") or tags.get("Team") for tags in rows["tags"]],
            "invocations": rows["invocations"],
            "traffic": rows["traffic"],
            "error_rate": rows["error_rate"] * 100,
            "errors": rows["failures"],
            "p95_ms": rows["duration_p95_ms"],
            "throttles": rows["throttles"],
            "cold_start_rate": rows["cold_start_rate"] * 100,
            "cost_per_day_usd": [None if c is None else float(c) / days for c in rows["cost_usd"]],
            "data": [data_state(states) for states in rows["states"]],
            "account": rows["account"],
            "region": rows["region"],
        }
    ).reset_index(drop=True)


def firing(incidents: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """The worst severity that fires per account, region and function."""
    worst: dict[tuple[str, str, str], str] = {}
    for row in incidents.to_dict("records"):
        if row["subject_kind"] == "function":
            key = (row["account"], row["region"], row["subject"])
            worst[key] = min(worst.get(key, row["severity"]), row["severity"], key=_rank)
    return worst


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _state(row: Mapping[Any, Any], worst: Mapping[tuple[str, str, str], str]) -> str:
    fires = worst.get((row["account"], row["region"], row["function"]))
    if fires:
        return fires if fires in ORDER else "info"
    if not numbers.known(row["invocations"]):
        return "not collected"
    return "healthy" if row["invocations"] else "silent"


def data_state(states: Mapping[str, str]) -> str:
    """What to know about a row's numbers: the first hole, else provisional, else settled."""
    holes = [why for why in map(reason, states.values()) if why]
    if holes:
        return f"not collected: {holes[0]}"
    return PROVISIONAL if PROVISIONAL in states.values() else "settled"


def matching(rows: pd.DataFrame, find: str, states: Sequence[str]) -> pd.DataFrame:
    """Rows whose function, team or place holds the words that were typed, in any of the chosen states."""
    text = rows["function"] + " " + rows["team"].fillna("") + " " + rows["where"]
    keep = pd.Series(True, index=rows.index)
    for word in find.split():
        keep &= text.str.contains(word, case=False, regex=False)
    if states:
        keep &= rows["state"].str[0].isin(states)
    return rows[keep].reset_index(drop=True)
