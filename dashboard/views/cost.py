"""What do we spend, what moved and why, where does it go?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import streamlit as st

from core.cost_anomalies import LEAST_USD
from core.cost_words import ESTIMATE_ERROR, NOT_COUNTED
from core.spend_moves import Move
from core.tiering import RULE
from core.windows import MINUTE, Window, floor
from dashboard import (
    figures_cost,
    figures_moves,
    links,
    numbers,
    queries,
    queries_cost,
    tables,
    widgets,
    zoom,
)
from dashboard.answers import cost_answer
from dashboard.charts.cost import SHORT_WORDS, cost_by_component, cost_over_time
from dashboard.compare import earlier
from dashboard.figures_cost import DAY
from dashboard.focus_parts import focus_files
from dashboard.meanings import MEANINGS
from store.readers.chargeback import month_window
from store.readers.cost import cost_step

DIMENSIONS = {
    "function": "Function",
    "account": "Account",
    "region": "Region",
    "runtime": "Runtime",
    "architecture": "Architecture",
}
PRICES = (
    "List prices of each region, exact decimals, before the free tier, savings plans and credits. **Basis**: "
    "`records` reads billed times from REPORT lines; `metrics, estimated` knows only CloudWatch's durations."
)
MOVES, BUDGETS = 8, 4
LOOKED_AT = 3
"""Functions, those that moved most, whose days are held against days like them."""


def page(window: Window) -> None:
    now, where, by = queries.now(), queries.scope(), dimension()
    groups = queries_cost.costs(window, where, now, by)
    if groups.empty:
        widgets.no_data("Nothing that costs money is known in this window.", collector="metrics")
        return
    groups = figures_cost.named(groups, by)
    parts = figures_cost.by_component(groups)
    before = figures_cost.named(queries_cost.costs(earlier(window), where, now, by), by)
    tables.say(cost_answer(groups, parts, days=window.duration / DAY, what=word(by).lower()))
    against_budgets()
    left_out(groups, by)
    shown = figures_cost.cards(groups, before, window=window)
    widgets.cards([*shown, *month(by)], compared=earlier(window))
    charts(parts, window, by)
    table(groups, window, by)
    moved(groups, before, window, by)


def month(by: str) -> list[widgets.Card]:
    """The month so far; its end is rounded, so that readers share the answer."""
    now, where = queries.now(), queries.scope()
    so_far = month_window(now, now=floor(now, 15 * MINUTE))
    tag = by if by.startswith("tag:") else next((f"tag:{name}" for name in queries_cost.tag_names()), None)
    found = figures_cost.named(queries_cost.costs(so_far, where, now, tag or "account"), tag or "account")
    own = queries_cost.own_spend(so_far, where)
    unused = queries_cost.unused_commitment(so_far, now)
    so_far_card, *others = figures_cost.month_cards(
        found, own, tag=tag and tag.removeprefix("tag:"), unused_usd=unused
    )
    ahead = queries_cost.forecast(where, now, f"{now:%Y-%m-%d}")
    return [so_far_card, figures_cost.forecast_card(ahead), *others]


def against_budgets() -> None:
    """Where each budget stands, the worst first."""
    now = queries.now()
    found = queries_cost.budgets(now, f"{now:%Y-%m-%d}")
    for one in found[:BUDGETS]:
        state, text = figures_cost.budget_words(one)
        st.markdown(f"{widgets.badge(state)} {text}")
    if len(found) > BUDGETS:
        st.caption(f"{len(found) - BUDGETS} more budgets stand better.")


def left_out(groups: pd.DataFrame, by: str) -> None:
    """What no price is known for, with a count: it is in no sum of the page."""
    found = figures_cost.priceless(groups)
    if found:
        told = "; ".join(
            f"{numbers.plain(why)} ({n:,} {_many(word(by).lower(), n)})" for why, n in found.items()
        )
        st.markdown(f"{widgets.badge('not collected', 'Left out')} :small[In no sum of this page: {told}.]")


def _many(what: str, n: int) -> str:
    return what if n == 1 else f"{what}s"


def dimensions() -> list[str]:
    return [*DIMENSIONS, *(f"tag:{name}" for name in queries_cost.tag_names())]


def dimension() -> str:
    """What the address groups by."""
    by = st.query_params.get("by")
    return by if by in dimensions() else "function"


def choose_dimension() -> None:
    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Group by", dimensions(), format_func=lambda by: f"By {label(by)}", key=key, on_change=changed,
            label_visibility="collapsed", width=220,
        )  # fmt: skip

    links.choose("by", dimensions(), "function", draw)


def label(by: str) -> str:
    """What is grouped by, as a choice: tags say that they are."""
    tag = by.removeprefix("tag:")
    return DIMENSIONS[by].lower() if by in DIMENSIONS else f"tag {tag}"


def word(by: str) -> str:
    tag = by.removeprefix("tag:")
    return DIMENSIONS.get(by) or numbers.plain(tag[:1].upper() + tag[1:])


def charts(parts: figures_cost.Money, window: Window, by: str) -> None:
    step = cost_step(window)
    left, right = st.columns([2, 1], gap="small")
    with left, st.container(border=True, key="cost-series", height="stretch"):
        st.header(f"Per {words(step)}", anchor=False)
        series = queries_cost.cost_series(window, queries.scope(), queries.now(), by)
        if series.empty:
            widgets.no_data(f"No whole {words(step)} has passed in this window.")
        else:
            names = [str(group) if group else figures_cost.UNTAGGED for group in series["group"]]
            narrow = tables.board_columns() == 1
            chart = cost_over_time(series.assign(group=names), step=step, narrow=narrow)
            zoom.bars(
                chart, key="cost-chart", alt=f"Cost per {words(step)} by {word(by).lower()}",
                formula=MEANINGS["cost_usd"],
            )  # fmt: skip
    with right, st.container(border=True, key="cost-parts", height="stretch"):
        st.header("Where it goes", anchor=False)
        st.altair_chart(cost_by_component(figures_cost.bars(parts)), key="parts", alt="Cost per component")
        st.caption(f"{NOT_COUNTED}.")
        with st.popover("How this is computed", icon=":material/function:"):
            st.markdown(
                "\n".join(
                    f"- **{part}**: {figures_cost.FORMULAS[part]}" for part, usd in parts.items() if usd
                )
            )
            st.markdown(f"**Estimates**: {ESTIMATE_ERROR}.")
            st.markdown(f"**Net**: {RULE}")
            st.markdown(f"{PRICES} {numbers.plain(queries_cost.price_sources())}")


def words(step: timedelta) -> str:
    return {DAY: "day, UTC", timedelta(hours=1): "hour"}.get(step) or numbers.age(step)


def table(groups: pd.DataFrame, window: Window, by: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="cost-bar"):
        st.header(f"By {word(by).lower()}, dearest first", anchor=False, width="stretch")
        choose_dimension()
    shown = figures_cost.table(groups, window=window)
    column = st.column_config
    parts = {
        f"{name}_usd": tables.usd_column(SHORT_WORDS[name], shown[f"{name}_usd"])
        for name in figures_cost.used(groups)
    }
    with st.container(key="cost-table"):
        tables.table(
            shown,
            key="cost-groups",
            export=lambda: figures_cost.export(groups, by, window=window),
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=f"Cost by {word(by).lower()} and component, dearest first",
            column_config={
                "name": column.TextColumn(word(by)),
                "cost_usd": tables.usd_column("Cost", shown["cost_usd"], "At list price, in this window."),
                "net_usd": tables.usd_column(
                    "Net", groups["net_usd"], "After free amounts, tiers and savings plan, as they fall here."
                ),
                "share": column.ProgressColumn("Share", format="percent", min_value=0, max_value=1),
                "per_day_usd": column.NumberColumn("Per day", format="$%,.2f"),
                **parts,
                "invocations": tables.count_column("Invocations"),
                "per_million_usd": column.NumberColumn("Per million", format="$%,.2f", help="Invocations."),
                "basis": column.TextColumn(
                    "Basis", help="records: billed times; metrics, estimated: durations."
                ),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(shown, list(shown.columns)),
        )
    focus_files(window, queries.scope(), by, "spend")


def moved(groups: pd.DataFrame, before: pd.DataFrame, window: Window, by: str) -> None:
    was = earlier(window)
    zone, now = widgets.zone(), queries.now()
    st.header("What moved, and why", anchor=False)
    against = f"{numbers.clock(was.start, zone, now=now)} to {numbers.clock(was.end, zone, now=was.start)}"
    if not figures_cost.same_basis(groups, before):
        widgets.no_data(f"Cannot be compared: {against} was read from other sources than this window.")
        return
    found = queries_cost.moves(window, queries.scope(), now, by)
    known = behind(found, window, by)
    st.markdown(figures_moves.sentence(found, known))
    shown = figures_moves.table(found, known)
    column = st.column_config
    if shown.empty:
        return
    with st.container(key="moves-table"):
        tables.table(
            shown.assign(moved_usd=tables.usd_moves(shown["moved_usd"])),
            key="cost-moves",
            export=lambda: figures_moves.export([move for move in found if move.usd], known),
            height=tables.height_px(len(shown), most=MOVES),
            alt=f"How the cost of each {word(by).lower()} moved and why, the largest move first",
            column_config={
                "name": column.TextColumn(word(by)),
                "before_usd": tables.usd_column("Before", shown["before_usd"], f"At list price, {against}."),
                "after_usd": tables.usd_column("Now", shown["after_usd"], "At list price, in this window."),
                "moved_usd": tables.usd_moves_column("Moved", shown["moved_usd"], "Now − before."),
                "moved_share": tables.percent_column("Moved by", "(Now − before) / before."),
                "why": column.TextColumn("Because of", width="large"),
            },
        )
    st.caption(
        f"Against {against}. Traffic: what the earlier invocations would have cost more, had they been as "
        "many as now; the rest is what each component costs more per invocation. Together they are the move. "
        "Changes of the window stand with what they may have moved, and days that cost far more than usual."
    )


def behind(found: Sequence[Move], window: Window, by: str) -> figures_moves.Known:
    """Changes of every group, and unusual days of the functions that moved most."""
    where, now = queries.scope(), queries.now()
    whole = Window(floor(window.start, DAY), floor(window.end, DAY))
    most = [move for move in found if move.usd >= LEAST_USD] if by == "function" and whole.duration else []
    days = [
        one
        for move in most[:LOOKED_AT]
        for one in queries_cost.anomalies(whole, replace(where, function=str(move.group)), now)
    ]
    changes = queries_cost.changes_by(window, where, by)
    return figures_moves.behind(changes, days, zone=widgets.zone(), now=now)


widgets.toolbar("Spend")
widgets.live(page)
