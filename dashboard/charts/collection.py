"""When each collector ran and how it went: one row of cells per collector."""

from __future__ import annotations

from datetime import timedelta

import altair as alt
import pandas as pd

from core.windows import Window
from dashboard.charts.theme import CRITICAL, OK, UNKNOWN, WARNING

OUTCOMES = ("ok", "skipped", "partial", "denied", "failed")
"""From best to worst: a cell shows the worst of its runs."""
_COLOURS = (OK, UNKNOWN, WARNING, CRITICAL, CRITICAL)
_HEIGHTS = (6.0, 6.0, 14.0, 20.0, 20.0)
"""Trouble is taller as well as redder."""


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


def outcome_strip(cells: pd.DataFrame, *, collectors: list[str], window: Window) -> alt.Chart:
    """`cells` as `outcome_cells` returns them; a row per name in `collectors`, top to bottom."""
    chart: alt.Chart = (
        alt.Chart(cells)
        .mark_bar()
        .encode(
            alt.X("start:T", title=None, scale=_scale(window), axis=_axis(window)),
            alt.X2("end:T"),
            alt.Y(
                "collector:N",
                title=None,
                scale=alt.Scale(domain=collectors),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            alt.Color(
                "outcome:N",
                title=None,
                scale=alt.Scale(domain=list(OUTCOMES), range=list(_COLOURS)),
                legend=alt.Legend(orient="bottom", symbolType="square", symbolSize=90),
            ),
            alt.Size("outcome:N", scale=alt.Scale(domain=list(OUTCOMES), range=list(_HEIGHTS)), legend=None),
            [
                alt.Tooltip("collector:N"),
                alt.Tooltip("start:T", title="from", format="%a %-d %b %H:%M"),
                alt.Tooltip("outcome:N", title="worst outcome"),
                alt.Tooltip("runs:Q"),
                alt.Tooltip("troubled:Q", title="not ok"),
            ],
        )
        .properties(height=32 * max(1, len(collectors)) + 40)
    )
    return chart


def _scale(window: Window) -> alt.Scale:
    ends = [{"expr": f"datetime({int(ts.timestamp() * 1000)})"} for ts in (window.start, window.end)]
    return alt.Scale(domain=ends)


def _axis(window: Window) -> alt.Axis:
    shape = "%H:%M" if window.duration <= timedelta(days=1) else "%-d %b, %H:%M"
    return alt.Axis(grid=False, tickCount=8, format=shape, labelOverlap=True)
