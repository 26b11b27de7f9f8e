"""How near each account's limit is, and who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType

from core.formulas import rate
from core.windows import Window
from dashboard.charts import theme
from dashboard.charts.board import Board, Limit, Panel, Row, Series, board
from dashboard.charts.groups import OTHER, colours

WARN_AT, CRITICAL_AT = 0.7, 0.9
"""Claimed share of the limit at which an account is in danger (AWS facts, section 5)."""

CLAIMED = "(claimed)"
COLOURS = {
    "healthy": theme.INFO,
    "warning": theme.WARNING,
    "critical": theme.CRITICAL,
    "not collected": theme.UNKNOWN,
}


def danger(utilization: float | None) -> str:
    """`healthy`, `warning`, `critical`, or `not collected` for a claimed share (0..1) of a limit."""
    if utilization is None or utilization != utilization:
        return "not collected"
    return "critical" if utilization >= CRITICAL_AT else "warning" if utilization >= WARN_AT else "healthy"


def bullet_rows(limits: pd.DataFrame) -> pd.DataFrame:
    """Turn `limits` rows (with `place`, how people know the account's region) into shares of each limit:
    `place`, `reserved_share`, `now_share`, `max_share`, `danger`. Unknown is NaN and is not drawn."""
    shares = {
        name: pd.array(
            [rate(a, b) for a, b in zip(limits[column], limits["limit"], strict=True)], dtype="Float64"
        )
        for name, column in (
            ("reserved_share", "reserved"),
            ("now_share", "claimed_now"),
            ("max_share", "claimed_max"),
        )
    }
    rows = pd.DataFrame({"place": list(limits["place"])} | shares)
    numbers = {name: rows[name].astype("float64") for name in shares}
    return rows.assign(**numbers, danger=[danger(share) for share in numbers["max_share"]])


def bullets(rows: pd.DataFrame) -> ChartType:
    """`rows` as `bullet_rows` returns them: limit behind, reserved, claimed now, a tick at the maximum."""
    base = alt.Chart(rows.assign(limit_share=1.0)).encode(
        alt.Y("place:N", sort=None, title=None, axis=alt.Axis(labelLimit=280, ticks=False, domain=False)),
        tooltip=[
            alt.Tooltip("place:N", title="where"),
            alt.Tooltip("now_share:Q", title="claimed now", format=".1%"),
            alt.Tooltip("max_share:Q", title="most claimed", format=".1%"),
            alt.Tooltip("reserved_share:Q", title="reserved", format=".1%"),
        ],
    )
    back = base.mark_bar(color=theme.UNKNOWN, opacity=0.18, height=20).encode(_share("limit_share"))
    reserved = base.mark_bar(color=theme.UNKNOWN, opacity=0.45, height=20).encode(_share("reserved_share"))
    used = base.mark_bar(height=8).encode(_share("now_share"), _colour())
    most = base.mark_tick(thickness=3, height=20, opacity=1).encode(_share("max_share"), _colour())
    return alt.layer(back, reserved, used, most).properties(
        height=32 * max(1, len(rows)) + 24, padding=theme.PADDING
    )


def _share(field: str) -> alt.X:
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, WARN_AT, CRITICAL_AT, 1], grid=True)
    return alt.X(f"{field}:Q", title=None, scale=alt.Scale(domain=[0, 1], clamp=True), axis=axis)


def _colour() -> alt.Color:
    return alt.Color(
        "danger:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    )


def who_uses_it(
    series: pd.DataFrame,
    throttles: pd.DataFrame,
    *,
    limit: float | None,
    window: Window,
    zone: tzinfo,
    columns: int = 2,
    chosen: datetime | None = None,
) -> Board:
    """One account and region: concurrency stacked by function against the limit and, if any, throttles.

    `series` is the long frame of `concurrency_series`, `throttles` has `ts` and `throttles`. A step can be
    clicked: its row in the data is that of `steps`. `chosen` is the step that is marked.
    """
    names = ranked(series)
    frame = _known(_wide(series, names).merge(_summed(throttles), on="ts", how="left"))
    panels, rows = _stacked(names, limit, float(frame["claimed"].max()))
    if frame["throttles"].sum() > 0:
        bars = Series(column="throttles", name="throttles", colour=theme.THROTTLES, kind="bar")
        panels, rows = [*panels, Panel(title="Throttles", series=[bars])], [*rows, _THROTTLED]
    drawn = board(frame, panels, rows, window=window, zone=zone, columns=min(columns, len(panels)))
    _make_clickable(drawn.option, chosen)
    return _with_legend(drawn, names)


def steps(series: pd.DataFrame) -> list[datetime]:
    """The steps of the chart in order: row by row of its data."""
    return [ts.to_pydatetime() for ts in sorted(series["ts"].unique())]


PICK = "(step)"


def _make_clickable(option: dict[str, Any], chosen: datetime | None) -> None:
    """An unseen bar over each step, from bottom to top on an axis of its own, that a click selects; and a
    line at the chosen one."""
    option["dataset"]["source"]["pick"] = 1.0
    option["yAxis"].append({"type": "value", "gridIndex": 0, "min": 0, "max": 1, "show": False})
    option["series"].append(
        {
            "name": PICK,
            "type": "bar",
            "encode": {"x": "ts", "y": "pick"},
            "xAxisIndex": 0,
            "yAxisIndex": len(option["yAxis"]) - 1,
            "barCategoryGap": "0%",
            "itemStyle": {"color": "transparent"},
            "selectedMode": "single",
            "select": {"itemStyle": {"color": "transparent", "borderWidth": 0}},
            "z": 5,
        }
    )
    if chosen is not None:
        marks = option["series"][0].setdefault(
            "markLine", {"symbol": "none", "silent": True, "animation": False, "data": []}
        )
        marks["data"].append(
            {
                "xAxis": chosen.isoformat(),
                "lineStyle": {"color": theme.INFO, "type": "solid", "width": 1.5},
                "label": {"show": False},
            }
        )


def _with_legend(drawn: Board, names: Sequence[str]) -> Board:
    """Bands are too thin for labels at their ends. On a phone the legend is turned over like pages."""
    legend = {
        "type": "scroll",
        "data": list(names),
        "bottom": 0,
        "left": 0,
        "icon": "rect",
        "itemWidth": 10,
        "itemHeight": 10,
    }
    return Board({**drawn.option, "legend": legend}, drawn.height_px + LEGEND_PX)


LEGEND_PX = 28
_THROTTLED = Row("throttles", "throttled", theme.THROTTLES)


NEAR = 0.4
"""Below this share of the limit its line would flatten all that is below it: the title says it instead."""


def _stacked(names: Sequence[str], limit: float | None, most: float) -> tuple[list[Panel], list[Row]]:
    colour = colours(names)
    stack = [
        Series(
            column=f"c{i}", name=name, colour=colour[name], kind="area", stack="all", width_px=0.5, fill=0.6
        )
        for i, name in enumerate(names)
    ]
    claimed = Series(column="claimed", name="claimed", colour=theme.UNKNOWN, label="claimed")
    limits = [Limit(limit, f"limit {limit:,.0f}")] if limit and not most < NEAR * limit else []
    above = f", limit {limit:,.0f}" if limit and not limits else ""
    title = f"Concurrent executions by function{above}"
    panel = Panel(title=title, series=[claimed, *stack], limits=limits)
    return [panel], [
        Row("claimed", "claimed", theme.UNKNOWN),
        *(Row(s.column, s.name, s.colour) for s in stack),
    ]


def ranked(series: pd.DataFrame) -> list[str]:
    """Functions of the long frame, largest maximum first, `other` last, `(claimed)` left out."""
    own = series[series["function"] != CLAIMED]
    most = own.groupby("function")["concurrent_max"].max().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in most.index if name != OTHER]
    return names + ([OTHER] if OTHER in most.index else [])


def _wide(series: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    columns = {CLAIMED: "claimed"} | {name: f"c{i}" for i, name in enumerate(names)}
    wide = series.pivot_table(
        index="ts", columns="function", values="concurrent_max", aggfunc="max", dropna=False
    )
    return wide.reindex(columns=list(columns)).rename(columns=columns).reset_index()


def _known(wide: pd.DataFrame) -> pd.DataFrame:
    """No throttles are 0. Where the account's own number is not known yet, no function's is believed."""
    wide = wide.assign(throttles=wide["throttles"].fillna(0))
    if wide["claimed"].notna().any():
        parts = [name for name in wide.columns if name not in ("ts", "claimed")]
        wide.loc[wide["claimed"].isna(), parts] = float("nan")
    return wide


def _summed(throttles: pd.DataFrame) -> pd.DataFrame:
    return throttles.groupby("ts")[["throttles"]].sum().reset_index()
