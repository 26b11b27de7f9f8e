"""Kept log lines in time, stacked by level."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Row, tooltip

HEIGHT_PX = 170
LEVELS = {
    "error": ("errors", theme.ERRORS),
    "fatal": ("fatal", theme.COLD_START),
    "crash": ("crashes", theme.UNKNOWN),
    "timeout": ("timeouts", theme.WARNING),
    "other": ("other", theme.INFO),
}


def lines_in_time(counts: pd.DataFrame, *, window: Window, zone: tzinfo, narrow: bool = False) -> Board:
    """The chart from rows of `log_counts`; steps that were not read are gaps. `narrow`: names of
    levels below the title."""
    present = [level for level in LEVELS if counts[level].fillna(0).any()] or ["error"]
    frame = counts[["ts", *present]].assign(
        when=counts["ts"].dt.tz_convert(zone).dt.strftime("%a %-d %b, %H:%M %Z")
    )
    rows = [Row(level, LEVELS[level][0], LEVELS[level][1]) for level in present]
    option = {
        "animation": False,
        "dataset": {"source": frame},
        "title": {
            "text": "Kept lines, per step",
            "left": 0,
            "top": 4,
            "padding": [2, 0],
            "textStyle": {"fontSize": 12.5, "fontWeight": 600},
        },
        "legend": {
            "itemHeight": 9,
            "itemWidth": 9,
            **({"left": 0, "top": 24} if narrow else {"right": 90, "top": 4}),
        },
        "grid": {"left": 4, "right": 8, "top": 52 if narrow else 34, "bottom": 2, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True, "formatter": tooltip(rows), "padding": [8, 10]},
        "xAxis": {
            "type": "time",
            "min": window.start.isoformat(),
            "max": window.end.isoformat(),
            "splitLine": {"show": False},
            "axisTick": {"show": False},
            "axisLabel": {"fontSize": 10.5, "hideOverlap": True},
        },
        "yAxis": {"type": "value", "minInterval": 1, "splitNumber": 3, "axisLabel": {"fontSize": 10.5}},
        "series": [_bars(level) for level in present],
    }
    return Board(option, HEIGHT_PX)


def _bars(level: str) -> dict[str, Any]:
    name, colour = LEVELS[level]
    return {
        "name": name,
        "type": "bar",
        "stack": "lines",
        "encode": {"x": "ts", "y": level},
        "itemStyle": {"color": colour},
        "barCategoryGap": "12%",
        "barMinWidth": 1,
        "emphasis": {"disabled": True},
    }
