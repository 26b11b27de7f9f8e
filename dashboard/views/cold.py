"""Who waits for cold starts, and what would help?"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_cold, numbers, queries, queries_investigate, tables, widgets
from dashboard.answers import cold_answer, total
from dashboard.charts.cold import cold_board, cold_heatmap, in_zone
from dashboard.compare import earlier
from dashboard.figures_cold import Cold

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


def page(window: Window) -> None:
    now, where, before = queries.now(), queries.scope(), earlier(window)
    functions = queries_investigate.cold_starts(window, where, now)
    if not total(functions["records"]):
        widgets.no_data("No invocation records in this window.", collector="logs")
        return
    series = queries_investigate.cold_series(window, where, now)
    tables.say(cold_answer(functions))
    here = Cold(functions, queries.record_totals(window, where))
    there = Cold(queries_investigate.cold_starts(before, where, now), queries.record_totals(before, where))
    widgets.cards(figures_cold.cards(here, there, series), compared=before)
    board(series, window)
    table(functions)
    heatmap(window)


def board(series: pd.DataFrame, window: Window) -> None:
    drawn = cold_board(series, window=window, zone=widgets.zone(), columns=tables.board_columns())
    with st.container(border=True, key="board"):
        st.echarts_chart(
            drawn.option,
            height=drawn.height_px,
            key="cold-board",
            alt="Cold starts and initialization over time",
        )


def table(functions: pd.DataFrame) -> None:
    st.header("Functions, longest wait first", anchor=False)
    shown = tables.presentable(functions, usd=["init_cost_usd"])
    column = st.column_config
    with st.container(key="cold-table"):
        st.dataframe(
            shown,
            key="cold-functions",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Cold starts per function, longest wait first",
            column_config={
                "function": tables.function_button(shown, "cold-open"),
                "place": column.TextColumn("Where"),
                "runtime": column.TextColumn("Runtime"),
                "memory_mb": column.NumberColumn("Memory", format="%,d MB"),
                "records": tables.count_column("Invocations", "Invocation records of the window."),
                "cold_starts": tables.count_column("Cold starts"),
                "cold_start_rate": tables.percent_column("Cold", "Cold starts / invocation records."),
                "init_p50_ms": tables.ms_column("Init p50"),
                "init_p95_ms": tables.ms_column("Init p95"),
                "waited_s": column.NumberColumn("Waited", format="%,.1f s", help="By callers, in all."),
                "init_cost_usd": tables.usd_column("Init cost", shown["init_cost_usd"]),
                "provisioned": tables.count_column("Provisioned", "Initializations nobody waited for."),
                "snap_start": tables.count_column("SnapStart", "Restored from a snapshot."),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *(
                        "function",
                        "place",
                        "runtime",
                        "memory_mb",
                        "records",
                        "cold_starts",
                        "cold_start_rate",
                    ),
                    *("init_p50_ms", "init_p95_ms", "waited_s", "init_cost_usd"),
                    *("provisioned", "snap_start", "state"),
                ],
            ),
        )


def heatmap(window: Window) -> None:
    """The last week at least: a weekday needs one."""
    week = Window(min(window.start, window.end - WEEK), window.end)
    by_hour = queries_investigate.cold_by_hour(week, queries.scope())
    st.header("When in the week", anchor=False)
    if by_hour.empty:
        widgets.no_data("No invocation records in the week before.", collector="logs")
        return
    local = week.end.astimezone(widgets.zone())
    offset = local.utcoffset() or timedelta()
    whole = not offset % HOUR  # half-hour zones stay in UTC
    with st.container(border=True, key="heatmap"):
        st.altair_chart(
            cold_heatmap(in_zone(by_hour, offset_h=offset // HOUR) if whole else by_hour),
            key="cold-hours",
            alt="Share of invocations that started cold, by weekday and hour",
        )
        st.caption(
            f"Share of invocations that started cold in {numbers.age(week.duration)}, by weekday and hour, "
            f"{local.tzname() if whole else 'UTC'}. Blank: nothing ran."
        )


widgets.toolbar("Cold starts")
widgets.live(page)
