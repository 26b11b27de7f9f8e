"""What a rule measures over a week, with the threshold that is tried and the time in which it would fire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.alerts import SCALES
from dashboard.charts.board import Board, Limit, Panel, Row, Series, board


def tried_board(
    values: pd.DataFrame,
    *,
    title: str,
    unit: str,
    threshold: float,
    label: str,
    fired: Sequence[Window],
    window: Window,
    zone: tzinfo,
) -> Board:
    """`values` has `ts` and `value`: the worst of each step (NaN: unknown or silent, a gap)."""
    times, ending, suffix = SCALES.get(unit, (1.0, "", ""))
    frame = values.assign(value=(values["value"] * times).round(2))
    panel = Panel(
        title=f"{title}{ending}: the worst of each step",
        series=[Series(column="value", name=title, colour=theme.INFO, kind="area")],
        limits=[Limit(round(threshold * times, 4), label)],
        firing=list(fired),
    )
    row = Row("value", title, theme.INFO, suffix)
    return board(frame, [panel], [row], window=window, zone=zone, columns=1)
