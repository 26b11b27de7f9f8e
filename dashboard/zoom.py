"""A board on which a window can be dragged: the page then shows exactly that window."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.windows import MINUTE, Window, ceil, floor
from dashboard import links
from dashboard.charts.board import Board
from dashboard.charts.logs import dragged

_DRAGGED, _TIMES = "_dragged", "_times_dragged"
_BRUSH: dict[str, Any] = {
    "toolbox": {"right": 4, "top": 0, "itemSize": 14, "feature": {"brush": {"type": ["lineX", "clear"]}}},
    "brush": {"xAxisIndex": "all", "brushMode": "single", "throttleType": "debounce", "throttleDelay": 300},
}


def board(drawn: Board, *, key: str, alt: str) -> None:
    """Draw it; the button in its corner turns dragging on. A chart that was dragged on is drawn as another:
    it would keep its mark."""
    if st.session_state.pop(_DRAGGED, False):
        st.rerun()  # the toolbar is no part of what moves, and names the window too
    times = st.session_state.get(_TIMES, 0)
    drawn_as = f"{key}-{times}" if times else key

    def picked() -> None:
        chosen = dragged(st.session_state[drawn_as]["selection"]["areas"])
        if chosen is not None and chosen.duration >= MINUTE:
            links.hold(Window(floor(chosen.start, MINUTE), ceil(chosen.end, MINUTE)))
            st.session_state[_DRAGGED], st.session_state[_TIMES] = True, times + 1

    st.echarts_chart(
        drawn.option | _BRUSH, height=drawn.height_px, key=drawn_as, on_select=picked,
        alt=f"{alt}; drag on it to choose a window",
    )  # fmt: skip
