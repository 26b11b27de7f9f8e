"""The parts of the Silent stops page: tables of stops, one stop in detail, and who is not accused and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from dashboard import figures_silent, links, numbers, queries, tables, widgets
from dashboard.charts.silent import runs_board

ROWS, SHOWN_CHANGES = 14, 6


def stops(title: str, found: pd.DataFrame, *, key: str) -> None:
    st.header(title, anchor=False)
    zone = widgets.zone()
    shown = tables.presentable(figures_silent.rows(found, zone, queries.now()))
    column = st.column_config
    with st.container(key=f"{key}-table"):
        tables.table(
            shown,
            key=key,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=f"{title}: the broken link, what was expected and how that is known",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "link", "silent", "last_invocation", "due", "expected"),
                    *("known_by", "bars", "change"),
                ],
            ),
            column_config={
                "function": tables.function_button(shown, f"{key}-open"),
                "place": column.TextColumn("Where"),
                "link": column.TextColumn("Broken link", width=330),
                "silent": column.TextColumn("Silent for", alignment="right", width=96),
                "last_invocation": _time_column("Last run"),
                "due": _time_column("Next was due", "The first run that it missed; of a habit, the latest."),
                "expected": column.TextColumn("Expected", help="Its schedule, or what its history teaches."),
                "known_by": column.TextColumn("Known by", help=figures_silent.SURE),
                "bars": column.BarChartColumn(
                    "Runs",
                    color="blue",
                    y_min=0,
                    help="From a week before its last run until now; what was not collected is left out.",
                ),
                "change": _change_button(shown, f"{key}-change"),
            },
        )


def _time_column(label: str, help: str | None = None) -> Any:
    zone = str(widgets.zone())
    return st.column_config.DatetimeColumn(label, format="D MMM, HH:mm", timezone=zone, help=help, width=104)


def _change_button(frame: pd.DataFrame, key: str) -> Any:
    """Opens the function at the time of the change that stopped it."""

    def opened() -> None:
        row = frame.iloc[st.session_state[key]["row"]].to_dict()
        at = figures_silent.changed_at(row)
        fn = links.function_id(row["account"], row["region"], row["function"])
        if at is not None:
            st.switch_page(links.FUNCTION, query_params=links.carry(fn=fn, **links.around(at, minutes=60)))

    return st.column_config.ButtonColumn(
        "At the break", key=key, on_click=opened, type="tertiary", alignment="left",
        help="Opens the function around the time when the link broke, or when it last ran.",
    )  # fmt: skip


def one(row: Mapping[Any, Any]) -> None:
    """What was expected of one function, what broke, and what changed around its last run."""
    now, zone = queries.now(), widgets.zone()
    target, name = Target(str(row["account"]), str(row["region"])), str(row["function"])
    with st.container(border=True, key="one-stop"):
        st.markdown(figures_silent.expected(row, str(row["place"]), zone, now))
        for says in row["links"]:
            st.markdown(f"{widgets.badge('critical', 'Broken')} {numbers.plain(says)}")
        if not row["links"]:
            st.caption(
                "No broken link is seen: the rules, mappings and permissions that are known are in order."
            )
        window = figures_silent.around(row, now)
        series = queries.function_series(target, name, window, now)
        if not series.empty:
            last, due, broken = (_time(row[key]) for key in ("last_invocation", "due", "broken_since"))
            drawn = runs_board(series, window=window, zone=zone, last=last, due=due, broken=broken)
            alt = "Invocations until they stop, with the last run and when the next was due"
            st.echarts_chart(drawn.option, height=drawn.height_px, key="stop-board", alt=alt)
        _changes(queries.function_changes(target, name, window))


def _changes(changes: pd.DataFrame) -> None:
    """What changed since a week before its last run."""
    if changes.empty:
        st.caption("No change of it is known since a week before its last run.")
        return
    for row in changes.head(SHOWN_CHANGES).to_dict("records"):
        who = f", {numbers.plain(row['who'])}" if numbers.known(row["who"]) else ""
        at = numbers.clock(row["ts"], widgets.zone(), now=queries.now())
        st.caption(f"**{at}**{who}: {numbers.plain(row['what'])}")
    if len(changes) > SHOWN_CHANGES:
        st.caption(f"And {len(changes) - SHOWN_CHANGES:,} more on the function's page.")


def _time(value: Any) -> Any:
    return pd.Timestamp(value).to_pydatetime() if numbers.known(value) else None


def unknown(found: pd.DataFrame) -> None:
    if found.empty:
        return
    st.header("Cannot be judged", anchor=False)
    for says in figures_silent.because(found):
        st.markdown(f"{widgets.badge('not collected')} {says}")


def deleted(found: pd.DataFrame) -> None:
    if found.empty:
        return
    st.header("Deleted while they were at work", anchor=False)
    for row in tables.with_place(found).to_dict("records"):
        at = numbers.clock(row["broken_since"], widgets.zone(), now=queries.now())
        expected = numbers.plain(row["expected"])
        st.caption(
            f"**{numbers.plain(row['function'])}** · {numbers.plain(row['place'])}: deleted {at}; {expected}"
        )


def not_judged(found: pd.DataFrame) -> None:
    st.header("How this is judged", anchor=False)
    st.caption(figures_silent.JUDGED)
    st.caption(
        "Judged as of now, whatever the time range above. A broken link explains a stop and makes none: what "
        "something else still invokes runs."
    )
    if len(found):
        with st.expander(f"{len(found):,} not judged: no schedule, and no habit yet"):
            for says in figures_silent.because(found):
                st.markdown(says)
