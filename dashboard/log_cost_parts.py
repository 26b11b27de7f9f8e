"""The table of Function cost that tells what logs cost, and how long they are kept."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_logs_cost, numbers, queries, queries_function_cost, tables

MOST = 14


def logs(costs: pd.DataFrame, window: Window) -> None:
    """What logs cost beside their functions, and how long they are kept."""
    st.header("Logs: what they cost, and how long they are kept", anchor=False)
    groups = queries_function_cost.log_groups(window, queries.scope())
    told = figures_logs_cost.table(costs, groups)
    st.markdown(figures_logs_cost.sentence(told))
    shown, column = tables.with_place(told), st.column_config
    shown = shown.assign(stored=[numbers.size(one) for one in shown["stored_bytes"]])
    columns = [
        "function",
        "logs_usd",
        "of_rest",
        "kept",
        "stored",
        "ingest_usd",
        "storage_usd",
        "rest_usd",
        "group",
        "log_class",
        "place",
        "note",
    ]
    with st.container(key="logs-cost-table"):
        tables.table(
            shown,
            key="logs-cost",
            export=told,
            height=tables.height_px(len(shown), most=MOST),
            alt="What the log of each function costs and how long it is kept, dearest first",
            column_config={
                "function": column.TextColumn("Function", pinned=True),
                "logs_usd": tables.usd_column(
                    "Logs", shown["logs_usd"], "Ingestion + storage, in this window."
                ),
                "of_rest": tables.percent_column("Of the rest", "Logs / all else that the function costs."),
                "kept": column.TextColumn("Kept for", help="Retention of its log group."),
                "stored": column.TextColumn("Holds", help="storedBytes of the log group."),
                "ingest_usd": tables.usd_column("Ingestion", shown["ingest_usd"], "Bytes × price."),
                "storage_usd": tables.usd_column("Storage", shown["storage_usd"], "GB-months × price."),
                "rest_usd": tables.usd_column(
                    "All else", shown["rest_usd"], "The function without its logs."
                ),
                "group": column.TextColumn("Log group"),
                "log_class": column.TextColumn("Class"),
                "place": column.TextColumn("Where"),
                "note": column.TextColumn("Note"),
            },
            column_order=tables.spoken(shown, columns),
        )
    st.caption("Changes of retention and level, with risk and what they save, are proposals on Savings.")
