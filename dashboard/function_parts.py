"""What tabs of a function's page share: tables with a chosen row, ways to logs and traces, log text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_calls,
    links,
    numbers,
    queries,
    queries_function,
    tables,
    widgets,
)


def when(label: str) -> Any:
    """A column of times in the reader's zone."""
    return st.column_config.DatetimeColumn(label, format="D MMM, HH:mm:ss", timezone=str(widgets.zone()))


def pick(
    shown: pd.DataFrame,
    ids: Sequence[str],
    key: str,
    *,
    name: str,
    columns: Mapping[str, Any],
    alt: str,
    order: Sequence[str] | None = None,
    most: int = 8,
) -> int:
    """A table with one chosen row, which the address holds as `name`: its position; the first until one is
    chosen. `ids` name the rows, whatever their order. The key starts with `guarded`: see
    `export`."""
    box, asked = f"pick-{key}", st.query_params.get(name)
    at = ids.index(asked) if asked in ids else 0

    def changed() -> None:
        rows = st.session_state[box]["selection"]["rows"]
        if rows and rows[0] < len(ids):
            st.query_params[name] = ids[rows[0]]
        else:
            st.query_params.pop(name, None)

    with st.container(key=f"guarded-{key}"):
        tables.table(
            shown,
            key=box,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=alt,
            column_order=order,
            column_config=columns,
            on_select=changed,
            selection_mode="single-row",
            selection_default={"selection": {"rows": [at]}} if asked in ids else None,
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=most),
        )
    return at


def to_logs(target: Target, function: str, **only: str) -> dict[str, str]:
    """The query of a link to this function's lines on the Logs page: `sig`, `request`, `from` and `to`."""
    return links.to_function(target.account, target.region, function) | only


def logs_link(label: str, query: Mapping[str, str]) -> None:
    st.page_link(links.LOGS, label=label, icon=":material/article:", query_params=dict(query))


def how_read(target: Target, name: str, window: Window) -> None:
    """What of the function's log was not read, or may still change; nothing when it is settled."""
    state = queries_function.reading(target, name, window, queries.now())
    if state:
        st.caption(f"{figures_calls.read(state)}.")


def code(text: str, *, height: int | None = None) -> None:
    """Log text is of others: shown as it is, in a box that interprets nothing."""
    st.code(text, language=None, wrap_lines=True, height=height or "content")


def line_text(lines: pd.DataFrame) -> str:
    """Kept lines, a row of text each, with the reader's time of day."""
    zone = widgets.zone()
    return "\n".join(
        f"{row['ts'].astimezone(zone):%H:%M:%S.%f}"[:12] + f"  {row['level']:<5}  {row['message']}"
        for row in lines.to_dict("records")
    )
