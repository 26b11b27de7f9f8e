"""What each line of a statement is made of."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.cost import legend
from dashboard.charts.groups import colours
from dashboard.charts.theme import PADDING

MOST = 12
BAR_PX, LEGEND_PX = 26, 90


def lines(bars: pd.DataFrame, *, narrow: bool = False) -> alt.Chart:
    """A stacked bar per `group` (the dearest `MOST`), by `part`, from `cost_usd`."""
    order = bars.groupby("group")["cost_usd"].sum().sort_values(ascending=False).index[:MOST]
    shown = bars[bars["group"].isin(order)]
    parts = list(shown.groupby("part")["cost_usd"].sum().sort_values(ascending=False).index)
    colour = colours(parts)
    chart: alt.Chart = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            alt.Y("group:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=110 if narrow else 220)),
            alt.X("cost_usd:Q", title=None, axis=alt.Axis(format="$,.2~f", tickCount=4)),
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
        .properties(height=LEGEND_PX + BAR_PX * len(order), padding=PADDING)
    )
    return chart
