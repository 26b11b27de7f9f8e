"""The tabs of how a function is set up: its configuration with what ages, and what invokes it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_changes, figures_wiring, numbers, queries, queries_function, tables, widgets

NOT_SET = "none"
STANDINGS, COLOURS = list(figures_wiring.LOUD), ["red", "orange", "red", "green"]


def configuration(target: Target, name: str, window: Window) -> None:
    now = queries.now()
    settings = queries_function.configuration(target, name, now)
    if settings.empty:
        widgets.no_data("The configuration is not known.", collector="inventory")
        return
    left, right = st.columns([3, 2], gap="medium")
    is_set = settings["value"] != NOT_SET
    with left:
        _settings(settings[is_set].reset_index(drop=True))
        known_since = queries_function.diff(target, name, now, now).known_since
        st.caption(figures_changes.watched(settings, known_since, zone=widgets.zone(), now=now))
        if not is_set.all():
            st.caption(f"Not set, or not known: {', '.join(map(numbers.plain, settings[~is_set]['name']))}")
    with right:
        _layers(queries_function.layers(target, name, now))
        _pools(queries_function.provisioned(target, name, window))


def _settings(settings: pd.DataFrame) -> None:
    column = st.column_config
    words = figures_changes.changed_text(settings["changed_at"], zone=widgets.zone())
    with st.container(key="guarded-configuration"):
        tables.table(
            settings.assign(changed=words),
            key="settings",
            hide_index=True,
            placeholder="",
            alt="Every setting of the function with its value and when it last changed",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(settings), most=16),
            column_order=["name", "value", "changed"],
            column_config={
                "name": column.TextColumn("Setting"),
                "value": column.TextColumn("Value"),
                "changed": column.TextColumn("Changed", help="When it was last seen to change."),
            },
        )


def _layers(layers: pd.DataFrame) -> None:
    st.header("Layers", anchor=False)
    if layers.empty:
        st.caption("None.")
        return
    column = st.column_config
    with st.container(key="layers"):
        tables.table(
            layers,
            key="layers-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Layers of the function with their age and the newest version",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(layers), most=6),
            column_order=["layer", "version", "age_days", "latest", "versions_behind"],
            column_config={
                "layer": column.TextColumn("Layer"),
                "version": tables.count_column("Version"),
                "age_days": column.NumberColumn("Age", format="%,d days"),
                "latest": tables.count_column("Newest"),
                "versions_behind": tables.count_column("Behind", "Versions; unknown for other accounts'."),
            },
        )


def _pools(pools: pd.DataFrame) -> None:
    if pools.empty:
        return
    st.header("Provisioned concurrency", anchor=False)
    column = st.column_config
    with st.container(key="provisioned"):
        tables.table(
            pools,
            key="provisioned-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Provisioned concurrency of the function, how much of it is used, and what nobody reaches",
            column_order=tables.spoken(
                pools,
                ["qualifier", "version", "requested", "available", "utilization_max", "spillover", "orphan"],
            ),
            column_config={
                "qualifier": column.TextColumn("On"),
                "version": column.TextColumn("Version"),
                "requested": tables.count_column("Asked"),
                "available": tables.count_column("Ready"),
                "utilization_max": tables.percent_column("Most used", "In this window."),
                "spillover": tables.count_column("Spilled", "Invocations that found it used up."),
                "orphan": column.TextColumn("Serves nobody"),
            },
        )


def triggers(target: Target, name: str, window: Window) -> None:
    found = queries.triggers(target, name)
    if found.empty:
        widgets.no_data(
            "No trigger is known: no mapping, no grant to a service, no URL. A caller with a role of the "
            "same account needs none.",
            collector="triggers",
        )
        return
    column, shown = st.column_config, figures_wiring.trigger_rows(found)
    with st.container(key="triggers"):
        tables.table(
            shown,
            key="triggers-table",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="What invokes the function and its live state, trouble first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=14),
            column_order=tables.spoken(
                shown,
                ["standing", "title", "source", "state", "last_result", "schedule", "qualifier", "detail"],
            ),
            column_config={
                "standing": column.MultiselectColumn("Now", options=STANDINGS, color=COLOURS, width=84),
                "title": column.TextColumn("Kind"),
                "source": column.TextColumn("Source", width=220),
                "state": column.TextColumn("State", help="The source's own word."),
                "last_result": column.TextColumn("Last result"),
                "schedule": column.TextColumn("Schedule"),
                "qualifier": column.TextColumn("Alias or version"),
                "detail": column.TextColumn("Detail", width=320),
            },
        )
