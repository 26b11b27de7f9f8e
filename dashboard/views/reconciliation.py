"""How far can the estimate be trusted, held against AWS's own bill?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from core.reconciled import Reconciled
from core.windows import MINUTE, Window, floor
from dashboard import figures_reconciliation as figures
from dashboard import links, numbers, queries, queries_bills, tables, widgets
from store.readers.reconciling import Reconciliation

HOW_TO = (
    "No bill was imported yet. `quarterdeck bill import FILE` takes Cost and Usage Reports and FOCUS exports "
    "(CSV, CSV.gz, Parquet); all of a file or nothing."
)
QUARTER_HOUR = 15 * MINUTE


def page(_window: Window) -> None:
    months = queries_bills.billed_months()
    if not months:
        widgets.no_data(HOW_TO)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="reconciliation-bar"):
        st.header("Bill of", anchor=False, width="content")
        month = choose(months)
    told = queries_bills.reconciliation(month, floor(queries.now(), QUARTER_HOUR))
    tables.say(figures.answer(told))
    widgets.cards(figures.cards(told.found))
    why(told.found)
    where(told.found)
    rests_on(told)


def choose(months: Sequence[str]) -> str:
    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Month", months, key=key, on_change=changed, format_func=word,
            label_visibility="collapsed", width=200,
        )  # fmt: skip

    return links.choose("month", list(months), months[0], draw) or months[0]


def word(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def why(found: Reconciled) -> None:
    st.header("Why the bill differs from the estimate", anchor=False)
    shown, column = figures.reasons(found), st.column_config
    if shown.empty:
        st.caption("It does not: both are the same.")
        return
    tables.table(
        shown,
        key="reasons",
        height=tables.height_px(len(shown), most=16),
        alt="Reasons for which the bill differs from the estimate, what is unexplained first",
        column_config={
            "reason": column.TextColumn("Reason", pinned=True, help="Every difference has one."),
            "usd": column.NumberColumn(
                "USD", format="dollar", help="By which the bill is above (below: negative) the estimate."
            ),
            "names": column.TextColumn("Mostly", help="What it is mostly about."),
            "means": column.TextColumn("What that is", width="large", help="The reason in words."),
        },
    )


def where(found: Reconciled) -> None:
    st.header("Where, most unexplained first", anchor=False)
    shown, column = figures.cells(found), st.column_config
    tables.table(
        shown,
        key="cells",
        export=figures.export(found),
        height=tables.height_px(len(shown), most=16),
        alt="Estimate and bill per account, region and meter, most unexplained first",
        column_config={
            "account": column.TextColumn("Account", help="Whose use it is."),
            "region": column.TextColumn("Region", help="Empty: the bill names none."),
            "meter": column.TextColumn(
                "Meter", help="What is counted; meters that a bill cannot tell apart are one."
            ),
            "architecture": column.TextColumn("Processor", help="Where prices go by it."),
            "estimate_usd": tables.usd_column("Estimate", shown["estimate_usd"], "Use times list price."),
            "bill_usd": tables.usd_column("Bill", shown["bill_usd"], "Net of what Savings Plans cover."),
            "unexplained_usd": column.NumberColumn(
                "Unexplained", format="dollar", help="Bill less estimate, without what is explained."
            ),
            "why": column.TextColumn("Differences", width="large", help="Estimate + differences = bill."),
        },
    )


def rests_on(told: Reconciliation) -> None:
    with st.expander("What this rests on", icon=":material/function:"):
        lines = [
            f"- Payer {numbers.plain(one.payer)}, {one.source}: {one.read:,} lines up to {one.last_day}, "
            f"imported {one.imported_at:%d %B %Y %H:%M} UTC from {numbers.plain(', '.join(one.files))}"
            for one in told.bills
        ]
        st.markdown("\n".join(lines))
        st.markdown(
            "Per account, region and meter, the estimate at list price plus its differences is the bill, to "
            "the last digit. Days are UTC."
        )


widgets.toolbar("Reconciliation")
widgets.live(page)
