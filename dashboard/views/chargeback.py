"""Who bears what of a month, and how does it add up?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.chargeback import ROUNDING_RULE, RULE
from core.chargeback_page import statement_page
from core.cost_words import COMPONENT_WORDS, NOT_COUNTED
from core.tiering import RULE as NET
from core.windows import MINUTE, Window, floor
from dashboard import figures_chargeback, links, numbers, queries, queries_cost, tables, widgets
from dashboard.charts.chargeback import lines
from dashboard.focus_parts import focus_files
from store import bill
from store.readers.chargeback import Chargeback

MONTHS, TEAM = 15, "team"
DIMENSIONS = {"account": "Account", "region": "Region", "function": "Function"}
QUARTER_HOUR = 15 * MINUTE
PRICES = f"Net: after free amounts, tiers and savings plan, before credits. {{}} {NOT_COUNTED}."


def months(now: datetime) -> list[str]:
    """This month and those before it, newest first, as the address names them: 2026-11."""
    found, first = [], bill.month_start(now)
    for _ in range(MONTHS):
        found.append(f"{first:%Y-%m}")
        first = bill.month_start(first - timedelta(days=1))
    return found


def dimensions() -> dict[str, str]:
    """Tags, `team` first if there is one, then what every function has."""
    tags = sorted(queries_cost.tag_names(), key=lambda tag: tag != TEAM)
    return {f"tag:{tag}": tag for tag in tags} | DIMENSIONS


def choose(name: str, options: dict[str, str], label: str) -> str:
    """A box for one of some words, the first unless the address says another."""
    first = next(iter(options))

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            label, list(options), key=key, on_change=changed, format_func=lambda id: options.get(id, id),
            label_visibility="collapsed", width=200,
        )  # fmt: skip

    return links.choose(name, list(options), first, draw) or first


def page(_window: Window) -> None:
    now, where = queries.now(), queries.scope()
    with st.container(horizontal=True, vertical_alignment="center", key="chargeback-bar"):
        st.header("Statement of", anchor=False, width="content")
        month = choose("month", {each: _month(each) for each in months(now)}, "Month")
        by = choose("by", {key: f"by {word}" for key, word in dimensions().items()}, "Divided by")
    at = floor(now, QUARTER_HOUR)
    found = queries_cost.chargeback(_first(month), where, at, by)
    what = dimensions()[by].lower()
    if not found.statement.lines:
        widgets.no_data(f"Nothing that costs money is known of {_month(month)}.", collector="metrics")
        return
    tables.say(figures_chargeback.answer(found, what=what))
    widgets.cards(figures_chargeback.cards(found))
    made_of(found, what)
    table(found, by, what)
    rules(found)


def _month(month: str) -> str:
    return f"{_first(month):%B %Y}"


def _first(month: str) -> datetime:
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)


def made_of(found: Chargeback, what: str) -> None:
    bars = figures_chargeback.bars(found, COMPONENT_WORDS)
    if bars.empty:
        return
    with st.container(border=True, key="chargeback-chart"):
        drawn = lines(bars, narrow=tables.board_columns() == 1)
        st.altair_chart(drawn, key="chargeback-lines", alt=f"What each {what} bears, by component")


def table(found: Chargeback, by: str, what: str) -> None:
    shown, column = figures_chargeback.table(found), st.column_config
    with st.container(key="chargeback-table"):
        tables.table(
            shown,
            key="chargeback",
            export=figures_chargeback.export(found, by),
            height=tables.height_px(len(shown), most=20),
            alt=f"What each {what} is charged for the month, the dearest first, the total last",
            column_config={
                "name": column.TextColumn(numbers.plain(what).capitalize(), pinned=True),
                "charged_usd": column.NumberColumn(
                    "Charged", format="$%,.2f", help="In whole cents; the lines add up to the total."
                ),
                "share": tables.percent_column("Share", "Exact cost of the line / exact total."),
                "list_usd": tables.usd_column("List", shown["list_usd"], "Its functions, at list price."),
                "own_usd": tables.usd_column(
                    "Own", shown["own_usd"], "Its functions, net: after free amounts, tiers and savings plan."
                ),
                "shared_usd": tables.usd_column(
                    "Shared", shown["shared_usd"], "Its part of what no function causes, by own cost."
                ),
                "exact_usd": column.NumberColumn("Exact, USD", format="%.6f", help="Own + shared."),
                "rounding_usd": column.NumberColumn("Rounding, USD", format="%.6f", help="Charged − exact."),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
        )
    focus_files(found.window, queries.scope(), by, "chargeback")
    st.download_button(
        "Statement",
        lambda: document(found, what),
        file_name=f"quarterdeck-chargeback-{found.window.start:%Y-%m}.html",
        mime="text/html",
        icon=":material/download:",
        key="chargeback-html",
        help="A page for people, with all that it rests on; it needs nothing else to be read or printed.",
        on_click="ignore",
    )


def document(found: Chargeback, what: str) -> str:
    return statement_page(
        found.statement,
        window=found.window,
        is_whole=found.is_whole,
        by=what,
        words=COMPONENT_WORDS,
        lacks=figures_chargeback.lacks(found),
        made=queries.now(),
        prices=PRICES.format(queries_cost.price_sources()),
    )


def rules(found: Chargeback) -> None:
    one, prices = found.statement, PRICES.format(numbers.plain(queries_cost.price_sources()))
    with st.expander("How it adds up", icon=":material/function:"):
        st.markdown(
            f"- {RULE}\n- {NET}\n- {ROUNDING_RULE}\n"
            f"- Exact total: {numbers.plain(f'{one.total_usd:f}')} USD; "
            f"charged: {numbers.plain(f'{one.cents_usd:f}')} USD.\n- {prices}"
        )
    lacking = figures_chargeback.lacks(found)
    if lacking:
        with st.expander(f"What it lacks ({len(lacking)})", icon=":material/visibility_off:"):
            st.markdown("\n".join(f"- {numbers.plain(text)}" for text in lacking))


widgets.toolbar("Chargeback")
if queries.targets().empty:
    widgets.no_data("Nothing has been collected yet.", collector="metrics")
else:
    widgets.live(page)
