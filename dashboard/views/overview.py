"""Is anything wrong now, and whose is it?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures, figures_overview, links, numbers, queries, tables, widgets
from dashboard.charts.boards import deploy_marks, overview_board
from dashboard.compare import earlier
from dashboard.figures_overview import Before, Now
from dashboard.firing import firing_box

STATES = ["critical", "warning", "healthy", "silent"]
ROWS = 24
COLOURS = ["red", "orange", "blue", "gray", "green", "gray"]


def page(window: Window) -> None:
    at, where = queries.now(), queries.scope()
    fleet = queries.fleet_table(window, where, at)
    incidents = queries.within(queries.open_incidents(), where)
    unseen = figures.not_seen(fleet, queries.within(queries.collectors(at), where), queries.names())
    firing_box(incidents, unseen, now=at)
    if fleet.empty:
        widgets.no_data("No functions are known yet.", collector="inventory")
        return
    now = Now(
        window=window,
        fleet=fleet,
        series=queries.fleet_series(window, where, at),
        records=queries.record_totals(window, where),
        limits=queries.within(queries.limits(window, at), where),
        names=queries.names(),
    )
    before = earlier(window)
    then = Before(fleet=queries.fleet_table(before, where, at), records=queries.record_totals(before, where))
    widgets.cards(figures_overview.cards(now, then))
    board(now)
    table(now, incidents)


def board(now: Now) -> None:
    limit = float(now.limits["limit"].iloc[0]) if len(now.limits) == 1 else None
    drawn = overview_board(
        now.series,
        deploy_marks(queries.within(queries.changes(now.window), queries.scope())),
        window=now.window,
        zone=widgets.zone(),
        limit=limit,
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        st.echarts_chart(
            drawn.option,
            height=drawn.height_px,
            key="overview-board",
            alt="Invocations and errors, error rate, duration, concurrency and throttles over the window",
        )


def table(now: Now, incidents: pd.DataFrame) -> None:
    sparklines = queries.sparklines(now.window, queries.scope(), queries.now())
    rows = figures_overview.table(now.fleet, sparklines, incidents, now.names, window=now.window)
    with st.container(horizontal=True, vertical_alignment="center", key="table-bar"):
        st.header("Functions, worst first", anchor=False, width="stretch")
        find = st.text_input(
            "Find a function", key="find", placeholder="Find a function", label_visibility="collapsed",
            icon=":material/search:", width=240,
        )  # fmt: skip
        states = st.pills("State", STATES, selection_mode="multi", key="states", label_visibility="collapsed")
    shown = figures_overview.matching(rows, find or "", states or [])
    if shown.empty:
        widgets.no_data(f"None of {len(rows)} functions matches.")
        return
    with st.container(key="functions"):
        st.dataframe(
            shown,
            key="functions-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            height=min(len(shown), ROWS) * 35 + 38,
            alt="Functions with their state, traffic, errors, duration, throttles, cold starts and cost",
            column_order=[name for name in shown.columns if name not in _hidden(shown)],
            column_config=_columns(shown, now.window),
        )


def _hidden(rows: pd.DataFrame) -> set[str]:
    """Columns that only links need, and those that say the same for every row."""
    hidden = {"account", "region"}
    hidden |= {"where"} if rows["where"].nunique() == 1 else set()
    return hidden | ({"data"} if rows["data"].isin(["settled", "provisional"]).all() else set())


def _columns(shown: pd.DataFrame, window: Window) -> dict[str, object]:
    column = st.column_config
    over = numbers.age(window.duration)
    return {
        "state": column.MultiselectColumn(
            "State", options=list(figures_overview.ORDER), color=COLOURS, width=94, pinned=True
        ),
        "function": tables.function_button(shown, "open-function"),
        "where": column.TextColumn("Where", width=162),
        "team": column.TextColumn("Team", width=84, help="The function's tag `team`"),
        "invocations": column.NumberColumn(
            "Invocations", width=92, format="compact", help=f"In the last {over}"
        ),
        "traffic": column.AreaChartColumn(
            "Traffic", width=96, color="blue", y_min=0, help="Invocations over the window"
        ),
        "error_rate": column.NumberColumn(
            "Error rate", width=80, format="%.2f%%", help="Errors / invocations"
        ),
        "errors": column.BarChartColumn(
            "Errors", width=96, color="red", y_min=0, help="Errors over the window"
        ),
        "p95_ms": column.NumberColumn(
            "p95", width=78, format="%,.0f ms", help="95 of 100 invocations were faster"
        ),
        "throttles": column.NumberColumn("Throttles", width=74, format="%,.0f"),
        "cold_start_rate": column.NumberColumn(
            "Cold", width=70, format="%.2f%%", help="Cold starts / invocation records"
        ),
        "cost_per_day_usd": column.NumberColumn(
            "Cost / day", width=80, format="$%,.2f", help=f"List price, from {over}"
        ),
        "data": column.TextColumn("Data", help="Whether the row's numbers are complete and final"),
    }


if not queries.targets().empty:
    widgets.toolbar("Overview")
    widgets.live(page)
else:
    st.title("Overview", anchor=False)
    widgets.no_data("Nothing has been collected yet.", collector="inventory")
