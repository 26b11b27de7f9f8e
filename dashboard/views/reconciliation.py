"""How far can the estimate be trusted, held against AWS's own bill?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from core.reconciled import Reconciled, sentence
from core.windows import MINUTE, Window, floor
from dashboard import figures_reconciliation as figures
from dashboard import links, numbers, queries, queries_bills, tables, widgets
from dashboard.charts import reconciliation as charts
from store.readers.explored import EXPLORER
from store.readers.reconciling import IMPORTED, Reconciliation

HOW_TO = (
    "There is no bill yet. `quarterdeck bill import FILE` takes Cost and Usage Reports and FOCUS exports "
    "(CSV, CSV.gz, Parquet); the setting `cost.bills` has the service import them; "
    "`cost.cost_explorer` has it ask Cost Explorer once a day, at 0.02 USD for each account and region."
)
WORDS = {IMPORTED: "imported bill", EXPLORER: "Cost Explorer"}
QUARTER_HOUR = 15 * MINUTE
MEANS_PX = 610
"""As wide as the longest reason in words."""


def page(_window: Window) -> None:
    months = queries_bills.billed_months()
    if not months:
        widgets.no_data(HOW_TO)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="reconciliation-bar"):
        st.header("Bill of", anchor=False, width="content")
        month = choose("month", list(months), "Month", word)
        st.markdown("against the", width="content")
        against = choose("against", months[month], "Against", lambda source: WORDS[source])
    at = floor(queries.now(), QUARTER_HOUR)
    told = queries_bills.reconciliation(month, against, at)
    tables.say(figures.answer(told))
    for other in months[month]:
        if other != against:
            says = sentence(queries_bills.reconciliation(month, other, at).found)
            st.caption(f"By the other source, {WORDS[other]}: {numbers.plain(says)}")
    widgets.cards(figures.cards(told))
    why(told.found)
    daily(told.found)
    where(told.found)
    rests_on(told)


def choose(name: str, options: Sequence[str], label: str, words: Callable[[str], str]) -> str:
    """A box for one of these, the first unless the address says another."""

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            label, options, key=key, on_change=changed, format_func=words,
            label_visibility="collapsed", width=200,
        )  # fmt: skip

    return links.choose(name, options, options[0], draw) or options[0]


def word(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def why(found: Reconciled) -> None:
    st.header("Why the bill differs from the estimate", anchor=False)
    shown, column = figures.reasons(found), st.column_config
    if shown.empty:
        st.caption("It does not: both are the same.")
        return
    tables.table(
        shown.assign(usd=tables.usd_moves(shown["usd"])),
        key="reasons",
        export=shown,
        height=tables.height_px(len(shown), most=16),
        alt="Reasons for which the bill differs from the estimate, what is unexplained first",
        column_config={
            "reason": column.TextColumn("Reason", pinned=True, help="Every difference has one."),
            "usd": tables.usd_moves_column(
                "", shown["usd"], "By which the bill is above (below: negative) the estimate."
            ),
            "means": column.TextColumn("What that is", width=MEANS_PX, help="The reason in words."),
            "names": column.TextColumn("Mostly", help="What it is mostly about."),
        },
        column_order=["reason", "usd", "means", "names"],
    )


def daily(found: Reconciled) -> None:
    st.header("Day by day", anchor=False)
    rows, column = figures.days(found), st.column_config
    with st.container(border=True, key="days-chart"):
        narrow = tables.board_columns() == 1
        st.altair_chart(charts.days(rows, narrow=narrow), key="days", alt="Bill and estimate of each UTC day")
    tables.table(
        rows.assign(difference_usd=tables.usd_moves(rows["difference_usd"])),
        key="days-table",
        export=rows,
        height=tables.height_px(len(rows), most=8),
        alt="Bill and estimate of each UTC day, the newest first",
        column_config={
            "day": column.DateColumn("Day (UTC)", format="D MMM", pinned=True),
            "estimate_usd": tables.usd_column("Estimate", rows["estimate_usd"], "Use times list price."),
            "bill_usd": tables.usd_column("Bill", rows["bill_usd"], "Net of what Savings Plans cover."),
            "difference_usd": tables.usd_moves_column(
                "Difference", rows["difference_usd"], "Bill less estimate, for all reasons together."
            ),
        },
    )


def where(found: Reconciled) -> None:
    st.header("Where, most unexplained first", anchor=False)
    shown, column = figures.cells(found), st.column_config
    tables.table(
        shown.assign(unexplained_usd=tables.usd_moves(shown["unexplained_usd"])),
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
            "unexplained_usd": tables.usd_moves_column(
                "Unexplained", shown["unexplained_usd"], "Bill less estimate, without what is explained."
            ),
            "why": column.TextColumn(
                "Differences",
                width="large",
                help="Estimate + differences = bill. Those below $0.0001 are in the file only.",
            ),
        },
    )


def rests_on(told: Reconciliation) -> None:
    with st.expander("What this rests on", icon=":material/function:"):
        lines = [
            f"- {_whose(told)} {numbers.plain(one.payer)}, {one.source}: "
            f"{one.read:,} lines up to {one.last_day or 'no day'}, "
            f"read {one.imported_at:%d %B %Y %H:%M} UTC from {numbers.plain(', '.join(one.files))}"
            for one in told.bills
        ]
        st.markdown("\n".join(lines))
        st.markdown(
            "Per account, region and meter, the estimate at list price plus its differences is the bill, to "
            "the last digit. Days are UTC."
        )
        if told.source == EXPLORER:
            st.markdown(
                "Cost Explorer names no functions and tells unblended costs: what a Savings Plan covers "
                "costs nothing here, its fee is charged elsewhere. It was asked about the watched accounts "
                "and regions only; AWS may change a day until the month's bill is final."
            )


def _whose(told: Reconciliation) -> str:
    return "Account" if told.source == EXPLORER else "Payer"


widgets.toolbar("Reconciliation")
widgets.live(page)
