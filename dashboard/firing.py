"""What fires, a sentence per incident, the worst first; shared by the Overview and a function's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from alerts.quiet import quiet
from dashboard import links, numbers, queries, widgets
from dashboard.numbers import plain

LINES = 5


def firing_box(
    incidents: pd.DataFrame, unseen: Sequence[str], names: Mapping[str, str], *, now: datetime
) -> None:
    """ "Is anything wrong": incidents as sentences, or that nothing fires; and what is not seen."""
    with st.container(border=True, key="firing", gap="xsmall"):
        for incident in incidents.head(LINES).to_dict("records"):
            place = f"{names.get(incident['account'], incident['account'])} {incident['region']}"
            _line(incident | {"place": place}, now=now)
        if len(incidents) > LINES:
            more = f"{len(incidents) - LINES} more"
            st.page_link(links.ALERTS, label=more, icon=":material/more_horiz:", query_params=links.carry())
        if incidents.empty:
            _nothing(" among what is seen" if unseen else "", now=now)
        _coverage(unseen)


def _nothing(seen: str, *, now: datetime) -> None:
    silence = quiet(queries.judged_at(), now=now)
    st.markdown(
        f"{widgets.badge(silence.state)} **{silence.text}**{seen if silence.state == 'healthy' else ''}."
    )


def sentence(incident: Mapping[Any, Any], *, now: datetime) -> str:
    """One incident as Markdown: severity, what is wrong, for how long, the rule's words."""
    opened, acked = incident["opened_at"], incident.get("acked_at")
    details = [
        numbers.age(now - opened) if isinstance(opened, datetime) else "",
        plain(incident.get("place") or ""),
        plain(gist(str(incident["text"]), str(incident["title"]))),
    ]
    if isinstance(acked, datetime) and not pd.isna(acked):
        details.append(f"acknowledged by {plain(incident.get('acked_by') or 'somebody')}")
    small = " · ".join(detail for detail in details if detail)
    return f"{widgets.badge(str(incident['severity']))} **{plain(incident['title'])}** :small[:gray[{small}]]"


def gist(text: str, title: str) -> str:
    """The rule's words in a line: the first clause, without what the title already says."""
    clause = text.split(". ")[0].split("; ")[0].rstrip(".")
    said, _, rest = clause.partition(": ")
    return rest if rest and said.lower() in title.lower() else clause


def _line(incident: Mapping[Any, Any], *, now: datetime) -> None:
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"incident-{incident['id']}"
    ):
        st.markdown(sentence(incident, now=now), width="stretch")
        page, query = _target(incident)
        st.page_link(
            page,
            label="Investigate",
            icon=":material/arrow_forward:",
            icon_position="right",
            query_params=query,
        )


def _target(incident: Mapping[Any, Any]) -> tuple[str, dict[str, str]]:
    """Where an incident is looked into: the function's page if it is one's, else the alert itself."""
    if incident["subject_kind"] == "function":
        place = str(incident["account"]), str(incident["region"]), str(incident["subject"])
        return links.FUNCTION, links.to_function(*place)
    return links.ALERTS, links.carry(alert=str(incident["id"]))


def _coverage(unseen: Sequence[str]) -> None:
    if unseen:
        text = "; ".join(plain(hole) for hole in unseen)
        st.caption(f":material/visibility_off: Not seen: {text}.")
