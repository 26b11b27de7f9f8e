"""Why messages are in a dead-letter queue and what to do with them: asked for, planned, decided, answered."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from alerts.actions.letters import ReadMessages
from alerts.actions.redrive import RedriveQueue
from alerts.actions.registry import read_action
from alerts.actions.replay import ReplayMessages
from core.facts import Target
from core.windows import Window
from dashboard import action_parts, numbers, queries, queries_actions, widgets

DEEDS = [str(each.model_fields["do"].default) for each in (ReadMessages, RedriveQueue, ReplayMessages)]
SAID = (
    "Messages tell by which errors they got there, and only SQS has them. Reading costs requests and hides"
    " each message for half a minute; moving them back or giving them again runs their function. The plan"
    " says so first, and waits for a decision."
)


def messages(queue: str, target: Target, window: Window, *, function: str) -> None:
    """What was last done with one queue's messages in the window, what waits for a decision, and a way to ask
    for more; `function` is who failed on them, as far as is known."""
    st.header("Its messages", anchor=False)
    st.caption(SAID)
    for line in answers(queue, target, window):
        st.caption(line)
    asked = queries_actions.requests(queries.now())
    for row in asked[_about(asked, queue, target)].to_dict("records"):
        if row["action"]["do"] in DEEDS:
            action_parts.request({str(name): value for name, value in row.items()})

    def ask(given: dict[str, Any]) -> None:
        queries_actions.ask_of_queue(target, queue, read_action(given))

    about = f"{target.account}-{target.region}-{queue}"
    action_parts.menu(action_parts.OF_QUEUES, ask, about=about, usual={"function": function})


def answers(queue: str, target: Target, window: Window) -> list[str]:
    """The newest of each deed, as Markdown: what, whether it went well, when, and what was found."""
    rows = queries_actions.audit(window)
    mine = rows[_about(rows, queue, target) & rows["action"].isin(DEEDS) & (rows["outcome"] != "planned")]
    zone, now = widgets.zone(), queries.now()
    return [
        f"**{row['action']} {numbers.plain(row['outcome'])}** {numbers.clock(row['ts'], zone, now=now)}: "
        f"{numbers.plain(row['answer'] or '')}"
        for row in mine.drop_duplicates("action").to_dict("records")
    ]


def _about(rows: pd.DataFrame, queue: str, target: Target) -> pd.Series[bool]:
    """Which rows are about the queue: here it is asked by its name, on an alert by its ARN."""
    here = (rows["account"] == target.account) & (rows["region"] == target.region)
    return here & (rows["subject"].astype(str).str.rsplit(":", n=1).str[-1] == queue)
