"""The tabs of a function's page: errors, slow invocations, cold starts, log lines, versions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import links, numbers, queries, tables, widgets
from dashboard.function_setup import configuration, triggers
from dashboard.function_traces import traces

NAMES = {
    "Errors": "bug_report",
    "Slow": "timer",
    "Cold starts": "ac_unit",
    "Logs": "article",
    "Versions": "history",
    "Traces": "account_tree",
    "Triggers": "input",
    "Configuration": "tune",
}


def tabs(target: Target, name: str, window: Window) -> None:
    draw = (_errors, _slow, _cold, _logs, _versions, traces, triggers, configuration)
    labels = [f":material/{icon}: {label}" for label, icon in NAMES.items()]
    with st.container(border=True, key="details"):
        for tab, content in zip(st.tabs(labels, key="tab", on_change="rerun"), draw, strict=True):
            if tab.open:
                with tab:
                    content(target, name, window)


def _errors(target: Target, name: str, window: Window) -> None:
    errors = queries.errors_by_signature(target, name, window)
    if errors.empty:
        widgets.no_data("No error line was kept in this window.", collector="logs")
        return
    shown = errors[["count", "signature", "first_seen", "last_seen", "level", "versions"]]
    columns = {
        "count": tables.count_column("Count"),
        "signature": st.column_config.TextColumn("Message", width="large"),
        "first_seen": when("First seen"),
        "last_seen": when("Last seen"),
        "level": "Level",
        "versions": st.column_config.ListColumn("Versions"),
    }
    chosen = errors.iloc[_pick(shown, "errors", columns, "Errors by message; choose one to read it")]
    st.caption(f"Newest kept line of this kind · request {numbers.plain(chosen['request_id'] or 'unknown')}")
    _code(str(chosen["example"]))


def _slow(target: Target, name: str, window: Window) -> None:
    _records(target, name, window, "slowest", "Slowest invocations", "No invocation record in this window.")


def _cold(target: Target, name: str, window: Window) -> None:
    _records(target, name, window, "cold", "Cold starts", "No cold start in this window.")


def _records(target: Target, name: str, window: Window, order: str, alt: str, nothing: str) -> None:
    records = queries.invocations(target, name, window, order)
    if records.empty:
        widgets.no_data(nothing, collector="logs")
        return
    with st.container(key=f"records-{order}"):
        st.dataframe(
            records,
            key=f"table-{order}",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=alt,
            column_order=_order(order),
            column_config=_record_columns(),
        )


def _order(order: str) -> list[str]:
    first = ["init_ms", "restore_ms", "duration_ms"] if order == "cold" else ["duration_ms", "init_ms"]
    return [
        "ts",
        *first,
        "billed_ms",
        "max_memory_mb",
        "init_type",
        "status",
        "version",
        "request_id",
        "trace_id",
    ]


def _record_columns() -> dict[str, Any]:
    return {
        "ts": when("Ended"),
        "duration_ms": tables.ms_column("Duration"),
        "init_ms": tables.ms_column("Init"),
        "restore_ms": tables.ms_column("Restore"),
        "billed_ms": tables.ms_column("Billed"),
        "max_memory_mb": st.column_config.NumberColumn("Memory", format="%,.0f MB"),
        "init_type": "Initialization",
        "status": "Status",
        "version": "Version",
        "request_id": "Request",
        "trace_id": "Trace",
    }


def _logs(target: Target, name: str, window: Window) -> None:
    st.page_link(
        links.LOGS,
        label="Search this function's lines, kept ones and in AWS",
        icon=":material/search:",
        query_params=links.to_function(target.account, target.region, name),
    )
    failed = queries.invocations(target, name, window, "failed")
    if failed.empty:
        widgets.no_data(
            "No failed invocation in this window: lines are kept of those only.", collector="logs"
        )
        return
    shown = failed[["ts", "status", "error_type", "duration_ms", "version", "request_id"]]
    columns = _record_columns() | {"error_type": "Error"}
    chosen = failed.iloc[_pick(shown, "failed", columns, "Failed invocations; choose one to read its lines")]
    lines = queries.log_lines(target, name, str(chosen["request_id"]), window)
    if lines.empty:
        widgets.no_data("No line of this request was kept.")
        return
    zone = widgets.zone()
    text = [f"{row['ts'].astimezone(zone):%H:%M:%S.%f}"[:12] + f"  {row['level']:<5}  {row['message']}"
            for row in lines.to_dict("records")]  # fmt: skip
    _code("\n".join(text))


def _versions(target: Target, name: str, window: Window) -> None:
    versions = queries.versions(target, name, window)
    if versions.empty:
        widgets.no_data("No version is known.", collector="details")
        return
    with st.container(key="versions"):
        st.dataframe(
            versions,
            key="versions-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Versions with their aliases, share of invocations, errors, duration and cold starts",
            column_config={
                "version": "Version",
                "published": when("Published"),
                "aliases": st.column_config.ListColumn("Aliases"),
                "share": tables.percent_column("Share", "Of invocation records in the window"),
                "invocations": tables.count_column("Invocations"),
                "errors": tables.count_column("Errors"),
                "error_rate": tables.percent_column("Error rate"),
                "duration_p95_ms": tables.ms_column("p95"),
                "cold_start_rate": tables.percent_column("Cold"),
            },
        )


def when(label: str) -> Any:
    """A column of times in the reader's zone."""
    return st.column_config.DatetimeColumn(label, format="D MMM, HH:mm:ss", timezone=str(widgets.zone()))


def _pick(shown: pd.DataFrame, key: str, columns: dict[str, Any], alt: str) -> int:
    """A table whose chosen row is read below it; the first until one is chosen."""
    with st.container(key=key):
        event = st.dataframe(
            shown,
            key=f"pick-{key}",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=alt,
            column_config=columns,
            on_select="rerun",
            selection_mode="single-row",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=8),
        )
    rows = event["selection"]["rows"]
    return int(rows[0]) if rows and rows[0] < len(shown) else 0


def _code(text: str) -> None:
    """Log text is of others: shown as it is, in a box that interprets nothing."""
    st.code(text, language=None, wrap_lines=True)
