"""A board: panels over one time axis as one ECharts option; one pointer reads every signal at one instant."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal

import pandas as pd

from core.windows import Window
from dashboard.charts import theme

HEAD_PX, TITLE_PX, PANEL_PX, GAP_PX = 6, 38, 124, 18
"""Above all; above a panel for its title and deploy labels; the panel with its axis; below it."""

PLOT_PX, LABEL_PX = 90, 12
"""About how high the plot of a panel is, and how far apart labels at the ends of lines must be."""

EMPTY = "Nothing is known here for this window."
"""What stands under the title of a panel without a value."""

LABELLED_DEPLOYS = 6
LABEL_SHARE = 0.11
"""How far apart labels of two marks must be, as a share of the time axis: about the width of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One column of the frame: bars count, lines measure, areas are levels. `label` ends the line."""

    column: str
    name: str
    colour: str
    kind: Literal["bar", "line", "area"] = "line"
    stack: str | None = None
    label: str | None = None
    width_px: float = 1.5
    fill: float = 0.1
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold or a ceiling: a dashed line with our own words."""

    value: float
    label: str
    colour: str = theme.LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Signals of one unit. `log`: they span magnitudes, and a linear axis would show only the largest."""

    title: str
    series: Sequence[Series]
    limits: Sequence[Limit] = ()
    firing: Sequence[Window] = ()
    log: bool = False


@dataclass(frozen=True, slots=True)
class Deploy:
    """A mark at the moment of a change; `version` is its label. What is no deploy is dotted."""

    ts: datetime
    version: str
    is_deploy: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the pointer's box: a column's text (`unit` follows the value)."""

    column: str
    name: str
    colour: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """`option` for `st.echarts_chart` and the height it needs."""

    option: dict[str, Any] = field(repr=False)
    height_px: int


def board(
    frame: pd.DataFrame,
    panels: Sequence[Panel],
    rows: Sequence[Row],
    *,
    window: Window,
    zone: tzinfo,
    deploys: Sequence[Deploy] = (),
    columns: int = 2,
) -> Board:
    """Draw `panels` from `frame`: `ts` (aware) and the columns that panels and rows name, already rounded.

    NaN is a gap. `columns` is 1 on phones.
    """
    lines = -(-len(panels) // columns)
    option: dict[str, Any] = {
        "animation": False,
        "dataset": {"source": source(frame, panels, rows, zone=zone)},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "tooltip": {"trigger": "axis", "confine": True, "formatter": tooltip(rows), "padding": [8, 10]},
        "title": [], "grid": [], "xAxis": [], "yAxis": [], "series": [],
    }  # fmt: skip
    for at, panel in enumerate(panels):
        drawn = frame[[series.column for series in panel.series]]
        _place(option, at, panel, columns, is_empty=not drawn.notna().to_numpy().any())
        _axes(option, at, window, step=_step(frame), top=_top(panel, frame), log=panel.log)
        shifts = _label_shifts(panel, frame)
        for nth, series in enumerate(panel.series):
            marks = _marks(panel, deploys, window) if nth == 0 else {}
            option["series"].append(_series(series, at, shift_px=shifts.get(series.column, 0)) | marks)
    return Board(option, HEAD_PX + lines * (TITLE_PX + PANEL_PX + GAP_PX))


def source(
    frame: pd.DataFrame, panels: Sequence[Panel], rows: Sequence[Row], *, zone: tzinfo
) -> pd.DataFrame:
    """The columns that are drawn or read, with `when`: the instant in the reader's zone."""
    wanted = [s.column for panel in panels for s in panel.series] + [row.column for row in rows]
    chosen = frame[["ts", *dict.fromkeys(wanted)]].copy()
    chosen["when"] = chosen["ts"].dt.tz_convert(zone).dt.strftime("%a %-d %b, %H:%M %Z")
    return chosen


def tooltip(rows: Sequence[Row]) -> str:
    """The pointer's box: the row under it. Only our own words go in; values are escaped by Streamlit."""
    dot = "display:inline-block;width:8px;height:8px;border-radius:4px;margin-right:7px"
    number = "text-align:right;padding-left:18px;font-variant-numeric:tabular-nums"
    cells = "".join(
        f'<tr><td><span style="{dot};background:{row.colour}"></span>{_as_text(row.name)}</td>'
        f'<td style="{number}">{{@{row.column}}}{_as_text(row.unit)}</td></tr>'
        for row in rows
    )
    return f'<b>{{@when}}</b><table style="margin-top:4px;font-size:12px;line-height:1.55">{cells}</table>'


def _as_text(name: str) -> str:
    """A name inside a template: neither HTML nor a `{placeholder}`."""
    return html.escape(name).replace("{", "&#123;")


def _place(option: dict[str, Any], at: int, panel: Panel, columns: int, *, is_empty: bool) -> None:
    line, column = divmod(at, columns)
    share = 100 / columns
    left, top = column * share, HEAD_PX + line * (TITLE_PX + PANEL_PX + GAP_PX)
    width = share - (1.2 if columns > 1 else 0) - _label_room(panel, columns)
    option["title"].append(
        {
            "text": panel.title,
            "left": f"{left:g}%",
            "top": top,
            "padding": [2, 0],
            "textVerticalAlign": "top",
            "textStyle": {"fontSize": 12.5, "fontWeight": 600},
        }
        | ({"subtext": EMPTY, "itemGap": 12, "subtextStyle": {"fontSize": 11}} if is_empty else {})
    )
    option["grid"].append(
        {"left": f"{left + 0.3:g}%", "width": f"{width - 0.3:g}%", "top": top + TITLE_PX, "height": PANEL_PX}
        | {"outerBoundsMode": "same", "outerBoundsContain": "axisLabel", "containLabel": True}
    )


def _label_room(panel: Panel, columns: int) -> float:
    """The percentage of the width of a board that labels at the ends of lines need: about 8 px a letter
    where one column means a phone."""
    letters = max((len(series.label) for series in panel.series if series.label), default=0)
    return min(letters, 9) * (3.3 if columns == 1 else 0.9)


def _axes(
    option: dict[str, Any], at: int, window: Window, *, step: timedelta, top: float | None, log: bool
) -> None:
    option["xAxis"].append(
        {
            "type": "time",
            "gridIndex": at,
            "min": _iso(window.start - step / 2),
            "max": _iso(window.end - step / 2),
            "axisPointer": {"show": True, "type": "line", "label": {"show": False}},
            "axisTick": {"show": False},
            "splitLine": {"show": False},
            "axisLabel": {"fontSize": 10.5, "hideOverlap": True},
        }
    )
    option["yAxis"].append(
        {
            "type": "log" if log else "value",
            "gridIndex": at,
            "min": None if log else 0,
            "max": top,
            **({"interval": float(f"{top / 3:.12g}")} if top and not log else {"splitNumber": 3}),
            "axisPointer": {"show": False},
            "axisLabel": {"fontSize": 10.5},
        }
    )


def _series(series: Series, at: int, *, shift_px: float) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": series.name,
        "type": "bar" if series.kind == "bar" else "line",
        "encode": {"x": "ts", "y": series.column},
        "xAxisIndex": at,
        "yAxisIndex": at,
        "itemStyle": {"color": series.colour, "opacity": series.opacity},
        "emphasis": {"disabled": True},
    }
    if series.stack:
        base["stack"] = f"{series.stack}-{at}"
    if series.kind == "bar":
        return base | {"barCategoryGap": "12%", "barGap": "-100%", "barMinWidth": 1}
    line = {
        "showSymbol": False,
        "connectNulls": False,
        "lineStyle": {"width": series.width_px, "color": series.colour},
    }
    if series.kind == "area":
        line["areaStyle"] = {"color": series.colour, "opacity": series.fill}
    if series.label:
        style = {"color": series.colour, "fontSize": 11, "offset": [0, shift_px]}
        line["endLabel"] = {"show": True, "formatter": series.label} | style
    return base | line


def _marks(panel: Panel, deploys: Sequence[Deploy], window: Window) -> dict[str, Any]:
    """Deploys, limits and firing time hang on a panel's first series."""
    seen = [deploy for deploy in deploys if deploy.ts in window]
    labelled, few = labelled_marks(seen, window), len(seen) <= LABELLED_DEPLOYS
    lines = [_deploy(deploy, labelled=few and deploy in labelled, faint=not few) for deploy in seen]
    lines += [_limit(limit) for limit in panel.limits]
    marks: dict[str, Any] = {}
    if lines:
        marks["markLine"] = {"symbol": "none", "silent": True, "animation": False, "data": lines}
    bands = [band for firing in panel.firing if (band := firing.overlap(window))]
    if bands:
        data = [[{"xAxis": _iso(band.start)}, {"xAxis": _iso(band.end)}] for band in bands]
        marks["markArea"] = {"silent": True, "itemStyle": {"color": theme.FIRING_BAND}, "data": data}
    return marks


def labelled_marks(marks: Sequence[Deploy], window: Window) -> list[Deploy]:
    """Those whose labels fit beside each other: deploys before other changes, newer before older."""
    room, kept = window.duration * LABEL_SHARE, list[Deploy]()
    for mark in sorted(marks, key=lambda mark: (mark.is_deploy, mark.ts), reverse=True):
        if all(abs(mark.ts - other.ts) >= room for other in kept):
            kept.append(mark)
    return kept


def _deploy(deploy: Deploy, *, labelled: bool, faint: bool) -> dict[str, Any]:
    return {
        "xAxis": _iso(deploy.ts),
        "lineStyle": {
            "color": theme.UNKNOWN,
            "type": "dashed" if deploy.is_deploy else "dotted",
            "width": 1,
            "opacity": 0.5 if faint else 1,
        },
        "label": {
            "show": labelled,
            "formatter": deploy.version,
            "position": "end",
            "fontSize": 10.5,
            "distance": 3,
        },
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "yAxis": limit.value,
        "lineStyle": {"color": limit.colour, "type": "dashed", "width": 1},
        "label": {"formatter": limit.label, "position": "insideStartTop", "fontSize": 10.5},
    }


def _label_shifts(panel: Panel, frame: pd.DataFrame) -> dict[str, float]:
    """How far to push labels at the lines' ends, down positive, so that none covers another."""
    last = {s.column: frame[s.column].dropna() for s in reversed(panel.series) if s.label}
    values = {column: float(points.iloc[-1]) for column, points in last.items() if len(points)}
    scale = math.log10 if panel.log else float
    most = max((float(frame[column].max()) for column in values), default=0)
    if most <= (1 if panel.log else 0):
        return {}
    heights = {c: max(0.0, scale(max(v, 1e-9))) / scale(most) * PLOT_PX for c, v in values.items()}
    shifts: dict[str, float] = {}
    floor_px = -float(LABEL_PX)
    for column, height in sorted(heights.items(), key=lambda item: item[1]):
        floor_px = max(height, floor_px + LABEL_PX)
        shifts[column] = round(height - floor_px, 1)
    return shifts


def _top(panel: Panel, frame: pd.DataFrame) -> float | None:
    """Where the axis ends so that a limit is on it: the next round number; None leaves it to the data."""
    if not panel.limits:
        return None
    peaks = [float(frame[series.column].max()) for series in panel.series]
    return _round_up(max(peak for peak in (*peaks, *(limit.value for limit in panel.limits)) if peak == peak))


def _round_up(value: float) -> float:
    """The next value whose third is round, as the axis is labelled, with a little room for a label."""
    scale = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    steps = (1.2, 1.5, 1.8, 2.4, 3, 3.6, 4.5, 6, 7.5, 9, 12)
    return next(step * scale for step in steps if step * scale >= value * 1.04)


def _step(frame: pd.DataFrame) -> timedelta:
    gaps = frame["ts"].diff().dropna()
    return gaps.min().to_pytimedelta() if len(gaps) else timedelta(0)


def _iso(ts: datetime) -> str:
    return ts.isoformat()
