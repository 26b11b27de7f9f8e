"""The tabs of a function's page, the open one in the address; and those of errors, cold starts and logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_cold_tab,
    figures_nature,
    links,
    numbers,
    queries,
    queries_cold,
    queries_function,
    tables,
    widgets,
)
from dashboard.function_alarms import alarms
from dashboard.function_calls import invocations, table
from dashboard.function_changes import changes
from dashboard.function_cost import cost
from dashboard.function_parts import code, how_read, line_text, logs_link, pick, to_logs, when
from dashboard.function_setup import configuration, triggers
from dashboard.function_traces import traces
from dashboard.function_versions import versions
from dashboard.function_waits import waiting
from dashboard.trace_way import trace_way
from store.store import Filter

Tab = Callable[[Target, str, Window], None]


@st.fragment
def tabs(target: Target, name: str, window: Window) -> None:
    """The tabs; only the open one asks the store. The address holds it as `tab`."""
    labels = {word: f":material/{icon}: {word}" for word, (icon, _) in TABS.items()}
    words = {label: word for word, label in labels.items()}
    asked = str(st.query_params.get("tab", "")).capitalize()
    if "tab" not in st.session_state and asked in labels:
        st.session_state["tab"] = labels[asked]

    def changed() -> None:
        st.query_params["tab"] = words[st.session_state["tab"]].lower()

    with st.container(border=True, key="details"):
        drawn = st.tabs(list(labels.values()), key="tab", on_change=changed)
        for tab, (_, content) in zip(drawn, TABS.values(), strict=True):
            if tab.open:
                with tab:
                    content(target, name, window)


def errors(target: Target, name: str, window: Window) -> None:
    found = queries.errors_by_signature(target, name, window)
    if found.empty:
        widgets.no_data("No error line was kept in this window.", collector="logs")
    how_read(target, name, window)
    if found.empty:
        return
    shown = found[["count", "signature", "first_seen", "last_seen", "level", "versions"]]
    columns = {
        "count": tables.count_column("Count", "Kept lines of this kind in the window."),
        "signature": st.column_config.TextColumn("Message", width="large"),
        "first_seen": when("First seen"),
        "last_seen": when("Last seen"),
        "level": "Level",
        "versions": st.column_config.ListColumn("Versions"),
    }
    at = pick(
        shown,
        [str(signature) for signature in found["signature"]],
        "errors",
        name="sig",
        columns=columns,
        alt="Errors by message; choose one to read it",
    )
    _example(target, name, found.iloc[at], window)


def _example(target: Target, name: str, kind: pd.Series[Any], window: Window) -> None:
    """The newest line of a kind with the other kept lines of its request, and the ways on."""
    request, seen = kind["request_id"], kind["last_seen"].to_pydatetime()
    is_told = isinstance(request, str) and bool(request)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="error-ways"):
        logs_link(
            f"All {numbers.count(kind['count'])} on the Logs page",
            to_logs(target, name, sig=str(kind["signature"])),
        )
        if is_told:
            around = links.around(seen)
            logs_link("This request's lines", to_logs(target, name, **around, request=request))
            trace_way(target, name, request, seen)
    lines = queries.log_lines(target, name, request, window) if is_told else pd.DataFrame()
    said = f"request {numbers.plain(request)}" if is_told else "its request is not known"
    when_ = numbers.plain(numbers.clock(seen, widgets.zone(), now=queries.now()))
    st.caption(f"Newest of this kind, {when_} · {said} · {max(1, len(lines)):,} kept lines")
    code(str(kind["example"]))
    others = lines[lines["message"] != kind["example"]] if len(lines) else lines
    if len(others):
        st.caption("The other kept lines of that request:")
        code(line_text(others), height=240 if len(others) > 10 else None)


def cold_starts(target: Target, name: str, window: Window) -> None:
    found = queries_function.cold_starts(target, name, window, queries.now())
    is_empty = found.empty or not numbers.known(found["records"].iloc[0]) or not found["records"].iloc[0]
    if is_empty:
        widgets.no_data("No invocation record in this window.", collector="logs")
    how_read(target, name, window)
    if queries_function.nature(target, name, queries.now()).provider:
        st.markdown(figures_nature.NO_COLD_STARTS)
        return
    if not is_empty:
        for line in figures_cold_tab.answer(found.to_dict("records")[0]):
            st.markdown(line)
    ahead = queries_cold.ahead(window, Filter(target.account, target.region, name), queries.now())
    for line in figures_cold_tab.ahead(ahead):
        st.markdown(line)
    if is_empty:
        return
    _splits(queries_function.cold_splits(target, name, window, queries.now()))
    records = queries_function.calls(target, name, window, "cold")
    if records.empty:
        st.caption("No cold start in this window.")
    else:
        table(target, name, records, "cold")
    query = links.to_function(target.account, target.region, name)
    st.page_link(
        links.COLD,
        label="Who waits for cold starts, and what would help",
        icon=":material/ac_unit:",
        query_params=query,
    )


def _splits(splits: pd.DataFrame) -> None:
    column = st.column_config
    with st.container(key="cold-splits"):
        tables.table(
            splits,
            key="cold-splits-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Cold starts by version, kind of start and memory size",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(splits), most=6),
            column_order=[
                "version",
                "start",
                "memory_mb",
                "records",
                "cold_starts",
                "cold_start_rate",
                "init_p50_ms",
                "init_p95_ms",
                "init_max_ms",
                "waited_s",
            ],
            column_config={
                "version": column.TextColumn("Version"),
                "start": column.TextColumn("Started", help="on demand, provisioned, or from a snapshot."),
                "memory_mb": column.NumberColumn("Memory", format="%,.0f MB"),
                "records": tables.count_column("Records"),
                "cold_starts": tables.count_column("Cold starts"),
                "cold_start_rate": tables.percent_column("Share"),
                "init_p50_ms": tables.ms_column("p50"),
                "init_p95_ms": tables.ms_column("p95"),
                "init_max_ms": tables.ms_column("Longest"),
                "waited_s": column.NumberColumn("Waited", format="%,.1f s", help="All callers together."),
            },
        )


def logs(target: Target, name: str, window: Window) -> None:
    logs_link("Search this function's lines, kept ones and in AWS", to_logs(target, name))
    lines = queries_function.kept_lines(target, name, window)
    if lines.empty:
        widgets.no_data("No line was kept in this window: lines are kept of failures only.", collector="logs")
    how_read(target, name, window)
    if lines.empty:
        return
    st.caption(
        f"The newest {len(lines)} kept lines, newest first; lines are kept of errors, crashes and timeouts."
    )
    code(line_text(lines), height=420 if len(lines) > 14 else None)


TABS: Mapping[str, tuple[str, Tab]] = {
    "Errors": ("bug_report", errors),
    "Invocations": ("timer", invocations),
    "Cold starts": ("ac_unit", cold_starts),
    "Logs": ("article", logs),
    "Waiting": ("hourglass_bottom", waiting),
    "Versions": ("history", versions),
    "Cost": ("payments", cost),
    "Traces": ("account_tree", traces),
    "Alarms": ("notifications", alarms),
    "Triggers": ("input", triggers),
    "Changes": ("difference", changes),
    "Configuration": ("tune", configuration),
}
"""Word, icon and content of each tab."""
