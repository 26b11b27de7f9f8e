"""What a month of a function's duration would cost at each memory size."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import theme

HEIGHT_PX = 210
TOOLTIP = [
    alt.Tooltip("memory_mb:Q", title="memory, MB", format=",.0f"),
    alt.Tooltip("low_usd:Q", title="at least, USD", format=",.4f"),
    alt.Tooltip("high_usd:Q", title="at most, USD", format=",.4f"),
    alt.Tooltip("slower_low:Q", title="duration, at least", format=".2f"),
    alt.Tooltip("slower_high:Q", title="duration, at most", format=".2f"),
    alt.Tooltip("fits:N", title="memory used"),
]


def price_curve(curve: pd.DataFrame, *, now_mb: float, then_mb: float | None) -> Any:
    """Columns of `figures_savings.curve`: a band over sizes up to four times the present one, the present and
    the proposed size marked."""
    near = curve[curve["memory_mb"] <= 4 * max(now_mb, then_mb or now_mb)]
    x = alt.X("memory_mb:Q", title="Memory, MB", axis=alt.Axis(grid=False, format=",d"))
    band = (
        alt.Chart(near)
        .mark_area(color=theme.INFO, opacity=0.25)
        .encode(x, alt.Y("low_usd:Q", title=None, axis=alt.Axis(tickCount=4)), alt.Y2("high_usd:Q"), TOOLTIP)
    )
    likely = (
        alt.Chart(near.dropna(subset=["likely_usd"]))
        .mark_line(color=theme.INFO, interpolate="linear")
        .encode(x, alt.Y("likely_usd:Q"), TOOLTIP)
    )
    points = alt.Chart(near).mark_point(color=theme.INFO, size=24).encode(x, alt.Y("high_usd:Q"), TOOLTIP)
    sizes = [(now_mb, "now")] + ([(then_mb, "proposed")] if then_mb else [])
    marks = pd.DataFrame(sizes, columns=pd.Index(["memory_mb", "label"]))
    rule = alt.Chart(marks).mark_rule(color=theme.BEFORE, strokeDash=[4, 4]).encode(alt.X("memory_mb:Q"))
    words = (
        alt.Chart(marks)
        .mark_text(align="left", dx=5, baseline="top", fontSize=11, color=theme.BEFORE)
        .encode(alt.X("memory_mb:Q"), y=alt.value(2), text="label:N")
    )
    return alt.layer(band, likely, points, rule, words).properties(
        height=HEIGHT_PX,
        padding=theme.PADDING,
        title=alt.Title("Duration of a month by memory size, USD", anchor="start", fontSize=12.5),
    )
