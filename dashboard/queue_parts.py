"""The parts of the Queues page below its table: findings, where letters arrived, async events, streams."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_letters, numbers, queries, queries_investigate, tables, widgets

SHOWN, ROWS = 4, 10


def findings() -> None:
    """What of the wiring loses, repeats or blocks work, the worst first."""
    st.header("What loses, repeats or blocks work", anchor=False)
    lint = queries.within(queries_investigate.lint(queries.now()), queries.scope())
    if lint.empty:
        st.caption("No finding: timeouts, retries, retention and destinations fit together, as far as known.")
        return
    with st.container(border=True, key="findings", gap="small"):
        _lines(lint.head(SHOWN))
        if len(lint) > SHOWN:
            rest = lint.iloc[SHOWN:]
            with st.expander(f"{len(rest)} more: {figures_letters.found(rest)}"):
                _lines(rest)


def _lines(lint: pd.DataFrame) -> None:
    places = tables.places()
    for row in lint.to_dict("records"):
        place = places.get((row["account"], row["region"]), "")
        st.markdown(f"{widgets.badge(row['severity'])} {figures_letters.finding(row, place)}")


def letters(window: Window) -> None:
    """Where failures of functions go, what arrived there, and what was lost on the way."""
    st.header("Dead letters, most arrivals first", anchor=False)
    arrivals = queries.within(queries_investigate.arrivals(window, queries.now()), queries.scope())
    if arrivals.empty:
        st.caption("No function names a place for its failures: what fails for good leaves no letter.")
        return
    shown, column = tables.presentable(figures_letters.letters(arrivals)), st.column_config
    with st.container(key="letters-table"):
        st.dataframe(
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
                "via": column.TextColumn("How", width=250),
                "arrived": tables.count_column("Arrived"),
                "method": column.TextColumn("Counted by", help="Each way misses something: see below."),
                "lost": tables.count_column("Lost", "Letters that Lambda could not put there."),
                "destination_failures": tables.count_column("Undelivered", "Records for a destination."),
                "depth": tables.count_column("There now"),
                "shared": column.TextColumn("Also of", help="The number holds their letters too."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "goes_to", "via", "arrived", "method", "lost"),
                    *("destination_failures", "depth", "shared"),
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
        st.dataframe(
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


def streams(window: Window) -> None:
    """How far behind readers of streams are, stuck ones first."""
    found = queries_investigate.stream_mappings(window, queries.scope(), queries.now())
    if found.empty:
        return
    st.header("Streams, stuck ones first", anchor=False)
    shown, column = tables.presentable(figures_letters.streams(found)), st.column_config
    with st.container(key="streams-table"):
        st.dataframe(
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
    for row in shown.to_dict("records"):
        if tables.said(row[name]):
            st.caption(f"**{numbers.plain(row['function'])}**: {numbers.plain(row[name])}")
