"""How single invocations spread: durations against the timeout, memory against what is configured."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts import theme

HEIGHT_PX = 150
SHORTEST_MS = 0.5
"""Where a logarithmic axis begins: zero is nowhere on it."""


def durations(histogram: pd.DataFrame) -> alt.LayerChart:
    """Records by duration, failed ones in red on top, with the timeout. From `duration_histogram`."""
    rows = histogram.assign(
        start=histogram["from_ms"].clip(lower=SHORTEST_MS),
        ok=histogram["records"] - histogram["failed"],
        said=[
            f"{_ms(low)} to {_ms(high)}"
            for low, high in zip(histogram["from_ms"], histogram["to_ms"], strict=True)
        ],
    )
    timeout = histogram["timeout_ms"].iloc[0]
    scale = alt.Scale(type="log", nice=False)
    x = alt.X(
        "start:Q", title=None, scale=scale, axis=alt.Axis(values=_ticks(rows, timeout), labelExpr=TICKS)
    )
    tips = [
        alt.Tooltip("said:N", title="duration"),
        alt.Tooltip("records:Q", title="records", format=","),
        alt.Tooltip("failed:Q", title="failed", format=","),
        alt.Tooltip("beyond_share:Q", title="this long or longer", format=".2%"),
    ]
    bars = alt.Chart(rows).mark_rect(color=theme.INFO, opacity=0.75).encode(
        x, alt.X2("to_ms:Q"), alt.Y("records:Q", title=None, axis=_counts()), alt.Y2(datum=0), tooltip=tips
    )  # fmt: skip
    failed = alt.Chart(rows).mark_rect(color=theme.ERRORS).encode(
        x, alt.X2("to_ms:Q"), alt.Y("failed:Q"), alt.Y2(datum=0), tooltip=tips
    )  # fmt: skip
    return _with_limit([bars, failed], timeout, f"timeout {_ms(timeout)}")


def memory(histogram: pd.DataFrame) -> alt.LayerChart:
    """Records by the share of memory that their environment used at most, out of memory in red. From
    `memory_histogram`."""
    rows = histogram.assign(
        said=[
            f"{low:.0%} to {high:.0%}"
            for low, high in zip(histogram["from_share"], histogram["to_share"], strict=True)
        ]
    )
    x = alt.X(
        "from_share:Q", title=None, scale=alt.Scale(domain=[0, 1.02], nice=False), axis=alt.Axis(format=".0%")
    )
    tips = [
        alt.Tooltip("said:N", title="of the memory"),
        alt.Tooltip("records:Q", title="records", format=","),
        alt.Tooltip("out_of_memory:Q", title="out of memory", format=","),
    ]
    bars = alt.Chart(rows).mark_rect(color=theme.INFO, opacity=0.75).encode(
        x, alt.X2("to_share:Q"), alt.Y("records:Q", title=None, axis=_counts()), alt.Y2(datum=0), tooltip=tips
    )  # fmt: skip
    killed = alt.Chart(rows).mark_rect(color=theme.ERRORS).encode(
        x, alt.X2("to_share:Q"), alt.Y("out_of_memory:Q"), alt.Y2(datum=0), tooltip=tips
    )  # fmt: skip
    return _with_limit([bars, killed], 1.0, "configured")


def _with_limit(layers: list[alt.Chart], at: float, label: str) -> alt.LayerChart:
    if at == at:
        limit = pd.DataFrame({"at": [at], "label": [label]})
        rule = alt.Chart(limit).mark_rule(color=theme.LIMIT, strokeDash=[4, 3]).encode(alt.X("at:Q"))
        text = alt.Chart(limit).mark_text(color=theme.LIMIT, align="right", dx=-4, y=8).encode(
            alt.X("at:Q"), text="label:N"
        )  # fmt: skip
        layers = [*layers, rule, text]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT_PX, padding=theme.PADDING)


TICKS = "datum.value < 1000 ? datum.value + ' ms' : datum.value / 1000 + ' s'"
DECADES = (1, 10, 100, 1_000, 10_000, 100_000)


def _ticks(rows: pd.DataFrame, timeout: float) -> list[int]:
    least, most = rows["start"].min(), max(rows["to_ms"].max(), timeout if timeout == timeout else 0)
    return [tick for tick in DECADES if least <= tick <= most]


def _counts() -> alt.Axis:
    return alt.Axis(tickCount=3, format="~s", grid=True)


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.3g} s"
