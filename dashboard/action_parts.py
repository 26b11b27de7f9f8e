"""Plans to decide about, changes that are held, asking for an action: for the Actions page and an alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import streamlit as st
from pydantic import ValidationError

from alerts.actions.registry import read_action
from alerts.actions.setting import Setting
from core.errors import ActionError
from dashboard import (
    figures_actions,
    identity,
    links,
    queries,
    queries_actions,
    queries_investigate,
    tables,
    widgets,
)
from dashboard.numbers import known, plain
from dashboard.toasts import told

Row = dict[str, Any]
EMPTY: Mapping[str, str] = {}
STAYS = "until undone"
LEASES: dict[str, timedelta | None] = {
    "30 min": timedelta(minutes=30),
    "2 h": timedelta(hours=2),
    "8 h": timedelta(hours=8),
    STAYS: None,
}


def actions_of(incident: Mapping[str, Any]) -> None:
    """What was asked, is held, and could be done about an incident."""
    id, now = str(incident["id"]), queries.now()
    asked, held = queries_actions.requests_of(id, now), queries_actions.held(id)
    is_open = not known(incident["resolved_at"])
    if asked.empty and held.empty and not (is_open and incident["subject_kind"] in _KINDS):
        return
    st.header("What can be done", anchor=False)
    for row in asked.to_dict("records"):
        request({str(name): value for name, value in row.items()})
    for row in held.to_dict("records"):
        change({str(name): value for name, value in row.items()})
    if is_open:
        menu_button(incident)


# --- requests ---------------------------------------------------------------------------------------------


def request(row: Row, *, token: str | None = None) -> None:
    """A plan, and the buttons that decide about it; with a `token`, by the link that somebody followed."""
    now, shown = queries.now(), figures_actions.decision(row)
    with st.container(border=True, key=f"request-{row['id']}", gap="xsmall"):
        badge = widgets.badge("warning", "Decide") if row["state"] == "planned" else ""
        st.markdown(f"{badge} **{shown.title}**  \n:small[:gray[{figures_actions.asked(row, now=now)}]]")
        for warning in shown.warnings:
            st.markdown(f":orange-badge[:material/warning: Beware] {warning}")
        lines = [f"**{shown.moved}**" if shown.moved else "", *shown.lines]
        st.markdown("\n".join(f"- {line}" for line in lines if line))
        if row["state"] == "planned":
            _decide(row, token)


def _decide(row: Row, token: str | None) -> None:
    needs = read_action(row["action"]).needs
    by_link = token is not None and needs == "operator"
    why = None if by_link else identity.lacks(needs, "to approve")
    with st.container(horizontal=True, vertical_alignment="center", key=f"decide-{row['id']}"):
        st.button(
            "Approve", key=f"approve-{row['id']}", icon=":material/check:",
            on_click=_decided, args=(str(row["id"]), True, token), disabled=why is not None, help=why,
        )  # fmt: skip
        st.button(
            "Decline", key=f"decline-{row['id']}", icon=":material/close:", on_click=_decided,
            args=(str(row["id"]), False, token),
            disabled=token is None and identity.lacks("operator", "to decline") is not None,
        )  # fmt: skip
        if known(row["incident"]):
            st.page_link(
                links.ALERTS, label="Alert", icon=":material/notifications:",
                query_params=links.carry(alert=str(row["incident"])),
            )  # fmt: skip


def _decided(id: str, approve: bool, token: str | None) -> None:
    done = "Approved: the service carries it out within seconds." if approve else "Declined."
    with told(done):
        if token is None:
            queries_actions.decide(id, approve=approve)
        else:
            queries_actions.decide_by_link(token, approve=approve)


# --- held changes -----------------------------------------------------------------------------------------


def change(row: Row) -> None:
    """A change that we hold, and what a person can do with it."""
    now, id = queries.now(), str(row["id"])
    place = plain(tables.places().get((row["account"], row["region"]), row["region"]))
    with st.container(border=True, key=f"held-{id}", gap="xsmall"):
        is_bad = row["state"] in ("restoring", "failed")
        badge = widgets.badge("critical" if is_bad else "info", _STATES.get(row["state"], "Over"))
        moved = figures_actions.moved(row["action"], row)
        line = figures_actions.held_line(row, now=now)
        st.markdown(
            f"{badge} **{plain(row['what'])} of {figures_actions.whose(row)}** {moved}  \n"
            f":small[:gray[{place} · {line}]]"
        )
        if row["state"] == "held" and isinstance(read_action(row["action"]), Setting):
            _buttons(id, moved)


_STATES = {
    "applying": "Being set", "held": "Held", "restoring": "Not restored yet", "restored": "Restored",
    "kept": "Kept", "failed": "Failed",
}  # fmt: skip


def _buttons(id: str, moved: str) -> None:
    why = identity.lacks("operator", "to change it")
    is_off = why is not None
    with st.container(horizontal=True, key=f"hold-{id}"):
        with st.popover("Restore now", icon=":material/undo:", disabled=is_off, key=f"undo-{id}"):
            before, _, after = moved.partition(" → ")
            st.markdown(f"Set it back from {after} to {before}. What somebody else set meanwhile stays.")
            st.button("Restore", key=f"restore-{id}", on_click=_restore, args=(id,))
        with st.popover("Extend", icon=":material/more_time:", disabled=is_off, key=f"longer-{id}"):
            for label, length in LEASES.items():
                if length is not None:
                    st.button(
                        f"{label} from now", key=f"extend-{id}-{label}", on_click=_extend, args=(id, label)
                    )
        st.button(
            "Keep", key=f"keep-{id}", icon=":material/push_pin:", on_click=_keep, args=(id,), disabled=is_off,
            help=why or "It stays: it is not restored.",
        )  # fmt: skip


def _restore(id: str) -> None:
    with told("The service restores it within seconds."):
        queries_actions.restore(id)


def _keep(id: str) -> None:
    with told("It stays as it is."):
        queries_actions.keep(id)


def _extend(id: str, label: str) -> None:
    length = LEASES[label]
    assert length is not None
    with told(f"Held for {label} from now."):
        queries_actions.extend(id, length)


# --- asking -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A value that an action asks for; `usual` is shown first. What is not `needed` may be left empty."""

    name: str
    label: str
    kind: Literal["number", "text", "switch"]
    usual: Any = None
    least: int = 0
    most: int | None = None
    needed: bool = True
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    do: str
    label: str
    fields: tuple[Field, ...] = ()
    leased: bool = True


_OF_FUNCTIONS = (
    Choice("set-reserved-concurrency", "Set reserved concurrency",
           (Field("limit", "How many at once", "number", 10),)),
    Choice("clear-reserved-concurrency", "Clear reserved concurrency"),
    Choice("move-alias", "Move an alias",
           (Field("alias", "Alias", "text", "prod"), Field("version", "Version", "text", "previous"))),
    Choice("set-provisioned-concurrency", "Set provisioned concurrency",
           (Field("qualifier", "Alias or version", "text", "prod"),
            Field("count", "How many are kept ready", "number", 1))),
    Choice("set-mapping", "Switch its event source mapping", (Field("on", "On", "switch", False),)),
    Choice("update-configuration", "Change memory",
           (Field("memory_mb", "Memory in MB", "number", 512, 128),)),
    Choice("invoke-function", "Invoke a remediation function", (Field("function", "Which", "text", ""),),
           leased=False),
)  # fmt: skip
OF_QUEUES = (
    Choice("read-messages", "Read messages, count them by error",
           (Field("most", "How many at most", "number", 50, 1, 500),), leased=False),
    Choice("redrive-queue", "Move its messages back",
           (Field("per_second", "How many a second (empty: as fast as SQS can)", "number", None, 1, 500,
                  needed=False),), leased=False),
    Choice("replay-messages", "Give a function its failed events again",
           (Field("function", "Which function", "text", ""),
            Field("only", "Only errors with this text", "text", "", needed=False),
            Field("edit", "Set in each event first", "text", "", needed=False,
                  hint='{"/order/currency": "EUR"}'),
            Field("most", "How many at most", "number", 20, 1, 100),
            Field("per_second", "How many a second", "number", 5, 1, 50)), leased=False),
)  # fmt: skip
_KINDS: dict[str, tuple[Choice, ...]] = {
    "function": _OF_FUNCTIONS,
    "queue": (*OF_QUEUES, _OF_FUNCTIONS[-1]),
}


def menu_button(incident: Mapping[str, Any]) -> None:
    """Ask for an action about an incident."""

    def ask(given: dict[str, Any]) -> None:
        queries_actions.ask(incident, given)

    kind = str(incident["subject_kind"])
    usual = {"function": _whose(str(incident["subject"]))} if kind == "queue" else EMPTY
    menu(_KINDS.get(kind, ()), ask, about=str(incident["id"]), usual=usual)


def _whose(queue: str) -> str:
    """The first function that a queue (an ARN) catches failures of; empty when none is known."""
    found = queries_investigate.queue_table(widgets.window(), queries.now())
    names = [str(name) for names in found.loc[found["arn"] == queue, "functions"] for name in names]
    return names[0] if names else ""


def menu(
    choices: Sequence[Choice],
    ask: Callable[[dict[str, Any]], None],
    *,
    about: str = "",
    usual: Mapping[str, str] = EMPTY,
) -> None:
    """Ask for an action with values: it is planned first, and then waits here for a decision. `usual` are
    texts that stand in fields at first; fields of another `about` keep nothing of these."""
    if not choices:
        return
    why = identity.lacks("operator", "to ask for an action")
    with st.popover(
        "Ask for an action", icon=":material/build:", disabled=why is not None, help=why, key="act-open"
    ):
        names = {choice.label: choice for choice in choices}
        choice = names[st.selectbox("Action", list(names), key="act-do")]
        for field in choice.fields:
            _input(field, _key(choice, field, about), usual.get(field.name, field.usual))
        if choice.leased:
            st.segmented_control("For", list(LEASES), default="30 min", key="act-lease", required=True)
        st.button("Plan it", key="act-plan", on_click=_ask, args=(ask, choice, about))
        st.caption("Nothing is changed yet: the plan is shown here and waits for a decision.")


def _key(choice: Choice, field: Field, about: str) -> str:
    return "-".join(filter(None, ("act", choice.do, field.name, about)))


def _input(field: Field, key: str, usual: Any) -> None:
    if field.kind == "number":
        st.number_input(field.label, field.least, field.most, usual, step=1, key=key)
    elif field.kind == "switch":
        st.toggle(field.label, value=usual, key=key)
    else:
        st.text_input(field.label, value=usual, key=key, placeholder=field.hint)


def _ask(ask: Callable[[dict[str, Any]], None], choice: Choice, about: str) -> None:
    given: dict[str, Any] = {"do": choice.do}
    for field in choice.fields:
        value = st.session_state.get(_key(choice, field, about))
        text = value.strip() if isinstance(value, str) else value
        if field.needed or text not in (None, ""):
            given[field.name] = text
    lease = LEASES[st.session_state["act-lease"]] if choice.leased else None
    if lease is not None:
        given["lease"] = f"{round(lease.total_seconds())}s"
    with told("Asked for: the service plans it within seconds."):
        try:
            ask(given)
        except ValidationError as error:
            raise ActionError(error.errors(include_url=False)[0]["msg"]) from error
