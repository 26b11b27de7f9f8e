"""CloudWatch alarms beside our rules: what they watch and how they stand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import numbers, queries, queries_rules, tables
from store.store import Filter

WORDS = {"ALARM": "In alarm", "INSUFFICIENT_DATA": "No data", "OK": "OK"}
ORDER = ["state", "name", "about", "place", "condition", "since", "tells", "reason"]


def alarms_table(where: Filter | None = None, *, key: str = "alarms") -> None:
    """The CloudWatch alarms about Lambda (about one function, if `where` names it), in alarm first; nothing
    when there is none."""
    where = where or queries.scope()
    found = queries_rules.alarms(where)
    if where.function is not None:
        found = found[found["function"] == where.function]
    if found.empty:
        return
    st.header(f"CloudWatch alarms ({len(found)})", anchor=False)
    firing = int((found["state"] == "ALARM").sum())
    st.caption(f"{firing} in alarm. Read from CloudWatch as they stand; *Rules* says which are of no use.")
    shown = rows(found)
    column = st.column_config
    tables.table(
        shown,
        key=key,
        alt="CloudWatch alarms about Lambda, those in alarm first",
        height=tables.height_px(len(shown), most=8),
        column_order=tables.spoken(shown, ORDER),
        column_config={
            "state": column.TextColumn("State", width=90, help="As CloudWatch says; it reads by itself."),
            "name": column.TextColumn("Alarm", pinned=True),
            "about": column.TextColumn("Watches"),
            "place": column.TextColumn("Where"),
            "condition": column.TextColumn("Condition"),
            "since": column.TextColumn("Since", help="How long it has been in this state."),
            "tells": column.TextColumn("Tells", help="How many actions ALARM starts."),
            "reason": column.TextColumn("CloudWatch says"),
        },
    )


def rows(found: pd.DataFrame) -> pd.DataFrame:
    """The reader's frame in words."""
    now = queries.now()
    return tables.with_place(found).assign(
        state=[WORDS.get(state, state) for state in found["state"]],
        since=[numbers.age(now - since) if numbers.known(since) else numbers.UNKNOWN
               for since in found["state_since"]],
        tells=[_tells(count) for count in found["actions"]],
    )  # fmt: skip


def _tells(actions: int) -> str:
    return "nobody" if not actions else f"{actions} action{'' if actions == 1 else 's'}"
