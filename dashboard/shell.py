"""What a page asks of the browser itself: keys everywhere, charts as SVG, whether the tab is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

KEYS = {
    "K": "Find a page, a function or a queue, or search the logs",
    "L": "Live on or off",
    "?": "This list",
    "Tab, Enter": "To the next control, and use it",
    "Esc": "Close what is open",
}
_SCRIPTS = [Path(__file__).with_name(name) for name in ("svg.js", "shell.js")]


def listen() -> None:
    """Mount the script, once per run of the app."""
    _component()(key="shell", default={"hidden": False}, on_hidden_change=_nothing)


def is_hidden() -> bool:
    """Whether the tab is in the background, as far as the browser has told."""
    told: Any = st.session_state.get("shell")
    return bool(told and told.get("hidden"))


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    script = "\n".join(path.read_text("utf-8") for path in _SCRIPTS)
    return st.components.v2.component("quarterdeck_shell", js=script, isolate_styles=False)


def _nothing() -> None:
    """Streamlit keeps a component's state only if somebody listens; the rerun itself is what is wanted."""


@st.dialog("Keys", icon=":material/keyboard:")
def keys() -> None:
    for key, what in KEYS.items():
        st.markdown(f"`{key}` {what}")
