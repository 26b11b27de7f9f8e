"""What a page says below its title while a fresh process reads the history of its first answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.windows import Window
from dashboard import numbers

_DRAWN: set[str] = set()
"""Pages that this process has drawn: from then on its answers are at hand."""


@contextmanager
def reading(page: str, window: Window) -> Iterator[None]:
    """Say what is read until the page is drawn, the first time in this process."""
    place = st.empty()
    if page not in _DRAWN:
        place.caption(
            f":material/hourglass_top: Reading {numbers.age(window.duration)} of history from the store. The"
            " first page after a start takes some seconds; the next ones do not."
        )
    try:
        yield
    finally:
        place.empty()
    _DRAWN.add(page)
