"""One queue over time: age of the oldest message, backlog, traffic and arrivals under one pointer."""

from __future__ import annotations

from datetime import tzinfo

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Panel, Row, Series, board


def queue_board(
    series: pd.DataFrame, *, dead_letter: bool, window: Window, zone: tzinfo, columns: int = 2
) -> Board:
    """From `queue_series` rows. A dead-letter queue shows arrivals in red: each is work given up on."""
    frame = series.assign(
        age_min=(series["oldest_age_max_s"] / 60).round(1), **{c: series[c].round(1) for c in _COUNTS}
    )
    count = _ARRIVALS if dead_letter else _RECEIVED
    panels = [
        Panel(
            title="Messages waiting and in flight",
            series=[
                Series(
                    column="visible_max", name="waiting", colour=theme.LEVEL, kind="area", label="waiting"
                ),
                Series(column="not_visible_max", name="in flight", colour=theme.P50, label="in flight"),
            ],
        ),
        Panel(
            title="Age of the oldest message, min",
            series=[Series(column="age_min", name="oldest", colour=theme.WARNING, kind="area")],
        ),
        Panel(
            title="In against out, messages per step",
            series=[
                Series(column="sent", name="sent", colour=theme.INFO, label="sent"),
                Series(column="deleted", name="deleted", colour=theme.OK, label="deleted"),
            ],
        ),
        count,
    ]
    rows = [
        Row("visible_max", "waiting", theme.LEVEL),
        Row("not_visible_max", "in flight", theme.P50),
        Row("age_min", "oldest", theme.WARNING, " min"),
        Row("sent", "sent", theme.INFO),
        Row("received", "received", theme.UNKNOWN),
        Row("deleted", "deleted", theme.OK),
        *([Row("arrivals", "arrived", theme.ERRORS)] if dead_letter else []),
    ]
    return board(frame, panels, rows, window=window, zone=zone, columns=columns)


_ARRIVALS = Panel(
    title="Arrivals, drained ones included",
    series=[Series(column="arrivals", name="arrived", colour=theme.ERRORS, kind="bar")],
)
_RECEIVED = Panel(
    title="Received by functions, messages per step",
    series=[Series(column="received", name="received", colour=theme.INVOCATIONS, kind="bar")],
)
_COUNTS = ("visible_max", "not_visible_max", "sent", "received", "deleted", "arrivals")
