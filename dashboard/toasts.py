"""What became of what a person did, in a toast of the next drawing: a live part's callback must not draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import QuarterdeckError
from dashboard.numbers import plain

KEPT = "_toasts"


@contextmanager
def told(done: str) -> Iterator[None]:
    """Say that it was done, or in a sentence why it was not."""
    try:
        yield
    except QuarterdeckError as error:
        _keep(plain(error), "error")
    else:
        _keep(done, "check")


def _keep(text: str, icon: str) -> None:
    st.session_state.setdefault(KEPT, []).append((text, icon))


def say() -> None:
    """What callbacks had to say, once."""
    for text, icon in st.session_state.pop(KEPT, []):
        st.toast(text, icon=f":material/{icon}:")
