"""Before any page: lets in who may come in, says to the others how, and keeps who came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from core.access import Granted, name_of
from dashboard import identity, queries
from dashboard.launch import Entrance
from dashboard.numbers import plain
from store import people

CAME, KEPT_EVERY = "_came_as", timedelta(hours=1)
SIGN_IN = "Sign in to see this fleet."
LAPSED = "Your sign-in has lapsed. Sign in again to go on."
NAMELESS = "The login told neither an e-mail address that was checked nor an id. Ask whoever runs it."
REFUSED = "You signed in as {name}, but nothing gives you a role here. Ask whoever runs this dashboard."


def admitted() -> bool:
    """Whether the page may be drawn for whoever looks; if not, this drew what to do. Raises StoreError."""
    door = identity.entrance()
    if not door.login:
        if door.anyone:
            _keep(identity.ANYONE, Granted(door.anyone, "anyone", "dashboard.allow_anyone"), _now())
        return True
    claims = st.user.to_dict()
    signed_in = _signed_in(door, claims)
    _back(signed_in)
    return signed_in


def _signed_in(door: Entrance, claims: dict[str, Any]) -> bool:
    if not claims.get("is_logged_in"):
        return _ask(SIGN_IN, st.login, "Sign in")
    if identity.has_lapsed(door, claims, now=_now()):
        return _ask(LAPSED, st.login, "Sign in")
    name, grant = name_of(claims), identity.grant_of(door, claims, now=_now())
    if name is None:
        return _ask(NAMELESS, st.logout, "Sign out")
    _keep(name, grant, datetime.fromtimestamp(claims["iat"], UTC))
    return grant.role is not None or _ask(REFUSED.format(name=plain(name)), st.logout, "Sign out")


def _ask(sentence: str, way: Any, label: str) -> bool:
    with st.container(key="door", width=420):
        st.title("Quarterdeck", anchor=False)
        st.markdown(sentence)
        st.button(label, key="door-button", on_click=way)
    return False


def _keep(name: str, grant: Granted, at: datetime) -> None:
    """Once per session and grant, and hourly where no provider dated it: the service goes by it."""
    before = st.session_state.get(CAME)
    if before is None or before[:2] != (name, grant) or at - before[2] > KEPT_EVERY:
        people.remember(queries.store(), name, grant, at=at)
        st.session_state[CAME] = (name, grant, at)


def who() -> None:
    """At the end of the menu: who is signed in, as what and why, and the way out."""
    door, person = identity.entrance(), identity.person()
    if not door.login and door.anyone is None:
        return
    with st.container(key="who", gap="xxsmall"):
        why = plain(st.session_state[CAME][1].why)
        st.caption(f"{plain(person.name)} · {person.role}", help=f"The role is by {why}.")
        if door.login:
            st.button(
                "Sign out", key="sign-out", icon=":material/logout:", type="tertiary", on_click=st.logout
            )


def _back(signed_in: bool) -> None:
    _component()(key="back", data={"signed_in": signed_in})


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    script = Path(__file__).with_name("back.js").read_text("utf-8")
    return st.components.v2.component("quarterdeck_back", js=script, isolate_styles=False)


def _now() -> datetime:
    return datetime.now(UTC)
