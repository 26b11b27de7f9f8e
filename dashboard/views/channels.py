"""Do messages reach people? Which channels work, what waits, what was given up."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_channels, identity, numbers, queries, queries_channels, tables, widgets
from dashboard.ledgers import deliveries_table
from dashboard.numbers import plain
from dashboard.toasts import told


def page(window: Window) -> None:
    now = queries.now()
    channels = queries_channels.channels(now)
    tables.say(figures_channels.channels_answer(channels))
    if not channels.empty:
        with st.container(border=True, key="channels", gap="small"):
            for row in channels.to_dict("records"):
                line({str(name): value for name, value in row.items()})
    given_up()
    newest(window)


def line(row: dict[str, Any]) -> None:
    now, name = queries.now(), str(row["channel"])
    look, words = figures_channels.BADGES[row["state"]]
    can = figures_channels.CAN.get(row["kind"], "")
    said, counts = figures_channels.standing(row, now=now), figures_channels.counts(row, now=now)
    with st.container(horizontal=True, vertical_alignment="center", key=f"channel-{name}"):
        title = f"{widgets.badge(look, words)} **{plain(name)}** :small[{plain(row['kind'])}: {can}]"
        st.markdown(f"{title}  \n:small[:gray[{said} · {counts}]]", width="stretch")
        if row["state"] == "dead":
            st.button(
                "Revive", key=f"revive-{name}", icon=":material/restart_alt:", on_click=revive, args=(name,),
                disabled=(why := identity.lacks("admin", "to revive a channel")) is not None, help=why,
            )  # fmt: skip
        st.button(
            "Send a test", key=f"test-{name}", icon=":material/send:", on_click=test, args=(name,),
            disabled=(why := identity.lacks("operator", "to test a channel")) is not None, help=why,
        )  # fmt: skip


def test(name: str) -> None:
    with told("The service sends a test within seconds: look there, and at the newest messages here."):
        queries_channels.test(name, by=identity.person())


def revive(name: str) -> None:
    with told("Revived: what waited is sent within seconds."):
        queries_channels.revive(name, by=identity.person())


def given_up() -> None:
    dead = queries_channels.deliveries(state="dead")
    if dead.empty:
        return
    st.header(f"Given up ({len(dead)})", anchor=False)
    st.caption("Nobody was told by these. A message that is sent again keeps its place and its id.")

    def again() -> None:
        with told("It is sent within seconds."):
            at = st.session_state["again"]["row"]
            queries_channels.send_again(str(dead["id"].iloc[at]), by=identity.person())

    column, zone = st.column_config, str(widgets.zone())
    with st.container(key="dead-table"):
        tables.table(
            dead,
            key="dead",
            alt="Messages that were given up, with their channel and the last error, newest first",
            column_config={
                "title": column.ButtonColumn(
                    "Send again", key="again", on_click=again, type="tertiary", alignment="left", pinned=True
                ),
                "channel": column.TextColumn("Channel"),
                "reason": column.TextColumn("Why"),
                "attempts": column.NumberColumn("Attempts"),
                "created_at": column.DatetimeColumn("Queued", format="D MMM HH:mm:ss", timezone=zone),
                "error": column.TextColumn("Error", width="large"),
            },
            column_order=["title", "channel", "reason", "attempts", "created_at", "error"],
        )


def newest(window: Window) -> None:
    rows: pd.DataFrame = queries_channels.deliveries()
    rows = rows[rows["created_at"] >= window.start]
    st.header("Newest messages", anchor=False)
    if rows.empty:
        age = numbers.age(queries.now() - window.start)
        st.caption(f"No message was queued in the last {age}. A rule that fires, or a test, queues one.")
        return
    deliveries_table(rows, key="newest")


widgets.toolbar("Channels")
widgets.live(page)
