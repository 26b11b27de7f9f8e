"""What waits for a decision, what do we hold in AWS, and what was done?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import QuarterdeckError
from core.windows import Window
from dashboard import action_parts, figures_actions, links, numbers, queries, queries_actions, tables, widgets
from dashboard.numbers import plain

OUTCOMES = [
    "planned", "applied", "failed", "held back", "nothing to do", "declined", "expired", "interrupted",
]  # fmt: skip


def page(window: Window) -> None:
    now, scope = queries.now(), queries.scope()
    asked = queries.within(queries_actions.requests(now), scope)
    held = queries.within(queries_actions.held(), scope)
    tables.say(figures_actions.actions_answer(asked, held, now=now))
    is_stuck = not held.empty and (held["state"] == "restoring").any()
    if is_stuck:
        changes(held)
    if token := st.query_params.get("approve"):
        by_link(token)
    elif chosen := st.query_params.get("request"):
        by_id(chosen)
    elif not asked.empty:
        waiting = int((asked["state"] == "planned").sum())
        st.header(f"Waiting for a decision ({waiting})" if waiting else "Asked for", anchor=False)
        for row in asked.to_dict("records"):
            action_parts.request({str(name): value for name, value in row.items()})
    if not is_stuck:
        changes(held)
    audit(window)


def changes(held: pd.DataFrame) -> None:
    if held.empty:
        return
    st.header(f"Held now ({len(held)})", anchor=False)
    for row in held.to_dict("records"):
        action_parts.change({str(name): value for name, value in row.items()})


def by_link(token: str) -> None:
    """What a link from chat is about: opening it decides nothing."""
    try:
        sent = queries_actions.look(token)
    except QuarterdeckError as error:
        st.warning(plain(error), icon=":material/link_off:")
    else:
        st.header("A link from chat", anchor=False)
        st.caption(f"Sent to {plain(sent.channel)}. It decides once, by a button below.")
        by_id(sent.request, token=token)
    _all()


def by_id(id: str, *, token: str | None = None) -> None:
    found = queries_actions.request(id)
    if found.empty:
        st.warning(f"There is no request {plain(id)}.", icon=":material/help:")
    else:
        action_parts.request({str(name): value for name, value in found.iloc[0].items()}, token=token)
    if token is None:
        _all()


def _all() -> None:
    st.button(
        "All that waits", key="all-requests", icon=":material/arrow_back:", type="tertiary", on_click=_forget
    )


def _forget() -> None:
    for name in ("approve", "request"):
        st.query_params.pop(name, None)


def audit(window: Window) -> None:
    st.header("Audit", anchor=False)
    rows = queries.within(queries_actions.audit(window), queries.scope())
    if rows.empty:
        st.caption(
            f"No action was planned in the last {numbers.age(queries.now() - window.start)}. Actions are dry "
            "runs until a rule and the settings switch them on."
        )
        return
    chosen = links.choose_many(
        "outcome",
        OUTCOMES,
        lambda key, changed: st.multiselect(
            "Outcomes", OUTCOMES, key=key, on_change=changed, placeholder="All outcomes"
        ),
    )
    shown = tables.with_place(figures_actions.audit_rows(rows, chosen))
    column = st.column_config
    tables.table(
        shown,
        key="audit",
        alt="Actions: when, who, what, on which function, how it went, which change, newest first",
        column_config={
            "ts": column.DatetimeColumn("At", format="D MMM HH:mm:ss", timezone=str(widgets.zone())),
            "who": column.TextColumn("Who"),
            "action": column.TextColumn("Action"),
            "subject": column.TextColumn("On"),
            "place": column.TextColumn("Where"),
            "mode": column.TextColumn("Mode"),
            "outcome": column.TextColumn("Outcome"),
            "sentence": column.TextColumn("What, and how it went", width="large"),
            "change": column.TextColumn("Before → after"),
            "why": column.TextColumn("Why"),
            "request_id": column.TextColumn("Request id"),
        },
        column_order=list(figures_actions.AUDIT),
    )


widgets.toolbar("Actions")
widgets.live(page)
