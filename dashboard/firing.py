"""What fires, a sentence per incident, the worst first; shared by the Overview and a function's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from alerts.quiet import quiet
from core.preceding import Preceded
from dashboard import (
    figures_firing,
    links,
    numbers,
    queries,
    queries_investigate,
    queries_overview,
    tables,
    widgets,
)
from dashboard.answers import Answer
from dashboard.figures_firing import Looked
from dashboard.numbers import plain

LINES = 6

Incident = Mapping[Any, Any]


def firing_box(incidents: pd.DataFrame, unseen: Sequence[str], names: Mapping[str, str]) -> None:
    """ "Is anything wrong": incidents as sentences, or that nothing fires since when; what is not seen."""
    moment = queries.moment()
    looked = _looked(moment)
    with st.container(border=True, key="firing", gap="xsmall"):
        if incidents.empty:
            answer = figures_firing.nothing_fires(
                looked, unseen=bool(unseen), zone=widgets.zone(), moment=moment
            )
            _say(answer)
        else:
            _incidents(incidents, names, looked, moment=moment)
        _coverage(unseen)


def _say(answer: Answer) -> None:
    more = f" :small[:gray[{answer.more}]]" if answer.more else ""
    st.markdown(f"{widgets.badge(answer.state)} {answer.text}{more}")


def _looked(moment: datetime) -> Looked:
    judged_at = queries.judged_at()
    last = queries_overview.last_resolved(queries.scope(), queries.now())
    return Looked(quiet(judged_at, now=moment), judged_at, last)


def _incidents(every: pd.DataFrame, names: Mapping[str, str], looked: Looked, *, moment: datetime) -> None:
    incidents = figures_firing.in_turn(every)
    if shout := figures_firing.stopped(looked, moment=moment):
        _say(shout)
    top = incidents.head(LINES)
    changes = queries_overview.changes_between(*figures_firing.span(top))
    owners = _owners(top)
    for incident in top.to_dict("records"):
        place = f"{names.get(incident['account'], incident['account'])} {incident['region']}"
        before = figures_firing.before(incident, changes, owners)
        _line(incident | {"place": place}, before, now=moment)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="firing-all"):
        words = figures_firing.counted(every)
        st.caption(f"{words} · {figures_firing.evaluated(looked, moment=moment)}", width="content")
        if len(incidents) > LINES:
            st.page_link(
                links.ALERTS,
                label=f"{len(incidents) - LINES} more",
                icon=":material/more_horiz:",
                query_params=links.carry(),
            )


def _owners(incidents: pd.DataFrame) -> dict[tuple[str, str, str], Sequence[str]]:
    """Whose functions a queue is, for the queues that something fires about."""
    if not (incidents["subject_kind"] == "queue").any():
        return {}
    rows = queries_investigate.queue_table(widgets.window(), queries.now())
    return {(row["account"], row["region"], row["arn"]): row["functions"] for row in rows.to_dict("records")}


def sentence(incident: Incident, *, now: datetime, before: Preceded | None = None) -> str:
    """One incident as Markdown: severity, what is wrong, since when, the rule's words, what changed before,
    and who has it or what holds it back."""
    opened, acked, held = incident["opened_at"], incident.get("acked_at"), incident.get("held_back")
    changed = figures_firing.came_before(before, incident)
    details = [
        f"{numbers.age(now - opened)}, since {plain(numbers.clock(opened, widgets.zone(), now=now))}"
        if isinstance(opened, datetime)
        else "",
        f":material/change_history: **{changed}**" if changed else "",
        plain(gist(str(incident["text"]), str(incident["title"]))),
        plain(incident.get("place") or ""),
    ]
    if isinstance(acked, datetime) and not pd.isna(acked):
        details.append(f"acknowledged by {plain(incident.get('acked_by') or 'somebody')}")
    if isinstance(held, str):
        details.append(f"held back: {plain(held)}")
    small = " · ".join(detail for detail in details if detail)
    return f"{widgets.badge(str(incident['severity']))} **{plain(incident['title'])}** :small[:gray[{small}]]"


def gist(text: str, title: str) -> str:
    """The rule's words in a line: the first clause, without what the title already says."""
    clause = text.split(". ")[0].split("; ")[0].rstrip(".")
    said, _, rest = clause.partition(": ")
    return rest if rest and said.lower() in title.lower() else clause


def _line(incident: Incident, before: Preceded | None, *, now: datetime) -> None:
    with _beside(f"incident-{incident['id']}"):
        st.markdown(sentence(incident, now=now, before=before), width="stretch")
        with st.container(horizontal=True, width="content", gap="small", key=f"to-{incident['id']}"):
            if change := _to_change(incident, before):
                st.page_link(
                    links.FUNCTION, label="Change", icon=":material/difference:", query_params=change
                )
            page, query = _target(incident)
            _onwards(page, "Investigate", query)


def _beside(key: str) -> DeltaGenerator:
    """A row for a sentence and where it leads; on a phone the links come below."""
    if tables.board_columns() == 1:
        return st.container(gap=None, key=key)
    return st.container(horizontal=True, wrap=False, vertical_alignment="center", key=key)


def _onwards(page: str, label: str, query: Mapping[str, str]) -> None:
    st.page_link(
        page, label=label, icon=":material/arrow_forward:", icon_position="right", query_params=query
    )


def _to_change(incident: Incident, before: Preceded | None) -> dict[str, str] | None:
    """The query of the diff of what changed, where a function's page can show it."""
    if before is None or not before.change.function:
        return None
    place = str(incident["account"]), str(incident["region"]), before.change.function
    return links.to_function(*place) | {"change": before.change.ts.isoformat()}


def _target(incident: Incident) -> tuple[str, dict[str, str]]:
    """Where an incident is looked into: the function's page if it is one's, else the alert itself."""
    if incident["subject_kind"] == "function":
        place = str(incident["account"]), str(incident["region"]), str(incident["subject"])
        return links.FUNCTION, links.to_function(*place)
    return links.ALERTS, links.carry(alert=str(incident["id"]))


def _coverage(unseen: Sequence[str]) -> None:
    """What is not seen, with the way to all of it; that everything is, when it is."""
    if not unseen:
        st.caption(":material/visibility: Every function and collector is seen in this window.")
        return
    with _beside("not-seen"):
        text = "; ".join(plain(hole) for hole in unseen)
        st.caption(f":material/visibility_off: Not seen: {text}.", width="stretch")
        _onwards(links.COLLECTION, "All that is not seen", links.carry())
