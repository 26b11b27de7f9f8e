"""One alert: the value that its rule saw against the threshold, with the time in which it fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import pandas as pd

from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Deploy, Limit, Panel, Row, Series, board

SCALES = {"share": (100.0, ", %", " %"), "ms": (1.0, ", ms", " ms"), "s": (1.0, ", s", " s")}
"""Per unit of a signal: what a value is multiplied by, the title's ending, the pointer's ending."""


def alert_board(
    values: pd.DataFrame,
    *,
    title: str,
    unit: str,
    threshold: float,
    condition: str,
    fired: Window,
    window: Window,
    zone: tzinfo,
    deploys: Sequence[Deploy] = (),
) -> Board:
    """`values` has `ts` and `value` (NaN: unknown or silent, a gap); shares are drawn in percent."""
    times, ending, suffix = SCALES.get(unit, (1.0, "", ""))
    frame = values.assign(value=(values["value"] * times).round(2))
    panel = Panel(
        title=f"{title}{ending}",
        series=[Series(column="value", name=title, colour=theme.INFO, kind="area")],
        limits=[Limit(round(threshold * times, 4), condition)],
        firing=[fired],
    )
    row = Row("value", title, theme.INFO, suffix)
    return board(frame, [panel], [row], window=window, zone=zone, deploys=deploys, columns=1)
