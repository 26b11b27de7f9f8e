"""What is wrong with this one, and what changed?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import (
    figures_function,
    figures_wiring,
    links,
    numbers,
    queries,
    queries_function,
    tables,
    widgets,
)
from dashboard.charts.boards import deploy_marks, function_board
from dashboard.compare import earlier
from dashboard.figures_function import Event, Row
from dashboard.firing import sentence
from dashboard.function_tabs import tabs
from dashboard.functions_table import functions_table
from store.store import Filter

HISTORY = timedelta(days=14)
TRIGGERS_IN_LINE = 4


def choose(fleet: pd.DataFrame) -> None:
    """The function of the address, shown in a box that writes another one back."""
    rows = fleet.to_dict("records")
    ids = [links.function_id(row["account"], row["region"], row["function"]) for row in rows]
    several = fleet["account"].nunique() * fleet["region"].nunique() > 1
    names = queries.names()
    labels = {
        id: f"{row['function']} · {names.get(row['account'], row['account'])} {row['region']}"
        if several
        else row["function"]
        for id, row in zip(ids, rows, strict=True)
    }

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Function", ids, key=key, on_change=changed, format_func=lambda id: labels.get(id, id),
            index=None, placeholder="Choose a function", label_visibility="collapsed", width=330,
        )  # fmt: skip

    links.choose("fn", ids, None, draw)


def chosen(fleet: pd.DataFrame, where: Filter) -> Row | None:
    """The row of the address's function; a bare name is enough where only one function in scope has it."""
    asked = st.query_params.get("fn", "")
    found = links.read_function_id(asked)
    for row in fleet.to_dict("records"):
        if found == (Target(row["account"], row["region"]), row["function"]):
            return row
    named = queries.within(fleet[fleet["function"] == asked], where).to_dict("records")
    return named[0] if len(named) == 1 else None


def unknown(asked: str, fleet: pd.DataFrame) -> None:
    """Say why the address's function is not shown."""
    found = links.read_function_id(asked)
    name = numbers.plain(found[1] if found else asked)
    twins = int((fleet["function"] == asked).sum())
    if twins > 1:
        st.info(f"{twins} functions are called {name}. Choose one.", icon=":material/call_split:")
    else:
        widgets.no_data(f"No function {name} is known in this window.", collector="inventory")


def page(window: Window) -> None:
    at = queries.now()
    row = chosen(queries.fleet_table(window, Filter(), at), queries.scope())
    if row is None:
        return
    target, name = Target(row["account"], row["region"]), row["function"]
    where = Filter(account=target.account, region=target.region, function=name)
    series = queries.function_series(target, name, window, at)
    then = queries.fleet_table(earlier(window), where, at)
    changes = queries.function_changes(target, name, Window(window.end - HISTORY, at))
    incidents = queries.incidents_of(target, name)

    answer(row, incidents, changes, window)
    before = then.to_dict("records")[0] if len(then) else None
    widgets.cards(figures_function.cards(row, before, series, window), compared=earlier(window))
    left, right = st.columns([3.2, 1], gap="small")
    with left:
        board(row, series, changes, incidents, window)
    with right:
        what_changed(figures_function.events(changes, incidents))


def answer(row: Row, incidents: pd.DataFrame, changes: pd.DataFrame, window: Window) -> None:
    """Its state in a sentence, then its configuration and what feeds it."""
    now, names = queries.now(), queries.names()
    firing = incidents[incidents["resolved_at"].isna()] if not incidents.empty else incidents
    with st.container(border=True, key="state", gap="xsmall"):
        for incident in firing.to_dict("records"):
            st.markdown(sentence(incident, now=now))
        if firing.empty:
            state, text = figures_function.state(row, now=now)
            st.markdown(f"{widgets.badge(state)} {text}.")
        deploys = changes[changes["kind"] == "deploy"].to_dict("records") if not changes.empty else []
        place = f"{names.get(row['account'], row['account'])} {row['region']}"
        line = figures_function.configuration(
            row, place, deploys[0] if deploys else None, zone=widgets.zone(), now=now
        )
        st.markdown(f":small[:gray[{line}] [AWS console]({console(row['region'], row['function'])})]")
        target = Target(row["account"], row["region"])
        feeds(queries.triggers(target, row["function"]))
        ages(target, row["function"], window)
        gaps_in_log(target, row["function"], window)


def feeds(triggers: pd.DataFrame) -> None:
    """What invokes it, with live state: what is off, failing or public stands out."""
    said = figures_wiring.trigger_words(triggers, most=TRIGGERS_IN_LINE)
    if said:
        st.caption(":material/input: " + " · ".join(said))


def ages(target: Target, name: str, window: Window) -> None:
    """What of it ends or serves nobody."""
    now = queries.now()
    said = figures_wiring.aging(
        queries_function.runtime(target, name, now), queries_function.provisioned(target, name, window)
    )
    if said:
        st.markdown(" ".join(said))


def gaps_in_log(target: Target, name: str, window: Window) -> None:
    """Why numbers from its log are incomplete: one quiet line, the rest one click away."""
    found = figures_wiring.incomplete(queries_function.completeness(target, name, window, queries.now()))
    if not found:
        return
    more = len(found) - 1
    with st.container(horizontal=True, vertical_alignment="center", key="incomplete"):
        st.caption(f":orange[:material/visibility_off:] Log-based numbers are incomplete: {found[0]}.")
        if more:
            with st.popover(f"{more} more", type="tertiary"):
                st.markdown("\n".join(f"- {reason}." for reason in found))


def console(region: str, name: str) -> str:
    return f"https://{region}.console.aws.amazon.com/lambda/home?region={region}#/functions/{quote(name)}"


def board(
    row: Row, series: pd.DataFrame, changes: pd.DataFrame, incidents: pd.DataFrame, window: Window
) -> None:
    drawn = function_board(
        series,
        deploy_marks(changes),
        window=window,
        zone=widgets.zone(),
        timeout_s=row["timeout_s"],
        memory_mb=row["memory_mb"],
        reserved=row["reserved"],
        firing=figures_function.firing_windows(incidents, window),
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        st.echarts_chart(
            drawn.option,
            height=drawn.height_px,
            key="function-board",
            alt="Invocations, error rate, duration, concurrency, cold starts and memory of the function",
        )


def what_changed(happened: list[Event]) -> None:
    now, zone = queries.now(), widgets.zone()
    with st.container(border=True, key="changed", height="stretch"):
        st.header("What changed", anchor=False)
        if not happened:
            st.caption(f"Nothing in the last {HISTORY.days} days, as far as it is seen.")
        for event in happened:
            detail = f" · {numbers.plain(event.detail)}" if event.detail else ""
            st.markdown(
                f":{event.colour}[:material/{event.icon}:] **{numbers.plain(event.what)}**  \n"
                f":small[:gray[{numbers.clock(event.ts, zone, now=now)}{detail}]]"
            )


def main() -> None:
    if queries.targets().empty:
        st.title("Functions", anchor=False)
        widgets.no_data("Nothing has been collected yet.", collector="inventory")
        return
    window, at, where = widgets.window(), queries.now(), queries.scope()
    fleet = queries.fleet_table(window, where, at)
    widgets.toolbar("Functions", chooser=lambda: choose(fleet))
    row = chosen(queries.fleet_table(window, Filter(), at), where)
    asked = st.query_params.get("fn")
    if row is not None:
        widgets.live(page)
        tabs(Target(row["account"], row["region"]), row["function"], window)
        return
    if asked:
        unknown(asked, fleet)
    if fleet.empty:
        widgets.no_data("No functions are known yet.", collector="inventory")
    else:
        functions_table(fleet, queries.within(queries.open_incidents(), where), window)


main()
