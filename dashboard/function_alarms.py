"""The tab of alarms: how our rules and CloudWatch's alarms stand about one function."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import SettingsError
from core.facts import Target
from core.windows import Window
from dashboard import alarm_parts, figures_standing, links, queries, queries_rules, tables, widgets
from dashboard.numbers import plain
from store.store import Filter

NOT_READ = "Log alarms (CloudWatch alarms on a log query) are not read."


def alarms(target: Target, name: str, window: Window) -> None:
    """What judges this function, and how it stands, whatever fires."""
    try:
        rules = queries_rules.rules()
    except SettingsError as error:
        st.error(plain(error), icon=":material/rule:")
        return
    place = (target.account, target.region, name)
    shown = figures_standing.standing(rules, queries_rules.states(), place, now=queries.now())
    if shown.empty:
        widgets.no_data("No rule has judged this function yet.", collector="metrics")
    else:
        _rules(shown)
    with st.container(horizontal=True, vertical_alignment="center", key="alarm-ways"):
        st.page_link(
            links.RULES, label="Rules, and what they would have told", icon=":material/rule:",
            query_params=links.carry(),
        )  # fmt: skip
    alarm_parts.alarms_table(Filter(*place), key="function-alarms")
    st.caption(NOT_READ)


def _rules(shown: pd.DataFrame) -> None:
    st.caption(f"{figures_standing.counted(shown)}; each as it was judged last.")
    column = st.column_config
    tables.table(
        shown,
        key="standing",
        alt="Rules about this function, those that fire first",
        height=tables.height_px(len(shown), most=12),
        column_order=tables.spoken(shown, figures_standing.COLUMNS),
        column_config={
            "state": column.TextColumn("State", width=80),
            "rule": column.TextColumn("Rule", pinned=True),
            "about": column.TextColumn("Alias", help="Alias or version; empty: the function as a whole."),
            "value": column.TextColumn("Value", alignment="right", help="The newest that was judged."),
            "condition": column.TextColumn("Fires when"),
            "since": column.TextColumn("Since", help="How long it has been in this state."),
            "severity": column.TextColumn("Severity", width=80),
            "reason": column.TextColumn("Why"),
        },
    )
