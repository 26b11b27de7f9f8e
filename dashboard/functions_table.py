"""The table of functions, worst first: on the Overview, and where a function is to be chosen."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_overview, numbers, queries, tables, widgets

STATES = ["critical", "warning", "healthy", "silent"]
COLOURS = ["red", "orange", "blue", "gray", "green", "gray"]
ROWS = 24


def functions_table(fleet: pd.DataFrame, incidents: pd.DataFrame, window: Window) -> None:
    """A search, a filter by state, and a row per function that opens its page."""
    sparklines = queries.sparklines(window, queries.scope(), queries.now())
    rows = figures_overview.table(fleet, sparklines, incidents, queries.names(), window=window)
    with st.container(horizontal=True, vertical_alignment="center", key="table-bar"):
        st.header("Functions, worst first", anchor=False, width="stretch")
        find = st.text_input(
            "Find a function",
            key="find",
            placeholder="Find a function",
            label_visibility="collapsed",
            icon=":material/search:",
            width=240,
        )
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
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            alt="Functions with their state, traffic, errors, duration, throttles, cold starts and cost",
            column_order=[name for name in shown.columns if name not in _hidden(shown)],
            column_config=_columns(shown, window),
        )


def _hidden(rows: pd.DataFrame) -> set[str]:
    """Columns that only links need, and those that say the same for every row."""
    hidden = {"account", "region"}
    hidden |= {"where"} if rows["where"].nunique() == 1 else set()
    return hidden | ({"data"} if rows["data"].isin(["settled", "provisional"]).all() else set())


def _columns(shown: pd.DataFrame, window: Window) -> dict[str, Any]:
    column, over = st.column_config, numbers.age(window.duration)
    states = list(figures_overview.ORDER)
    return {
        "state": column.MultiselectColumn("State", width=94, pinned=True, options=states, color=COLOURS),
        "function": tables.function_button(shown, "open-function"),
        "where": column.TextColumn("Where", width=186),
        "team": column.TextColumn("Team", width=80, help="The function's tag `team`"),
        "invocations": column.NumberColumn(
            "Invocations", width=88, format="compact", help=f"In the last {over}"
        ),
        "traffic": column.AreaChartColumn(
            "Traffic", width=88, color="blue", y_min=0, help="Invocations in time"
        ),
        "error_rate": column.NumberColumn(
            "Error rate", width=80, format="%.2f%%", help="Errors / invocations"
        ),
        "errors": column.BarChartColumn("Errors", width=88, color="red", y_min=0, help="Errors in time"),
        "p95_ms": column.NumberColumn("p95", width=78, format="%,.0f ms", help="95 of 100 were faster"),
        "throttles": column.NumberColumn("Throttles", width=74, format="%,.0f"),
        "cold_start_rate": column.NumberColumn(
            "Cold", width=70, format="%.2f%%", help="Cold starts / records"
        ),
        "cost_per_day_usd": column.NumberColumn("Cost / day", width=80, format="$%,.3f", help=f"From {over}"),
        "data": column.TextColumn("Data", help="Whether the row's numbers are complete and final"),
    }
