"""Traces as dots: how long each took, against when it began; failures by colour and shape."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board

HEIGHT_PX = 194
MARKS = {
    "ok": (theme.INFO, "circle", 5),
    "running": (theme.UNKNOWN, "rect", 6),
    "throttle": (theme.THROTTLES, "triangle", 9),
    "error": (theme.WARNING, "diamond", 10),
    "fault": (theme.CRITICAL, "diamond", 11),
}
"""Colour, shape and size of a dot by its trace's outcome; the worst are drawn last."""


def dots(found: pd.DataFrame, *, zone: tzinfo) -> pd.DataFrame:
    """Rows of the `traces` reader: ts, when (in the reader's zone), entry, said, and a column per outcome
    with the milliseconds of the rows that ended so. A trace without a duration is left out."""
    took = pd.to_numeric(found["response_ms"], errors="coerce")
    took = took.fillna(pd.to_numeric(found["duration_ms"], errors="coerce"))
    known = found.assign(took=took)[took.notna()]
    frame = pd.DataFrame(
        {
            "ts": known["ts"],
            "when": known["ts"].dt.tz_convert(zone).dt.strftime("%a %-d %b, %H:%M:%S"),
            "entry": [str(root) if isinstance(root, str) else "" for root in known["root"]],
            "said": [
                f"{ms:,.0f} ms, {outcome}"
                for ms, outcome in zip(known["took"], known["outcome"], strict=True)
            ],
        }
    )
    for outcome in MARKS:
        frame[outcome] = known["took"].clip(lower=1).round(1).where(known["outcome"] == outcome)
    return frame


def duration_dots(found: pd.DataFrame, *, window: Window, zone: tzinfo, narrow: bool = False) -> Board:
    """The chart. Its time axis is the window; durations span magnitudes, so their axis is log. Where it is
    narrow, the legend stands below the title."""
    frame = dots(found, zone=zone)
    present = [outcome for outcome in MARKS if frame[outcome].notna().any()]
    option = {
        "animation": False,
        "dataset": {"source": frame},
        "title": {
            "text": "Duration of each trace, ms (log)",
            "left": 0,
            "top": 4,
            "padding": [2, 0],
            "textStyle": {"fontSize": 12.5, "fontWeight": 600},
        },
        "legend": {"right": 90, "top": 24 if narrow else 4, "itemHeight": 9, "itemWidth": 9, "data": present},
        "grid": {"left": 4, "right": 8, "top": 52 if narrow else 36, "bottom": 2, "containLabel": True},
        "tooltip": {"trigger": "item", "confine": True, "formatter": "<b>{@when}</b><br>{@said}<br>{@entry}"},
        "xAxis": {
            "type": "time",
            "min": window.start.isoformat(),
            "max": window.end.isoformat(),
            "splitLine": {"show": False},
            "axisLabel": {"fontSize": 10.5, "hideOverlap": True},
        },
        "yAxis": {"type": "log", "axisLabel": {"fontSize": 10.5}, "splitNumber": 3},
        "series": [_series(outcome) for outcome in present],
    }
    return Board(option, HEIGHT_PX)


def _series(outcome: str) -> dict[str, Any]:
    colour, shape, size = MARKS[outcome]
    return {
        "name": outcome,
        "type": "scatter",
        "encode": {"x": "ts", "y": outcome},
        "symbol": shape,
        "symbolSize": size,
        "itemStyle": {"color": colour, "opacity": 0.55 if outcome == "ok" else 0.95},
    }
