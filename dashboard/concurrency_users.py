"""Who uses the concurrency of one account and region, minute by minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_pools, links, numbers, queries, queries_concurrency, tables, widgets, zoom
from dashboard.charts.concurrency import steps, who_uses_it
from dashboard.concurrency_parts import POOL, ROWS

BUSIEST = "busiest"
MAXIMA = (
    "Each function's maximum per step. Maxima need not fall together, so the stack can stand above what was "
    "claimed. Click a time, or move the slider, to see who used it then."
)


def users(limits: pd.DataFrame, outlooks: pd.DataFrame, window: Window) -> None:
    """One account and region by function: the one that the address names, else the nearest to its limit."""
    st.header("Who uses it", anchor=False)
    row = _chosen_account(limits)
    target, now = Target(row["account"], row["region"]), queries.now()
    st.caption(figures_pools.outlook_sentence(outlooks, target.account, target.region))
    series = queries_concurrency.users(target, window, now)
    if series.empty:
        widgets.no_data("No concurrency was reported here in this window.", collector="metrics")
        return
    within = _chosen_step(series, window)
    at, found = queries_concurrency.culprits(target, window, within, now)
    _users_chart(series, row, window, marked=within.start if within else at)
    _slider(series, window)
    st.caption(figures_pools.minute(at, found, widgets.zone(), now=now, chosen=within is not None))
    if len(found):
        _users_table(found.assign(account=target.account, region=target.region, state=None))


def _chosen_account(limits: pd.DataFrame) -> Mapping[str, Any]:
    rows = limits.to_dict("records")
    names: dict[str, str] = {f"{row['account']}.{row['region']}": str(row["place"]) for row in rows}

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Account and region", list(names), format_func=names.__getitem__, key=key, on_change=changed,
            width=360, label_visibility="collapsed",
        )  # fmt: skip

    chosen = links.choose("pool", list(names), next(iter(names)), draw)
    return {str(name): value for name, value in rows[list(names).index(str(chosen))].items()}


def _chosen_step(series: pd.DataFrame, window: Window) -> Window | None:
    """The step of the chart that the address names; None: the busiest minute is shown."""
    known = steps(series)
    named = {_iso(ts): ts for ts in known}
    asked = named.get(st.query_params.get("at", ""))
    if asked is None:
        return None
    length = known[1] - known[0] if len(known) > 1 else window.duration
    return Window(asked, asked + length)


def _iso(ts: datetime) -> str:
    return f"{ts:%Y-%m-%dT%H:%MZ}"


def _users_chart(
    series: pd.DataFrame, row: Mapping[str, Any], window: Window, *, marked: datetime | None
) -> None:
    throttles = queries_concurrency.throttle_series(window, queries.now())
    mine = (throttles["account"] == row["account"]) & (throttles["region"] == row["region"])
    drawn = who_uses_it(
        series,
        throttles[mine],
        limit=float(row["limit"]) if numbers.known(row["limit"]) else None,
        window=window,
        zone=widgets.zone(),
        columns=tables.board_columns(),
        chosen=marked,
    )
    known = steps(series)

    def clicked(chosen: zoom.Selection) -> None:
        for one in chosen["selected"]:
            if one["data_indices"] and one["data_indices"][0] < len(known):
                st.query_params["at"] = _iso(known[one["data_indices"][0]])

    with st.container(border=True, key="board"):
        zoom.board(
            drawn,
            key="users",
            clicked=clicked,
            alt="Concurrent executions by function, and throttles; click a time to see who used it",
        )
        st.caption(MAXIMA)


def _slider(series: pd.DataFrame, window: Window) -> None:
    """The chart's times for a keyboard; its first stop is the busiest minute."""
    named = {_iso(ts): ts for ts in steps(series)}
    zone, now = widgets.zone(), window.end

    def read(name: str) -> str:
        return numbers.clock(named[name], zone, now=now) if name in named else "busiest"

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.select_slider("Time", [BUSIEST, *named], key=key, on_change=changed, format_func=read)

    links.choose("at", [BUSIEST, *named], BUSIEST, draw)


def _users_table(found: pd.DataFrame) -> None:
    shown, column = tables.presentable(found), st.column_config
    with st.container(key="guarded-users"):
        tables.table(
            shown,
            key="culprits",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Functions that used concurrency at the chosen time, most above their usual first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "culprit-open"),
                "pool": column.TextColumn("Pool", help=POOL),
                "concurrent_max": tables.count_column("Used", "Its maximum in that minute."),
                "share": tables.percent_column("Share", "Of the sum of all functions' maxima."),
                "usual": tables.count_column("Usual", "The median of its minutes of this window."),
                "above_usual": tables.count_column("Above usual"),
                "invocations": tables.count_column("Invocations"),
                "throttles": tables.count_column("Refused"),
            },
            column_order=[
                *("function", "pool", "concurrent_max", "share", "usual", "above_usual", "invocations"),
                "throttles",
            ],
        )
