"""Find: one box, reached by a key, that leads to any page, function or queue, or searches the logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from core.windows import Window
from dashboard import links, queries
from dashboard.choosers import function_labels

BOX = "_find"


@dataclass(frozen=True, slots=True)
class Way:
    """Where a choice leads: a page and what its address says besides account, region and time."""

    page: str
    only: Mapping[str, str] = field(default_factory=dict)


def ways(
    pages: Sequence[tuple[str, str]], functions: Mapping[str, str], queues: Mapping[str, str]
) -> dict[str, Way]:
    """What can be found, as it reads. `pages` are (path, title), `functions` and `queues` id to label."""
    found = {f"{title} · page": Way(path) for path, title in pages}
    found |= {f"{label} · function": Way(links.FUNCTION, {"fn": id}) for id, label in functions.items()}
    return found | {f"{label} · queue": Way(links.QUEUES, {"queue": arn}) for arn, label in queues.items()}


def way(text: str, known: Mapping[str, Way]) -> Way:
    """Where a choice leads. Text that was typed: to what is called so, else begins so, else has it in its
    name; what nothing is called is looked for in the logs."""
    if text in known:
        return known[text]
    typed = text.casefold()
    names = {label: label.rpartition(" · ")[0].casefold() for label in known}
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: name.split(" · ")[0] == typed,
        lambda name: name.startswith(typed),
        lambda name: typed in name,
    )
    for is_meant in tests:
        for label, name in names.items():
            if is_meant(name):
                return known[label]
    return Way(links.LOGS, {"q": text})


def find(pages: Sequence[tuple[str, str]], window: Window) -> None:
    """Open the box over the page."""

    @st.dialog("Find", icon=":material/search:")
    def box() -> None:
        known = ways(pages, function_labels(window), _queue_labels(window))

        def go() -> None:
            chosen = st.session_state[BOX]
            if chosen:
                to = way(chosen, known)
                st.switch_page(to.page, query_params=links.carry(**to.only))

        st.selectbox(
            "A page, a function, a queue, else text in the logs", list(known), index=None, key=BOX,
            placeholder="Type a name, then Enter", accept_new_options=True, on_change=go,
        )  # fmt: skip

    box()


def _queue_labels(window: Window) -> dict[str, str]:
    rows = queries.queue_names(window, queries.scope()).to_dict("records")
    names = queries.names()
    return {
        row["arn"]: f"{row['queue']} · {names.get(row['account'], row['account'])} {row['region']}"
        for row in rows
    }
