"""The tables of the Concurrency page: throttles, accounts, what was forgotten, pools."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import figures_pools, numbers, tables, widgets
from dashboard.charts.concurrency import bullet_rows, bullets
from dashboard.figures_concurrency import CLAIMED, MONTHLY, OUTLOOK, RESERVABLE
from dashboard.lines import lines

LEGEND = (
    "Pale: the account's limit; darker: reserved by functions; bar: claimed now; tick: most claimed in the "
    f"window. {CLAIMED}"
)
LINES, ROWS, POOLS = 3, 8, 300
"""Sentences before the rest folds, rows of a table before it scrolls, pools that are listed."""

POOL = "reserved: its own; shared: the account's unreserved one; not read: nobody looked if it reserves."
NOTHING_FORGOTTEN = (
    "As far as was read, no reservation stops, refuses or idles, and all provisioned concurrency serves."
)
SHARED = "The most of the unreserved that was in use at once (UnreservedConcurrentExecutions)."
DATA = "Whether the row's numbers are complete and final."


def throttled(bursts: pd.DataFrame) -> None:
    """Who was refused, by which limit, and what became of the work: the answer's second half."""
    places = tables.places()

    def said(rows: pd.DataFrame) -> list[str]:
        told = [figures_pools.throttled_line(row, places) for row in rows.to_dict("records")]
        return [f"{widgets.badge(state, 'Throttled')} {text}" for state, text in told]

    with st.container(border=True, key="throttled", gap="small"):
        lines(figures_pools.throttled(bursts), said, shown=LINES, key="more-throttled")


def burst_table(bursts: pd.DataFrame) -> None:
    st.header("Throttle bursts, most refused first", anchor=False)
    if bursts.empty:
        st.caption("No invocation was refused in this window, as far as it was collected.")
        return
    shown, column = tables.presentable(figures_pools.burst_rows(bursts)), st.column_config
    with st.container(key="guarded-bursts"):
        tables.table(
            shown,
            key="bursts",
            export=bursts,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Bursts of throttles with the limit that refused and what became of the work",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "burst-open"),
                "place": column.TextColumn("Where"),
                "start": _when("Began"),
                "lasted": column.TextColumn("Lasted", alignment="right", width=72),
                "throttles": tables.count_column("Refused", "Each try counts."),
                "cause": column.TextColumn("Limit that refused", help=CAUSE),
                "evidence": column.TextColumn("Because", width="medium"),
                "fate": column.TextColumn("Work", help="The worst that happened to it.", width=92),
                "consequence": column.TextColumn("What became of it", width="large"),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "start", "lasted", "throttles", "cause", "evidence", "fate"),
                    "consequence",
                ],
            ),
        )


CAUSE = (
    "CloudWatch does not say which limit refused. It is concluded from what was full in the same minutes: "
    "the function's reservation or provisioned concurrency as it was then, the account's claimed "
    "concurrency, a growth near 1,000 per 10 s, its event sources' maximum concurrency."
)


CLAIMED = "Each bar is a share of the limit on concurrent executions of its account and region."


def accounts(limits: pd.DataFrame) -> None:
    """`limits` with `place` and `runs_out`, the nearest first."""
    st.header("Limits, the nearest first", anchor=False)
    with st.container(border=True, key="bullets"):
        alt = "Claimed, reserved and limit of each account and region, as shares of the limit"
        st.altair_chart(bullets(bullet_rows(limits)), key="limits", alt=alt)
        st.caption(LEGEND)
        widgets.formulas([CLAIMED])
    column = st.column_config
    with st.container(key="guarded-limits"):
        tables.table(
            tables.presentable(limits),
            key="limit-rows",
            export=limits,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Concurrency limits per account and region, the nearest first",
            column_config={
                "place": column.TextColumn("Where"),
                "limit": tables.count_column("Limit", "The account's concurrent executions in the region."),
                "claimed_now": tables.count_column("Now", f"Claimed in the newest minute. {CLAIMED}"),
                "claimed_max": tables.count_column("Most", f"Most claimed in the window. {CLAIMED}"),
                "claimed_ts": _when("At", short=True),
                "headroom": tables.count_column("Headroom", "Limit − most claimed in the window."),
                "utilization": tables.percent_column("Claimed", "Most claimed / limit."),
                "runs_out": column.TextColumn("Runs out", help=OUTLOOK, width=76),
                "reserved": tables.count_column("Reserved", "Limit − unreserved, as AWS tells them."),
                "provisioned": tables.count_column("Provisioned", "Allocated, of all functions."),
                "unreserved": tables.count_column(
                    "Unreserved", "What functions without a reservation share."
                ),
                "shared_max": tables.count_column(
                    "Most shared",
                    "Most of the unreserved that was in use at once (UnreservedConcurrentExecutions).",
                ),
                "reservable": tables.count_column("Reservable", RESERVABLE),
                "throttles": tables.count_column("Throttles"),
                "state": column.TextColumn("Data", help=DATA),
            },
            column_order=[
                *("place", "limit", "claimed_now", "claimed_max", "claimed_ts", "headroom", "utilization"),
                *("runs_out", "throttles", "reserved", "provisioned", "unreserved", "shared_max"),
                *("reservable", "state"),
            ],
        )
    for line in [*figures_pools.unread(limits), figures_pools.code_storage(limits)]:
        if line:
            st.caption(line)


# --- what was forgotten -------------------------------------------------------------------------------------


def forgotten(rows: pd.DataFrame) -> None:
    """Reservations with something wrong, and provisioned concurrency that serves nobody."""
    st.header("Forgotten caps, and capacity that serves nobody", anchor=False)
    if rows.empty:
        st.caption(NOTHING_FORGOTTEN)
        return
    shown, column = tables.presentable(rows), st.column_config
    with st.container(key="guarded-forgotten"):
        tables.table(
            shown,
            key="forgotten",
            export=rows,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Reservations and provisioned concurrency that may have been forgotten, the worst first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "forgotten-open"),
                "kind": column.TextColumn("Finding", width=120),
                "place": column.TextColumn("Where"),
                "what": column.TextColumn("Setting"),
                "why": column.TextColumn("Because", width=400),
                "do": column.TextColumn("What to do", width=230),
                "since": _when("Changed", "When it was last seen to change; empty: not since we watch."),
                "usd_month": tables.usd_column("A month", rows["usd_month"], MONTHLY),
                "state": column.TextColumn("Data", help=DATA),
            },
            column_order=tables.spoken(
                shown,
                ["function", "kind", "what", "usd_month", "do", "why", "place", "since", "state"],
            ),
        )


def pools(frame: pd.DataFrame) -> None:
    """`frame` as the `pools` reader returns it, with `runs_out`."""
    st.header("Headroom by pool, least first", anchor=False)
    if frame.empty:
        widgets.no_data("No function used or reserved concurrency in this window.", collector="metrics")
        return
    shown = tables.presentable(frame.head(POOLS))
    column = st.column_config
    with st.container(key="guarded-pools"):
        tables.table(
            shown,
            key="pools",
            export=frame,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Concurrency headroom per function, least first",
            column_config={
                "function": tables.function_button(shown, "pool-open"),
                "place": column.TextColumn("Where"),
                "pool": column.TextColumn("Pool", help=POOL),
                "limit": tables.count_column("Limit", "Of the pool."),
                "used_now": tables.count_column("Used now", "Newest minute with invocations."),
                "used_max": tables.count_column("Most used", "In one minute of the window."),
                "headroom": tables.count_column(
                    "Headroom", "Reserved − most used; shared: the account's headroom."
                ),
                "utilization": tables.percent_column("Used", "Most used / limit of the pool."),
                "runs_out": column.TextColumn("Runs out", help=f"Of its pool. {OUTLOOK}", width=84),
                "throttles": tables.count_column("Throttles"),
                "note": column.TextColumn("Note", width="medium"),
                "state": column.TextColumn("Data", help=DATA),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "pool", "limit", "used_now", "used_max", "headroom"),
                    *("utilization", "runs_out", "throttles", "note", "state"),
                ],
            ),
        )
    if len(frame) > POOLS:
        st.caption(
            f"The {POOLS} pools with the least headroom of {len(frame):,}; the file holds all of them."
        )


def provisioned(rows: pd.DataFrame) -> None:
    """`rows` of `figures_pools.provisioned_rows`."""
    st.header("Provisioned concurrency, least room first", anchor=False)
    shown, column = tables.presentable(rows), st.column_config
    with st.container(key="guarded-provisioned"):
        tables.table(
            shown,
            key="provisioned-pools",
            export=rows,
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Pools of provisioned concurrency: how full, what spilled over, what they cost",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=ROWS),
            column_config={
                "function": tables.function_button(shown, "provisioned-open"),
                "place": column.TextColumn("Where"),
                "qualifier": column.TextColumn("On", help="The alias or version that holds it."),
                "held": tables.count_column("Held", "Environments that are kept ready."),
                "used_max": tables.count_column("Most used", "At once, in one minute of the window."),
                "headroom": tables.count_column("Headroom", "Held − most used."),
                "utilization": tables.percent_column("Used", "Most used / held."),
                "invocations": tables.count_column("Served", "Invocations that ran on it."),
                "spillover": tables.count_column(
                    "Spilled over", "Invocations that found it full and ran on demand."
                ),
                "worked_share": tables.percent_column("At work", WORKED),
                "break_even": tables.percent_column("Break-even", BREAK_EVEN),
                "usd_month": tables.usd_column("A month", rows["usd_month"], MONTHLY),
                "note": column.TextColumn("Note", width=330),
                "state": column.TextColumn("Data", help=DATA),
            },
            column_order=tables.spoken(
                shown,
                [
                    *("function", "place", "qualifier", "held", "used_max", "headroom", "utilization"),
                    *("spillover", "invocations", "worked_share", "break_even", "usd_month", "note"),
                    "state",
                ],
            ),
        )


WORKED = (
    "Time of handlers on it / (held × window). Durations are told of an alias or version as a whole: the "
    "pool has its share of the invocations."
)
BREAK_EVEN = (
    "The share at work from which on it costs no more than on demand, cold starts aside: capacity price / "
    "(on-demand − provisioned duration price)."
)


def _when(label: str, help: str | None = None, *, short: bool = False) -> Any:
    """`short`: without the day, where the window is none longer."""
    shape = "HH:mm" if short and widgets.window().duration <= timedelta(days=1) else "D MMM, HH:mm"
    return st.column_config.DatetimeColumn(label, format=shape, timezone=str(widgets.zone()), help=help)
