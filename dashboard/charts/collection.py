"""When each collector ran and how it went: one row of cells per collector."""

from __future__ import annotations

from datetime import timedelta

import altair as alt
import pandas as pd
from altair.typing import ChartType

from core.windows import Window
from dashboard.charts.theme import COLD_START, CRITICAL, OK, PADDING, UNKNOWN, WARNING

OUTCOMES = ("ok", "skipped", "partial", "denied", "failed")
"""From best to worst: a cell shows the worst of its runs."""
_COLOURS = (OK, UNKNOWN, WARNING, COLD_START, CRITICAL)


def outcome_cells(runs: pd.DataFrame, window: Window, *, cells: int = 96) -> pd.DataFrame:
    """Cut the window into `cells` and keep each collector's worst outcome.

    `runs` has the columns of the run table. Returns collector, start, end, outcome, runs, troubled; a cell
    in which nothing ran has no row.
    """
    columns = ["collector", "start", "end", "outcome", "runs", "troubled"]
    inside = runs[(runs["finished_at"] >= window.start) & (runs["finished_at"] < window.end)]
    if inside.empty:
        return pd.DataFrame(columns=columns)
    step = window.duration / cells
    start = pd.Timestamp(window.start)
    rank = inside["outcome"].map({word: i for i, word in enumerate(OUTCOMES)}).fillna(len(OUTCOMES) - 1)
    grouped = (
        inside.assign(cell=(inside["finished_at"] - start) // step, rank=rank, troubled=(rank > 1))
        .groupby(["collector", "cell"])
        .agg(rank=("rank", "max"), runs=("rank", "size"), troubled=("troubled", "sum"))
        .reset_index()
    )
    grouped["outcome"] = [OUTCOMES[int(i)] for i in grouped["rank"]]
    grouped["start"] = start + grouped["cell"] * step
    grouped["end"] = grouped["start"] + step
    return grouped[columns]


def outcome_strip(
    cells: pd.DataFrame, *, collectors: list[str], window: Window, narrow: bool = False
) -> ChartType:
    """`cells` as `outcome_cells` returns them; a row per name of `collectors`. Trouble is marked."""
    base = alt.Chart(cells).encode(
        alt.X("start:T", title=None, scale=_scale(window), axis=_axis(window, narrow=narrow)),
        alt.Y(
            "collector:N",
            title=None,
            scale=alt.Scale(domain=collectors),
            axis=alt.Axis(ticks=False, domain=False),
        ),
        tooltip=[
            alt.Tooltip("collector:N"),
            alt.Tooltip("start:T", title="from", format="%a %-d %b %H:%M"),
            alt.Tooltip("outcome:N", title="worst outcome"),
            alt.Tooltip("runs:Q"),
            alt.Tooltip("troubled:Q", title="not ok"),
        ],
    )
    colour = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=list(OUTCOMES), range=list(_COLOURS)),
        legend=alt.Legend(orient="bottom", symbolType="square", columns=3 if narrow else len(OUTCOMES)),
    )
    bars = base.mark_bar(height=16).encode(alt.X2("end:T"), colour)
    marks = base.mark_text(color="white", fontWeight="bold", dx=4).encode(text=alt.value("!"))
    return alt.layer(bars, marks.transform_filter("datum.troubled > 0")).properties(
        height=26 * len(collectors) + 60, padding=PADDING
    )


def _scale(window: Window) -> alt.Scale:
    return alt.Scale(domain=[int(ts.timestamp() * 1000) for ts in (window.start, window.end)])


def _axis(window: Window, *, narrow: bool) -> alt.Axis:
    shape = "%H:%M" if window.duration <= timedelta(days=1) else "%-d %b, %H:%M"
    return alt.Axis(grid=False, tickCount=4 if narrow else 8, format=shape, labelOverlap=True)
