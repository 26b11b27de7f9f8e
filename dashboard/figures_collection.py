"""What the Collection health page says: who is late, what is missing, what watching costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import pandas as pd

from core.settings import CollectSettings
from core.windows import FRESH_ENOUGH, MINUTE, Window
from dashboard import numbers
from dashboard.figures import reason
from dashboard.figures_cost import add
from dashboard.numbers import plain
from dashboard.widgets import Card

ALWAYS_FINE = ("ok",)
SHORTEST = timedelta(minutes=15)


def late_after(collector: str) -> timedelta:
    """How old a collector's data may be: three of its usual intervals, or what pages call fresh."""
    usual = getattr(CollectSettings(), f"{collector}_every", timedelta())
    return max(3 * usual, FRESH_ENOUGH)


def is_late(collectors: pd.DataFrame) -> pd.Series[bool]:
    """Per row of the `collectors` reader's frame: its data is too old, or there never was any."""
    limits = [late_after(str(name)).total_seconds() for name in collectors["collector"]]
    ages = collectors["age_s"].astype("float64")
    return ages.isna() | (ages > pd.Series(limits, index=collectors.index, dtype="float64"))


def until_now(window: Window, *, now: datetime) -> Window:
    """A window that ends where the data does, up to the runs of this minute."""
    return Window(window.start, now + MINUTE) if now - window.end <= FRESH_ENOUGH else window


def since_first(window: Window, first: datetime | None) -> Window:
    """The window from the first run on, with a little room before it: a young store has no older ones."""
    if first is None or first <= window.start:
        return window
    began = min(first - (window.end - first) / 40, window.end - SHORTEST)
    return Window(max(window.start, began), window.end)


def table(collectors: pd.DataFrame) -> pd.DataFrame:
    """The reader's frame with `standing` (list: on time, late, or the outcome), `age` and `missing` in words,
    those that need a look first."""
    late = is_late(collectors)
    standing = [
        outcome if outcome not in ALWAYS_FINE else "late" if old else "on time"
        for outcome, old in zip(collectors["outcome"], late, strict=True)
    ]
    rank = [ORDER.index(word) if word in ORDER else 0 for word in standing]
    words: dict[str, list[Any]] = {
        "standing": [[word] for word in standing],
        "age": [numbers.age(float(age)) if numbers.known(age) else "never" for age in collectors["age_s"]],
        "rank": rank,
    }
    shown = collectors.assign(**words).sort_values(["rank", "age_s"], ascending=[True, False], kind="stable")
    return shown.drop(columns="rank").reset_index(drop=True)


ORDER = ("denied", "failed", "skipped", "partial", "late", "on time")


def holes(gaps: pd.DataFrame, fleet: pd.DataFrame) -> pd.DataFrame:
    """Gaps put together: collector, account, region, why, permission, hides, scopes, minutes (the most),
    newest, example (one scope). Those that hide something first; `hides` says what, and is "" for those that
    hide nothing: the log of a function that was not invoked (`fleet` is the fleet table of the same window).
    """
    harmless = unread_but_silent(fleet)
    places = zip(gaps["collector"], gaps["account"], gaps["region"], gaps["scope"], strict=True)
    hides = [
        ""
        if collector == "logs" and (account, region, scope) in harmless
        else HIDES.get(collector, "its facts")
        for collector, account, region, scope in places
    ]
    keys = ["collector", "account", "region", "why", "permission", "hides"]
    grouped = gaps.assign(hides=hides).groupby(keys, dropna=False)
    found = grouped.agg(
        scopes=("scope", "nunique"),
        minutes=("minutes", "max"),
        newest=("end", "max"),
        example=("scope", "min"),
    ).reset_index()
    nothing = found["hides"] == ""
    order = found.assign(nothing=nothing).sort_values(
        ["nothing", "minutes", "scopes"], ascending=[True, False, False], kind="stable"
    )
    return order.drop(columns="nothing").reset_index(drop=True)


def hole_line(
    row: Mapping[Any, Any], places: Mapping[tuple[str, str], str], *, zone: tzinfo, now: datetime
) -> str:
    """One of `holes` as Markdown: of what, why, and what is not seen because of it."""
    place = places.get((row["account"], row["region"]), row["region"])
    things = row["example"] if row["scopes"] == 1 else f"{row['scopes']} of them, such as {row['example']}"
    length = numbers.age(timedelta(minutes=float(row["minutes"])))
    until = numbers.clock(row["newest"], zone, now=now)
    about = f"{plain(place)}{f' · {plain(things)}' if row['example'] else ''} · {length} up to {until}"
    badge = f":orange-badge[{row['collector']}]" if row["hides"] else f":gray-badge[{row['collector']}]"
    hides = f"not seen: {row['hides']}" if row["hides"] else "hides nothing: not invoked in this window"
    action = row["permission"] if isinstance(row["permission"], str) else ""
    lacks = f" `{action}`" if action.replace(":", "").isalnum() else ""
    return f"{badge} {plain(row['why'])}{lacks}  \n:small[:gray[{about} · {hides}]]"


HIDES = {
    "metrics": "invocations, errors, throttles, concurrency",
    "logs": "percentiles, cold starts, memory, errors by message, exact cost",
    "queues": "depth, age and arrivals",
    "traces": "traces",
    "changes": "who changed what",
}
"""What a reader does not see of a stretch that a collector did not read."""


def unread_but_silent(fleet: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Functions whose log needs no reading: they were not invoked, so nothing that rests on it is missing."""
    silent = fleet[fleet["invocations"] == 0]
    columns = (silent[name].to_numpy() for name in ("account", "region", "function", "states"))
    return {
        (account, region, function)
        for account, region, function, states in zip(*columns, strict=True)
        if not reason(states.get("cold_starts"))
    }


def cards(
    collectors: pd.DataFrame,
    holes: pd.DataFrame,
    spend: pd.DataFrame,
    stored: pd.DataFrame,
    *,
    projected_usd: Decimal | None,
) -> list[Card]:
    hiding = holes[holes["hides"] != ""]
    fine = int((~is_late(collectors) & collectors["outcome"].isin(ALWAYS_FINE)).sum())
    failed, runs = int(collectors["failed_24h"].sum()), int(collectors["runs_24h"].sum())
    month = _known(spend["cost_usd"])
    return [
        Card(
            label="Collectors on time",
            value=f"{fine} of {len(collectors)}",
            help="Per collector and target: the last run went well and its data is young enough.",
            delta="all of them" if fine == len(collectors) else f"{len(collectors) - fine} need a look",
            colour="green" if fine == len(collectors) else "red",
            arrow="off",
        ),
        Card(
            label="Runs that failed",
            value=numbers.count(failed),
            help="Of all runs of the last 24 hours: refused, failed or skipped.",
            delta=f"of {runs:,} in 24 h",
            arrow="off",
        ),
        Card(
            label="Gaps in this window",
            value=numbers.count(len(hiding)),
            help="Stretches not read that hide something, per collector, target and reason. The next runs "
            "fill them if they can. Logs of functions that were not invoked are no gaps.",
            delta=f"the longest {numbers.age(timedelta(minutes=float(hiding['minutes'].max())))}"
            if len(hiding)
            else "everything was read",
            colour="orange" if len(hiding) else "green",
            arrow="off",
        ),
        Card(
            label="Spent this month",
            value=numbers.usd(month[0]),
            help=f"What AWS bills for our calls, month to date (UTC), list price. {month[1]}".strip(),
            delta=f"{spend['calls'].sum():,} calls",
            arrow="off",
            partial=bool(month[1]),
        ),
        Card(
            label="Projected month",
            value=numbers.usd(projected_usd),
            help="Month to date + a day at the pace in force × the days that are left. Without a service no "
            f"pace is in force, and nothing is projected. {month[1]}".strip(),
            partial=bool(month[1]) and projected_usd is not None,
        ),
        Card(
            label="Store",
            value=numbers.size(float(stored["size"].sum())),
            help="Telemetry files, what is not packed yet, and the state database.",
            delta=f"{stored['rows'].sum():,.0f} rows",
            arrow="off",
        ),
    ]


def _known(amounts: pd.Series[Any]) -> tuple[Any, str]:
    """The sum of known amounts, and what it leaves out."""
    unknown = sum(not numbers.known(amount) for amount in amounts)
    return add(amounts), f"{unknown} operations have no known price." if unknown else ""
