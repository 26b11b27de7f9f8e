"""The tab of traces: those of the window, the chosen one from top to bottom, and why there is none."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_traces,
    figures_wiring,
    links,
    numbers,
    queries,
    queries_function,
    queries_traces,
    tables,
    widgets,
)
from dashboard.queries_traces import Wanted
from dashboard.trace_parts import one_trace
from store.store import Filter

OUTCOMES = ["fault", "error", "throttle", "running", "ok"]
COLOURS = ["red", "red", "orange", "gray", "green"]


def traces(target: Target, name: str, window: Window) -> None:
    found = queries_function.traces(target, name, window, "slowest")
    _, seen = queries_traces.totals(
        window, Wanted(Filter(target.account, target.region, name)), queries.now()
    )
    if seen is not None and not seen.complete:
        st.caption(figures_traces.unread(seen))
    if found.empty:
        st.info("No trace of this function is stored in this window.", icon=":material/inbox:")
        why_none(target, name, window)
        return
    chosen = found.iloc[_pick(found)]
    one_trace(target, str(chosen["trace_id"]))
    st.page_link(
        links.TRACES,
        label="All traces of this function, and its service map",
        icon=":material/account_tree:",
        query_params=links.to_function(target.account, target.region, name),
    )
    with st.popover("Why is a trace missing here?", icon=":material/help:"):
        why_none(target, name, window)


def why_none(target: Target, name: str, window: Window) -> None:
    """Why a request has no trace, the surest reason first."""
    found = queries_function.why_no_trace(target, name, window, queries.now())
    seen = found.evidence
    counted = f"{seen.records:,} invocation records, {seen.sampled:,} of them traced"
    if not found.reasons:
        st.caption(f"Nothing known stands in the way: {counted}, {seen.traces:,} traces stored.")
        return
    for line in figures_wiring.no_trace(found.reasons):
        st.markdown(line)
    st.caption(f"Seen in this window: {counted}, {seen.traces:,} traces stored.")


def _pick(found: pd.DataFrame) -> int:
    outcomes: dict[str, list[Any]] = {"outcome": [[word] for word in found["outcome"]]}
    with st.container(key="traces"):
        event = tables.table(
            found.assign(**outcomes),
            key="pick-trace",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Traces of the function, slowest first; choose one to see its parts",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(found), most=6),
            on_select="rerun",
            selection_mode="single-row",
            column_order=["outcome", "ts", "response_ms", "duration_ms", "root", "functions", "trace_id"],
            column_config=_columns(),
        )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows and rows[0] < len(found) else 0


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "outcome": column.MultiselectColumn("Outcome", options=OUTCOMES, color=COLOURS, width=92),
        "ts": column.DatetimeColumn("Began", format="D MMM, HH:mm:ss", timezone=str(widgets.zone())),
        "response_ms": tables.ms_column("Response"),
        "duration_ms": tables.ms_column("All of it", "Until the last part ended."),
        "root": column.TextColumn("Entry"),
        "functions": column.ListColumn("Functions"),
        "trace_id": column.TextColumn("Trace"),
    }
