"""The way from a request to its trace, or why there is none to go to."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.facts import Target
from dashboard import figures_wiring, links, queries, queries_logs


def to_trace(target: Target, trace_id: str, at: datetime) -> dict[str, str]:
    """The query of a link to a trace, within the minutes around it."""
    return links.carry(**links.around(at)) | {
        "trace": links.trace_link(target.account, target.region, trace_id)
    }


def trace_way(target: Target, function: str, request_id: str, at: datetime) -> None:
    """One to a page: its key is the same everywhere."""
    found = queries_logs.why_no_trace(target, function, request_id, queries.now())
    trace_id = found.evidence.trace_id
    if trace_id and not found.reasons:
        query = to_trace(target, trace_id, at)
        st.page_link(links.TRACES, label="Its trace", icon=":material/account_tree:", query_params=query)
        return
    with st.popover("Why it has no trace", icon=":material/help:", type="tertiary", key="no-trace"):
        for reason in figures_wiring.no_trace(found.reasons):
            st.markdown(reason)
