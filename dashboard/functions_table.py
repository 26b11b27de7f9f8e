"""The table of functions, worst first: on the Overview, and where a function is to be chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from alerts.quiet import quiet
from core.windows import Window
from dashboard import figures_functions, links, numbers, queries, queries_overview, tables, widgets
from dashboard.figures_functions import ERRORS, MANY_ERRORS, NOT_JUDGED, ORDER, SHAPES, Wanted

STATES = ["critical", "warning", ERRORS, "not collected", "healthy", "silent"]
COLOURS = ["red", "orange", "blue", "orange", "gray", "gray", "green", "gray"]
STATE_HELP = (
    f"The worst alert that fires, else what is known of it. {ERRORS.capitalize()}: no alert fires, but over "
    f"{numbers.percent(MANY_ERRORS)} of this window's invocations failed: it is over, or too few for a rule. "
    f"{NOT_JUDGED.capitalize()}: it runs, but no rule was evaluated lately."
)
ROWS, PAGER_PX = 24, 340
NOTHING = {"team": "Any team", "env": "Any env", "runtime": "Any runtime"}
ONE_SAYS_NOTHING = {"where", "team", "env", "runtime", "note"}
"""Columns that are left out when every row of the fleet says the same."""


def functions_table(window: Window, incidents: pd.DataFrame) -> None:
    """A search, filters and an order over the whole fleet, and a page of rows that open their functions."""
    where, now = queries.scope(), queries.now()
    known = queries_overview.digest(window, where, now).rows
    judged = quiet(queries.judged_at(), now=now).state == "healthy"
    rows = figures_functions.with_states(known, incidents, judged=judged)
    matching = figures_functions.matching(rows, _controls(rows))
    if matching.empty:
        widgets.no_data(f"None of {len(rows):,} functions matches.")
        return
    page, pages = figures_functions.page_of(st.query_params.get("page"), len(matching))
    shown = _shown(figures_functions.on_page(matching, page), window, incidents)
    exported = figures_functions.exported(matching, tables.places(), window)
    with st.container(key="functions"):
        tables.table(
            shown,
            key="functions-table",
            export=exported,
            height=tables.height_px(len(shown), most=ROWS),
            alt="Functions with their state, traffic, errors, duration, throttles, cold starts and cost",
            column_order=_order(shown, rows),
            column_config=_columns(shown, window),
        )
    if pages > 1:
        _pager(page, pages, len(matching))


def _shown(rows: pd.DataFrame, window: Window, incidents: pd.DataFrame) -> pd.DataFrame:
    sparks = queries_overview.sparks(window, queries.scope(), queries.now())
    lines = {"invocations": sparks.invocations, "errors": sparks.errors}
    mine = figures_functions.lines_of(rows, sparks.places, lines)
    return figures_functions.shown(rows, mine, incidents, tables.places(), window=window, now=queries.now())


# --- what is asked of it ------------------------------------------------------------------------------------


def _controls(rows: pd.DataFrame) -> Wanted:
    """Search, states, filters and order: each in the address; using one leads back to the first page."""
    with st.container(horizontal=True, vertical_alignment="center", key="table-bar"):
        st.header("Functions", anchor=False, width="stretch")
        find = links.write("find", _search)
        sort = _chooser("sort", figures_functions.SORTS, "Order", "Worst first", width=170)
    with st.container(horizontal=True, vertical_alignment="center", key="table-filters"):
        states = links.choose_many("state", STATES, _states)
        st.space("stretch")
        values = {name: _filter(rows, name) for name in figures_functions.FILTERS}
    return Wanted(find=find, states=states, values=values, sort=sort)


def _first_page(changed: Callable[[], None]) -> Callable[[], None]:
    def picked() -> None:
        st.query_params.pop("page", None)
        changed()

    return picked


def _search(key: str, changed: Callable[[], None]) -> None:
    st.text_input(
        "Find by name or tag",
        key=key,
        on_change=_first_page(changed),
        placeholder="Name or tag",
        label_visibility="collapsed",
        icon=":material/search:",
        width=200,
    )


def _states(key: str, changed: Callable[[], None]) -> None:
    st.pills(
        "State", STATES, selection_mode="multi", key=key, on_change=_first_page(changed),
        format_func=lambda state: f"{SHAPES[state]} {state}", label_visibility="collapsed",
    )  # fmt: skip


def _filter(rows: pd.DataFrame, name: str) -> str | None:
    """A box for one value; none where there is nothing to choose. A value that the address asks for and no
    function has stays chosen, so that nothing matches."""
    there = figures_functions.options(rows, name)
    asked = st.query_params.get(name)
    if len(there) < 2 and not asked:
        return None
    offered = sorted({*there, asked} if asked else there)
    return _chooser(name, {value: value for value in offered}, name.capitalize(), NOTHING[name], width=140)


def _chooser(name: str, options: Mapping[str, str], label: str, nothing: str, *, width: int) -> str | None:
    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            label, list(options), key=key, on_change=_first_page(changed), index=None, placeholder=nothing,
            format_func=lambda value: options.get(value, value), label_visibility="collapsed", width=width,
        )  # fmt: skip

    return links.choose(name, list(options), None, draw)


def _pager(page: int, pages: int, rows: int) -> None:
    first = (page - 1) * figures_functions.ROWS_PER_PAGE + 1
    last = min(rows, page * figures_functions.ROWS_PER_PAGE)
    st.session_state["_page"] = page

    def turned() -> None:
        st.query_params["page"] = str(st.session_state["_page"])

    with st.container(horizontal=True, vertical_alignment="center", key="table-pages"):
        st.caption(f"{first:,} to {last:,} of {rows:,}; a header sorts these rows only.", width="content")
        st.space("stretch")
        st.pagination(pages, key="_page", on_change=turned, width=PAGER_PX)


# --- how it looks -------------------------------------------------------------------------------------------


def _order(shown: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """The columns without what only links need, and without those that say nothing or the same everywhere."""
    hidden = {"account", "region"}
    same = {name: rows[name].nunique() < 2 for name in figures_functions.FILTERS}
    same |= {"where": len(rows[["account", "region"]].drop_duplicates()) < 2}
    same |= {"note": not shown["note"].any()}
    return [name for name in shown.columns if name not in hidden and not same.get(name, False)]


def _columns(shown: pd.DataFrame, window: Window) -> dict[str, Any]:
    column, over = st.column_config, numbers.age(window.duration)
    return {
        "state": column.MultiselectColumn(
            "State", width=106, pinned=True, options=list(ORDER), color=COLOURS,
            format_func=lambda state: f"{SHAPES.get(state, '?')} {state}",
            help=STATE_HELP,
        ),
        "function": tables.function_button(shown, "open-function"),
        "where": column.TextColumn("Where", width=176),
        "team": column.TextColumn("Team", width=78, help="The function's tag `team`, `owner` or `squad`"),
        "env": column.TextColumn("Env", width=60, help="The function's tag `env`, `environment` or `stage`"),
        "runtime": column.TextColumn("Runtime", width=90, help="Empty: a container image has none"),
        "invocations": column.NumberColumn(
            "Invocations", width=76, format="compact", help=f"In the last {over}"
        ),
        "traffic": column.AreaChartColumn(
            "Traffic", width=76, color="blue", y_min=0, help="Invocations in time"
        ),
        "error_rate": column.NumberColumn(
            "Error rate", width=74, format="%.2f%%", help="Errors / invocations"
        ),
        "errors": column.BarChartColumn("Errors", width=76, color="red", y_min=0, help="Errors in time"),
        "p95_ms": column.NumberColumn("p95", width=82, format="%,.0f ms", help="95 of 100 were faster"),
        "throttles": column.NumberColumn("Throttles", width=66, format="%,.0f", help="Turned away"),
        "cold_start_rate": column.NumberColumn(
            "Cold", width=58, format="%.2f%%", help="Cold starts / records"
        ),
        "cost_per_day_usd": column.NumberColumn("Cost / day", width=76, format="$%,.3f", help=f"From {over}"),
        "note": column.TextColumn("Why", width=300, help="What fires, is not collected, when it last ran"),
    }  # fmt: skip
