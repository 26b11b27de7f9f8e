"""The tab of versions: aliases with their shares, versions with their error rates, each over time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_versions, numbers, queries, queries_function, tables, widgets, zoom
from dashboard.charts.boards import change_marks, resource_board
from dashboard.function_changes import known_changes
from dashboard.function_parts import how_read, when

NOT_TOLD = (
    "Of a version without numbers it is not known whether it ran: its log was not read in full, or as sums."
)


def versions(target: Target, name: str, window: Window) -> None:
    now = queries.now()
    found = queries.versions(target, name, window, now)
    aliases = queries_function.aliases(target, name, now)
    if found.empty and aliases.empty:
        widgets.no_data("No version is known.", collector="details")
        return
    _aliases(aliases, queries_function.by_resource(target, name, window, now))
    _board(target, name, window)
    how_read(target, name, window)
    _versions(found)


def _aliases(aliases: pd.DataFrame, by_resource: pd.DataFrame) -> None:
    st.header("Aliases", anchor=False)
    if aliases.empty:
        st.caption("No alias is known: it has none, or the details collector has not read it yet.")
        return
    rows = figures_versions.alias_rows(aliases, by_resource)
    shown = rows.assign(state=[tables.state_words(state) for state in rows["state"]])
    with st.container(key="aliases"):
        tables.table(
            shown,
            key="aliases-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Aliases with the versions they send to, their shares and error rates",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=8),
            column_config={
                "alias": "Alias",
                "version": "Version",
                "asked_share": tables.percent_column(
                    "Asked for", "The share that the alias is configured to send."
                ),
                "share": tables.percent_column("Share", "Of the alias's invocations in this window."),
                **_numbers(),
                "duration_avg_ms": tables.ms_column("Average"),
                "duration_max_ms": tables.ms_column("Longest"),
                "concurrent_max": tables.count_column("At once"),
                "state": st.column_config.TextColumn("Data"),
            },
        )
    st.caption("Counted by CloudWatch per alias and version.")


def _board(target: Target, name: str, window: Window) -> None:
    series = queries_function.resource_series(target, name, window, queries.now())
    marks = change_marks(known_changes(target, name, window))
    drawn = resource_board(series, marks, window=window, zone=widgets.zone(), columns=tables.board_columns())
    if drawn is not None:
        zoom.board(drawn, key="resource-board", alt="Invocations and error rate of each alias and version")


def _versions(found: pd.DataFrame) -> None:
    st.header("Versions", anchor=False)
    if found.empty:
        st.caption("No version is known.")
        return
    shown = figures_versions.at_work(found)
    with st.container(key="versions"):
        tables.table(
            shown,
            key="versions-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Versions with their aliases, share of invocations, errors, duration and cold starts",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=10),
            column_config={
                "version": "Version",
                "published": when("Published"),
                "aliases": st.column_config.ListColumn("Aliases"),
                "share": tables.percent_column("Share", "Of invocation records in the window."),
                **_numbers(),
                "duration_p95_ms": tables.ms_column("p95"),
                "cold_start_rate": tables.percent_column("Cold"),
            },
        )
    if found["invocations"].isna().any():
        st.caption(":orange[:material/visibility_off:] " + NOT_TOLD)
    more = len(found) - len(shown)
    idle = (
        f" {more:,} more versions are published; none ran in this window, no alias names one." if more else ""
    )
    st.caption(f"Counted from invocation records: an error is a record whose status is not success.{idle}")


def _numbers() -> dict[str, Any]:
    return {
        "invocations": tables.count_column("Invocations"),
        "errors": tables.count_column("Errors"),
        "error_rate": tables.percent_column("Error rate"),
    }
