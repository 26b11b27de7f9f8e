"""The parts of the Queues page below its table: findings, where letters arrived, async events, streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import (
    figures_letters,
    figures_queues,
    numbers,
    queries,
    queries_investigate,
    tables,
    widgets,
)
from dashboard.figures_mappings import FAILING, OFF
from dashboard.lines import lines

SHOWN, ROWS, MANY = 4, 10, 16


def findings() -> None:
    """What of the wiring loses, repeats or blocks work, the worst first."""
    st.header("What loses, repeats or blocks work", anchor=False)
    lint = queries.within(queries_investigate.lint(queries.now()), queries.scope())
    if lint.empty:
        st.caption("No finding: timeouts, retries, retention and destinations fit together, as far as known.")
        return
    with st.container(border=True, key="findings", gap="small"):
        about = figures_letters.found(lint.iloc[SHOWN:])
        if lines(lint, _said, shown=SHOWN, key="more-findings", about=about):
            tables.file_of(lint, "all-findings", rows=len(lint))


def _said(lint: pd.DataFrame) -> Iterator[str]:
    places = tables.places()
    for row in lint.to_dict("records"):
        place = places.get((row["account"], row["region"]), "")
        yield f"{widgets.badge(row['severity'])} {figures_letters.finding(row, place)}"


def troubled(found: pd.DataFrame) -> None:
    """Event source mappings that are off or fail: what they read waits, ages and expires."""
    if found.empty:
        return
    st.header("Event sources that hand nothing over", anchor=False)
    shown, column = tables.presentable(found), st.column_config
    chips: list[Any] = [[text] for text in shown["standing"]]
    with st.container(key="troubled-table"):
        tables.table(
            shown.assign(standing=chips),
            key="troubled",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Event source mappings that are off or fail, with what waits behind them",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "standing": column.MultiselectColumn(
                    "Now", options=[FAILING, OFF], color=["red", "orange"], width=84
                ),
                "function": tables.function_button(shown, "troubled-open"),
                "place": column.TextColumn("Where"),
                "kind": column.TextColumn("Kind"),
                "source": column.TextColumn("Reads", width=200),
                "mapping_state": column.TextColumn("State", help="Lambda's own word."),
                "since": column.DatetimeColumn(
                    "Since",
                    format="D MMM, HH:mm",
                    timezone=str(widgets.zone()),
                    help="It is off, at the latest; of a failing one, its stream is stuck.",
                ),
                "last_result": column.TextColumn("Last result", width=240),
                "waiting": tables.count_column("Waiting", "Messages in the queue that it reads."),
                "age": column.TextColumn("Oldest", alignment="right", help="Or how far behind in a stream."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("standing", "function", "since", "place", "kind", "source", "mapping_state"),
                    *("last_result", "waiting", "age"),
                ],
            ),
        )


def letters(window: Window, queues: pd.DataFrame) -> None:
    """Where failures of functions go, what arrived there, and what was lost on the way."""
    st.header("Dead letters, most arrivals first", anchor=False)
    arrivals = queries.within(queries_investigate.arrivals(window, queries.now()), queries.scope())
    if arrivals.empty:
        st.caption("No function names a place for its failures: what fails for good leaves no letter.")
        return
    shown, column = tables.presentable(figures_letters.letters(arrivals, queues)), st.column_config
    with st.container(key="letters-table"):
        tables.table(
            shown,
            key="letters",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Places that failures go to, how many arrived and how that was counted",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "letter-open"),
                "place": column.TextColumn("Where"),
                "goes_to": column.TextColumn("Goes to"),
                "via": column.TextColumn("How", width=230),
                "arrived": tables.count_column("Arrived"),
                "method": column.TextColumn("Counted by", help="Each way misses something: see below."),
                "lost": tables.count_column("Lost", "Letters that Lambda could not put there."),
                "destination_failures": tables.count_column("Undelivered", "Records for a destination."),
                "depth": tables.count_column("There now"),
                "age": column.TextColumn("Oldest", alignment="right", width=96),
                "expires": column.TextColumn(
                    "Expires in", alignment="right", width=96, help=figures_queues.EXPIRES
                ),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
                "shared": column.TextColumn("Also of", help="The number holds their letters too."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "goes_to", "arrived", "depth", "age", "expires", "lost"),
                    *("destination_failures", "state", "via", "method", "shared"),
                ],
            ),
        )
    for line in figures_letters.caveats(arrivals):
        st.caption(line)


def events(window: Window) -> None:
    """Asynchronous events: received, dropped, and where drops go."""
    st.header("Asynchronous events, losses first", anchor=False)
    found = queries_investigate.async_events(window, queries.scope(), queries.now())
    if found.empty:
        st.caption("No function received asynchronous events in this window.")
        return
    shown, column = tables.presentable(figures_letters.events(found)), st.column_config
    with st.container(key="events-table"):
        tables.table(
            shown,
            key="events",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Asynchronous events per function: received, dropped, age and where drops go",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "event-open"),
                "place": column.TextColumn("Where"),
                "received": tables.count_column("Received"),
                "dropped": tables.count_column("Dropped", "After all retries, or too old."),
                "age": column.TextColumn("Longest wait", alignment="right"),
                "max_retries": tables.count_column("Retries"),
                "kept_for": column.TextColumn("Kept for", alignment="right"),
                "goes_to": column.TextColumn("Drops go to"),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "received", "dropped", "age", "max_retries", "kept_for"),
                    "goes_to",
                ],
            ),
        )
    _remarks(shown, "note")


def streams(mappings: pd.DataFrame) -> None:
    """How far behind readers of streams are, stuck ones first; from the `mappings` reader's frame."""
    found = figures_letters.streams(mappings)
    if found.empty:
        return
    st.header("Streams, stuck ones first", anchor=False)
    shown, column = tables.presentable(found), st.column_config
    with st.container(key="streams-table"):
        tables.table(
            shown,
            key="streams",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Stream readers with their age and lag, stuck ones first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "stream-open"),
                "place": column.TextColumn("Where"),
                "source": column.TextColumn("Stream"),
                "kind": column.TextColumn("Kind"),
                "mapping_state": column.TextColumn("State"),
                "age": column.TextColumn("Behind now", alignment="right"),
                "age_max": column.TextColumn("At most", alignment="right"),
                "offset_lag": tables.count_column("Offset lag"),
                "partition": column.TextColumn("Topics"),
                "last_result": column.TextColumn("Last result"),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "kind", "source", "mapping_state", "age", "age_max", "offset_lag"),
                    *("partition", "last_result"),
                ],
            ),
        )
    _remarks(shown, "hint")


def _remarks(shown: pd.DataFrame, name: str) -> None:
    """What is said of single rows: too long for a cell."""
    for function, said in zip(shown["function"].to_numpy(), shown[name].to_numpy(), strict=True):
        if tables.said(said):
            st.caption(f"**{numbers.plain(function)}**: {numbers.plain(said)}")
