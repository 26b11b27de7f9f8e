"""Is anything wrong now, and whose is it?"""

from __future__ import annotations

import streamlit as st

from core.windows import Window
from dashboard import figures_fleet, figures_overview, queries, queries_overview, tables, widgets, zoom
from dashboard.charts.boards import deploy_marks, overview_board
from dashboard.compare import earlier
from dashboard.figures_overview import Before, Now
from dashboard.firing import firing_box
from dashboard.functions_table import functions_table


def page(window: Window) -> None:
    at, where = queries.now(), queries.scope()
    fleet = queries_overview.digest(window, where, at)
    incidents = queries.within(queries.open_incidents(), where)
    collectors = queries.within(queries.collectors(at), where)
    firing_box(incidents, figures_fleet.not_seen(fleet.holes, collectors, queries.names()), queries.names())
    if fleet.rows.empty:
        widgets.no_data("No functions are known yet.", collector="inventory")
        return
    now = Now(
        window=window,
        sums=fleet.sums,
        series=queries.fleet_series(window, where, at),
        records=queries.record_totals(window, where),
        limits=queries.within(queries.limits(window, at), where),
        names=queries.names(),
    )
    trend = queries_overview.trend(window, where, at)
    before = Before(moves=trend.moves, p95_ms=trend.p95_before_ms)
    widgets.cards(figures_overview.cards(now, before), compared=earlier(window))
    board(now)
    functions_table(window, incidents)


def board(now: Now) -> None:
    limit = float(now.limits["limit"].iloc[0]) if len(now.limits) == 1 else None
    drawn = overview_board(
        now.series,
        deploy_marks(queries.within(queries.changes(now.window), queries.scope())),
        window=now.window,
        zone=widgets.zone(),
        limit=limit,
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        zoom.board(
            drawn,
            key="overview-board",
            alt="Invocations and errors, error rate, duration, concurrency and throttles over the window",
        )


if not queries.targets().empty:
    widgets.toolbar("Overview")
    widgets.live(page)
else:
    st.title("Overview", anchor=False)
    widgets.no_data("Nothing has been collected yet.", collector="inventory")
