"""Sentences of which a page shows the first few, and more of them to who opens the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd
import streamlit as st

SENT = 50
"""How many of the rest are sent at once: a browser with thousands of lines is slow, and nobody reads them."""


def lines(
    rows: pd.DataFrame, say: Callable[[pd.DataFrame], Iterable[str]], *, shown: int, key: str, about: str = ""
) -> int:
    """Draw what `say` makes of the first rows; what it makes of others only once somebody asks for it.

    Returns how many rows had to be left out even then.
    """
    for text in say(rows.iloc[:shown]):
        st.markdown(text)
    rest = len(rows) - shown
    if rest <= 0:
        return 0
    more = st.expander(f"{rest:,} more" + (f": {about}" if about else ""), key=key, on_change="rerun")
    if more.open:
        with more:
            for text in say(rows.iloc[shown : shown + SENT]):
                st.markdown(text)
            if rest > SENT:
                st.caption(f"and {rest - SENT:,} more")
    return max(rest - SENT, 0)
