"""What would page us, and is it tuned?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from alerts.faults import Fault
from alerts.rule import Rule
from core.errors import SettingsError
from core.windows import Window
from dashboard import (
    figures_rules,
    links,
    queries,
    queries_alerts,
    queries_rules,
    rule_parts,
    tables,
    widgets,
)
from dashboard.numbers import plain

FAULTS = "_faults"
"""What this viewer was told last: it stands until the audit is through again."""


def page(window: Window) -> None:
    try:
        rules = queries_rules.rules()
    except SettingsError as error:
        st.error(plain(error), icon=":material/rule:")
        return
    if queries.targets().empty:
        widgets.no_data("Nothing is watched yet: rules have nothing to judge.", collector="inventory")
    states, place = queries_rules.states(), st.empty()
    known = st.session_state.get(FAULTS)
    with place:
        tables.say(figures_rules.answer(rules, known, states), key="answer-known")
    table(rules)
    chosen(rules)
    rule_parts.outages()
    faults = st.session_state[FAULTS] = queries_rules.faults(queries.now())  # takes longest, so it comes last
    if faults != known:
        with place:
            tables.say(figures_rules.answer(rules, faults, states))
    wrong(faults)


def table(rules: Sequence[Rule]) -> None:
    now = queries.now()
    shown = figures_rules.rule_rows(
        rules, queries_rules.states(), queries_rules.told(), queries_alerts.silences(now), now=now
    )
    if shown.empty:
        return

    def opened() -> None:
        rule_parts.reset()
        st.query_params["rule"] = str(shown["rule"].iloc[st.session_state["rules-open"]["row"]])

    column = st.column_config
    tables.table(
        shown,
        key="rules",
        alt="Rules in words, with how they stand and how often they fired",
        height=tables.height_px(len(shown), most=14),
        column_order=[name for name in shown.columns if name != "muted" or any(shown[name])],
        column_config={
            "rule": column.ButtonColumn(
                "Rule", key="rules-open", on_click=opened, type="tertiary", alignment="left", pinned=True
            ),
            "severity": column.TextColumn("Severity", width=80),
            "condition": column.TextColumn("Fires when", width=340),
            "where": column.TextColumn("Where"),
            "covers": tables.count_column(
                "Covers", "Functions, queues, accounts or collectors it judges now."
            ),
            "firing": tables.count_column("Firing", "Of what it covers, what fires now."),
            "ok": tables.count_column("OK", "Of what it covers, what was judged good."),
            "unknown": tables.count_column("Unknown", "Not collected, or nothing to measure."),
            "fired_7d": tables.count_column("Fired, 7 d", "Incidents of the last seven days."),
            "last_fired": column.DatetimeColumn(
                "Last fired", format="D MMM HH:mm", timezone=str(widgets.zone())
            ),
            "muted": column.TextColumn("Muted by"),
        },
    )


def chosen(rules: Sequence[Rule]) -> None:
    """The rule that the address names, else the first: tried on the last seven days."""
    by_name = {rule.rule: rule for rule in rules}
    if not by_name:
        return
    asked = st.query_params.get("rule")
    st.header("One rule, on the last 7 days", anchor=False)
    if asked and asked not in by_name:
        widgets.no_data("The rule in the address is not in force.")

    def draw(key: str, changed: Callable[[], None]) -> None:
        def moved() -> None:
            rule_parts.reset()
            changed()

        st.selectbox("Rule", list(by_name), key=key, on_change=moved, width=320, label_visibility="collapsed")

    name = links.choose("rule", list(by_name), next(iter(by_name)), draw)
    rule_parts.one(by_name[name or next(iter(by_name))])


def wrong(faults: Sequence[Fault]) -> None:
    """Rules and alarms that are of no use, the worst first."""
    if not faults:
        return
    shown = figures_rules.fault_rows(faults, tables.places())
    st.header(f"Of no use as they are ({len(shown)})", anchor=False)
    column = st.column_config
    tables.table(
        shown,
        key="faults",
        alt="Rules and CloudWatch alarms that can never fire, never resolve or tell nobody, with the reason",
        height=tables.height_px(len(shown), most=8),
        column_order=tables.spoken(shown, list(shown.columns)),
        column_config={
            "verdict": column.TextColumn("Verdict", width=110),
            "about": column.TextColumn("What", width=130),
            "name": column.TextColumn("Name", pinned=True),
            "place": column.TextColumn("Where"),
            "reason": column.TextColumn("Because", width=420),
            "evidence": column.TextColumn("Evidence"),
        },
    )


widgets.toolbar("Rules")
widgets.live(page)
rule_parts.marking()
