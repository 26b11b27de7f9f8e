"""Which collectors each page rests on, and the line that says which were refused, fail, or never ran yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.numbers import plain

EVERYTHING = ("inventory", "details", "triggers", "metrics", "queues", "logs", "traces", "changes")

NEEDS: Mapping[str, tuple[str, ...]] = {
    "Overview": EVERYTHING,
    "Alerts": ("inventory", "metrics", "queues", "logs", "alarms"),
    "Rules": ("inventory", "details", "metrics", "queues", "logs", "alarms"),
    "Actions": (),
    "Functions": EVERYTHING,
    "Cold starts": ("inventory", "details", "metrics", "logs", "changes"),
    "Concurrency": ("inventory", "details", "metrics"),
    "Queues": ("inventory", "details", "metrics", "queues"),
    "Silent stops": ("inventory", "details", "triggers", "metrics"),
    "Logs": ("inventory", "logs"),
    "Traces": ("inventory", "logs", "traces"),
    "Spend": ("inventory", "details", "metrics", "logs", "prices"),
    "Function cost": ("inventory", "details", "metrics", "logs", "changes", "prices"),
    "Savings": ("inventory", "details", "metrics", "logs", "prices", "optimizer"),
    "Chargeback": ("inventory", "details", "metrics", "logs", "prices"),
    "Reconciliation": ("inventory", "details", "metrics", "logs", "charges", "prices"),
    "Collection health": EVERYTHING,
    "Channels": (),
}
"""By the title in the menu."""

ELSEWHERE = {"Overview", "Collection health"}
"""Pages that say so in a place of their own: the line of what is not seen, the table of collectors."""

ON_REQUEST = {"charges", "optimizer", "prices"}
"""Collectors that run only where the settings allow it: that they never did is no lack."""

MOST = 2
BROKEN = {"denied", "failed"}


def unread(title: str, collectors: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """What a page needs and cannot be read, or was not read yet, in words: at most `MOST` and how many more.

    `collectors` is the reader's frame: a run that lacked one permission of several counts, too.
    """
    if collectors.empty:
        return []
    needed = collectors["collector"].isin(NEEDS[title])
    hit = collectors[needed & (collectors["outcome"].isin(BROKEN) | collectors["permission"].notna())]
    said = [
        f"{row['collector']} in {names.get(row['account'], row['account'])} {row['region']}: "
        f"{row['error'] or row['outcome']}"
        for row in hit.to_dict("records")
    ]
    said += [
        f"{collector} in {names.get(account, account)} {region}: not yet"
        for collector, account, region in not_yet(
            [name for name in NEEDS[title] if name not in ON_REQUEST], collectors
        )
    ]
    return [*said[:MOST], *([f"and {len(said) - MOST} more"] if len(said) > MOST else [])]


def not_yet(needed: Iterable[str], collectors: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Collectors with account and region, where others ran and they never did: what they would tell is not
    known, and must not be taken for none."""
    columns = [collectors[name] for name in ("collector", "account", "region")]
    ran = set(zip(*columns, strict=True))
    places = sorted({(account, region) for _, account, region in ran})
    return [(name, *place) for name in needed for place in places if (name, *place) not in ran]


def note(title: str) -> None:
    """Say under the toolbar what the page cannot see; nothing when all it needs is read."""
    if title in ELSEWHERE:
        return
    collectors = queries.within(queries.collectors(queries.now()), queries.scope())
    if missing := unread(title, collectors, queries.names()):
        with st.container(key="not-read"):
            st.caption(f":orange[:material/visibility_off:] Not read: {plain('; '.join(missing))}.")
