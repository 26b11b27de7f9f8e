"""Details of the Cold starts page: units for one function, deploys of it, groups of the fleet, the week."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from core.facts import Target
from core.replay import IDLE_CHOICES
from core.units import Step
from core.windows import Window
from dashboard import (
    figures_cold_groups,
    figures_environments,
    figures_what_if,
    links,
    numbers,
    queries,
    queries_cold,
    tables,
    widgets,
)
from dashboard.charts.cold import cold_heatmap, in_zone
from dashboard.charts.what_if import cold_starts_left, net_cost
from dashboard.choosers import option_chooser, word_chooser
from dashboard.figures_cold import PROACTIVE_HELP
from dashboard.figures_cold_groups import FEW, GROUPS, UNTOLD
from dashboard.what_if import WhatIf

HOUR, WEEK, FORTNIGHT = timedelta(hours=1), timedelta(days=7), timedelta(days=14)
MOST_GROUPS = 40
GROUP_COLUMNS = ("group", "functions", "records", "cold_starts", "cold_start_rate")
BY_START = ("group", "functions", "cold_starts", "nobody_waited")
"""Without what is of all records: only the first record of an environment says how it started."""
WAYS = ("restores", "proactive", "provisioned_inits")
WAITS = ("init_p50_ms", "init_p95_ms", "restore_p50_ms", "restore_p95_ms")
COSTS = ("waited_s", "wait_share", "init_cost_usd", "data")
IDLES = {f"{int(idle.total_seconds())}": f"Kept idle {numbers.age(idle)}" for idle in IDLE_CHOICES}

Row = Mapping[Any, Any]


# --- units of provisioned concurrency -----------------------------------------------------------------------


def units(row: Row, window: Window) -> None:
    """What units would have done for the function of a row of `queries_cold.advised`."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with right:
        about = "How long environments are kept idle"
        idle = option_chooser("idle", IDLES, about, "Kept idle: best fit", width=230)
    found = queries_cold.replayed(
        Target(row["account"], row["region"]),
        row["function"],
        window,
        architecture=str(row["architecture"] or ""),
        units_now=int(row["units"]) if numbers.known(row["units"]) else 0,
        idle=timedelta(seconds=int(idle)) if idle else None,
        _at=queries.now(),
    )
    if found is None:
        widgets.no_data("No single invocation of it is kept for this window to replay.", collector="logs")
        return
    with left:
        chosen = _choose_units(found)
    tables.say(figures_what_if.answer(found, chosen), key="units-answer")
    for text in figures_what_if.cautions(found, has_snap_start=row["has_snap_start"] is True):
        st.caption(f":orange[:material/warning:] {text}")
    if chosen is not None:
        widgets.cards(figures_what_if.cards(found, chosen), key="units-cards")
        _curves(found, chosen)
    _assumptions(found)


def _choose_units(found: WhatIf) -> Step | None:
    """The step that the address names, else the one that is enough."""
    if found.enough is None:
        return None
    options = [str(one.units) for one in found.steps]
    asked = st.query_params.get("units", "")
    chosen = found.step(int(asked) if asked in options else None)
    if chosen is None or len(options) < 2:
        return chosen

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.select_slider("Units", options, key=key, on_change=changed, help="Of provisioned concurrency")

    links.choose("units", options, str(found.enough.units), draw)
    return chosen


def _curves(found: WhatIf, chosen: Step) -> None:
    curve = figures_what_if.curve(found)
    with st.container(border=True, key="units-curves"), st.grid(2, min_column_width=300):
        st.altair_chart(
            cold_starts_left(curve, units=chosen.units, recorded=found.recorded),
            key="units-left",
            alt="Cold starts left for each number of units",
        )
        if curve["net_usd"].notna().any():
            st.altair_chart(
                net_cost(curve, units=chosen.units), key="units-cost", alt="Net cost for each number of units"
            )
        else:
            st.caption("What units cost here is not known.")


def _assumptions(found: WhatIf) -> None:
    with st.expander("What this supposes", icon=":material/fact_check:", expanded=True):
        st.markdown("\n".join(f"- {text}" for text in figures_what_if.assumptions(found)))


# --- deploys ------------------------------------------------------------------------------------------------


def deploys(row: Row, window: Window) -> None:
    """Before and after each deploy of the function, over a fortnight at least."""
    wide = Window(min(window.start, window.end - FORTNIGHT), window.end)
    found = queries_cold.deploy_effects(
        Target(row["account"], row["region"]), row["function"], wide, queries.now()
    )
    if found.empty:
        widgets.no_data(f"No deploy of it is known in {numbers.age(wide.duration)}.", collector="changes")
        return
    shown = figures_cold_groups.effects(found)
    with st.container(key="guarded-deploys"):
        tables.table(
            shown,
            key="cold-deploys",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=12),
            alt="Cold starts before and after each deploy, the newest first",
            column_config=_deploy_columns(),
            column_order=list(_deploy_columns()),
        )
    st.caption(
        "Both sides of a deploy are equally long: up to a day, and no further than the deploy beside it. "
        "After a deploy every environment is new, so a short side shows more cold starts than a long one. "
        f"Sides with fewer than {FEW} records are not compared."
    )


def _deploy_columns() -> dict[str, Any]:
    column, percent, ms = st.column_config, tables.percent_column, tables.ms_column
    return {
        "ts": column.DatetimeColumn("Deployed", format="D MMM, HH:mm", timezone=str(widgets.zone())),
        "what": column.TextColumn("What"),
        "verdict": column.TextColumn("After it", width="medium"),
        "each_side": column.TextColumn("Each side", help="How long before and after it."),
        "before_records": tables.count_column("Records before"),
        "after_records": tables.count_column("after"),
        "before_cold_start_rate": percent("Cold before", "Cold starts / records."),
        "after_cold_start_rate": percent("after "),
        "before_init_p50_ms": ms("Init p50 before"),
        "after_init_p50_ms": ms("after  "),
        "before_init_p95_ms": ms("Init p95 before"),
        "after_init_p95_ms": ms("after   "),
        "who": column.TextColumn("By"),
    }


# --- groups -------------------------------------------------------------------------------------------------


def groups(window: Window) -> None:
    words = {name: word for name, (word, *_) in GROUPS.items()}
    name = word_chooser("by", words, "By", "start")
    by = GROUPS[name][1]
    rows = figures_cold_groups.rows(queries_cold.groups(window, queries.scope(), by, queries.now()), by)
    said = "Configuration is as it is now; versions keep their own."
    if name == "start":
        ahead = queries_cold.ahead(window, queries.scope(), queries.now())
        rows = pd.concat([rows, figures_environments.rows(ahead)], ignore_index=True)
        said = f"{UNTOLD} {figures_environments.sentences(ahead)}"
    first = BY_START if name == "start" else (*GROUP_COLUMNS, *WAYS)
    with st.container(key="guarded-groups"):
        tables.table(
            rows.head(MOST_GROUPS),
            key="cold-groups",
            export=rows,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            row_height=tables.ROW_PX,
            height=tables.height_px(len(rows), most=14),
            alt=f"Cold starts by {GROUPS[name][0].lower()}, longest wait first",
            column_config=_group_columns(GROUPS[name][0], rows),
            column_order=tables.spoken(rows, [*first, *WAITS, *COSTS]),
        )
    if len(rows) > MOST_GROUPS:
        st.caption(f"The {MOST_GROUPS} of {len(rows):,} groups that callers waited longest for.")
    st.caption(said)


def _group_columns(label: str, rows: pd.DataFrame) -> dict[str, Any]:
    column = st.column_config
    return {
        "group": column.TextColumn(label, pinned=True),
        "functions": tables.count_column("Functions"),
        "records": tables.count_column("Invocations", "Invocation records of the window."),
        "cold_starts": tables.count_column("Cold starts", "Records with an Init or Restore Duration."),
        "cold_start_rate": tables.percent_column("Cold", "Cold starts / invocation records."),
        "nobody_waited": tables.count_column(
            "Nobody waited", "Environments that were there before a request, or never got one."
        ),
        "restores": tables.count_column("SnapStart", "Cold starts that restored a snapshot."),
        "proactive": tables.count_column("Proactive", PROACTIVE_HELP),
        "provisioned_inits": tables.count_column(
            "Provisioned", "Initializations of provisioned environments; they are no cold starts."
        ),
        "init_p50_ms": tables.ms_column("Init p50"),
        "init_p95_ms": tables.ms_column("Init p95"),
        "restore_p50_ms": tables.ms_column("Restore p50"),
        "restore_p95_ms": tables.ms_column("Restore p95"),
        "waited_s": column.NumberColumn("Waited", format="%,.1f s", help="By callers, in all."),
        "wait_share": column.ProgressColumn("Of all waiting", format="percent", min_value=0, max_value=1),
        "init_cost_usd": tables.usd_column(
            "Init cost", rows["init_cost_usd"], "Billed initialization at list price."
        ),
        "data": column.TextColumn("Data", help="Whether the logs behind the row were read."),
    }


# --- the week -----------------------------------------------------------------------------------------------


def week(window: Window) -> None:
    """The last week at least: a weekday needs one."""
    wide = Window(min(window.start, window.end - WEEK), window.end)
    by_hour = queries_cold.cold_by_hour(wide, queries.scope())
    if by_hour.empty:
        widgets.no_data("No invocation records in the week before.", collector="logs")
        return
    local = wide.end.astimezone(widgets.zone())
    offset = local.utcoffset() or timedelta()
    whole = not offset % HOUR  # half-hour zones stay in UTC
    with st.container(border=True, key="heatmap"):
        st.altair_chart(
            cold_heatmap(in_zone(by_hour, offset_h=offset // HOUR) if whole else by_hour),
            key="cold-hours",
            alt="Share of invocations that started cold, by weekday and hour",
        )
        st.caption(
            f"Share of invocations that started cold in {numbers.age(wide.duration)}, by weekday and hour, "
            f"{local.tzname() if whole else 'UTC'}. Blank: nothing ran."
        )
