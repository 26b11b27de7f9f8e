"""Choices that pages share, each kept in the address bar: a function, one of some words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import streamlit as st

from core.windows import Window
from dashboard import links, numbers, queries, widgets
from store.readers.things import Place


def function_labels(window: Window) -> dict[str, str]:
    """Ids (as the address names them) of the functions in scope and how they read: with their place when
    there are several."""
    known = queries.function_names(window, queries.scope())
    names = queries.names()
    several = known["account"].nunique() * known["region"].nunique() > 1
    return {
        links.function_id(row["account"], row["region"], row["function"]): (
            f"{row['function']} · {names.get(row['account'], row['account'])} {row['region']}"
            if several
            else str(row["function"])
        )
        for row in known.to_dict("records")
    }


def asked_function(window: Window) -> Place | None:
    """The function that the address names, if it is known: what `function_chooser` will show."""
    return _place(asked("fn", function_labels(window)))


def asked(name: str, options: Collection[str]) -> str | None:
    """What the address says, if it is one of these: what a chooser of them will show. It answers before the
    chooser is drawn."""
    value = st.query_params.get(name)
    return value if value in options else None


def _place(id: str | None) -> Place | None:
    found = links.read_function_id(id) if id else None
    return (found[0].account, found[0].region, found[1]) if found else None


def function_chooser(window: Window, *, width: int = 320) -> Place | None:
    """A box for one function or all of them; says so when the address names one that is not known."""
    labels = function_labels(window)
    named = st.query_params.get("fn")

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Function", list(labels), key=key, on_change=changed, format_func=lambda id: labels.get(id, id),
            index=None, placeholder="All functions", label_visibility="collapsed", width=width,
        )  # fmt: skip

    chosen = links.choose("fn", list(labels), None, draw)
    if named and chosen is None:
        widgets.no_data(
            f"No function {numbers.plain(named.rpartition('.')[2])} is known here: all are shown."
        )
    return _place(chosen)


def word_chooser(name: str, options: Mapping[str, str], label: str, default: str) -> str:
    """Buttons beside each other for one of some words, always one of them."""

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.segmented_control(
            label, list(options), key=key, on_change=changed, format_func=options.__getitem__,
            label_visibility="collapsed", required=True,
        )  # fmt: skip

    return links.choose(name, list(options), default, draw) or default


def option_chooser(
    name: str, options: Mapping[str, str], label: str, nothing: str, *, width: int
) -> str | None:
    """A box for one of some words, or none of them."""

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            label, list(options), key=key, on_change=changed, format_func=lambda id: options.get(id, id),
            index=None, placeholder=nothing, label_visibility="collapsed", width=width,
        )  # fmt: skip

    return links.choose(name, list(options), None, draw)
