"""Tables of cost as FOCUS files: CSV and Parquet, made when somebody asks for one."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from core.focus import focus_csv, focus_months, focus_parquet, to_focus
from core.windows import Window
from dashboard import queries, queries_cost
from store.store import Filter

OF_FUNCTIONS = ("account", "region", "function")


def focus_files(window: Window, where: Filter, by: str, key: str) -> None:
    """Two buttons: every function of `where` in `window`, by component, with the tag of `by` if it is one."""
    groups = (*OF_FUNCTIONS, *([by] if by.startswith("tag:") else []))
    stamp = f"{window.start:%Y%m%dT%H%MZ}-{window.end:%Y%m%dT%H%MZ}"
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", key=f"focus-{key}"
    ):
        st.caption("FOCUS 1.0, a row per function and component:", width="content")
        for label, kind, mime in (
            ("FOCUS CSV", "csv", "text/csv"),
            ("FOCUS Parquet", "parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                label,
                partial(focus_file, window, where, groups, kind),
                file_name=f"quarterdeck-focus-{stamp}.{kind}",
                mime=mime,
                icon=":material/download:",
                key=f"focus-{key}-{kind}",
                type="tertiary",
                help="Exact decimals, list and net cost, for FinOps tools that read FOCUS.",
                on_click="ignore",
            )


def focus_file(window: Window, where: Filter, groups: tuple[str, ...], kind: str) -> bytes:
    table = focus_table(window, where, groups)
    return focus_parquet(table) if kind == "parquet" else focus_csv(table).encode()


def focus_table(window: Window, where: Filter, groups: tuple[str, ...]) -> pd.DataFrame:
    """Month by month, since a row of FOCUS has one billing period."""
    payer_of, now = queries_cost.settings().payer_of, queries.now()
    by = (*groups, "component")
    parts = [
        to_focus(queries_cost.costs_by(part, where, now, by), window=part, payer_of=payer_of)
        for part in focus_months(window)
    ]
    return pd.concat(parts, ignore_index=True)
