"""Can I believe what I see?"""

from __future__ import annotations

import streamlit as st

from core.windows import Window
from dashboard import (
    collection_budget,
    collection_permissions,
    collection_runs,
    collection_services,
    collection_stored,
    figures_collection,
    figures_stored,
    queries,
    queries_collection,
    tables,
    widgets,
)
from dashboard.answers import collection_answer


def page(window: Window) -> None:
    now, where = queries.now(), queries.scope()
    collectors = queries.within(queries.collectors(now), where)
    if collectors.empty:
        st.info(
            "Nothing has been collected yet. `quarterdeck run` collects all the time, `quarterdeck collect "
            "--once` does one pass, `quarterdeck doctor` says what stands in the way.",
            icon=":material/hourglass_empty:",
        )
        collection_services.shouts()
        collection_budget.unreached()
        return
    gaps = queries.within(queries_collection.gaps(window, now), where)
    holes = figures_collection.holes(gaps, queries.fleet_table(window, where, now))
    late = figures_collection.is_late(collectors)
    stored = figures_stored.stored_rows(queries_collection.kept(now), queries_collection.state_bytes(now))
    spend = queries_collection.spend(now)

    tables.say(collection_answer(collectors, late=late, holes=holes, troubles=collection_services.troubles()))
    collection_services.shouts()
    collection_budget.unreached()
    collection_stored.lost_files()
    collection_permissions.missing(collectors, gaps)
    ahead = queries_collection.budget(now).projected_usd
    widgets.cards(figures_collection.cards(collectors, holes, spend, stored, projected_usd=ahead))
    collection_runs.collectors_table(collectors)
    collection_runs.strip(window, collectors)
    collection_runs.gap_table(holes, window)
    collection_budget.backfill()
    collection_budget.money(spend)
    collection_budget.log_modes()
    collection_services.services()
    collection_stored.stored(stored)


widgets.toolbar("Collection health")
widgets.live(page)
