"""A store's first minute: says how far the first pass is, and draws the page again as its answers arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from dashboard import queries
from store.readers import collection

AWAITED = ("inventory", "metrics", "logs")
"""What the first page is made of."""

LOOK_EVERY_S = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Targets whose metrics were asked for, and first runs done of those awaited."""

    metrics: int
    done: int
    awaited: int

    @property
    def complete(self) -> bool:
        return 0 < self.awaited <= self.done


def progress(targets: pd.DataFrame, collectors: pd.DataFrame) -> Progress:
    """From the frames of `store.readers.collection`. A run counts however it ended: the page says how."""
    ran = collectors[collectors["collector"].isin(AWAITED)]
    metrics = int((ran["collector"] == "metrics").sum())
    return Progress(metrics, done=len(ran), awaited=len(targets) * len(AWAITED))


def first_look() -> None:
    """Until the first pass is through, look every two seconds, past the caches."""
    if st.session_state.get("_looked"):
        return
    seen = progress(queries.targets(), queries.collectors(queries.now()))
    if seen.complete:
        st.session_state["_looked"] = True
        return

    @st.fragment(run_every=LOOK_EVERY_S, key="first-look")
    def again() -> None:
        new = _look()
        if new.metrics > seen.metrics or new.complete:
            queries.forget()
            st.rerun()
        if new.awaited:
            st.caption(
                f":material/hourglass_top: The first pass is under way: {new.done} of {new.awaited} reads"
                " done. The page follows by itself."
            )

    again()


def _look() -> Progress:
    now = datetime.now(UTC)
    return progress(collection.targets(queries.store()), collection.collectors(queries.store(), now=now))
