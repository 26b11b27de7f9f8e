"""Why messages are in a dead-letter queue: reading them is asked for here, planned, decided and answered."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from alerts.actions.letters import ReadMessages
from core.facts import Target
from core.windows import Window
from dashboard import action_parts, identity, numbers, queries, queries_actions, widgets
from dashboard.toasts import told

DO = str(ReadMessages.model_fields["do"].default)
MOST = "letters-most"
SAID = (
    "Messages tell by which errors they got there, and only SQS has them. Reading costs requests and hides"
    " each message for half a minute: the plan says so first, and waits for a decision. None is kept or"
    " deleted."
)


def messages(queue: str, target: Target, window: Window) -> None:
    """What was read of one queue in the window, what waits for a decision, and a way to ask for more."""
    for line in answers(queue, target, window):
        st.caption(line)
    asked = queries_actions.requests(queries.now())
    for row in asked[_about(asked, queue, target)].to_dict("records"):
        if row["action"]["do"] == DO:
            action_parts.request({str(name): value for name, value in row.items()})
    _ask(queue, target)


def answers(queue: str, target: Target, window: Window) -> list[str]:
    """The newest reading, as Markdown: whether it went well, when, and what was found."""
    rows = queries_actions.audit(window)
    mine = rows[_about(rows, queue, target) & (rows["action"] == DO) & (rows["outcome"] != "planned")]
    return [
        f"**{numbers.plain(row['outcome'])}** {numbers.clock(row['ts'], widgets.zone(), now=queries.now())}: "
        f"{numbers.plain(row['answer'] or '')}"
        for row in mine.head(1).to_dict("records")
    ]


def _about(rows: pd.DataFrame, queue: str, target: Target) -> pd.Series[bool]:
    here = (rows["account"] == target.account) & (rows["region"] == target.region)
    return here & (rows["subject"] == queue)


def _ask(queue: str, target: Target) -> None:
    why = identity.lacks("operator", "to ask for an action")
    with st.popover(
        "Read its messages",
        icon=":material/mark_email_read:",
        disabled=why is not None,
        help=why,
        key="letters-open",
    ):
        st.caption(SAID)
        st.number_input("How many at most", 1, 500, 50, key=MOST)
        st.button("Plan it", key="letters-plan", on_click=_asked, args=(queue, target))


def _asked(queue: str, target: Target) -> None:
    with told("Asked for: the service plans it within seconds."):
        queries_actions.ask_of_queue(target, queue, ReadMessages(most=st.session_state[MOST]))
