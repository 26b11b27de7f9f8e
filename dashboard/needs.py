"""Which collectors each page rests on, and the line that says which of them were refused or fail."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.numbers import plain

EVERYTHING = ("inventory", "details", "triggers", "metrics", "queues", "logs", "traces", "changes")

NEEDS: Mapping[str, tuple[str, ...]] = {
    "Overview": EVERYTHING,
    "Alerts": ("inventory", "metrics", "queues", "logs"),
    "Functions": EVERYTHING,
    "Cold starts": ("inventory", "details", "metrics", "logs", "changes"),
    "Concurrency": ("inventory", "details", "metrics"),
    "Queues": ("inventory", "details", "metrics", "queues"),
    "Silent stops": ("inventory", "details", "triggers", "metrics"),
    "Logs": ("inventory", "logs"),
    "Traces": ("inventory", "logs", "traces"),
    "Cost": ("inventory", "details", "metrics", "logs"),
    "Collection health": EVERYTHING,
}
"""By the title in the menu."""

ELSEWHERE = {"Overview", "Collection health"}
"""Pages that say so in a place of their own: the line of what is not seen, the table of collectors."""

MOST = 2
BROKEN = {"denied", "failed"}


def unread(title: str, collectors: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """What a page needs and cannot be read, in words, at most `MOST` and how many more.

    `collectors` is the reader's frame: a run that lacked one permission of several counts, too.
    """
    if collectors.empty:
        return []
    needed = collectors["collector"].isin(NEEDS[title])
    hit = collectors[needed & (collectors["outcome"].isin(BROKEN) | collectors["permission"].notna())]
    said = [
        f"{row['collector']} in {names.get(row['account'], row['account'])} {row['region']}: "
        f"{row['error'] or row['outcome']}"
        for row in hit.head(MOST).to_dict("records")
    ]
    return [*said, *([f"and {len(hit) - MOST} more"] if len(hit) > MOST else [])]


def note(title: str) -> None:
    """Say under the toolbar what the page cannot see; nothing when all it needs is read."""
    if title in ELSEWHERE:
        return
    collectors = queries.within(queries.collectors(queries.now()), queries.scope())
    if missing := unread(title, collectors, queries.names()):
        with st.container(key="not-read"):
            st.caption(f":orange[:material/visibility_off:] Not read: {plain('; '.join(missing))}.")
