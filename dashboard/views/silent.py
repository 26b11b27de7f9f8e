"""Which functions used to run and do not, and which link is broken?"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.silence import STOPPED
from core.windows import Window
from dashboard import figures_silent, links, queries, queries_silence, silent_parts, tables, widgets
from dashboard.figures_silent import Found


def page(window: Window) -> None:
    stops = queries_silence.silent_stops(queries.scope(), queries.now())
    if stops.empty:
        widgets.no_data("No function is known yet.", collector="inventory")
        return
    found = Found.of(stops)
    tables.say(figures_silent.answer(found))
    widgets.cards(figures_silent.cards(found))
    if len(found.stopped):
        silent_parts.stops("Stopped, longest overdue first", found.stopped, key="stopped")
    if len(found.never_ran):
        silent_parts.stops("Due, and never seen to run", found.never_ran, key="never")
    one(tables.with_place(stops[stops["state"] == STOPPED]))
    silent_parts.unknown(found.unknown)
    silent_parts.deleted(found.deleted)
    silent_parts.not_judged(found.not_judged)


def one(stopped: pd.DataFrame) -> None:
    """The stop that the address names, else the first: what was expected, what broke, what changed."""
    if stopped.empty:
        return
    st.header("One stop", anchor=False)
    rows = {
        links.function_id(row["account"], row["region"], row["function"]): row
        for row in stopped.to_dict("records")
    }
    asked = st.query_params.get("stop")
    if asked and asked not in rows:
        widgets.no_data(
            "The function in the address is not among the stopped ones here: it runs, or is gone."
        )

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Function", list(rows), format_func=lambda id: f"{rows[id]['function']} · {rows[id]['place']}",
            key=key, on_change=changed, width=460, label_visibility="collapsed",
        )  # fmt: skip

    chosen = links.choose("stop", list(rows), next(iter(rows)), draw)
    silent_parts.one(rows[chosen or next(iter(rows))])


widgets.toolbar("Silent stops")
widgets.live(page)
