"""The tab of invocations: how they spread against timeout and memory; the slowest and failed, one by one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.cost_words import COMPONENT_WORDS
from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_calls,
    figures_particulars,
    figures_parts,
    links,
    queries,
    queries_function,
    tables,
    widgets,
)
from dashboard.charts import spread
from dashboard.choosers import word_chooser
from dashboard.function_parts import code, how_read, line_text, logs_link, pick, to_logs, when
from dashboard.trace_way import to_trace, trace_way

DURATIONS = "Invocation records by Duration (of REPORT lines, starts left out), each once."
MEMORY = "Invocation records by Max Memory Used as a share of the Memory Size that each ran with."
ORDERS = {
    "slowest": "Slowest",
    "nearest timeout": "Nearest timeout",
    "failed": "Failed",
    "cold": "Cold starts",
    "newest": "Newest",
}


def invocations(target: Target, name: str, window: Window) -> None:
    histogram = queries_function.durations(target, name, window)
    if histogram.empty:
        widgets.no_data("No invocation record in this window.", collector="logs")
    how_read(target, name, window)
    if histogram.empty:
        return
    _spreads(target, name, window, histogram)

    order = word_chooser("calls", ORDERS, "Which invocations", "slowest")
    found = queries_function.calls(target, name, window, order)
    if found.empty:
        st.caption(f"None: no record of this window is one of “{ORDERS[order].lower()}”.")
        return
    _one(target, name, found.iloc[table(target, name, found, order)], window)


def _spreads(target: Target, name: str, window: Window, histogram: pd.DataFrame) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Duration against the timeout", anchor=False)
        st.altair_chart(spread.durations(histogram), key="durations", alt="Invocations by duration")
        st.caption(figures_calls.durations(histogram))
        widgets.formulas([DURATIONS])
        _extensions(target, name, window)
    with right:
        st.header("Memory used against configured", anchor=False)
        memory = queries_function.memory(target, name, window)
        if memory.empty:
            st.caption("No record tells how much memory was used.")
            return
        st.altair_chart(spread.memory(memory), key="memory", alt="Invocations by share of memory used")
        use = queries_function.memory_use(target, name, window, queries.now())
        for line in figures_calls.memory(use):
            st.caption(line)
        widgets.formulas([MEMORY])


def _extensions(target: Target, name: str, window: Window) -> None:
    """What extensions add to each invocation, in time and dollars; nothing where CloudWatch tells of none."""
    now = queries.now()
    told = queries_function.particulars(target, name, window, now).extensions
    if told:
        costs = figures_parts.by_word(queries_function.cost_parts(target, name, window, now))
        usd = costs.get(COMPONENT_WORDS["duration"])
        st.caption(figures_particulars.extensions(told, None if usd is None else float(usd)))


def table(target: Target, name: str, found: pd.DataFrame, order: str) -> int:
    """The records of an order; a click on a row reads it, one on its lines or its trace goes there."""
    shown = figures_calls.rows(found)

    def to_lines() -> None:
        row = found.iloc[st.session_state["calls-lines"]["row"]]
        around = links.around(row["ts"].to_pydatetime())
        only = {"request": str(row["request_id"])} if row["request_id"] else {}
        st.switch_page(links.LOGS, query_params=to_logs(target, name, **around, **only))

    def to_its_trace() -> None:
        row = found.iloc[st.session_state["calls-trace"]["row"]]
        if isinstance(row["trace_id"], str):
            at = row["ts"].to_pydatetime()
            st.switch_page(links.TRACES, query_params=to_trace(target, row["trace_id"], at))

    column = st.column_config
    buttons = {
        "log": column.ButtonColumn(
            "Log lines", key="calls-lines", on_click=to_lines, type="tertiary", width=110
        ),
        "trace": column.ButtonColumn(
            "Trace", key="calls-trace", on_click=to_its_trace, type="tertiary", width=90
        ),
    }
    return pick(
        shown,
        [str(id) for id in found["event_id"]],
        f"calls-{order.replace(' ', '-')}",
        name="call",
        columns=_columns() | buttons,
        alt=f"Invocations, {ORDERS[order].lower()}: choose one to read its lines",
        order=tables.spoken(shown, figures_calls.COLUMNS[order]),
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "ts": when("Ended"),
        "status": column.TextColumn("Status"),
        "error_type": column.TextColumn("Error"),
        "duration_ms": tables.ms_column("Duration"),
        "timeout_share": tables.percent_column("Of timeout", "Duration / the timeout as it is now."),
        "waited_ms": tables.ms_column("Waited", "For its environment: initialization or restore."),
        "waited_for": column.TextColumn("For"),
        "billed_ms": tables.ms_column("Billed"),
        "max_memory_mb": column.NumberColumn("Memory", format="%,.0f MB", help="Its environment's maximum."),
        "init_type": column.TextColumn("Initialization"),
        "version": column.TextColumn("Version"),
        "request_id": column.TextColumn("Request"),
    }


def _one(target: Target, name: str, row: pd.Series[Any], window: Window) -> None:
    """The chosen invocation: its lines and the ways on."""
    request, at = row["request_id"], row["ts"].to_pydatetime()
    st.markdown(figures_calls.one(row.to_dict(), zone=widgets.zone(), now=queries.now()))
    lines = queries.log_lines(target, name, str(request), window) if request else pd.DataFrame()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="call-ways"):
        around = links.around(at)
        logs_link("Its lines on the Logs page", to_logs(target, name, **around, request=str(request or "")))
        if request:
            trace_way(target, name, str(request), at)
    if lines.empty:
        st.caption(
            "No line of this request was kept: lines are kept of errors, crashes and timeouts only. The Logs "
            "page asks AWS for the rest."
        )
    else:
        code(line_text(lines), height=320 if len(lines) > 12 else None)
