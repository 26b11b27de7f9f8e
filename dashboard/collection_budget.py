"""The parts of Collection health about money and pace: the cap, the spend, log modes, what is not reached."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import figures_budget, numbers, queries, queries_collection, tables, widgets
from dashboard.numbers import plain
from store.readers.budget import unpriced

ROWS = 12


def unreached() -> None:
    """Targets that cannot be reached now; nothing when all can."""
    found = queries_collection.unreached(queries.now())
    for line in figures_budget.unreached_lines(found, zone=widgets.zone(), now=queries.now()):
        st.warning(line, icon=":material/cloud_off:")


def backfill() -> None:
    """How far older history is read: percent, oldest minute, what is left and its price."""
    now = queries.now()
    left = queries.within(queries_collection.backfill(now), queries.scope())
    if left.empty:
        return
    st.header("History", anchor=False)
    st.markdown(figures_budget.backfill_answer(left, zone=widgets.zone(), now=now))
    shown, column, zone = tables.with_place(left), st.column_config, str(widgets.zone())
    shown = shown.assign(usd_left=pd.to_numeric(left["usd_left"], errors="coerce"))
    with st.container(key="backfill-table"):
        tables.table(
            shown,
            key="backfill",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="How far older history is read, per collector and target, least done first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=8),
            column_config={
                "collector": column.TextColumn("Collector"),
                "place": column.TextColumn("Where"),
                "read_share": column.ProgressColumn("Read", format="percent", min_value=0, max_value=1),
                "oldest_read": column.DatetimeColumn("Back to", format="D MMM HH:mm", timezone=zone),
                "wanted_from": column.DatetimeColumn("Wanted from", format="D MMM HH:mm", timezone=zone),
                "calls_left": tables.count_column("Calls left"),
                "usd_left": tables.usd_column("Price left", shown["usd_left"]),
                "why": column.TextColumn("Held back by", width=320),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("collector", "place", "read_share", "oldest_read", "wanted_from", "calls_left"),
                    *("usd_left", "why"),
                ],
            ),
        )


def money(calls: pd.DataFrame) -> None:
    """Where the month's cap stands, and what its calls cost, per collector and per API."""
    st.header("What watching costs, this month", anchor=False)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _budget()
    with right:
        if calls.empty:
            st.caption("No call was made this month.")
            return
        _spend_table(figures_budget.by_collector(calls), "by-collector", "Cost per collector, dearest first")
    if (left_out := unpriced(calls)) is not None:
        st.caption(plain(left_out))
    with st.expander(f"All {len(calls)} APIs that were called", icon=":material/table:"):
        _spend_table(calls, "spend", "Calls, billed units and cost per collector and API, dearest first")


def _budget() -> None:
    found, now = queries_collection.budget(queries.now()), queries.now()
    answer = figures_budget.budget_answer(found)
    share = figures_budget.share_spent(found)
    with st.container(border=True, key="budget", gap="xsmall"):
        st.markdown(f"{widgets.badge(answer.state)} {answer.text}")
        if share is not None:
            spent, cap = numbers.usd(found.spent_usd), numbers.usd(found.cap_usd)
            st.progress(share, f"{plain(spent)} of {plain(cap)}, {numbers.percent(share)} of the month's cap")
        for line in figures_budget.budget_lines(found, zone=widgets.zone(), now=now):
            st.caption(line)


def _spend_table(rows: pd.DataFrame, key: str, alt: str) -> None:
    cost_usd = pd.to_numeric(rows["cost_usd"], errors="coerce")
    column = st.column_config
    with st.container(key=f"{key}-table"):
        tables.table(
            rows.assign(cost_usd=cost_usd),
            key=key,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=alt,
            row_height=tables.ROW_PX,
            height=tables.height_px(len(rows), most=ROWS),
            column_config={
                "collector": column.TextColumn("Collector"),
                "service": column.TextColumn("Service"),
                "operation": column.TextColumn("API"),
                "calls": tables.count_column("Calls"),
                "units": tables.count_column(
                    "Units", "What AWS bills: metrics requested, bytes, else calls."
                ),
                "cost_usd": tables.usd_column("Cost", cost_usd),
            },
        )


def log_modes() -> None:
    """How each function's log is read, those that are read least first."""
    st.header("How logs are read", anchor=False)
    modes = queries.within(queries_collection.log_modes(), queries.scope())
    if modes.empty:
        st.caption("No choice was made yet: every invocation is read until the logs collector has run.")
        return
    shown, column = tables.with_place(figures_budget.mode_rows(modes)), st.column_config
    st.caption(f"{figures_budget.mode_summary(modes)} · `collect.logs` in the settings changes this")
    label = f"All {len(shown):,} functions"
    more = st.expander(label, icon=":material/table:", key="all-modes", on_change="rerun")
    if not more.open:
        return
    with more, st.container(key="modes-table"):
        tables.table(
            shown.assign(bytes_a_day=shown["bytes_a_day"] / tables.MB),
            key="modes",
            export=shown,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="How the log of each function is read, why, its volume and what that costs",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "mode-open"),
                "place": column.TextColumn("Where"),
                "mode": column.TextColumn("Read"),
                "bytes_a_day": tables.megabytes_column("A day", "What the function logs."),
                "usd_a_month": tables.usd_column("A month", shown["usd_a_month"], "What reading it costs."),
                "why": column.TextColumn("Why", width=520),
            },
            column_order=tables.spoken(
                shown, ["function", "place", "mode", "bytes_a_day", "usd_a_month", "why"]
            ),
        )
