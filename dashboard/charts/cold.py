"""Cold starts over time, and when in the week they happen."""

from __future__ import annotations

from datetime import tzinfo

import altair as alt
import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Panel, Row, Series, board

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def in_zone(by_hour: pd.DataFrame, *, offset_h: int) -> pd.DataFrame:
    """Move hours of the week (`weekday` 0 Monday, `hour`, both UTC) to a zone `offset_h` ahead of UTC."""
    at = (by_hour["weekday"] * 24 + by_hour["hour"] + offset_h) % 168
    return by_hour.assign(weekday=at // 24, hour=at % 24)


def cold_heatmap(by_hour: pd.DataFrame) -> alt.Chart:
    """`by_hour`: `weekday` (0 Monday), `hour`, `records`, `cold_starts`, `cold_start_rate` (0..1).

    An hour in which nothing ran (NaN) is left blank. The share is how strong the one colour is, which reads
    in both modes.
    """
    rows = by_hour.dropna(subset=["cold_start_rate"])
    rows = rows.assign(day=[WEEKDAYS[int(i)] for i in rows["weekday"]])
    chart: alt.Chart = (
        alt.Chart(rows)
        .mark_rect(color=theme.COLD, cornerRadius=2)
        .encode(
            alt.X(
                "hour:O",
                title=None,
                scale=alt.Scale(domain=list(range(24)), padding=0.06),
                axis=alt.Axis(labelAngle=0, ticks=False, domain=False, labelOverlap=True),
            ),
            alt.Y(
                "day:O",
                title=None,
                scale=alt.Scale(domain=list(WEEKDAYS), padding=0.06),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            alt.Opacity(
                "cold_start_rate:Q",
                title="share cold",
                scale=alt.Scale(range=[0.08, 1.0], zero=True),
                legend=alt.Legend(format=".1%", orient="right"),
            ),
            [
                alt.Tooltip("day:O", title="day"),
                alt.Tooltip("hour:O", title="hour"),
                alt.Tooltip("records:Q", title="invocations", format=","),
                alt.Tooltip("cold_starts:Q", title="cold starts", format=","),
                alt.Tooltip("cold_start_rate:Q", title="share", format=".2%"),
            ],
        )
        .properties(height=210, padding=theme.PADDING)
    )
    return chart


def cold_board(series: pd.DataFrame, *, window: Window, zone: tzinfo, columns: int = 2) -> Board:
    """Share of invocations that started cold and how long that took, from `cold_series` rows."""
    frame = series.assign(
        cold_percent=(series["cold_start_rate"] * 100).round(2),
        init_p50=series["init_p50_ms"].round(0),
        init_p95=series["init_p95_ms"].round(0),
        restore_p50=series["restore_p50_ms"].round(0),
        restore_p95=series["restore_p95_ms"].round(0),
    )
    has_restores = bool(frame["restore_p95"].notna().any())
    panels = [
        Panel(
            title="Cold starts, % of invocations",
            series=[Series(column="cold_percent", name="cold starts", colour=theme.COLD, kind="bar")],
        ),
        Panel(
            title="Initialization, ms",
            series=[
                Series(column="init_p95", name="p95", colour=theme.P95, label="p95"),
                Series(column="init_p50", name="p50", colour=theme.P50, label="p50"),
            ],
        ),
        *([_restores()] if has_restores else []),
    ]
    rows = [
        Row("records", "invocations", theme.INVOCATIONS),
        Row("cold_starts", "cold starts", theme.COLD),
        Row("cold_percent", "share", theme.COLD, " %"),
        Row("init_p95", "init p95", theme.P95, " ms"),
        Row("init_p50", "init p50", theme.P50, " ms"),
    ]
    if has_restores:
        rows.append(Row("restore_p95", "restore p95", theme.P95, " ms"))
        rows.append(Row("restore_p50", "restore p50", theme.P50, " ms"))
    return board(frame, panels, rows, window=window, zone=zone, columns=columns)


def _restores() -> Panel:
    """Beside initializations: a restore is no initialization, and the two are never one line. Bars, because
    restores are rare: between lone ones there is no line."""
    return Panel(
        title="SnapStart restores, p95, ms",
        series=[Series(column="restore_p95", name="p95", colour=theme.P95, kind="bar")],
    )
