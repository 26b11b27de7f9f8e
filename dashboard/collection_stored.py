"""The part of Collection health about the store: its room, what it keeps of each kind, what it lost."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import figures_stored, queries, queries_collection, tables, widgets

ROWS = 12


def lost_files() -> None:
    """Files that readers go without; nothing when all can be read."""
    lost = queries.within(queries_collection.lost(queries.now()), queries.scope())
    line = figures_stored.lost_line(lost, zone=widgets.zone())
    if line is None:
        return
    st.warning(line, icon=":material/broken_image:")
    shown, column, zone = tables.with_place(figures_stored.lost_rows(lost)), st.column_config, widgets.zone()
    with st.expander("Which time is lost, and why", icon=":material/table:"):
        tables.table(
            shown,
            key="lost",
            alt="Stretches of time that are in files which cannot be read, oldest first",
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "kind": column.TextColumn("Kind"),
                "place": column.TextColumn("Where"),
                "start": column.DatetimeColumn("From", format="D MMM HH:mm", timezone=str(zone)),
                "end": column.DatetimeColumn("To", format="D MMM HH:mm", timezone=str(zone)),
                "why": column.TextColumn("Why", width="large"),
            },
            column_order=["kind", "place", "start", "end", "why"],
        )


def stored(shown: pd.DataFrame) -> None:
    st.header("What is stored", anchor=False)
    for line in figures_stored.room_lines(queries_collection.room(queries.now())):
        st.markdown(line)
    column, zone = st.column_config, str(widgets.zone())
    with st.container(key="size-table"):
        tables.table(
            shown.assign(size=shown["size"] / tables.MB, waiting=shown["waiting"] / tables.MB),
            key="size",
            export=shown,
            alt="Rows, files and bytes per kind of fact, and since when, largest first",
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "kind": column.TextColumn("Kind"),
                "rows": tables.count_column("Rows"),
                "files": tables.count_column("Files"),
                "size": tables.megabytes_column("Size", "Files and what waits for them."),
                "waiting": tables.megabytes_column(
                    "Not packed yet",
                    "In the state database until its hour has settled (which counts it again).",
                ),
                "since": column.DatetimeColumn("Since", format="D MMM YYYY HH:mm", timezone=zone),
                "fine_since": column.DatetimeColumn(
                    "In full detail since",
                    format="D MMM YYYY HH:mm",
                    timezone=zone,
                    help="Older points are kept per five minutes, then per hour (store.retention).",
                ),
            },
        )
