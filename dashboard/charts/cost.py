"""What was spent, drawn to be read: per day and group, and per component."""

from __future__ import annotations

import math
from datetime import timedelta

import altair as alt
import pandas as pd

from core.cost_words import COMPONENT_WORDS
from dashboard.charts.groups import OTHER, colours
from dashboard.charts.theme import INFO, PADDING

BAR = 0.92
"""The share of its step that a bar fills."""

SHORT_WORDS = COMPONENT_WORDS | {
    "init": "Init",
    "ephemeral": "Ephemeral",
    "provisioned": "Provisioned",
    "streaming": "Streaming",
    "durable": "Durable",
    "instances": "Instances",
    "edge": "Edge",
    "pollers": "Pollers",
    "tenancy": "Tenancy",
    "logs": "Logs",
    "tracing": "X-Ray",
    "queues": "SQS",
}


def by_size(series: pd.DataFrame) -> list[str]:
    """The groups of a long cost frame, dearest first, `other` last."""
    totals = series.groupby("group")["cost_usd"].sum().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in totals.index if name != OTHER]
    return names + ([OTHER] if OTHER in totals.index else [])


def cost_over_time(series: pd.DataFrame, *, step: timedelta, narrow: bool = False) -> alt.Chart:
    """Stacked bars: from `ts` (aware; where steps begin), `group`, `cost_usd`. Days are UTC days, as AWS
    bills them; shorter steps are in the reader's zone, like every other chart."""
    groups = by_size(series)
    colour = colours(groups)
    rows = stacked(series, groups, step=step)
    daily = step >= timedelta(days=1)
    shape = "%-d %b" if daily else "%H:%M" if step < timedelta(hours=6) else "%-d %b, %H:%M"
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            alt.X(
                "ts:T",
                title=None,
                scale=alt.Scale(type="utc" if daily else "time"),
                axis=alt.Axis(format=shape, grid=False, labelOverlap=True),
            ),
            alt.X2("end:T"),
            alt.Y("to_usd:Q", title=None, axis=alt.Axis(format=usd_axis(rows["to_usd"].max()), tickCount=4)),
            alt.Y2("from_usd:Q"),
            alt.Color(
                "group:N",
                title=None,
                scale=alt.Scale(domain=groups, range=[colour[name] for name in groups]),
                legend=legend(narrow),
            ),
            [
                alt.Tooltip("group:N", title="group"),
                alt.Tooltip("ts:T", title="from", format="%a %-d %b %H:%M"),
                alt.Tooltip("cost_usd:Q", title="cost", format="$,.4f"),
            ],
        )
        .properties(height=320, padding=PADDING)
    )
    return chart


def usd_axis(highest: float) -> str:
    """Dollars with as many decimals as ticks below `highest` need to differ; whole ones from ten up."""
    if highest >= 10:
        return "$,.0f"
    decimals = 1 - math.floor(math.log10(highest)) if highest > 0 else 2
    return f"$,.{min(max(decimals, 2), 9)}f"


def legend(narrow: bool) -> alt.Legend:
    """Below the bars, right under their axis; on a phone in two columns with shorter names."""
    limit_px = 120 if narrow else 220
    columns = legend_columns(narrow)
    return alt.Legend(
        orient="bottom", columns=columns, labelLimit=limit_px, symbolType="square", offset=0, padding=4
    )


def legend_columns(narrow: bool) -> int:
    return 2 if narrow else 4


def stacked(series: pd.DataFrame, groups: list[str], *, step: timedelta) -> pd.DataFrame:
    """The series with `end`, and `from_usd` to `to_usd`: each group above the dearer ones of its step."""
    ts = series["ts"].dt.tz_convert("UTC")
    rank = series["group"].map({name: i for i, name in enumerate(groups)})
    rows = series.assign(ts=ts, end=ts + step * BAR, rank=rank).sort_values(["ts", "rank"])
    to = rows.groupby("ts")["cost_usd"].cumsum()
    return rows.assign(from_usd=to - rows["cost_usd"], to_usd=to).drop(columns="rank")


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
        .properties(height=max(120, 30 * len(totals)), padding=PADDING)
    )
    return chart
