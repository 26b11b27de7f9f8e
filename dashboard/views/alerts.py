"""What fires, who has it, what was sent?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alerts.quiet import quiet
from core.windows import Window
from dashboard import alarm_parts, figures_alerts, numbers, queries, queries_alerts, tables, widgets
from dashboard.alert_facts import show
from dashboard.answers import alerts_answer
from dashboard.choosers import option_chooser
from dashboard.figures_alerts import Incident
from dashboard.firing import gist
from dashboard.ledgers import deliveries_table
from dashboard.numbers import plain
from dashboard.one_alert import one
from dashboard.toasts import told

LINES = 20
NAMES = 5
SEVERITIES, COLOURS = ["critical", "warning", "info"], ["red", "orange", "blue"]


def page(window: Window) -> None:
    chosen = st.query_params.get("alert")
    if chosen:
        one(chosen)
    every = queries.within(queries.all_incidents(), queries.scope())
    place = st.container()  # the answer comes before the choices that narrow it
    wanted = figures_alerts.filtered(every, *filters(every))
    groups = figures_alerts.grouped(wanted)
    members = groups["Told with another"]
    silence = quiet(queries.judged_at(), now=queries.now())
    with place:
        tables.say(
            alerts_answer(groups["Firing"], len(groups["Acknowledged"]), len(groups["Held back"]), silence)
        )
    for name in figures_alerts.GROUPS[:3]:
        if not groups[name].empty:
            open_group(name, groups[name], members)
    resolved(groups["Resolved"], window)
    silences()
    dead_deliveries()
    alarm_parts.alarms_table()


# --- lists -------------------------------------------------------------------------------------------------


def filters(incidents: pd.DataFrame) -> tuple[str | None, str | None]:
    """Severity and team, as the address has them; the account is chosen in the menu."""
    with st.container(horizontal=True, key="alert-filters"):
        severity = option_chooser(
            "severity", {name: name for name in SEVERITIES}, "Severity", "Any severity", width=180
        )
        teams = figures_alerts.teams(incidents)
        team = option_chooser("team", {name: name for name in teams}, "Team", "Any team", width=180)
    return severity, team


def open_group(name: str, incidents: pd.DataFrame, members: pd.DataFrame) -> None:
    st.header(f"{name} ({len(incidents)})", anchor=False)
    with st.container(border=True, key=f"group-{name.split()[0].lower()}", gap="xsmall"):
        for row in incidents.head(LINES).to_dict("records"):
            incident = {str(k): v for k, v in row.items()}
            line(incident)
            told_with(members[members["grouped_under"] == incident["id"]])
        if len(incidents) > LINES:
            st.caption(f"and {len(incidents) - LINES} more; `quarterdeck incidents` lists them all")


def line(incident: Incident) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key=f"line-{incident['id']}"):
        place = plain(tables.places().get((incident["account"], incident["region"]), incident["region"]))
        standing = f"{figures_alerts.standing(incident, now=queries.now())} · {place}"
        title = f"{widgets.badge(str(incident['severity']))} **{plain(incident['title'])}**"
        why = plain(gist(str(incident["text"]), str(incident["title"])))
        st.markdown(f"{title} :small[:gray[{standing} · {why}]]", width="stretch")
        st.button(
            "Open", key=f"open-{incident['id']}", type="tertiary", icon=":material/arrow_forward:",
            on_click=show, args=(str(incident["id"]),),
        )  # fmt: skip


def told_with(members: pd.DataFrame) -> None:
    """Who stands under the incident above, and why."""
    if not members.empty:
        names = ", ".join(plain(title) for title in members["title"].head(NAMES))
        more = f" and {len(members) - NAMES} more" if len(members) > NAMES else ""
        why = figures_alerts.because(members["cause"].iloc[0])
        st.caption(
            f":material/subdirectory_arrow_right: {len(members)} more of this cause ({why}): {names}{more}"
        )


def resolved(incidents: pd.DataFrame, window: Window) -> None:
    st.header("Resolved", anchor=False)
    now = queries.now()
    recent = incidents[incidents["resolved_at"] >= window.start]
    if recent.empty:
        st.caption(f"Nothing was resolved in the last {numbers.age(now - window.start)}.")
        return
    shown = figures_alerts.lines(recent, tables.places(), now=now)

    def opened() -> None:
        show(str(shown["id"].iloc[st.session_state["resolved-open"]["row"]]))

    column = st.column_config
    with st.container(key="resolved-table"):
        tables.table(
            shown,
            key="resolved",
            hide_index=True,
            alt="Incidents that were resolved in the window, newest first",
            column_config={
                "severity": column.MultiselectColumn("Severity", options=SEVERITIES, color=COLOURS, width=96),
                "title": column.ButtonColumn(
                    "Alert",
                    key="resolved-open",
                    on_click=opened,
                    type="tertiary",
                    alignment="left",
                    pinned=True,
                ),
                "place": column.TextColumn("Where"),
                "opened_at": column.DatetimeColumn(
                    "Began", format="D MMM HH:mm", timezone=str(widgets.zone())
                ),
                "lasted": column.TextColumn("Lasted", alignment="right"),
                "rule": column.TextColumn("Rule"),
            },
            column_order=["severity", "title", "place", "opened_at", "lasted", "rule"],
        )


def silences() -> None:
    now = queries.now()
    rows = queries_alerts.silences(now)
    if rows.empty:
        return
    st.header("Silences", anchor=False)
    with st.container(border=True, key="silences", gap="xsmall"):
        for row in rows.to_dict("records"):
            what = figures_alerts.about({str(name): value for name, value in row.items()})
            left = f"{numbers.age(row['end'] - now)} left; {plain(row['author'])}: {plain(row['reason'])}"
            with st.container(horizontal=True, vertical_alignment="center", key=f"silence-{row['id']}"):
                st.markdown(
                    f":material/notifications_off: **{what}** :small[:gray[{left}]]",
                    width="stretch",
                )
                st.button(
                    "End now", key=f"end-{row['id']}", type="tertiary", on_click=end, args=(int(row["id"]),)
                )


def end(id: int) -> None:
    with told("The silence ended: what still fires is told now."):
        queries_alerts.end_silence(id)


def dead_deliveries() -> None:
    dead = queries_alerts.deliveries(state="dead")
    if dead.empty:
        return
    st.header("Messages that could not be delivered", anchor=False)
    st.warning(f"{len(dead)} messages were given up: nobody was told by them.", icon=":material/sms_failed:")
    deliveries_table(dead, key="dead")


widgets.toolbar("Alerts")
widgets.live(page)
