"""What the person on call asks first about one alert: its group, the change before it, the top error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import streamlit as st

from alerts.wording import top_error
from core.facts import Target
from core.windows import MINUTE, Window, ceil, floor
from dashboard import figures_alerts, links, numbers, queries, queries_alerts, widgets
from dashboard.figures_alerts import Incident
from dashboard.function_parts import logs_link, to_logs
from dashboard.numbers import plain

BACK = timedelta(days=3)
MEMBERS = 20


def show(id: str | None) -> None:
    if id is None:
        st.query_params.pop("alert", None)
    else:
        st.query_params["alert"] = id


def facts(incident: Incident) -> None:
    """The change that came before, the top error with its lines: each with the way to all of it."""
    if incident["subject_kind"] == "function":
        target = Target(str(incident["account"]), str(incident["region"]))
        change(incident, target)
        error(incident, target)
        headroom(incident, target)


def change(incident: Incident, target: Target) -> None:
    opened = incident["opened_at"].to_pydatetime()
    window = Window(floor(opened - BACK, MINUTE), ceil(opened, MINUTE))
    found = queries.function_changes(target, str(incident["subject"]), window)
    newest = figures_alerts.last_change(found, incident)
    with st.container(horizontal=True, vertical_alignment="center", key="alert-change"):
        if newest is None:
            st.markdown("**Last change** none in the three days before it began", width="stretch")
            return
        said, ts = newest
        st.markdown(f"**Last change** {said}", width="stretch")
        place = links.to_function(target.account, target.region, str(incident["subject"]))
        st.page_link(
            links.FUNCTION, label="What changed", icon=":material/difference:",
            query_params=place | {"tab": "changes", "change": ts.isoformat()},
        )  # fmt: skip


def error(incident: Incident, target: Target) -> None:
    fired = figures_alerts.firing_window(incident, now=queries.now())
    window = Window(floor(fired.start - timedelta(minutes=10), MINUTE), ceil(fired.end, MINUTE))
    found = queries.errors_by_signature(target, str(incident["subject"]), window)
    with st.container(horizontal=True, vertical_alignment="center", key="alert-error"):
        if found.empty:
            st.markdown("**Top error** none was kept since ten minutes before it began", width="stretch")
            return
        top = found.iloc[0]
        st.markdown(
            f"**Top error** {int(top['count'])} x {plain(top_error(top['example'], top['signature'])[:300])}",
            width="stretch",
        )
        only = {"sig": str(top["signature"]), "from": f"{window.start:%Y-%m-%dT%H:%MZ}"}
        logs_link("Its lines", to_logs(target, str(incident["subject"]), **only))


def headroom(incident: Incident, target: Target) -> None:
    """What is left of the pool that the function draws from."""
    said = queries_alerts.headroom(target, str(incident["subject"]), queries.now())
    with st.container(horizontal=True, vertical_alignment="center", key="alert-headroom"):
        st.markdown(f"**Headroom now** {plain(said) if said else 'not known'}", width="stretch")
        st.page_link(
            links.CONCURRENCY, label="Concurrency", icon=":material/speed:", query_params=links.carry()
        )


# --- the group ----------------------------------------------------------------------------------------------


def group(incident: Incident) -> None:
    """Whom it stands under and why, or who stands under it."""
    if numbers.known(incident["grouped_under"]):
        leader = queries_alerts.incident(str(incident["grouped_under"]))
        title = plain(leader["title"].iloc[0]) if not leader.empty else "another alert"
        with st.container(horizontal=True, vertical_alignment="center", key="alert-leader"):
            st.markdown(f"{widgets.badge('info', 'Told with')} **{title}**", width="stretch")
            _open(str(incident["grouped_under"]), "leader")
        evidence(incident["cause"])
    members = queries_alerts.members(str(incident["id"]))
    if not members.empty:
        st.header(f"Same cause ({len(members)})", anchor=False)
        for row in members.head(MEMBERS).to_dict("records"):
            member({str(name): value for name, value in row.items()})
        if len(members) > MEMBERS:
            st.caption(f"and {len(members) - MEMBERS} more; the report lists them all")


def member(row: Incident) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"member-{row['id']}"):
        standing = figures_alerts.standing(row, now=queries.now())
        title = f"{widgets.badge(str(row['severity']))} **{plain(row['title'])}**"
        why = figures_alerts.because(row["cause"])
        st.markdown(f"{title} :small[:gray[{standing}{f' · {why}' if why else ''}]]", width="stretch")
        _open(str(row["id"]), "member")


def evidence(cause: Mapping[str, Any] | None) -> None:
    if isinstance(cause, Mapping):
        lines = [cause.get("text", ""), *cause.get("evidence", ())]
        st.caption(" · ".join(plain(line) for line in lines if line))


def _open(id: str, what: str) -> None:
    st.button(
        "Open",
        key=f"{what}-open-{id}",
        type="tertiary",
        icon=":material/arrow_forward:",
        on_click=show,
        args=(id,),
    )
