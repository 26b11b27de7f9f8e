"""Is work piling up or lost?"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_letters,
    figures_mappings,
    figures_queues,
    letter_parts,
    links,
    numbers,
    queries,
    queries_investigate,
    queue_parts,
    tables,
    widgets,
    zoom,
)
from dashboard.answers import queues_answer
from dashboard.charts.queues import queue_board
from dashboard.poller_parts import pollers


def page(window: Window) -> None:
    now, where = queries.now(), queries.scope()
    queues = queries.within(queries_investigate.queue_table(window, now), where)
    mappings = queries_investigate.mappings(window, where, now)
    troubled = figures_mappings.troubled(mappings, queues)
    if queues.empty:
        widgets.no_data("No queue that feeds or catches a function is known yet.", collector="queues")
        queue_parts.troubled(troubled)
        queue_parts.events(window)
        queue_parts.streams(mappings)
        pollers(mappings, key="pollers", most=queue_parts.ROWS)
        return
    drains = queries_investigate.drains(where, now)
    lost = figures_letters.lost(queries_investigate.async_events(window, where, now))
    also = " · ".join(filter(None, [lost, figures_mappings.told(troubled)]))
    tables.say(queues_answer(queues, also))
    widgets.cards(figures_queues.cards(queues))
    queue_parts.troubled(troubled)
    queue_parts.letters(window, queues)
    table(queues, drains)
    queue_parts.findings()
    one(tables.with_place(queues), drains, window)
    queue_parts.events(window)
    queue_parts.streams(mappings)
    pollers(mappings, key="pollers", most=queue_parts.ROWS)


def table(queues: pd.DataFrame, drains: pd.DataFrame) -> None:
    st.header("All queues, dead letters first", anchor=False)
    shown, column = tables.presentable(figures_queues.rows(queues, drains)), st.column_config
    with st.container(key="queues-table"):
        tables.table(
            shown,
            key="queues",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Queues with their depth, age and arrivals, dead-letter queues that hold messages first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=queue_parts.MANY),
            column_config={
                "queue": column.TextColumn("Queue"),
                "role": column.TextColumn("Role"),
                "owner": column.TextColumn("Whose", help="Functions that this queue feeds or catches."),
                "place": column.TextColumn("Where"),
                "depth": tables.count_column("Messages", "Waiting and in flight now."),
                "age": column.TextColumn("Oldest", alignment="right", width=96),
                "drains": column.TextColumn(
                    "Empty in", alignment="right", width=84, help=figures_queues.DRAINS
                ),
                "arrivals": tables.count_column("Arrivals", figures_queues.ARRIVALS),
                "sent": tables.count_column("Sent"),
                "deleted": tables.count_column("Deleted"),
                "expires": column.TextColumn(
                    "Expires in", alignment="right", width=96, help=figures_queues.EXPIRES
                ),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("queue", "role", "owner", "place", "depth", "age", "expires", "drains"),
                    *("arrivals", "sent", "deleted", "state"),
                ],
            ),
        )


def one(queues: pd.DataFrame, drains: pd.DataFrame, window: Window) -> None:
    """The queue that the address names over time, else the first of the table."""
    st.header("One queue over time", anchor=False)
    names: dict[str, str] = dict(zip(queues["arn"], queues["queue"] + " · " + queues["place"], strict=True))
    asked = st.query_params.get("queue")
    if asked and asked not in names:
        widgets.no_data(
            "The queue in the address is not known here: it is gone, or in another account or region."
        )

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Queue", list(names), format_func=names.__getitem__, key=key, on_change=changed, width=460,
            label_visibility="collapsed",
        )  # fmt: skip

    chosen = links.choose("queue", list(names), next(iter(names)), draw)
    row = queues[queues["arn"] == chosen].iloc[0]
    series = queries_investigate.queue_series(
        Target(row["account"], row["region"]), row["arn"], window, queries.now()
    )
    if series.empty:
        widgets.no_data("Nothing was reported for this queue in this window.", collector="queues")
        return
    drawn = queue_board(
        series,
        dead_letter=row["role"] == "dead-letter",
        window=window,
        zone=widgets.zone(),
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        zoom.board(
            drawn,
            key="queue-board",
            alt="Backlog, age and traffic of one queue",
        )
        st.caption(f"{figures_queues.outlook(drains, row['arn'])} {figures_queues.settings(row)}")
        if row["role"] == "dead-letter":
            st.caption(figures_queues.ARRIVALS)
    if row["role"] != "source":
        place = Target(row["account"], row["region"])
        whose = list(row["functions"])
        letter_parts.messages(str(row["queue"]), place, window, function=str(whose[0]) if whose else "")


widgets.toolbar("Queues")
widgets.live(page)
