"""Charts over time on which a window can be dragged: the page then shows exactly that window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt
import streamlit as st
from altair.typing import ChartType

from core.windows import MINUTE, Window, ceil, floor
from dashboard import links, meanings, tables, widgets
from dashboard.charts.board import Board

_DRAGGED, _TIMES = "_dragged", "_times_dragged"
_BRUSH: dict[str, Any] = {
    "toolbox": {"right": 4, "top": 0, "itemSize": 14, "feature": {"brush": {"type": ["lineX", "clear"]}}},
    "brush": {"xAxisIndex": "all", "brushMode": "single", "throttleType": "debounce", "throttleDelay": 300},
}
_INTERVAL = "dragged"

Selection = Mapping[str, Any]


def board(drawn: Board, *, key: str, alt: str, clicked: Callable[[Selection], None] | None = None) -> None:
    """Draw it; the button in its corner turns dragging on. `clicked` gets what was chosen otherwise."""
    drawn_as = _anew(key)

    def picked() -> None:
        chosen: Selection = st.session_state[drawn_as]["selection"]
        spans = [area["coord_range"] for area in chosen["areas"]]
        if not _hold(spans) and clicked:
            clicked(chosen)

    st.echarts_chart(
        drawn.option | _BRUSH, height=drawn.height_px, key=drawn_as, on_select=picked,
        alt=f"{alt}; drag on it to choose a window",
    )  # fmt: skip
    titles = drawn.option.get("title", [])
    widgets.formulas(
        meanings.of_panels(one["text"] for one in (titles if isinstance(titles, list) else [titles]))
    )


def bars(drawn: ChartType, *, key: str, alt: str, formula: str) -> None:
    """The same for a chart that is read: dragging is always on, but on a phone, where it would not scroll."""
    _drawn(drawn, key=key, alt=alt)
    widgets.formulas([formula])


def _drawn(drawn: ChartType, *, key: str, alt: str) -> None:
    if tables.board_columns() == 1:
        st.altair_chart(drawn, key=key, alt=alt)
        return
    drawn_as = _anew(key)

    def picked() -> None:
        _hold(list(st.session_state[drawn_as]["selection"].get(_INTERVAL, {}).values()))

    st.altair_chart(
        drawn.add_params(_interval()), key=drawn_as, on_select=picked,
        alt=f"{alt}; drag on it to choose a window",
    )  # fmt: skip


def _interval() -> alt.Parameter:
    return alt.selection_interval(name=_INTERVAL, encodings=["x"])


def _anew(key: str) -> str:
    """The key to draw with: a chart that was dragged on is drawn as another, for it would keep its mark."""
    if st.session_state.pop(_DRAGGED, False):
        st.rerun()  # the toolbar is no part of what moves, and names the window too
    times = st.session_state.get(_TIMES, 0)
    return f"{key}-{times}" if times else key


def _hold(spans: Sequence[Sequence[float]]) -> bool:
    """Make the first stretch that was dragged (ms since 1970) the page's window; False without one."""
    chosen = next((window for window in map(_window, spans) if window.duration >= MINUTE), None)
    if chosen is None:
        return False
    links.hold(Window(floor(chosen.start, MINUTE), ceil(chosen.end, MINUTE)))
    st.session_state[_DRAGGED], st.session_state[_TIMES] = True, st.session_state.get(_TIMES, 0) + 1
    return True


def _window(span: Sequence[float]) -> Window:
    start, end = (datetime.fromtimestamp(float(ms) / 1000, UTC) for ms in sorted(span))
    return Window(start, end)
