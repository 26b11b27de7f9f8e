"""Can I believe what I see?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import (
    collection_budget,
    collection_services,
    figures_collection,
    numbers,
    queries,
    queries_collection,
    tables,
    widgets,
)
from dashboard.answers import collection_answer
from dashboard.charts.collection import outcome_cells, outcome_strip

SHOWN = 8
COLOURS = ["red", "red", "gray", "orange", "orange", "green"]


def page(window: Window) -> None:
    now, where = queries.now(), queries.scope()
    collectors = queries.within(queries.collectors(now), where)
    if collectors.empty:
        st.info(
            "Nothing has been collected yet. `quarterdeck run` collects all the time, `quarterdeck collect "
            "--once` does one pass, `quarterdeck doctor` says what stands in the way.",
            icon=":material/hourglass_empty:",
        )
        return
    gaps = queries.within(queries_collection.gaps(window, now), where)
    holes = figures_collection.holes(gaps, queries.fleet_table(window, where, now))
    spend, size = queries_collection.spend(now), queries_collection.size(now)
    collection_services.shouts()
    collection_budget.unreached()
    tables.say(collection_answer(collectors, late=figures_collection.is_late(collectors), holes=holes))
    permissions(figures_collection.missing_permissions(collectors, gaps))
    widgets.cards(figures_collection.cards(collectors, holes, spend, size))
    lost_files()
    table(collectors)
    strip(window, collectors)
    gap_table(holes, window)
    collection_services.services()
    collection_budget.backfill()
    collection_budget.budget()
    collection_budget.spend(spend)
    collection_budget.log_modes()
    size_table(size)


def lost_files() -> None:
    lost = queries.within(queries_collection.lost(queries.now()), queries.scope())
    if line := figures_collection.lost_line(lost, zone=widgets.zone()):
        st.warning(line, icon=":material/broken_image:")


def permissions(missing: list[str]) -> None:
    if missing:
        names = ", ".join(
            f"`{permission}`" for permission in missing if permission.replace(":", "").isalnum()
        )
        st.warning(
            f"The role lacks {names}. `quarterdeck iam-policy` prints what it needs; see docs/iam.md.",
            icon=":material/lock:",
        )
        st.code("\n".join(missing), language=None)


def table(collectors: pd.DataFrame) -> None:
    st.header("Collectors, late or refused first", anchor=False)
    shown = tables.with_place(figures_collection.table(collectors))
    column, zone = st.column_config, str(widgets.zone())
    with st.container(key="collectors-table"):
        tables.table(
            shown,
            key="collectors",
            hide_index=True,
            placeholder="",
            alt="Collectors per account and region with their last outcome, late or refused first",
            column_config={
                "standing": column.MultiselectColumn(
                    "State", options=list(figures_collection.ORDER), color=COLOURS, width=96
                ),
                "collector": column.TextColumn("Collector"),
                "place": column.TextColumn("Where"),
                "age": column.TextColumn(
                    "Data age", alignment="right", help="Since the end of what was read."
                ),
                "last_run": column.DatetimeColumn("Last run", format="D MMM HH:mm:ss", timezone=zone),
                "last_ok": column.DatetimeColumn("Last good run", format="D MMM HH:mm:ss", timezone=zone),
                "runs_24h": tables.count_column("Runs, 24 h"),
                "failed_24h": tables.count_column("Failed, 24 h"),
                "permission": column.TextColumn("Missing permission"),
                "error": column.TextColumn("Why", width=560),
            },
            column_order=tables.spoken(
                shown,
                [
                    *(
                        "standing",
                        "collector",
                        "place",
                        "age",
                        "last_run",
                        "last_ok",
                        "runs_24h",
                        "failed_24h",
                    ),
                    *("permission", "error"),
                ],
            ),
        )


def strip(window: Window, collectors: pd.DataFrame) -> None:
    st.header("Runs over time", anchor=False)
    asked = figures_collection.until_now(window, now=queries.now())
    first = queries_collection.first_run()
    window = figures_collection.since_first(asked, first)
    runs = queries.within(queries_collection.runs(window), queries.scope())
    cells = outcome_cells(runs, window)
    if cells.empty:
        st.caption(f"No collector ran in this window of {numbers.age(window.duration)}.")
        return
    with st.container(border=True, key="strip"):
        names = sorted(collectors["collector"].unique())
        st.altair_chart(
            outcome_strip(cells, collectors=names, window=window),
            key="runs",
            alt="Worst outcome of each collector over time",
        )
        said = "A cell shows the worst outcome of the runs in it, over all targets. Blank: nothing ran."
        began = f" Collection began {numbers.clock(first, widgets.zone(), now=queries.now())}."
        st.caption(said + (began if window != asked else ""))


def gap_table(holes: pd.DataFrame, window: Window) -> None:
    st.header("What was not read", anchor=False)
    if holes.empty:
        st.caption(f"Everything of this window ({numbers.age(window.duration)}) was read.")
        return
    places = tables.places()
    with st.container(border=True, key="gaps", gap="xsmall"):
        lines = [
            figures_collection.hole_line(row, places, zone=widgets.zone(), now=queries.now())
            for row in holes.to_dict("records")
        ]
        for line in lines[:SHOWN]:
            st.markdown(line)
        if len(lines) > SHOWN:
            with st.expander(f"{len(lines) - SHOWN} more"):
                for line in lines[SHOWN:]:
                    st.markdown(line)


def size_table(size: pd.DataFrame) -> None:
    st.header("What is stored", anchor=False)
    column = st.column_config
    for sentence in queries_collection.room(queries.now()):
        st.markdown(sentence)
    with st.container(key="size-table"):
        tables.table(
            size,
            key="size",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Files, rows and bytes per kind of fact",
            column_config={
                "kind": column.TextColumn("Kind"),
                "files": tables.count_column("Files"),
                "rows": tables.count_column("Rows"),
                "bytes": column.NumberColumn("Size", format="bytes"),
            },
        )


widgets.toolbar("Collection health")
widgets.live(page)
