"""What is wrong with this one, and what changed?"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.facts import Target
from core.preceding import Preceded
from core.windows import Window
from dashboard import (
    figures_firing,
    figures_function,
    figures_waits,
    figures_wiring,
    links,
    numbers,
    queries,
    queries_function,
    queries_overview,
    tables,
    widgets,
    zoom,
)
from dashboard.charts.boards import change_marks, function_board
from dashboard.choosers import function_labels
from dashboard.compare import earlier
from dashboard.figures_function import EVENTS, Row
from dashboard.firing import sentence
from dashboard.function_changes import known_changes, open_diff, what_changed
from dashboard.function_tabs import tabs
from dashboard.functions_table import functions_table
from store.store import Filter

TRIGGERS_IN_LINE, SHOUTS = 4, 3


def choose(window: Window) -> None:
    """The function of the address, shown in a box that writes another one back."""
    labels = function_labels(window)

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Function", list(labels), key=key, on_change=changed, format_func=lambda id: labels.get(id, id),
            index=None, placeholder="Choose a function", label_visibility="collapsed", width=330,
        )  # fmt: skip

    links.choose("fn", list(labels), None, draw)


def chosen(window: Window) -> Row | None:
    """The row of the address's function; a bare name is enough where only one function in scope has it."""
    asked = st.query_params.get("fn", "")
    found = links.read_function_id(asked) or named(asked, window)
    if found is None:
        return None
    target, name = found
    only = Filter(target.account, target.region, name)
    rows = queries.fleet_table(window, only, queries.now()).to_dict("records")
    return rows[0] if rows else None


def named(name: str, window: Window) -> tuple[Target, str] | None:
    """The one function in scope that is called so; None if none or several are."""
    known = queries.function_names(window, queries.scope())
    twins = known[known["function"] == name]
    return (Target(twins["account"].iloc[0], twins["region"].iloc[0]), name) if len(twins) == 1 else None


def unknown(asked: str, window: Window) -> None:
    """Say why the address's function is not shown."""
    found = links.read_function_id(asked)
    name = numbers.plain(found[1] if found else asked)
    twins = int((queries.function_names(window, queries.scope())["function"] == asked).sum())
    if twins > 1:
        st.info(f"{twins} functions are called {name}. Choose one.", icon=":material/call_split:")
    else:
        widgets.no_data(f"No function {name} is known in this window.", collector="inventory")


def page(window: Window) -> None:
    at = queries.now()
    row = chosen(window)
    if row is None:
        return
    target, name = Target(row["account"], row["region"]), row["function"]
    where = Filter(account=target.account, region=target.region, function=name)
    series = queries.function_series(target, name, window, at)
    then = queries.fleet_table(earlier(window), where, at)
    changes = known_changes(target, name, window)
    incidents = queries.incidents_of(target, name)

    waiting = answer(row, incidents, changes, window)
    before = then.to_dict("records")[0] if len(then) else None
    nature = queries_function.nature(target, name, at)
    widgets.cards(figures_function.cards(row, before, series, window, nature), compared=earlier(window))
    left, right = st.columns([3.2, 1], gap="small")
    with left:
        board(row, series, changes, incidents, window)
    with right:
        happened = figures_function.events(changes, incidents)
        what_changed(happened[:EVENTS], window, more=len(happened) - EVENTS)
    with waiting:
        waits(target, name, window)


def answer(row: Row, incidents: pd.DataFrame, changes: pd.DataFrame, window: Window) -> DeltaGenerator:
    """Its state in a sentence, what keeps work from it, then its configuration and what feeds it. Returns
    where what waits is told: that is asked last, for nobody should wait for it."""
    target = Target(row["account"], row["region"])
    triggers = queries.triggers(target, row["function"])
    now, names = queries.now(), queries.names()
    firing = incidents[incidents["resolved_at"].isna()] if not incidents.empty else incidents
    with st.container(border=True, key="state", gap="xsmall"):
        for incident, before in preceded(firing):
            st.markdown(sentence(incident, now=now, before=before))
        if firing.empty:
            state, text = figures_function.state(row, now=now)
            st.markdown(f"{widgets.badge(state)} {text}.")
        for shout in figures_wiring.shouts(triggers, row["reserved"], most=SHOUTS):
            st.markdown(shout)
        waiting = st.container(key="waits")
        deploys = changes[changes["kind"] == "deploy"].to_dict("records") if not changes.empty else []
        place = f"{names.get(row['account'], row['account'])} {row['region']}"
        line = figures_function.configuration(
            row,
            place,
            deploys[0] if deploys else None,
            zone=widgets.zone(),
            now=now,
            nature=queries_function.nature(target, row["function"], now),
        )
        st.markdown(f":small[:gray[{line}] [AWS console]({console(row['region'], row['function'])})]")
        feeds(figures_wiring.quiet(triggers))
        ages(target, row["function"], window)
        gaps_in_log(target, row["function"], window)
    return waiting


def preceded(firing: pd.DataFrame) -> list[tuple[Row, Preceded | None]]:
    """Each of its alerts with the change that came shortly before, as the Overview tells them."""
    if firing.empty:
        return []
    changes = queries_overview.changes_between(*figures_firing.span(firing))
    return [(one, figures_firing.before(one, changes, {})) for one in firing.to_dict("records")]


def waits(target: Target, name: str, window: Window) -> None:
    """What waits for it or was lost, losses first; nothing where nothing can wait."""
    at = queries.now()
    is_durable = queries_function.nature(target, name, at).durable_timeout_s is not None
    said = figures_waits.waits(
        queries_function.async_events(target, name, window, at),
        queries_function.mappings(target, name, window, at),
        queries_function.queues(target, name, window, at),
        queries_function.particulars(target, name, window, at).durable if is_durable else None,
    )
    if said:
        st.markdown(" · ".join(said))


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
    target = Target(row["account"], row["region"])
    now = queries.now()
    ready = queries_function.provisioned(target, row["function"], window)["requested"].sum()
    on_instances = queries_function.nature(target, row["function"], now).provider is not None
    drawn = function_board(
        series,
        change_marks(changes),
        window=window,
        zone=widgets.zone(),
        timeout_s=row["timeout_s"],
        memory_mb=row["memory_mb"],
        reserved=row["reserved"],
        unreserved=None if on_instances else queries_function.shared_pool(target, window, now),
        provisioned=float(ready) or None,
        firing=figures_function.firing_windows(incidents, window),
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        zoom.board(
            drawn,
            key="function-board",
            alt="Invocations, error rate, duration, concurrency, cold starts and memory of the function",
        )


def main() -> None:
    if queries.targets().empty:
        st.title("Functions", anchor=False)
        widgets.no_data("Nothing has been collected yet.", collector="inventory")
        return
    window, where = widgets.window(), queries.scope()
    widgets.toolbar("Functions", chooser=lambda: choose(window))
    row = chosen(window)
    if row is not None:
        target, name = Target(row["account"], row["region"]), row["function"]
        widgets.live(page)
        tabs(target, name, window)
        open_diff(target, name, window)
        return
    if asked := st.query_params.get("fn"):
        unknown(asked, window)
    fleet = queries.fleet_table(window, where, queries.now())
    if fleet.empty:
        widgets.no_data("No functions are known yet.", collector="inventory")
    else:
        functions_table(window, queries.within(queries.open_incidents(), where))


main()
