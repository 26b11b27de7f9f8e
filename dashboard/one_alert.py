"""One alert: how it stands, its group, what came before, what the rule saw, what happened and was sent."""

from __future__ import annotations

import streamlit as st

from alerts.rules import Rule
from core.facts import Target
from core.windows import Window
from dashboard import figures_alerts, links, numbers, queries, queries_alerts, tables, widgets
from dashboard.action_parts import actions_of
from dashboard.alert_facts import facts, group, show
from dashboard.alert_people import buttons
from dashboard.charts.alerts import alert_board
from dashboard.charts.board import Deploy
from dashboard.charts.boards import deploy_marks
from dashboard.figures_alerts import Incident
from dashboard.ledgers import audit_table, deliveries_table
from dashboard.numbers import plain


def one(id: str) -> None:
    found = queries_alerts.incident(id)
    with st.container(border=True, key="alert"):
        if found.empty:
            st.markdown(f"{widgets.badge('not collected', 'Unknown')} **There is no alert {plain(id)}.**")
            st.button("All alerts", key="close", icon=":material/close:", on_click=show, args=(None,))
            return
        incident: Incident = {str(name): value for name, value in found.iloc[0].items()}
        sent = queries_alerts.deliveries(id)
        signal = next((str(name) for name in sent["signal"] if name), None)
        rule = figures_alerts.rule_of(incident, queries_alerts.starter_rules(), signal)
        head(incident, figures_alerts.compared(incident, rule))
        group(incident)
        facts(incident)
        chart(incident, rule)
        actions_of(incident)
        st.header("Timeline", anchor=False)
        timeline(id, str(incident["text"]))
        if not sent.empty:
            st.header("Deliveries", anchor=False)
            deliveries_table(sent, key="sent")
        actions = queries_alerts.audit(id)
        if not actions.empty:
            st.header("What was done", anchor=False)
            audit_table(actions, key="actions")


def head(incident: Incident, compared: str) -> None:
    now = queries.now()
    place = tables.places().get((incident["account"], incident["region"]), incident["region"])
    is_open = not numbers.known(incident["resolved_at"])
    badge = widgets.badge(str(incident["severity"])) if is_open else widgets.badge("healthy", "Resolved")
    with st.container(horizontal=True, vertical_alignment="center", key="alert-head"):
        st.markdown(f"{badge} **{plain(incident['title'])}**", width="stretch")
        buttons(incident)
        st.button("Close", key="close", icon=":material/close:", type="tertiary", on_click=show, args=(None,))
    st.markdown(f"{plain(incident['text'])}")
    parts = [
        figures_alerts.standing(incident, now=now),
        plain(place),
        f"rule {plain(incident['rule'])}",
        compared,
    ]
    st.caption(" · ".join(part for part in parts if part))
    link(incident)


def link(incident: Incident) -> None:
    """Where the alert's subject is looked into."""
    kind, name = incident["subject_kind"], figures_alerts.subject(incident)
    if kind == "function":
        place = str(incident["account"]), str(incident["region"]), str(incident["subject"])
        st.page_link(
            links.FUNCTION, label=name, icon=":material/function:", query_params=links.to_function(*place)
        )
    elif kind == "queue":
        query = links.carry(queue=str(incident["subject"]))
        st.page_link(links.QUEUES, label=name, icon=":material/inbox:", query_params=query)
    elif kind == "alias":
        function = str(incident["subject"]).partition(":")[0]
        query = links.to_function(str(incident["account"]), str(incident["region"]), function)
        st.page_link(
            links.FUNCTION, label=name, icon=":material/function:", query_params=query | {"tab": "versions"}
        )
    elif kind == "budget":
        st.page_link(links.COST, label="Spend", icon=":material/payments:", query_params=links.carry())
    elif kind in ("provider", "account"):
        st.page_link(
            links.CONCURRENCY, label="Concurrency", icon=":material/speed:", query_params=links.carry()
        )
    else:
        st.page_link(
            links.COLLECTION, label="Collection health", icon=":material/sensors:", query_params=links.carry()
        )


def chart(incident: Incident, rule: Rule | None) -> None:
    """What its rule saw: the value against the limit or band; of a rule made of others, each part."""
    now = queries.now()
    window = figures_alerts.span(incident, now=now)
    if rule is None:
        widgets.no_data("Its rule is not known any more: what it saw cannot be drawn.")
        return
    if rule.spec.is_now:
        st.caption(f"{rule.spec.title} tells of this moment only: there are no minutes to draw.")
        return
    seen = [one for one in queries_alerts.seen(incident, rule, window, now) if one.is_known]
    if rule.parts:
        st.caption(figures_alerts.made_of(rule, seen, queries_alerts.lost_parts(rule)))
    elif not seen:
        widgets.no_data("What the rule saw then is not kept any more, or was not collected.")
    if not seen:
        return
    drawn = alert_board(
        seen,
        fired=figures_alerts.firing_window(incident, now=now),
        window=window,
        zone=widgets.zone(),
        deploys=deploys(incident, window),
    )
    alt = f"{'; '.join(figures_alerts.drawn(one) for one in seen)} around the alert"
    st.echarts_chart(drawn.option, height=drawn.height_px, key="alert-board", alt=alt)


def deploys(incident: Incident, window: Window) -> list[Deploy]:
    if incident["subject_kind"] != "function":
        return []
    target = Target(str(incident["account"]), str(incident["region"]))
    return deploy_marks(queries.function_changes(target, str(incident["subject"]), window))


def timeline(id: str, said: str) -> None:
    """What happened, oldest first, in full: a table would cut what was said. `said` stands above already."""
    zone, now = widgets.zone(), queries.now()
    with st.container(key="timeline", gap="xxsmall"):
        for row in queries_alerts.timeline(id).to_dict("records"):
            what = figures_alerts.happened({str(name): value for name, value in row.items()}, said=said)
            st.markdown(f":small[:gray[{numbers.clock(row['ts'], zone, now=now)}]] {what}")
