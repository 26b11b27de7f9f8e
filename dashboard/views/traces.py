"""Where did the time go?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_traces, links, numbers, queries, queries_traces, tables, widgets, zoom
from dashboard.charts.service_map import service_map
from dashboard.charts.traces import duration_dots
from dashboard.choosers import asked, asked_function, function_chooser, option_chooser, word_chooser
from dashboard.function_traces import why_none
from dashboard.queries_traces import Wanted
from dashboard.trace_parts import one_trace
from store.readers.things import Place
from store.readers.tracing import ServiceMap
from store.store import Filter

LISTED, DRAWN = 100, 1000
OUTCOMES = {
    "failed": "Failed",
    "fault": "Fault",
    "error": "Error",
    "throttle": "Throttle",
    "running": "Still running",
    "ok": "Ok",
}
SLOWER = {"100": "100 ms", "500": "500 ms", "1000": "1 s", "3000": "3 s", "10000": "10 s"}
COLUMNS = ("outcome", "ts", "took", "root", "functions", "http_status", "place", "in_full", "trace_id")
COLUMNS_ON_A_PHONE = ("outcome", "took", "root", "ts", "functions", "http_status", "in_full", "trace_id")
CALLS = ("caller", "callee", "kind", "calls", "failed", "failed_rate", "errors", "faults", "throttles")
CALLS_ON_A_PHONE = ("callee", "failed", "calls", "caller", *CALLS[2:3], *CALLS[5:])
"""What is looked for comes first there."""

ORDERS = {"failed": "Failed first", "slowest": "Slowest first", "newest": "Newest first"}
FIRST = "failed"
WORDS, COLOURS = ["fault", "error", "throttle", "running", "ok"], ["red", "orange", "orange", "gray", "green"]


def page(window: Window) -> None:
    now, chosen = queries.now(), asked_function(window)
    where = Filter(*chosen) if chosen else queries.scope()
    roots = queries_traces.roots(window, where)
    wanted = _wanted(where, _entries(roots))
    totals, seen = queries_traces.totals(window, wanted, now)
    tables.say(figures_traces.answer(totals, seen, roots))
    _filters(window, _entries(roots))
    listed = pd.DataFrame()
    if totals["traces"]:
        widgets.cards(figures_traces.cards(totals, seen))
        _dots(window, wanted)
        listed = _list(window, wanted, totals["traces"])
    else:
        widgets.no_data("No trace fits the filters in this window.", collector="traces")
    _chosen(listed)
    _map(window, where, now)
    if chosen:
        _missing(chosen, window, is_empty=not totals["traces"])


def _missing(chosen: Place, window: Window, *, is_empty: bool) -> None:
    with st.expander("Why is a trace missing here?", icon=":material/help:", expanded=is_empty):
        why_none(Target(chosen[0], chosen[1]), chosen[2], window)


def _entries(roots: pd.DataFrame) -> dict[str, str]:
    return {str(root): str(root) for root in roots["root"]}


def _wanted(where: Filter, entries: Mapping[str, str]) -> Wanted:
    """What the address asks for: the answer is drawn before the choices are."""
    slower = asked("slower", SLOWER)
    return Wanted(
        where, asked("outcome", OUTCOMES), float(slower) if slower else None, asked("root", entries)
    )


def _filters(window: Window, entries: Mapping[str, str]) -> None:
    """The row of choices; each is in the address."""
    with st.container(horizontal=True, key="filters", gap="small"):
        function_chooser(window, width=270)
        option_chooser("outcome", OUTCOMES, "Outcome", "Any outcome", width=150)
        option_chooser("slower", SLOWER, "Slower than", "Any duration", width=150)
        option_chooser("root", entries, "Entry", "Any entry", width=220)
        st.space("stretch")
        word_chooser("order", ORDERS, "Order", FIRST)


def _ordered() -> str:
    return asked("order", ORDERS) or FIRST


def _dots(window: Window, wanted: Wanted) -> None:
    found = queries_traces.traces(window, wanted, "newest", DRAWN)
    drawn = duration_dots(found, window=window, zone=widgets.zone(), narrow=_on_phone())
    with st.container(border=True, key="dots"):
        zoom.board(drawn, key="trace-dots", alt="Duration of each trace over time, failed ones marked")


def _list(window: Window, wanted: Wanted, total: float) -> pd.DataFrame:
    found = queries_traces.traces(window, wanted, _ordered(), LISTED)
    shown = tables.with_place(figures_traces.rows(found))
    with st.container(horizontal=True, vertical_alignment="center", key="list-bar"):
        st.header(f"Traces, {ORDERS[_ordered()].lower()}", anchor=False, width="stretch")
        st.caption(f"{len(found):,} of {numbers.count(total)} · choose one to see its parts", width="content")

    def picked() -> None:
        rows = st.session_state["pick-trace"]["selection"]["rows"]
        if rows and rows[0] < len(found):
            row = found.iloc[rows[0]]
            st.query_params["trace"] = links.trace_link(row["account"], row["region"], row["trace_id"])

    with st.container(key="guarded-traces"):
        tables.table(
            shown[tables.spoken(shown, COLUMNS_ON_A_PHONE if _on_phone() else COLUMNS)],
            key="pick-trace",
            export=found,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Traces of the window; choose one to see its parts below",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=7),
            on_select=picked,
            selection_mode="single-row",
            column_config=_columns(),
        )
    return found


def _columns() -> Mapping[str, Any]:
    column = st.column_config
    return {
        "outcome": column.MultiselectColumn("Outcome", options=WORDS, color=COLOURS, width=92),
        "ts": column.DatetimeColumn("Began", format="D MMM, HH:mm:ss", timezone=str(widgets.zone())),
        "took": tables.ms_column("Took", "Until the response; without one, until the last part ended."),
        "root": column.TextColumn("Entry"),
        "functions": column.ListColumn("Functions"),
        "http_status": column.NumberColumn("HTTP", format="%d"),
        "place": column.TextColumn("Where"),
        "in_full": column.TextColumn("Read", help="Failing and slow traces are read in full first."),
        "trace_id": column.TextColumn("Trace"),
    }


def _chosen(listed: pd.DataFrame) -> None:
    """The trace of the address, else the first of the list that was read in full."""
    named = st.query_params.get("trace")
    found = links.read_function_id(named) if named else None
    if named and found is None:
        widgets.no_data("The trace in the address cannot be read: it is account.region.id.")
    if found is None and len(listed):
        full = listed[listed["has_segments"]]
        row = (full if len(full) else listed).iloc[0]
        found = Target(row["account"], row["region"]), str(row["trace_id"])
    if found is not None:
        st.header("One trace from top to bottom", anchor=False)
        one_trace(*found)


def _map(window: Window, where: Filter, now: Any) -> None:
    found = queries_traces.service_map(window, where, now)
    if not found.graph.edges:
        return
    st.header("Service map", anchor=False)
    calls = figures_traces.calls(found.graph)
    with st.container(border=True, key="map"):
        if _on_phone():
            st.caption(f"{_map_of(found)} As a table: names would lie on each other on a screen this narrow.")
            _calls(calls)
            return
        _drawn(found)
        with st.expander(f"All {len(calls)} calls as a table", icon=":material/table:"):
            _calls(calls)


def _drawn(found: ServiceMap) -> None:
    drawn = service_map(found.graph)
    st.echarts_chart(
        drawn.option, height=drawn.height_px, key="service-map", alt="Who calls whom; a table follows below"
    )
    left = f" {drawn.left_out} less busy nodes are in the table only." if drawn.left_out else ""
    search = f" {numbers.plain(found.search)}." if found.search else ""
    st.caption(f"{_map_of(found)} Numbers are calls; diamonds fail in 5% or more.{left}{search}")


def _map_of(found: ServiceMap) -> str:
    return f"From {numbers.plain(found.says)}."


def _on_phone() -> bool:
    return tables.board_columns() == 1


def _calls(calls: pd.DataFrame) -> None:
    column, order = st.column_config, CALLS_ON_A_PHONE if _on_phone() else CALLS
    with st.container(key="guarded-calls"):
        tables.table(
            calls[[*order, "mean_ms", "max_ms"]],
            key="calls",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Calls between services, most failures first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(calls), most=12),
            column_config={
                "caller": column.TextColumn("Caller"),
                "callee": column.TextColumn("Called"),
                "kind": column.TextColumn("Kind"),
                "calls": tables.count_column("Calls"),
                "failed": tables.count_column("Failed"),
                "failed_rate": tables.percent_column("Failed, %", "Failed calls / calls."),
                "errors": tables.count_column("Errors", "The caller's fault (4xx)."),
                "faults": tables.count_column("Faults", "The called one's fault (5xx)."),
                "throttles": tables.count_column("Throttles"),
                "mean_ms": tables.ms_column("Mean"),
                "max_ms": tables.ms_column("Longest"),
            },
        )


widgets.toolbar("Traces")
widgets.live(page)
