"""The runs of one function until they stop, with when it broke and when it was due."""

from __future__ import annotations

from datetime import datetime, tzinfo

import pandas as pd

from core.windows import Window
from dashboard import numbers
from dashboard.charts import theme
from dashboard.charts.board import Board, Deploy, Panel, Row, Series, board

ROOM, NEAR = 0.04, 0.1
"""Parts of the time axis: free at its end for a label, and what two labels must be apart."""


def runs_board(
    series: pd.DataFrame,
    *,
    window: Window,
    zone: tzinfo,
    last: datetime | None,
    due: datetime | None,
    broken: datetime | None,
) -> Board:
    """One panel from `function_series` rows: invocations of each step; a gap was not collected."""
    frame = pd.DataFrame({"ts": series["ts"], "runs": series["invocations"].round()})
    marks = [(broken, "broken"), (due, "due"), (last, "last run")]
    panel = Panel(
        title=_title(series),
        series=[Series(column="runs", name="invocations", colour=theme.INVOCATIONS, kind="bar")],
    )
    return board(
        frame,
        [panel],
        [Row("runs", "invocations", theme.INVOCATIONS)],
        window=Window(window.start, window.end + ROOM * window.duration),
        zone=zone,
        deploys=_apart([Deploy(at, word) for at, word in marks if at is not None], window),
        columns=1,
    )


def _title(series: pd.DataFrame) -> str:
    steps = series["ts"].diff().dropna()
    return f"Invocations per {numbers.age(steps.min().to_pytimedelta())}" if len(steps) else "Invocations"


def _apart(marks: list[Deploy], window: Window) -> list[Deploy]:
    """Of marks whose labels would cover each other, the first."""
    kept = list[Deploy]()
    for mark in sorted(marks, key=lambda one: one.ts):
        if not kept or mark.ts - kept[-1].ts > NEAR * window.duration:
            kept.append(mark)
    return kept
