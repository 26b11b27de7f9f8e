"""Tables of what was sent and what was changed: deliveries and the audit."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import numbers, tables, widgets


def deliveries_table(rows: pd.DataFrame, *, key: str) -> None:
    column, zone = st.column_config, str(widgets.zone())
    with st.container(key=f"{key}-table"):
        tables.table(
            rows,
            key=key,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Messages with their channel, state, attempts and error, newest first",
            column_config={
                "title": column.TextColumn("Message", width="medium"),
                "channel": column.TextColumn("Channel"),
                "reason": column.TextColumn("Why"),
                "state": column.TextColumn("State"),
                "attempts": column.NumberColumn("Attempts"),
                "created_at": column.DatetimeColumn("Queued", format="D MMM HH:mm:ss", timezone=zone),
                "delivered_at": column.DatetimeColumn("Delivered", format="D MMM HH:mm:ss", timezone=zone),
                "error": column.TextColumn("Error", width="large"),
            },
            column_order=[
                "title",
                "channel",
                "reason",
                "state",
                "attempts",
                "created_at",
                "delivered_at",
                "error",
            ],
        )


def audit_table(rows: pd.DataFrame, *, key: str) -> None:
    column = st.column_config
    shown = tables.with_place(rows).assign(plan=[str(plan) for plan in rows["plan"]])
    with st.container(key=f"{key}-table"):
        tables.table(
            shown,
            key=key,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Actions: who, what, on which function, planned or applied, with the answer, newest first",
            column_config={
                "ts": column.DatetimeColumn("At", format="D MMM HH:mm:ss", timezone=str(widgets.zone())),
                "who": column.TextColumn("Who"),
                "action": column.TextColumn("Action"),
                "subject": column.TextColumn("On"),
                "place": column.TextColumn("Where"),
                "mode": column.TextColumn("Mode"),
                "outcome": column.TextColumn("Outcome"),
                "answer": column.TextColumn("Answer", width="medium"),
                "plan": column.TextColumn("Plan", width="large"),
                "request_id": column.TextColumn("Request id"),
            },
            column_order=[
                "ts",
                "who",
                "action",
                "subject",
                "place",
                "mode",
                "outcome",
                "answer",
                "plan",
                "request_id",
            ],
        )
