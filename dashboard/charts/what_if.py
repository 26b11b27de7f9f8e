"""What each number of units of provisioned concurrency would have done: cold starts left, and net cost."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import theme

HEIGHT_PX = 190
TOOLTIP = [
    alt.Tooltip("units:Q", title="units"),
    alt.Tooltip("cold_starts:Q", title="cold starts left", format=","),
    alt.Tooltip("spared_s:Q", title="seconds spared", format=",.1f"),
    alt.Tooltip("net_usd:Q", title="net cost, USD", format=",.4f"),
    alt.Tooltip("use:Q", title="units at work", format=".1%"),
]


def cold_starts_left(curve: pd.DataFrame, *, units: int, recorded: int) -> Any:
    """Columns of `figures_what_if.curve`; `recorded` cold starts are a dashed line, `units` are marked."""
    line = pd.DataFrame({"cold_starts": [recorded], "label": [f"recorded {recorded:,}"]})
    mark = alt.Chart(line).mark_rule(color=theme.BEFORE, strokeDash=[4, 4]).encode(alt.Y("cold_starts:Q"))
    words = mark.mark_text(align="right", dy=-7, fontSize=11, color=theme.BEFORE).encode(
        x=alt.value("width"), text="label:N", y="cold_starts:Q"
    )
    return _drawn(curve, "cold_starts", "Cold starts left", theme.COLD, units, [mark, words])


def net_cost(curve: pd.DataFrame, *, units: int) -> Any:
    """Below the line at zero, units cost less than on demand."""
    zero = (
        alt.Chart(pd.DataFrame({"net_usd": [0.0]})).mark_rule(color=theme.BEFORE).encode(alt.Y("net_usd:Q"))
    )
    return _drawn(curve, "net_usd", "Net cost, USD in this window", theme.INFO, units, [zero])


def _drawn(
    curve: pd.DataFrame, column: str, title: str, colour: str, units: int, beside: list[alt.Chart]
) -> Any:
    x = alt.X("units:Q", title="Units", axis=alt.Axis(tickMinStep=1, grid=False, format="d"))
    y = alt.Y(f"{column}:Q", title=None, axis=alt.Axis(tickCount=4))
    base = alt.Chart(curve).encode(x, y, TOOLTIP)
    line = base.mark_line(color=colour, interpolate="linear", point=alt.OverlayMarkDef(color=colour, size=34))
    chosen = base.transform_filter(alt.datum.units == units)
    ring = chosen.mark_point(color=colour, size=190, strokeWidth=2.5, filled=False, opacity=1)
    chart = alt.layer(*beside, line, ring)
    return chart.properties(
        height=HEIGHT_PX, padding=theme.PADDING, title=alt.Title(title, anchor="start", fontSize=12.5)
    )
