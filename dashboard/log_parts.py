"""One kept log line on a page: its text, its invocation, the lines around it, and the ways on from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.facts import Target
from dashboard import figures_logs, links, numbers, queries, queries_logs, widgets
from dashboard.trace_way import trace_way

Row = Mapping[str, Any]
MASKED = (
    "Keys, tokens, passwords and credentials in URLs were masked ([hidden]) before the line was stored; "
    "lines are cut at 2,000 characters."
)


@dataclass(frozen=True, slots=True)
class LineId:
    """How the address names a line (`line`): account.region.function.milliseconds.event."""

    target: Target
    function: str
    at: datetime
    event_id: str

    def __str__(self) -> str:
        ms = round(self.at.timestamp() * 1000)
        return f"{self.target.account}.{self.target.region}.{self.function}.{ms}.{self.event_id}"


def line_id(row: Row) -> LineId:
    at = row["ts"].to_pydatetime() if hasattr(row["ts"], "to_pydatetime") else row["ts"]
    return LineId(Target(row["account"], row["region"]), str(row["function"]), at, str(row["event_id"]))


def read_line_id(text: str) -> LineId | None:
    parts = text.split(".", 4)
    try:
        at = datetime.fromtimestamp(int(parts[3]) / 1000, UTC)
        return LineId(Target(parts[0], parts[1]), parts[2], at, parts[4])
    except (IndexError, ValueError, OverflowError, OSError):
        return None


def one_line(id: LineId) -> None:
    """A line with what belongs to it, or why it cannot be shown."""
    found = queries_logs.line(id.target, id.function, id.event_id, id.at)
    if found is None:
        why = queries_logs.lacking_around(id.target, id.at)
        said = "it may be in what cannot be read" if why else "it was never kept, or it is gone"
        widgets.no_data(f"This line is not found: {said}.", collector="logs")
        _not_read(why)
        return
    with st.container(border=True, key="one-line", gap="small"):
        record = _record(id, found)
        _head(found)
        _ways(id, found, record)
        st.code(str(found["message"]), language=None, wrap_lines=True)
        st.caption(f":material/shield: {MASKED}")
        _around(id, found)
        _not_read(queries_logs.lacking_around(id.target, id.at))


def _not_read(why: str | None) -> None:
    """What of the line's own time cannot be read: its invocation and other lines may be there."""
    if why:
        st.caption(
            f":orange[:material/visibility_off:] Some of this time is not collected: {numbers.plain(why)}."
        )


def _record(id: LineId, line: Row) -> Row | None:
    if not line["request_id"]:
        return None
    return queries_logs.record(id.target, id.function, str(line["request_id"]), id.at)


def _head(line: Row) -> None:
    when = numbers.clock(line["ts"], widgets.zone(), now=queries.now())
    request = f" · request {numbers.plain(line['request_id'])}" if line["request_id"] else ""
    st.markdown(
        f"**{numbers.plain(line['function'])}** · {numbers.plain(line['level'])} · {when}"
        f" :small[:gray[{numbers.plain(line['signature'])}]]{request}"
    )


def _ways(id: LineId, line: Row, record: Row | None) -> None:
    """The invocation in words, then its function at that minute, its trace, all of its lines."""
    if record is not None:
        st.markdown(f":small[Invocation: {numbers.plain(figures_logs.record_words(record))}]")
    elif line["request_id"]:
        st.caption("Its invocation record is not found: it was not read, or the log does not hold one.")
    to_function = links.to_function(id.target.account, id.target.region, id.function) | links.around(id.at)
    with st.container(horizontal=True, vertical_alignment="center", key="line-ways", gap="small"):
        st.page_link(
            links.FUNCTION,
            label="Function at that minute",
            icon=":material/function:",
            query_params=to_function,
        )
        if line["request_id"]:
            trace_way(id.target, id.function, str(line["request_id"]), id.at)
            _only_button("request", str(line["request_id"]), "All lines of this request")
        _only_button("sig", str(line["signature"]), "All lines of this kind")
        if st.button("Close", icon=":material/close:", type="tertiary", key="close-line"):
            st.query_params.pop("line", None)
            st.rerun()


def _only_button(name: str, value: str, label: str) -> None:
    """A filter of the page that a line offers."""
    if st.query_params.get(name) == value:
        return
    if st.button(label, icon=":material/filter_alt:", type="tertiary", key=f"only-{name}"):
        st.query_params[name] = value
        st.query_params.pop("p", None)
        st.rerun()


def _around(id: LineId, line: Row) -> None:
    near = queries_logs.around(id.target, id.function, str(line["stream"]), id.at)
    if len(near) < 2:
        st.caption("No other line of this log stream was kept within 15 minutes; error lines alone are kept.")
        return
    st.caption(f"{len(near)} kept lines of the same log stream, within 15 minutes; ▶ is the one above.")
    text = figures_logs.text_of(near, zone=widgets.zone(), marked=id.event_id)
    st.code(text, language=None, wrap_lines=True, height=320 if len(near) > 8 else "content")
