"""What each line of a statement is made of."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from dashboard.charts.cost import legend, legend_columns, usd_axis
from dashboard.charts.groups import colours
from dashboard.charts.theme import PADDING

MOST = 12
BAR_PX, AXIS_PX, LEGEND_ROW_PX = 26, 44, 18


def lines(bars: pd.DataFrame, *, narrow: bool = False) -> alt.Chart:
    """A stacked bar per `group` (the dearest `MOST`), by `part`, from `cost_usd`."""
    order = bars.groupby("group")["cost_usd"].sum().sort_values(ascending=False).index[:MOST]
    shown = bars[bars["group"].isin(order)]
    parts = list(shown.groupby("part")["cost_usd"].sum().sort_values(ascending=False).index)
    colour, longest = colours(parts), shown.groupby("group")["cost_usd"].sum().max()
    legend_px = LEGEND_ROW_PX * math.ceil(len(parts) / legend_columns(narrow))
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            alt.Y(
                "group:N",
                sort=list(order),
                title=None,
                axis=alt.Axis(labelLimit=110 if narrow else 220, labelOverlap=False),
            ),
            alt.X("cost_usd:Q", title=None, axis=alt.Axis(format=usd_axis(longest), tickCount=4)),
            alt.Color(
                "part:N",
                title=None,
                scale=alt.Scale(domain=parts, range=[colour[part] for part in parts]),
                legend=legend(narrow),
            ),
            alt.Order("cost_usd:Q", sort="descending"),
            [
                alt.Tooltip("group:N", title="line"),
                alt.Tooltip("part:N", title="part"),
                alt.Tooltip("cost_usd:Q", title="cost", format="$,.4f"),
            ],
        )
        .properties(height=AXIS_PX + legend_px + BAR_PX * len(order), padding=PADDING)
    )
    return chart
