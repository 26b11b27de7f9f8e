"""The tab of what waits for one function: events, streams, queues, letters, executions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_letters,
    figures_particulars,
    figures_waits,
    links,
    numbers,
    poller_parts,
    queries,
    queries_function,
    tables,
    widgets,
    zoom,
)
from dashboard.charts.boards import change_marks, wait_board
from dashboard.function_changes import known_changes


def waiting(target: Target, name: str, window: Window) -> None:
    now = queries.now()
    events = queries_function.async_events(target, name, window, now)
    mappings = queries_function.mappings(target, name, window, now)
    queues = queries_function.queues(target, name, window, now)
    particulars = _particulars(target, name, window)
    if events.empty and mappings.empty and queues.empty and not particulars:
        widgets.no_data(
            "Nothing can wait for this function: it has no queue or stream, and got no asynchronous event.",
            collector="queues",
        )
        return
    _board(target, name, window)
    for row in events.to_dict("records"):
        st.header("Asynchronous events", anchor=False)
        for line in figures_waits.event_words(row):
            st.markdown(line)
    for title, said, about in particulars:
        st.header(title, anchor=False)
        st.markdown(said)
        st.caption(about)
    _streams(mappings[mappings["kind"] != "sqs"])
    _queues(queues)
    poller_parts.pollers(mappings, key="its-pollers", most=6)


def _particulars(target: Target, name: str, window: Window) -> list[figures_particulars.Said]:
    """What only some functions have; nothing for the others."""
    now = queries.now()
    on = queries_function.nature(target, name, now).provider_arn
    load = queries_function.load(target, name, on, window, now) if on else None
    return figures_particulars.waits(queries_function.particulars(target, name, window, now), load)


def _board(target: Target, name: str, window: Window) -> None:
    series = queries.function_series(target, name, window, queries.now())
    marks = change_marks(known_changes(target, name, window))
    drawn = wait_board(series, marks, window=window, zone=widgets.zone(), columns=tables.board_columns())
    if drawn is not None:
        zoom.board(drawn, key="wait-board", alt="Age of what waits for the function")


def _streams(mappings: pd.DataFrame) -> None:
    if mappings.empty:
        return
    st.header("Streams", anchor=False)
    shown, column = figures_letters.streams(mappings), st.column_config
    with st.container(key="guarded-streams"):
        tables.table(
            shown,
            key="its-streams",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Streams that the function reads and how far behind it is",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=6),
            column_order=["source", "kind", "mapping_state", "age", "age_max", "offset_lag", "last_result"],
            column_config={
                "source": column.TextColumn("Stream"),
                "kind": column.TextColumn("Kind"),
                "mapping_state": column.TextColumn("State"),
                "age": column.TextColumn("Behind now"),
                "age_max": column.TextColumn("At most", help="In this window."),
                "offset_lag": tables.count_column("Offset lag"),
                "last_result": column.TextColumn("Last result"),
            },
        )
    for hint in shown["hint"]:
        if hint:
            st.caption(numbers.plain(hint))


def _queues(queues: pd.DataFrame) -> None:
    if queues.empty:
        return
    st.header("Queues", anchor=False)
    shown, column = figures_waits.queue_rows(queues), st.column_config

    def opened() -> None:
        arn = str(queues["arn"].iloc[st.session_state["queue-open"]["row"]])
        st.switch_page(links.QUEUES, query_params=links.carry(queue=arn))

    with st.container(key="guarded-queues"):
        tables.table(
            shown,
            key="its-queues",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Queues that feed the function or catch its failures",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=8),
            column_order=tables.spoken(
                shown,
                ["queue", "role", "depth", "oldest", "arrivals", "received", "deleted", "note", "state"],
            ),
            column_config={
                "queue": column.ButtonColumn(
                    "Queue", key="queue-open", on_click=opened, type="tertiary", alignment="left", pinned=True
                ),
                "role": column.TextColumn("Role"),
                "depth": tables.count_column("Messages", "Visible, in flight and delayed, as last asked."),
                "oldest": column.TextColumn("Oldest", help="Age of the oldest message."),
                "arrivals": tables.count_column("Arrived", "In this window."),
                "received": tables.count_column("Received", "In this window, by consumers."),
                "deleted": tables.count_column("Deleted", "In this window: done."),
                "note": column.TextColumn("Settings", width="medium"),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
        )
