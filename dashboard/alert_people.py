"""What people do with one alert: acknowledge, assign, note, silence, judge it, take a report along."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from alerts.incidents import Verdict
from dashboard import figures_alerts, numbers, queries_alerts
from dashboard.figures_alerts import Incident
from dashboard.identity import lacks, person
from dashboard.numbers import plain
from dashboard.toasts import told

LENGTHS = {"30 min": timedelta(minutes=30), "2 h": timedelta(hours=2), "8 h": timedelta(hours=8)}
VERDICTS: dict[str, Verdict | None] = {"Real": "real", "Noise": "noise", "Not said": None}


def buttons(incident: Incident) -> None:
    """What this person may do, or why nothing; the report is for everybody."""
    is_open = not numbers.known(incident["resolved_at"])
    why = lacks("operator", "to work on alerts")
    if why is not None:
        st.caption(why, width="content")
    elif is_open:
        acknowledge(incident)
        assign(incident)
        silence(incident)
        note(incident)
    else:
        verdict(incident)
        note(incident)
    id = str(incident["id"])
    st.download_button(
        "Report", lambda: queries_alerts.report(id), file_name=f"incident-{id}.html", mime="text/html",
        icon=":material/download:", type="tertiary", on_click="ignore",
        help="Everything about this alert in one HTML file, for the post-mortem. Secrets are masked.",
    )  # fmt: skip


def acknowledge(incident: Incident) -> None:
    if numbers.known(incident["acked_at"]):
        st.empty()  # keeps the place: else the browser takes the next menu for this one, and opens it
        return
    with (
        st.popover("Acknowledge", icon=":material/check:", key="acknowledge-menu"),
        st.form("acknowledge", border=False),
    ):
        st.text_input("Note", key="ack-note", placeholder="looking into it")
        st.form_submit_button("Acknowledge this alert", on_click=acknowledged, args=(str(incident["id"]),))


def acknowledged(id: str) -> None:
    with told("Acknowledged: it is not repeated any more."):
        queries_alerts.acknowledge(id, text=_typed("ack-note"))


def assign(incident: Incident) -> None:
    with st.popover("Assign", icon=":material/person:", key="assign-menu"), st.form("assign", border=False):
        st.text_input("Who works on it", key="assign-to", placeholder=person().name)
        st.form_submit_button("Assign this alert", on_click=assigned, args=(str(incident["id"]),))


def assigned(id: str) -> None:
    with told("Assigned."):
        queries_alerts.assign(id, _typed("assign-to") or person().name)


def note(incident: Incident) -> None:
    with st.popover("Note", icon=":material/edit_note:", key="note-menu"), st.form("note", border=False):
        st.text_area("Note for the timeline", key="note-text", placeholder="rolled back to v214")
        st.form_submit_button("Add this note", on_click=noted, args=(str(incident["id"]),))


def noted(id: str) -> None:
    with told("The note is in the timeline."):
        queries_alerts.note(id, _typed("note-text"))


def verdict(incident: Incident) -> None:
    with st.popover("Was it real?", icon=":material/rule:", key="verdict-menu"):
        said = incident["verdict"] if numbers.known(incident["verdict"]) else None
        st.caption(f"Now: {plain(said or 'nobody said')}. The rule's backtest counts what people say.")
        for label, word in VERDICTS.items():
            st.button(label, key=f"verdict-{label}", on_click=judged, args=(str(incident["id"]), word))


def judged(id: str, verdict: Verdict | None) -> None:
    with told("Kept."):
        queries_alerts.judge(id, verdict)


def silence(incident: Incident) -> None:
    with (
        st.popover("Silence", icon=":material/notifications_off:", key="silence-menu"),
        st.form("silence", border=False),
    ):
        st.segmented_control("For", list(LENGTHS), default="2 h", key="silence-length", required=True)
        st.text_input("Reason", key="silence-reason", placeholder="load test until noon")
        about = figures_alerts.subject(incident)
        st.form_submit_button(
            f"Hold back messages about {about}", on_click=silenced, args=(str(incident["id"]),)
        )


def silenced(id: str) -> None:
    length = LENGTHS[st.session_state["silence-length"]]
    with told("Silenced: it still opens and resolves, and says what was held back."):
        queries_alerts.silence(id, length=length, reason=_typed("silence-reason"))


def _typed(key: str) -> str:
    return str(st.session_state.get(key) or "").strip()
