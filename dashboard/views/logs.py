"""What do the failing invocations say?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import StoreError
from core.windows import Window
from dashboard import (
    figures_logs,
    links,
    live_search,
    log_parts,
    numbers,
    queries,
    queries_logs,
    tables,
    widgets,
    zoom,
)
from dashboard.charts.logs import lines_in_time
from dashboard.choosers import function_labels
from store.readers.log_search import LEVELS, Search
from store.readers.things import Place

PAGE, GROUPS = 100, 8
GROUP_COLUMNS = ("new", "count", "spark", "signature", "who", "first_ever", "last_seen")
LINE_COLUMNS = ("ts", "level", "function", "place", "shown", "request_id")
"""Only what is shown is sent."""

GROUPS_ON_A_PHONE = ("count", "signature", "who", "new", "spark", "first_ever", "last_seen")
LINES_ON_A_PHONE = ("ts", "shown", "function")
"""What is said comes first there; the rest of a line is told of the one that is chosen."""

COLOURS = ["red", "violet", "gray", "orange", "blue"]


def page(window: Window) -> None:
    now, said = queries.now(), st.container()
    search = _filters(window)
    try:
        groups = queries_logs.groups(window, search)
    except StoreError as error:
        with said:
            st.warning(f"{numbers.plain(error)}.", icon=":material/regular_expression:")
        return
    unread = queries_logs.unread(window, search, now)
    blind = queries_logs.lacking_before(window, search.where) if len(groups) else None
    with said:
        told = figures_logs.answer(groups, unread, window=window, searched=_is_narrow(search), blind=blind)
        tables.say(told)
    if groups.empty:
        if not _is_narrow(search):
            widgets.no_data("Lines are kept of errors, crashes and timeouts only.", collector="logs")
    else:
        _chart(window, search)
        _groups(groups, window)
        _lines(window, search, int(groups["count"].sum()), capped=len(groups) >= 200)
    asked = st.query_params.get("line")
    if asked:
        _one(asked)
    _missing(unread)


# --- choices ------------------------------------------------------------------------------------------------


def _filters(window: Window) -> Search:
    """The row of choices; each is in the address."""
    with st.container(horizontal=True, vertical_alignment="center", key="filters", gap="small"):
        text = links.write("q", _text_box)
        regex = _regex_box()
        places = _functions(window)
        levels = links.choose_many("level", LEVELS, _level_box)
    _chips()
    return Search(
        text=text,
        is_regex=regex,
        where=queries.scope(),
        places=tuple(places),
        levels=tuple(levels),
        signature=st.query_params.get("sig"),
        request_id=st.query_params.get("request"),
    )


def _text_box(key: str, changed: Callable[[], None]) -> None:
    st.text_input(
        "Search kept lines", key=key, on_change=_first_page(changed), placeholder="Search kept lines",
        icon=":material/search:", label_visibility="collapsed", width=300,
    )  # fmt: skip


def _regex_box() -> bool:
    def changed() -> None:
        if st.session_state["_re"]:
            st.query_params["re"] = "1"
        else:
            st.query_params.pop("re", None)

    st.session_state["_re"] = st.query_params.get("re") == "1"
    st.checkbox(
        "Regex", key="_re", on_change=_first_page(changed),
        help="RE2, in time linear to the text whatever the pattern says; case does not matter.",
    )  # fmt: skip
    return st.query_params.get("re") == "1"


def _functions(window: Window) -> list[Place]:
    labels = function_labels(window)

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.multiselect(
            "Functions", list(labels), key=key, on_change=_first_page(changed), placeholder="All functions",
            format_func=lambda id: labels.get(id, id), label_visibility="collapsed", width=320,
        )  # fmt: skip

    chosen = links.choose_many("fn", list(labels), draw)
    asked = [name for name in st.query_params.get("fn", "").split(",") if name and name not in chosen]
    if asked:
        st.caption(f"{numbers.plain(asked[0].rpartition('.')[2])} is not known here.")
    found = [links.read_function_id(id) for id in chosen]
    return [(target.account, target.region, name) for target, name in filter(None, found)]


def _level_box(key: str, changed: Callable[[], None]) -> None:
    st.pills(
        "Level", list(LEVELS), selection_mode="multi", key=key, on_change=_first_page(changed),
        label_visibility="collapsed",
    )  # fmt: skip


def _first_page(changed: Callable[[], None]) -> Callable[[], None]:
    """What is chosen anew is read from its newest line."""

    def also() -> None:
        st.query_params.pop("p", None)
        changed()

    return also


def _chips() -> None:
    """What a row was chosen for, each with a way to let go of it."""
    words = {"sig": "message", "request": "request"}
    chosen = [name for name in words if name in st.query_params]
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="chips", gap="small"):
        for name in chosen:
            st.markdown(f":small[Only {words[name]} **{numbers.plain(st.query_params[name])[:160]}**]")
            if st.button("Show all", icon=":material/close:", type="tertiary", key=f"drop-{name}"):
                st.query_params.pop(name, None)
                st.query_params.pop("p", None)
                st.rerun()


def _is_narrow(search: Search) -> bool:
    return bool(search.text or search.places or search.levels or search.signature or search.request_id)


# --- what was found -----------------------------------------------------------------------------------------


def _chart(window: Window, search: Search) -> None:
    counts = queries_logs.counts(window, search, queries.now())
    drawn = lines_in_time(counts, window=window, zone=widgets.zone(), narrow=_on_phone())
    with st.container(border=True, key="lines-chart"):
        zoom.board(drawn, key="log-chart", alt="Kept lines over time by level")


def _groups(groups: pd.DataFrame, window: Window) -> None:
    shown = figures_logs.group_rows(groups, window)
    with st.container(horizontal=True, vertical_alignment="center", key="groups-bar"):
        st.header("Errors by message, most first", anchor=False, width="stretch")

    def picked() -> None:
        rows = st.session_state["pick-group"]["selection"]["rows"]
        if rows and rows[0] < len(groups):
            row = groups.iloc[rows[0]]
            st.query_params["sig"] = str(row["signature"])
            st.query_params["line"] = str(log_parts.line_id(row.to_dict()))
            st.query_params.pop("p", None)

    column = st.column_config
    with st.container(key="guarded-groups"):
        tables.table(
            shown[list(GROUPS_ON_A_PHONE if _on_phone() else GROUP_COLUMNS)],
            key="pick-group",
            export=groups.drop(columns=["stream", "event_id"]),
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Errors by message with count, trend, functions and times; choose one to read it",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=GROUPS),
            on_select=picked,
            selection_mode="single-row",
            column_config={
                "new": column.MultiselectColumn("New", options=["new"], color=["red"], width=64,
                    help=f"Not stored in the {queries_logs.HISTORY.days} days before this window."),
                "count": tables.count_column("Lines", "Kept lines in this window."),
                "spark": column.BarChartColumn("In time", color="red", y_min=0, width=110),
                "signature": column.TextColumn("Message", width="large"),
                "who": column.TextColumn("Function"),
                "first_ever": _when("First seen", "The first one stored."),
                "last_seen": _when("Last seen", "In this window."),
            },
        )  # fmt: skip


def _lines(window: Window, search: Search, total: int, *, capped: bool) -> None:
    pages = max(1, -(-total // PAGE))
    at = min(_page_number(), pages)
    lines = queries_logs.lines(window, search, PAGE, (at - 1) * PAGE)
    first = (at - 1) * PAGE + 1
    with st.container(horizontal=True, vertical_alignment="center", key="lines-bar", gap="small"):
        st.header("Lines, newest first", anchor=False, width="stretch")
        more = " or more" if capped else ""
        with st.container(
            horizontal=True, vertical_alignment="center", key="lines-turn", gap="small", width="content"
        ):
            st.caption(f"{first:,} to {first + len(lines) - 1:,} of {total:,}{more}", width="content")
            _turn("Newer", "chevron_left", at - 1, is_there=at > 1)
            _turn("Older", "chevron_right", at + 1, is_there=at < pages)
    shown = tables.with_place(figures_logs.line_rows(lines))

    def picked() -> None:
        rows = st.session_state["pick-line"]["selection"]["rows"]
        if rows and rows[0] < len(lines):
            st.query_params["line"] = str(log_parts.line_id(lines.iloc[rows[0]].to_dict()))

    column = st.column_config
    with st.container(key="guarded-lines"):
        tables.table(
            shown[tables.spoken(shown, LINES_ON_A_PHONE if _on_phone() else LINE_COLUMNS)],
            key="pick-line",
            export=lines,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Kept log lines, newest first; choose one to read it and what is around it",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=12),
            on_select=picked,
            selection_mode="single-row",
            column_config={
                "ts": _when("Time", short=_on_phone()),
                "level": column.MultiselectColumn(
                    "Level", options=[*LEVELS, "other"], color=COLOURS, width=84
                ),
                "function": column.TextColumn("Function"),
                "place": column.TextColumn("Where"),
                "shown": column.TextColumn("Message", width="large", help=log_parts.MASKED),
                "request_id": column.TextColumn("Request", width=110),
            },
        )


def _page_number() -> int:
    asked = st.query_params.get("p", "1")
    return int(asked) if asked.isdecimal() and 0 < int(asked) < 10_000 else 1


def _turn(label: str, icon: str, to: int, *, is_there: bool) -> None:
    def turn() -> None:
        st.query_params["p"] = str(to)

    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"page-{label}",
        on_click=turn,
        disabled=not is_there,
        type="tertiary",
    )


def _on_phone() -> bool:
    return tables.board_columns() == 1


def _when(label: str, help: str | None = None, *, short: bool = False) -> Any:
    """`short`: without the day, where the window is none longer."""
    shape = "HH:mm:ss" if short and widgets.window().duration <= timedelta(days=1) else "D MMM, HH:mm:ss"
    return st.column_config.DatetimeColumn(label, format=shape, timezone=str(widgets.zone()), help=help)


def _one(asked: str) -> None:
    id = log_parts.read_line_id(asked)
    st.header("One line", anchor=False)
    if id is None:
        widgets.no_data("The line in the address cannot be read.")
    else:
        log_parts.one_line(id)


def _missing(unread: pd.DataFrame) -> None:
    """Logs that were not read in full, one click away."""
    if unread.empty:
        return
    shown = tables.presentable(unread)
    label = f"{len(unread)} {'log was' if len(unread) == 1 else 'logs were'} not read in full in this window"
    with st.expander(label, icon=":material/visibility_off:"), st.container(key="unread"):
        tables.table(
            shown,
            key="unread-logs",
            hide_index=True,
            alt="Functions whose log was not read in full, and why",
            column_order=tables.spoken(shown, ["function", "place", "state"]),
            column_config={
                "function": "Function",
                "place": "Where",
                "state": st.column_config.TextColumn("Why", width="large"),
            },
        )


def _live(window: Window) -> None:
    """Apart from what refreshes every half minute: an answer that grows is looked at every two seconds."""
    st.header("Search and follow the logs in AWS", anchor=False)
    chosen = [links.read_function_id(id) for id in st.query_params.get("fn", "").split(",")]
    places = [(target.account, target.region, name) for target, name in filter(None, chosen)]
    text = st.query_params.get("q", "")

    is_open = live_search.is_open()

    @st.fragment(run_every=2 if is_open else None, key="live-search")
    def again() -> None:
        live_search.panel(places, text, window)
        if is_open and not live_search.is_open():
            st.rerun()  # it is complete: no more looking

    again()


window = widgets.toolbar("Logs")
widgets.live(page)
_live(window)
