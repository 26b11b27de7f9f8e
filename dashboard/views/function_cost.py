"""What drives the cost of this function, what of it bought nothing, and what would cost less?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.cost_anomalies import METHOD
from core.cost_words import COMPONENT_WORDS, ESTIMATE_ERROR, NOT_COUNTED
from core.facts import Target
from core.windows import Window, floor
from dashboard import (
    figures_function_cost,
    figures_parts,
    links,
    log_cost_parts,
    numbers,
    queries,
    queries_cost,
    queries_function,
    queries_function_cost,
    queries_savings,
    savings_parts,
    tables,
    widgets,
    zoom,
)
from dashboard.charts.cost import cost_over_time
from dashboard.choosers import function_labels
from dashboard.compare import earlier
from dashboard.figures_cost import DAY
from dashboard.focus_parts import focus_files
from dashboard.meanings import MEANINGS
from store.readers.billing import RECORDS
from store.readers.cost import cost_step
from store.readers.deploy_costs import NEAR
from store.readers.things import Place
from store.store import Filter

DEPLOYS = 14 * DAY
FORTNIGHT = 14 * DAY
MOST = 14


def chosen() -> Place | None:
    found = links.read_function_id(st.query_params.get("fn", ""))
    return (found[0].account, found[0].region, found[1]) if found else None


def choose() -> None:
    labels = function_labels(widgets.window())

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Function", list(labels), key=key, on_change=changed, format_func=lambda id: labels.get(id, id),
            index=None, placeholder="Choose a function", label_visibility="collapsed", width=330,
        )  # fmt: skip

    links.choose("fn", list(labels), None, draw)


def page(window: Window) -> None:
    place = chosen()
    if place is None:
        every(window)
        return
    now, where = queries.now(), Filter(*place)
    one = figures_function_cost.row(queries_cost.costs(window, where, now, "function"))
    if one is None:
        name = numbers.plain(place[2])
        widgets.no_data(f"Nothing that {name} costs is known in this window.", collector="metrics")
        return
    before = figures_function_cost.row(queries_cost.costs(earlier(window), where, now, "function"))
    wasted = queries_function_cost.avoidable(window, where, now)
    tables.say(figures_function_cost.answer(one, window=window))
    widgets.cards(figures_function_cost.cards(one, before, wasted), compared=earlier(window))
    drivers(place, window)
    unusual(place, window)
    bought_nothing(wasted, one)
    deploys(place, window)
    cheaper(place, window)


def every(window: Window) -> None:
    """The functions to choose from, dearest first."""
    costs = queries_function_cost.dearest(window, queries.scope(), queries.now())
    if costs.empty:
        widgets.no_data("Nothing that costs money is known in this window.", collector="metrics")
        return
    shown = tables.with_place(figures_function_cost.dearest(costs))
    tables.say(figures_function_cost.answer_of_all(shown, window=window))
    st.header("Choose a function: dearest first", anchor=False)
    column = st.column_config
    columns = ["function", "cost_usd", "share", "per_thousand_usd", "driver", "invocations", "place", "state"]
    with st.container(key="dearest-table"):
        tables.table(
            shown,
            key="dearest",
            export=costs,
            height=tables.height_px(len(shown), most=MOST),
            alt="Functions by cost, dearest first; choose one to see what drives it",
            column_config={
                "function": _open(shown, "pick-dearest"),
                "cost_usd": tables.usd_column("Cost", shown["cost_usd"], "At list price, in this window."),
                "share": column.ProgressColumn("Share", format="percent", min_value=0, max_value=1),
                "per_thousand_usd": tables.usd_column(
                    "Per thousand", shown["per_thousand_usd"], "Cost / invocations × 1,000."
                ),
                "driver": column.TextColumn("Driven by", width=160, help="The component that costs most."),
                "invocations": tables.count_column("Invocations"),
                "place": column.TextColumn("Where"),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(shown, columns),
        )
    focus_files(window, queries.scope(), "function", "dearest")
    log_cost_parts.logs(costs, window)


def _open(shown: pd.DataFrame, key: str) -> Any:
    def opened() -> None:
        row = shown.iloc[st.session_state[key]["row"]]
        st.query_params["fn"] = links.function_id(row["account"], row["region"], row["function"])

    return st.column_config.ButtonColumn(
        "Function", key=key, on_click=opened, type="tertiary", alignment="left", pinned=True
    )


def drivers(place: Place, window: Window) -> None:
    """Components over time, and each with its formula."""
    step = cost_step(window)
    target, now = Target(place[0], place[1]), queries.now()
    costs = queries_function.cost_parts(target, place[2], window, now)
    with st.container(border=True, key="drivers"):
        st.header(f"What drives it, per {numbers.age(step)}", anchor=False)
        series = queries_function_cost.over_time(window, place, now)
        if series.empty:
            widgets.no_data(f"No whole {numbers.age(step)} has passed in this window.")
        else:
            named = series.assign(group=[COMPONENT_WORDS.get(name, name) for name in series["group"]])
            used = named.groupby("group")["cost_usd"].transform("sum") > 0
            narrow = tables.board_columns() == 1
            chart = cost_over_time(named[used] if used.any() else named, step=step, narrow=narrow)
            zoom.bars(
                chart, key="drivers-chart", alt=f"Cost per {numbers.age(step)} by component",
                formula=MEANINGS["cost_usd"],
            )  # fmt: skip
    shown, column = figures_parts.parts(costs, window), st.column_config
    with st.container(key="drivers-table"):
        tables.table(
            shown,
            key="function-parts",
            height=tables.height_px(len(shown), most=8),
            alt="Cost of the function per component, with the formula of each, dearest first",
            column_config={
                "component": column.TextColumn("Component"),
                "cost_usd": tables.usd_column("In this window", shown["cost_usd"]),
                "per_day_usd": tables.usd_column("Per day", shown["per_day_usd"], "At this window's pace."),
                "share": column.ProgressColumn("Share", format="percent", min_value=0, max_value=1),
                "formula": column.TextColumn("Formula", width=560),
                "state": column.TextColumn("Data", help="Whether the row's number is complete and final."),
            },
        )
    focus_files(window, Filter(*place), "function", "function-parts")
    basis = sorted(set(costs["basis"]))
    error = "" if basis == [RECORDS] else f" {ESTIMATE_ERROR}."
    st.caption(f"Basis: {', '.join(basis)}.{error} List prices of {place[1]}. {NOT_COUNTED}.")


def unusual(place: Place, window: Window) -> None:
    """Whole days of the last two weeks that cost far more than days like them, and the likely cause."""
    st.header("Days that cost far more than usual", anchor=False)
    days = Window(floor(window.end - FORTNIGHT, DAY), floor(window.end, DAY))
    told = queries_function_cost.unusual_days(days, place, queries.now())
    st.markdown(figures_function_cost.unusual_sentence(told))
    if told.found:
        shown, column = figures_function_cost.unusual_table(told.found), st.column_config
        with st.container(key="unusual-table"):
            tables.table(
                shown,
                key="unusual",
                height=tables.height_px(len(shown), most=8),
                alt="Days that cost far more than usual with the likely cause, the newest first",
                column_config={
                    "day": column.DateColumn("Day (UTC)", format="D MMM", pinned=True),
                    "cost_usd": tables.usd_column("Cost", shown["cost_usd"], "At list price, that day."),
                    "usual_usd": tables.usd_column("Usual", shown["usual_usd"], "Median of days like it."),
                    "above_usd": tables.usd_column("Above", shown["above_usd"], "Cost − usual."),
                    "component": column.TextColumn("Mostly", help="The component that rose most."),
                    "cause": column.TextColumn("Likely cause"),
                    "says": column.TextColumn("Because", width="large"),
                },
            )
    st.caption(f"Whole days, UTC, from {days.start:%-d %b} to {days.end - DAY:%-d %b}. {METHOD}")


def bought_nothing(wasted: pd.DataFrame, one: figures_function_cost.Row) -> None:
    st.header("What bought nothing", anchor=False)
    if wasted.empty:
        widgets.no_data("No invocation record is known in this window.", collector="logs")
        return
    shown, column = figures_function_cost.avoidable_table(wasted, one), st.column_config
    with st.container(key="avoidable-table"):
        tables.table(
            shown,
            key="avoidable",
            export=wasted,
            alt="What errors, timeouts, retries and cold starts cost, dearest first",
            column_config={
                "kind": column.TextColumn("Kind", pinned=True),
                "cost_usd": tables.usd_column("Cost", shown["cost_usd"], "At list price, in this window."),
                "share": tables.percent_column("Of its cost", "This / the function's cost in this window."),
                "invocations": tables.count_column("Invocations"),
                "means": column.TextColumn("What is counted", width=540),
                "state": column.TextColumn("Data", help="How well its log was read."),
            },
        )
    st.caption("From invocation records. Kinds overlap: a retry that times out is in three of them.")


def deploys(place: Place, window: Window) -> None:
    """Before and after each deploy of the last two weeks."""
    st.header("Before and after each deploy", anchor=False)
    wide = Window(min(window.start, window.end - DEPLOYS), window.end)
    found = queries_function_cost.deploys(wide, place, queries.now())
    if found.empty:
        st.caption(f"No deploy is known in {numbers.age(wide.duration)}.")
        return
    st.markdown(figures_function_cost.deploy_sentence(found))
    shown, column = figures_function_cost.deploy_table(found, zone=widgets.zone()), st.column_config
    with st.container(key="deploys-table"):
        tables.table(
            shown,
            key="deploys",
            export=figures_function_cost.deploy_file(found),
            alt="Cost per thousand invocations before and after each deploy, newest first",
            column_config={
                "ts": column.DatetimeColumn("When", format="D MMM, HH:mm"),
                "what": column.TextColumn("Deploy"),
                "before_usd": _thousand("Before", shown["before_usd"]),
                "after_usd": _thousand("After", shown["after_usd"]),
                "moved_share": tables.percent_column("Moved by", "(After − before) / before."),
                "most": column.TextColumn("Most of it", width=170, help="Per thousand invocations."),
                "before": column.TextColumn("Before: length"),
                "after": column.TextColumn("After: length"),
                "before_invocations": tables.count_column("Invocations before", "In the window before it."),
                "after_invocations": tables.count_column("Invocations after", "In the window after it."),
                "who": column.TextColumn("Who", width=150),
                "state": column.TextColumn("Data", help="The worse of the two windows."),
            },
        )
    st.caption(
        f"Up to {numbers.age(NEAR)} before and after each, no further than the next deploy; list prices."
    )


def _thousand(label: str, amounts: pd.Series[Any]) -> Any:
    return tables.usd_column(label, amounts, "Cost of a thousand invocations at list price.")


def cheaper(place: Place, window: Window) -> None:
    """What is proposed, and a control to try."""
    st.header("What would cost less?", anchor=False)
    wide = Window(min(window.start, window.end - FORTNIGHT), window.end)
    found = queries_savings.savings(wide, Filter(*place), queries.now())
    told = [one for one in found if one.proposal.verdict == "change"]
    for one in told:
        st.markdown(f"- {numbers.plain(one.proposal.says)}")
    if not told:
        st.caption("Nothing is proposed for it.")
    st.page_link(
        links.SAVINGS, label="Its proposals, with risk and evidence", icon=":material/savings:",
        query_params=links.carry(function=links.function_id(*place)),
    )  # fmt: skip
    savings_parts.what_if(place, wide)


widgets.toolbar("Function cost", chooser=choose)
if not queries.targets().empty:
    widgets.live(page)
else:
    widgets.no_data("Nothing has been collected yet.", collector="metrics")
