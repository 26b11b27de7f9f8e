"""The part of Collection health about runs: each collector's newest, all over time, and what was not read."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_collection, links, numbers, queries, queries_collection, tables, widgets, zoom
from dashboard.charts.collection import outcome_cells, outcome_strip
from dashboard.lines import lines

SHOWN, ROWS = 8, 12
COLOURS = ["red", "red", "gray", "orange", "orange", "green"]
COLUMNS = (
    *("standing", "collector", "place", "age", "last_run", "last_ok", "runs_24h", "failed_24h"),
    *("permission", "error"),
)


def collectors_table(collectors: pd.DataFrame) -> None:
    st.header("Collectors, late or refused first", anchor=False)
    shown = tables.with_place(figures_collection.table(collectors))
    with st.container(key="collectors-table"):
        tables.table(
            shown,
            key="collectors",
            placeholder="",
            alt="Collectors per account and region with their last outcome, late or refused first",
            height=tables.height_px(len(shown), most=ROWS),
            column_config=_columns(),
            column_order=tables.spoken(shown, COLUMNS),
        )


def _columns() -> dict[str, Any]:
    column, zone = st.column_config, str(widgets.zone())
    return {
        "standing": column.MultiselectColumn(
            "State", options=list(figures_collection.ORDER), color=COLOURS, width=96
        ),
        "collector": column.TextColumn("Collector"),
        "place": column.TextColumn("Where"),
        "age": column.TextColumn("Data age", alignment="right", help="Since the end of what was read."),
        "last_run": column.DatetimeColumn("Last run", format="D MMM HH:mm:ss", timezone=zone),
        "last_ok": column.DatetimeColumn("Last good run", format="D MMM HH:mm:ss", timezone=zone),
        "runs_24h": tables.count_column("Runs, 24 h", "Runs that ended in the last 24 hours."),
        "failed_24h": tables.count_column("Failed, 24 h", "Of them refused, failed or skipped."),
        "permission": column.TextColumn("Missing permission"),
        "error": column.TextColumn("Why", width=560),
    }


def strip(window: Window, collectors: pd.DataFrame) -> None:
    st.header("Runs over time", anchor=False)
    is_fixed = links.is_fixed(dict(st.query_params))
    asked = window if is_fixed else figures_collection.until_now(window, now=queries.now())
    first = queries_collection.first_run()
    window = figures_collection.since_first(asked, first)
    runs = queries.within(queries_collection.runs(window), queries.scope())
    cells = outcome_cells(runs, window)
    if cells.empty:
        st.caption(f"No collector ran in this window of {numbers.age(window.duration)}.")
        return
    with st.container(border=True, key="strip"):
        names = sorted(collectors["collector"].unique())
        zoom.bars(
            outcome_strip(cells, collectors=names, window=window, narrow=tables.board_columns() == 1),
            key="runs",
            alt="Worst outcome of each collector over time",
            formula="The worst outcome of the runs that ended in the step, over all targets.",
        )
        said = "A cell shows the worst outcome of the runs in it, over all targets. Blank: nothing ran."
        began = f" Collection began {numbers.clock(first, widgets.zone(), now=queries.now())}."
        st.caption(said + (began if window != asked else ""))


def gap_table(holes: pd.DataFrame, window: Window) -> None:
    st.header("What was not read", anchor=False)
    if holes.empty:
        st.caption(f"Everything of this window ({numbers.age(window.duration)}) was read.")
        return
    places = tables.places()

    def said(rows: pd.DataFrame) -> list[str]:
        return [
            figures_collection.hole_line(row, places, zone=widgets.zone(), now=queries.now())
            for row in rows.to_dict("records")
        ]

    with st.container(border=True, key="gaps", gap="xsmall"):
        if lines(holes, said, shown=SHOWN, key="more-gaps"):
            tables.file_of(holes, "all-gaps", rows=len(holes))
