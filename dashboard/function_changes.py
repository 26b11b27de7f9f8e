"""What changed: the list beside the board, the diff of a change, and the tab of all changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_changes, links, numbers, queries, queries_function, tables, widgets
from dashboard.figures_function import Event, called_for
from dashboard.function_parts import pick, when

HISTORY = timedelta(days=14)


def known_changes(target: Target, name: str, window: Window) -> pd.DataFrame:
    """Those of the window, and of the last two weeks where it is shorter, up to now."""
    return queries.function_changes(target, name, _history(window))


def _history(window: Window) -> Window:
    return Window(min(window.start, window.end - HISTORY), queries.now())


def what_changed(happened: list[Event], window: Window, *, more: int) -> None:
    """The newest events; a change opens what it changed."""
    now, zone = queries.now(), widgets.zone()
    with st.container(border=True, key="changed", height="stretch"):
        st.header("What changed", anchor=False)
        if not happened:
            st.caption(f"Nothing in {numbers.age(_history(window).duration)}, as far as it is seen.")
        for at, event in enumerate(happened):
            detail = f" · {numbers.plain(event.detail)}" if event.detail else ""
            with st.container(gap=None, key=f"event-{at}"):
                _title(event, at)
                st.caption(f"{numbers.plain(numbers.clock(event.ts, zone, now=now))}{detail}")
        if more > 0:
            st.caption(f"{more} more in the tab Changes.")


def _title(event: Event, at: int) -> None:
    words = numbers.plain(event.what)
    if not event.is_change:
        st.markdown(f":{event.colour}[:material/{event.icon}:] **{words}**")
        return
    label = f"**{words}**"
    if st.button(
        label, icon=f":material/{event.icon}:", type="tertiary", key=f"diff-{at}", help="What it changed"
    ):
        st.query_params["change"] = event.ts.isoformat()
        st.rerun()


def open_diff(target: Target, name: str, window: Window) -> None:
    """The change that the address names, in a dialog that the address closes."""
    asked = st.query_params.get("change")
    if not asked:
        return

    @st.dialog("What this changed", width="large", icon=":material/difference:", on_dismiss=_close)
    def shown() -> None:
        found = figures_changes.at(known_changes(target, name, window), str(asked))
        if found.empty:
            st.info("No change of this function is known at that time.", icon=":material/inbox:")
        else:
            diff(target, name, found)
            st.button(
                "Show the hour around it",
                icon=":material/date_range:",
                key="around-change",
                on_click=_around,
                args=(found["ts"].iloc[0].to_pydatetime(),),
            )

    shown()


def _close() -> None:
    st.query_params.pop("change", None)


def _around(ts: datetime) -> None:
    _close()
    for key, value in links.around(ts, minutes=30).items():
        st.query_params[key] = value


def diff(target: Target, name: str, found: pd.DataFrame) -> None:
    """What changed at one moment: who called for it, then each field before and after."""
    now, zone = queries.now(), widgets.zone()
    for row in found.to_dict("records"):
        who = called_for(row) or figures_changes.uncalled(row["kind"])
        st.markdown(f"**{numbers.plain(row['what'])}** :small[:gray[{numbers.plain(who)}]]")
    span = figures_changes.span(found)
    answer = queries_function.diff(target, name, span.start, span.end)
    deployed = found.loc[found["kind"] == "deploy", "version"]
    published = [queries_function.version_diff(target, name, str(version)) for version in deployed]
    fields = figures_changes.diff_table(figures_changes.both(published, answer.rows))
    shown = pd.concat([figures_changes.runtimes(found), fields], ignore_index=True)
    if shown.empty:
        st.info(figures_changes.nothing(span, answer.known_since), icon=":material/drag_handle:")
    else:
        _table(shown)
    st.caption(figures_changes.compared(span, answer.known_since, zone=zone, now=now))


def _table(shown: pd.DataFrame) -> None:
    column = st.column_config
    with st.container(key="guarded-diff"):
        tables.table(
            shown,
            key="diff",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Each field that differs, before and after",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=14),
            column_config={
                "thing": column.TextColumn("Of"),
                "setting": column.TextColumn("Field"),
                "before": column.TextColumn("Before", width="medium"),
                "after": column.TextColumn("After", width="medium"),
            },
        )


def changes(target: Target, name: str, window: Window) -> None:
    """All changes of the last days, the chosen one with its diff."""
    found = known_changes(target, name, window)
    if found.empty:
        widgets.no_data(
            f"No change was seen in {numbers.age(_history(window).duration)}.", collector="changes"
        )
        return
    at = pick(
        found[["ts", "kind", "what", "who", "via"]],
        [f"{ts.isoformat()} {what}" for ts, what in zip(found["ts"], found["what"], strict=True)],
        "changes",
        name="changed",
        columns=_columns(),
        alt="Changes of the function, newest first; choose one to see what it changed",
    )
    diff(target, name, found[found["ts"] == found["ts"].iloc[at]])


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "ts": when("When"),
        "kind": column.TextColumn("Kind"),
        "what": column.TextColumn("What", width="large"),
        "who": column.TextColumn("Who", help="As CloudTrail says."),
        "via": column.TextColumn("Through"),
    }
