"""What could be set up differently to cost less, what would it risk, and what would it take?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from core.rightsizing import KINDS
from core.windows import Window
from dashboard import (
    figures_savings,
    links,
    numbers,
    queries,
    queries_savings,
    savings_parts,
    tables,
    widgets,
)
from dashboard.choosers import option_chooser
from dashboard.focus_parts import focus_files
from store.readers.rightsizing import Saving
from store.readers.things import Place

FORTNIGHT = timedelta(days=14)
PHONE_PX, WIDE_PX = 170, 200


def page(window: Window) -> None:
    wide = Window(min(window.start, window.end - FORTNIGHT), window.end)
    found = queries_savings.savings(wide, queries.scope(), queries.now())
    if not found:
        widgets.no_data("No function is known yet.", collector="inventory")
        return
    tables.say(figures_savings.answer(found))
    widgets.cards(figures_savings.cards(found))
    kind = _kind()
    mine = [one for one in found if kind in (None, one.proposal.kind)]
    changes, unknown = figures_savings.of(mine, "change"), figures_savings.of(mine, "unknown")
    ranked(changes, wide)
    missing(unknown)
    closer([*changes, *unknown], found, wide)


def _kind() -> str | None:
    with st.container(horizontal=True, vertical_alignment="center", key="savings-bar"):
        st.header("Proposals, most saved first", anchor=False, width="stretch")
        return option_chooser("about", dict(KINDS), "Kind", "All kinds", width=240)


def ranked(changes: Sequence[Saving], window: Window) -> None:
    if not changes:
        st.caption("Nothing of this kind is proposed.")
        return
    shown = tables.with_place(figures_savings.table(changes))
    beside = queries_savings.optimizer(window, queries.scope(), queries.now())
    shown["optimizer"] = [figures_savings.beside(one, beside) for one in changes]
    columns = ["says", "function", "what", "low_usd", "high_usd", "risk", "evidence", "optimizer", "place"]
    with st.container(key="savings-table"):
        tables.table(
            shown,
            key="savings",
            export=lambda: figures_savings.export(changes),
            height=tables.height_px(len(shown), most=12),
            alt="Proposals with what they save a month, risk and evidence, most saved first",
            column_config=_columns(shown),
            column_order=tables.spoken(shown, columns),
        )
    focus_files(window, queries.scope(), "function", "savings")
    st.caption(
        f"From up to {numbers.age(window.duration)} of records, at list price, before free tier and savings "
        "plans. Each is worked out alone: memory and architecture of one function do not add up. Ranked by "
        "the middle of the band."
    )


def _columns(shown: pd.DataFrame) -> dict[str, Any]:
    column = st.column_config
    return {
        "says": _choose(shown, "pick-saving", "Change"),
        "function": column.TextColumn("Function"),
        "what": column.TextColumn("What", width=180),
        "low_usd": _cents("At least, USD", "Saved a month; below zero: it costs more."),
        "high_usd": _cents("At most, USD", "Saved a month."),
        "risk": column.TextColumn("Risk", width=240),
        "evidence": column.TextColumn("Evidence", width=240),
        "optimizer": column.TextColumn("Compute Optimizer", help="AWS's own finding on memory."),
        "place": column.TextColumn("Where"),
    }


def _cents(label: str, help: str) -> Any:
    return st.column_config.NumberColumn(label, format="%,.2f", help=help)


def _choose(shown: pd.DataFrame, key: str, label: str) -> Any:
    """A column that shows the proposal of its row below; on a phone it leaves room for what is beside it."""
    width = PHONE_PX if tables.board_columns() == 1 else WIDE_PX

    def opened() -> None:
        row = shown.iloc[st.session_state[key]["row"]]
        st.query_params["function"] = links.function_id(row["account"], row["region"], row["function"])
        st.query_params["kind"] = row["kind"]

    return st.column_config.ButtonColumn(
        label, key=key, on_click=opened, type="tertiary", alignment="left", pinned=True, width=width
    )


def missing(unknown: Sequence[Saving]) -> None:
    if not unknown:
        return
    st.header("Not known, and what is missing", anchor=False)
    shown = tables.with_place(figures_savings.table(unknown))
    column = st.column_config
    with st.container(key="unknown-table"):
        tables.table(
            shown,
            key="savings-unknown",
            export=lambda: figures_savings.export(unknown),
            height=tables.height_px(len(shown), most=8),
            alt="What cannot be said of functions yet, and what is missing, most at stake first",
            column_config={
                "what": _choose(shown, "pick-unknown", "What"),
                "function": column.TextColumn("Function"),
                "missing": column.TextColumn("Missing", width="large"),
                "high_usd": _cents("At stake, USD", "A month, at most."),
                "place": column.TextColumn("Where"),
            },
            column_order=tables.spoken(shown, ["what", "function", "missing", "high_usd", "place"]),
        )


def closer(mine: Sequence[Saving], found: Sequence[Saving], window: Window) -> None:
    place = _place()
    one = figures_savings.chosen(found if place else mine, place, st.query_params.get("kind"))
    if one is None:
        if place:
            widgets.no_data(f"Nothing of that kind is known of {numbers.plain(place[2])}.")
        return
    st.header("Look closer", anchor=False)
    savings_parts.detail(one, window)
    st.header("What if it were set up differently?", anchor=False)
    savings_parts.what_if(one.place, window)


def _place() -> Place | None:
    found = links.read_function_id(st.query_params.get("function", ""))
    return (found[0].account, found[0].region, found[1]) if found else None


widgets.toolbar("Savings")
widgets.live(page)
