"""What was spent, drawn to be read: per day and group, and per component."""

from __future__ import annotations

from typing import Literal

import altair as alt
import pandas as pd

from dashboard.charts.groups import OTHER, colours
from dashboard.charts.theme import INFO

SHORT_WORDS = {
    "requests": "Requests",
    "duration": "Duration",
    "init": "Init",
    "ephemeral": "Ephemeral",
    "provisioned": "Provisioned",
    "logs": "Logs",
}
COMPONENT_WORDS = {
    "requests": "Requests",
    "duration": "Duration",
    "init": "Initialization",
    "ephemeral": "Ephemeral storage",
    "provisioned": "Provisioned concurrency",
    "logs": "Log ingestion",
}


def by_size(series: pd.DataFrame) -> list[str]:
    """The groups of a long cost frame, dearest first, `other` last."""
    totals = series.groupby("group")["cost_usd"].sum().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in totals.index if name != OTHER]
    return names + ([OTHER] if OTHER in totals.index else [])


def cost_over_time(series: pd.DataFrame, *, hourly: bool) -> alt.Chart:
    """Stacked bars: from `ts` (aware UTC; whole days, hours if `hourly`), `group`, `cost_usd`."""
    groups = by_size(series)
    colour = colours(groups)
    rank = {name: i for i, name in enumerate(groups)}
    rows = series.assign(ts=series["ts"].dt.tz_convert("UTC"), rank=series["group"].map(rank))
    unit: Literal["utcyearmonthdatehours", "utcyearmonthdate"]
    unit = "utcyearmonthdatehours" if hourly else "utcyearmonthdate"
    shape = "%H:%M" if hourly else "%-d %b"
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            alt.X(
                "ts:T", timeUnit=unit, title=None, axis=alt.Axis(format=shape, grid=False, labelOverlap=True)
            ),
            alt.Y("cost_usd:Q", title=None, stack="zero", axis=alt.Axis(format="$,.2~f", tickCount=4)),
            alt.Color(
                "group:N",
                title=None,
                scale=alt.Scale(domain=groups, range=[colour[name] for name in groups]),
                legend=alt.Legend(orient="bottom", columns=4, labelLimit=220, symbolType="square"),
            ),
            alt.Order("rank:Q"),
            [
                alt.Tooltip("group:N", title="group"),
                alt.Tooltip("ts:T", title="UTC", format="%a %-d %b %H:%M" if hourly else "%a %-d %b"),
                alt.Tooltip("cost_usd:Q", title="cost", format="$,.4f"),
            ],
        )
        .properties(height=320)
    )
    return chart


def cost_by_component(totals: pd.DataFrame) -> alt.Chart:
    """One bar per row: `label` (component and amount, on the axis, whose colour fits both), `cost_usd`."""
    chart: alt.Chart = (
        alt.Chart(totals)
        .mark_bar(color=INFO, height=12)
        .encode(
            alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=240, ticks=False, domain=False)),
            alt.X("cost_usd:Q", title=None, axis=None, scale=alt.Scale(domainMin=0)),
            tooltip=[alt.Tooltip("label:N", title="component")],
        )
        .properties(height=max(120, 30 * len(totals)))
    )
    return chart
