"""Who waits for cold starts, and what would help?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import cold_parts, figures_cold, links, numbers, queries, queries_cold, tables, widgets, zoom
from dashboard.answers import cold_answer, total
from dashboard.charts.cold import cold_board
from dashboard.choosers import option_chooser, word_chooser
from dashboard.compare import earlier
from dashboard.figures_cold import Cold

ROWS = 150
VIEWS = {
    "units": "What units would do",
    "deploys": "Around deploys",
    "groups": "What they depend on",
    "week": "When in the week",
}
COLUMNS = (
    *(
        "function",
        "waited_s",
        "cold_starts",
        "cold_start_rate",
        "init_p50_ms",
        "init_p95_ms",
        "remedy",
        "why",
    ),
    *("init_cost_usd", "records", "place", "runtime", "memory_mb", "package_mb", "proactive"),
    *("provisioned", "snap_start", "state"),
)


def page(window: Window) -> None:
    now, where, before = queries.now(), queries.scope(), earlier(window)
    functions = queries_cold.advised(window, where, now)
    if not total(functions["records"]):
        widgets.no_data("No invocation records in this window.", collector="logs")
        return
    series = queries_cold.cold_series(window, where, now)
    tables.say(cold_answer(functions))
    here = Cold(functions, queries.record_totals(window, where))
    there = Cold(queries_cold.cold_starts(before, where, now), queries.record_totals(before, where))
    widgets.cards(figures_cold.cards(here, there, series), compared=before)
    board(series, window)
    table(functions)
    details(functions, window)


def board(series: pd.DataFrame, window: Window) -> None:
    drawn = cold_board(series, window=window, zone=widgets.zone(), columns=tables.board_columns())
    with st.container(border=True, key="board"):
        zoom.board(drawn, key="cold-board", alt="Cold starts and initialization over time")


def table(functions: pd.DataFrame) -> None:
    waiting = functions[functions["waited_s"].fillna(0) > 0]
    with st.container(horizontal=True, vertical_alignment="center", key="cold-bar"):
        st.header("Functions, longest wait first", anchor=False, width="stretch")
        st.caption(figures_cold.counted(functions, shown=min(len(waiting), ROWS)), width="content")
    if waiting.empty:
        return
    shown = tables.presentable(waiting.head(ROWS), usd=["init_cost_usd"])
    columns = tables.spoken(shown, COLUMNS)
    with st.container(key="guarded-cold"), st.container(key="cold-table"):
        tables.table(
            shown[columns],
            key="cold-functions",
            export=waiting,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=14),
            alt="Cold starts per function with what would help, longest wait first",
            column_config=_columns(shown),
            column_order=columns,
        )


def _columns(shown: pd.DataFrame) -> dict[str, Any]:
    column = st.column_config
    return {
        "function": tables.function_button(shown, "cold-open"),
        "place": column.TextColumn("Where"),
        "remedy": column.TextColumn("What would help", width=176),
        "why": column.TextColumn("Because", width=540),
        "waited_s": column.NumberColumn("Waited", format="%,.1f s", help="By callers, in all."),
        "cold_starts": tables.count_column("Cold starts"),
        "cold_start_rate": tables.percent_column("Cold", "Cold starts / invocation records."),
        "init_p50_ms": tables.ms_column("Init p50"),
        "init_p95_ms": tables.ms_column("Init p95"),
        "init_cost_usd": tables.usd_column("Init cost", shown["init_cost_usd"]),
        "records": tables.count_column("Invocations", "Invocation records of the window."),
        "runtime": column.TextColumn("Runtime"),
        "memory_mb": column.NumberColumn("Memory", format="%,d MB"),
        "package_mb": column.NumberColumn("Package", format="%,.1f MB"),
        "proactive": tables.count_column("Proactive", figures_cold.PROACTIVE_HELP),
        "provisioned": tables.count_column("Provisioned", "Initializations nobody waited for."),
        "snap_start": tables.count_column("SnapStart", "Restored from a snapshot."),
        "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
    }


def details(functions: pd.DataFrame, window: Window) -> None:
    st.header("Look closer", anchor=False)
    with st.container(border=True, key="details"):
        with st.container(horizontal=True, vertical_alignment="center", key="details-bar"):
            view = _view()
            row = _function(functions) if view in ("units", "deploys") else None
        if view == "groups":
            cold_parts.groups(window)
        elif view == "week":
            cold_parts.week(window)
        elif row is not None:
            (cold_parts.units if view == "units" else cold_parts.deploys)(row, window)


def _view() -> str:
    return word_chooser("view", VIEWS, "Look at", "units")


def _function(functions: pd.DataFrame) -> cold_parts.Row | None:
    """The row of the function that the address names, else of the one that is waited for longest."""
    rows = tables.with_place(functions[functions["records"] > 0])
    names, ids = rows["function"], links.function_ids(rows)
    several = rows["place"].nunique() > 1
    labels = dict(zip(ids, names + " · " + rows["place"] if several else names, strict=True))
    asked = st.query_params.get("fn")
    chosen = option_chooser("fn", labels, "Function", "Longest waited for", width=330)
    if asked and chosen is None:
        name = numbers.plain(asked.rpartition(".")[2])
        widgets.no_data(f"No invocation record of {name} in this window.", collector="logs")
        return None
    first = ids.index(chosen) if chosen else 0
    return next(iter(rows.iloc[first : first + 1].to_dict("records")), None)


widgets.toolbar("Cold starts")
widgets.live(page)
