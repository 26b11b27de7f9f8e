"""The part of Collection health about services: who watches what, what nobody watches, what happened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import figures_services, queries, queries_collection, tables, widgets
from dashboard.answers import Trouble
from store.readers.services import Living


def troubles() -> list[Trouble]:
    """What is wrong beside the collectors themselves, the worst first."""
    now, where = queries.now(), queries.scope()
    return figures_services.troubles(
        watches=queries.within(queries_collection.watches(now), where),
        unreached=queries_collection.unreached(now),
        budget=queries_collection.budget(now),
        happened=queries_collection.happenings(now),
        lost=queries.within(queries_collection.lost(now), where),
    )


def shouts() -> None:
    """Targets that nobody watches, and jobs that fail now; nothing when all is well."""
    now, zone = queries.now(), widgets.zone()
    watches = queries.within(queries_collection.watches(now), queries.scope())
    for line in figures_services.alone_lines(watches, queries.names()):
        st.error(line, icon=":material/visibility_off:")
    for line in figures_services.trouble_lines(queries_collection.happenings(now), zone=zone, now=now):
        st.warning(line, icon=":material/error:")


def services() -> None:
    """The services and what each watches, and what happened to them."""
    now, zone = queries.now(), widgets.zone()
    found = queries_collection.services(now)
    st.header("Services", anchor=False)
    if found:
        _living(found)
    else:
        st.caption("No service shares this store now: what is shown was collected before, or by hand.")
    if len(found) > 1:
        _watchers()
    happened = figures_services.over_lines(queries_collection.happenings(now), zone=zone, now=now)
    if happened:
        with st.expander(f"What happened in the last day: {len(happened)}", icon=":material/history:"):
            for line in happened:
                st.caption(line)


def _living(found: Sequence[Living]) -> None:
    column = st.column_config
    with st.container(key="services-table"):
        tables.table(
            figures_services.service_rows(found),
            key="services",
            placeholder="",
            alt="Services with their host, what each watches and when each last told that it lives",
            column_config={
                "host": column.TextColumn("Host"),
                "targets": tables.count_column("Targets watched"),
                "duty": column.TextColumn("Does for all"),
                "last_beat": column.DatetimeColumn(
                    "Last sign of life", format="D MMM HH:mm:ss", timezone=str(widgets.zone())
                ),
                "state": column.TextColumn("State"),
                "service": column.TextColumn("Service"),
            },
        )


def _watchers() -> None:
    watches = queries.within(queries_collection.watches(queries.now()), queries.scope())
    shown = tables.with_place(watches)[["place", "host", "since", "service"]]
    column = st.column_config
    with st.expander("Who watches what"):
        tables.table(
            shown,
            key="watches",
            hide_index=True,
            placeholder="nobody",
            alt="Targets with the service that watches each, and since when",
            column_config={
                "place": column.TextColumn("Where"),
                "host": column.TextColumn("Host"),
                "since": column.DatetimeColumn(
                    "Since", format="D MMM HH:mm:ss", timezone=str(widgets.zone())
                ),
                "service": column.TextColumn("Service"),
            },
        )
