"""One trace on a page: its waterfall, its parts as a table, and the ways to its logs and its functions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.facts import Target
from core.tracing import started
from core.windows import Window
from dashboard import (
    figures_traces,
    figures_wiring,
    links,
    numbers,
    queries,
    queries_function,
    tables,
    widgets,
)
from dashboard.charts.waterfall import MOST_LINES, MOST_ROWS, waterfall
from store.readers.log_search import NEAR
from store.readers.tracing import TraceView

STATE = {"fault": "critical", "error": "warning", "throttle": "warning", "ok": "healthy"}


READ = 4
"""Invocations of a trace whose kept lines are drawn."""


def one_trace(target: Target, trace_id: str) -> None:
    """The trace from top to bottom, or why it cannot be shown."""
    view = queries_function.trace(target, trace_id, queries.now())
    if view is None:
        at = started(trace_id)
        when = f" It began {numbers.clock(at, widgets.zone(), now=queries.now())}." if at else ""
        why = queries_function.trace_lacks(target, trace_id, queries.now())
        said = (
            f"not all of its time is read: {numbers.plain(why)}"
            if why
            else "it was never read, or it is gone"
        )
        widgets.no_data(f"This trace is not found: {said}.{when}", collector=None if why else "traces")
        return
    with st.container(border=True, key="one-trace"):
        _head(view)
        if view.note:
            st.caption(f":material/info: {numbers.plain(view.note)}")
        if not view.spans.empty:
            _waterfall(view.spans, figures_traces.marks(_lines(target, view), view.spans, view.began))
        _invocations(target, view.invocations)
        if not view.spans.empty:
            _parts(view.spans, trace_id)


def _head(view: TraceView) -> None:
    record = view.record
    word = figures_traces.outcome(record)
    when = numbers.clock(record.ts, widgets.zone(), now=queries.now())
    st.markdown(
        f"{widgets.badge(STATE.get(word, 'provisional'), word.capitalize())} {figures_traces.title(record)} "
        f":small[:gray[began {when} · {numbers.plain(record.trace_id)}]]"
    )


def _lines(target: Target, view: TraceView) -> pd.DataFrame:
    """Kept lines of the trace's first invocations."""
    found = [pd.DataFrame(columns=pd.Index(["ts", "function", "signature"]))]
    for row in view.invocations.head(READ).to_dict("records"):
        at, name = row["ts"].to_pydatetime(), str(row["function"])
        near = Window(at - NEAR, at + NEAR)
        found.append(queries.log_lines(target, name, str(row["request_id"]), near).assign(function=name))
    return pd.concat([frame for frame in found if len(frame)] or found[:1])


def _waterfall(spans: pd.DataFrame, lines: pd.DataFrame) -> None:
    option, height_px = waterfall(spans, lines, narrow=tables.board_columns() == 1)
    st.echarts_chart(
        option,
        height=height_px,
        key="waterfall",
        alt="Parts of the chosen trace and its log lines over time; a table follows below",
    )
    if len(spans) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS} of {len(spans)} parts; the table has all.")
    if len(lines) > MOST_LINES:
        st.caption(f"The first {MOST_LINES} of {len(lines)} kept lines; the Logs page has all.")


def _invocations(target: Target, records: pd.DataFrame) -> None:
    """Each invocation of the trace, with its log lines and its function a click away."""
    for at, row in enumerate(records.to_dict("records")):
        name = str(row["function"])
        init = row["init_ms"] if numbers.known(row["init_ms"]) else row["restore_ms"]
        said = [
            str(row["status"]),
            f"ran {numbers.ms(row['duration_ms'])}",
            *([f"cold start {numbers.ms(init)}"] if numbers.known(init) else []),
            f"used {numbers.megabytes(row['max_memory_mb'])} of {numbers.megabytes(row['memory_mb'])}",
            f"version {row['version'] or 'unknown'}",
        ]
        moment = links.around(row["ts"].to_pydatetime())
        to_function = links.to_function(target.account, target.region, name) | moment
        with st.container(horizontal=True, vertical_alignment="center", key=f"invocation-{at}", gap="small"):
            st.markdown(f"**{numbers.plain(name)}** :small[:gray[{numbers.plain(' · '.join(said))}]]")
            st.page_link(
                links.LOGS,
                label="Its log lines",
                icon=":material/article:",
                query_params=to_function | {"request": row["request_id"]},
            )
            st.page_link(
                links.FUNCTION,
                label="Function at that minute",
                icon=":material/function:",
                query_params=to_function,
            )
    if records.empty:
        st.caption(
            "No invocation record names this trace: its logs are not kept, or the record was not read."
        )


def _parts(spans: pd.DataFrame, trace_id: str) -> None:
    shown, column = figures_wiring.spans(spans), st.column_config
    with st.expander(f"All {len(spans)} parts as a table", icon=":material/table:"):
        tables.table(
            shown,
            key="spans",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Parts of the chosen trace with their start, duration, outcome and cause",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=14),
            column_order=["name", "kind", "start_ms", "duration_ms", "status", "cause"],
            column_config={
                "name": column.TextColumn("Part", width=260),
                "kind": column.TextColumn("Kind"),
                "start_ms": tables.ms_column("Starts after"),
                "duration_ms": tables.ms_column("Lasts"),
                "status": column.TextColumn("Outcome"),
                "cause": column.TextColumn("Cause", width=320),
            },
        )
