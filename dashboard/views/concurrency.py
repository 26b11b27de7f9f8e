"""How close is the nearest limit, and who uses it?"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import links, numbers, queries, queries_investigate, tables, widgets
from dashboard.answers import concurrency_answer
from dashboard.charts.concurrency import bullet_rows, bullets, who_uses_it

LEGEND = (
    "Pale: the account's limit; darker: reserved by functions; bar: claimed now; tick: most claimed in the "
    "window. Claimed = unreserved in use + all reserved + provisioned of functions without a reservation."
)
MAXIMA = (
    "Each function's maximum per step. Maxima need not fall together, so the stack can stand above what was "
    "claimed."
)


def page(window: Window) -> None:
    limits = queries.within(queries.limits(window, queries.now()), queries.scope())
    if limits.empty:
        widgets.no_data("No account's concurrency limit has been read yet.", collector="details")
        return
    limits = tables.with_place(limits).sort_values("utilization", ascending=False, na_position="first")
    tables.say(concurrency_answer(limits))
    accounts(limits)
    users(limits, window)
    pools(window)


def accounts(limits: pd.DataFrame) -> None:
    with st.container(border=True, key="bullets"):
        alt = "Claimed, reserved and limit of each account and region, as shares of the limit"
        st.altair_chart(bullets(bullet_rows(limits)), key="limits", alt=alt)
        st.caption(LEGEND)
    column = st.column_config
    with st.container(key="limits-table"):
        st.dataframe(
            tables.presentable(limits),
            key="limit-rows",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Concurrency limits per account and region, the nearest first",
            column_config={
                "place": column.TextColumn("Where"),
                "limit": tables.count_column("Limit"),
                "claimed_now": tables.count_column("Claimed now"),
                "claimed_max": tables.count_column("Most claimed"),
                "claimed_ts": column.DatetimeColumn("At", format="D MMM HH:mm", timezone=str(widgets.zone())),
                "headroom": tables.count_column("Headroom", "Limit − most claimed in the window."),
                "utilization": tables.percent_column("Claimed", "Most claimed / limit."),
                "reserved": tables.count_column("Reserved"),
                "unreserved": tables.count_column("Unreserved"),
                "provisioned": tables.count_column("Provisioned"),
                "throttles": tables.count_column("Throttles"),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=[
                *("place", "limit", "claimed_now", "claimed_max", "claimed_ts", "headroom", "utilization"),
                *("reserved", "unreserved", "provisioned", "throttles", "state"),
            ],
        )


def users(limits: pd.DataFrame, window: Window) -> None:
    """One account and region by function: the one that the address names, else the nearest to its limit."""
    st.header("Who uses it", anchor=False)
    rows = limits.to_dict("records")
    names: dict[str, str] = {f"{row['account']}.{row['region']}": str(row["place"]) for row in rows}

    def draw(key: str, changed: Callable[[], None]) -> None:
        st.selectbox(
            "Account and region", list(names), format_func=names.__getitem__, key=key, on_change=changed,
            width=360, label_visibility="collapsed",
        )  # fmt: skip

    chosen = links.choose("pool", list(names), next(iter(names)), draw)
    row = limits.iloc[list(names).index(str(chosen))]
    target, now = Target(row["account"], row["region"]), queries.now()
    series = queries_investigate.concurrency_series(target, window, now)
    if series.empty:
        widgets.no_data("No concurrency was reported here in this window.", collector="metrics")
        return
    throttles = queries_investigate.throttle_series(window, now)
    drawn = who_uses_it(
        series,
        throttles[(throttles["account"] == target.account) & (throttles["region"] == target.region)],
        limit=float(row["limit"]) if numbers.known(row["limit"]) else None,
        window=window,
        zone=widgets.zone(),
        columns=tables.board_columns(),
    )
    with st.container(border=True, key="board"):
        st.echarts_chart(
            drawn.option,
            height=drawn.height_px,
            key="users",
            alt="Concurrent executions by function, and throttles",
        )
        st.caption(MAXIMA)


def pools(window: Window) -> None:
    st.header("Headroom by pool, least first", anchor=False)
    frame = queries.within(queries_investigate.pools(window, queries.now()), queries.scope())
    if frame.empty:
        widgets.no_data("No function used or reserved concurrency in this window.", collector="metrics")
        return
    shown = tables.presentable(frame)
    shown["reachable"] = [_yes_or_no(value) for value in shown["reachable"]]
    column = st.column_config
    with st.container(key="pools-table"):
        st.dataframe(
            shown,
            key="pools",
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt="Concurrency headroom per function, least first",
            column_config={
                "function": tables.function_button(shown, "pool-open"),
                "place": column.TextColumn("Where"),
                "pool": column.TextColumn(
                    "Pool", help="reserved: its own; shared: the account's unreserved one"
                ),
                "limit": tables.count_column("Limit", "Of the pool."),
                "used_now": tables.count_column("Used now"),
                "used_max": tables.count_column("Most used"),
                "headroom": tables.count_column(
                    "Headroom", "Reserved − most used; shared: the account's headroom."
                ),
                "utilization": tables.percent_column("Used"),
                "throttles": tables.count_column("Throttles"),
                "provisioned": tables.count_column("Provisioned"),
                "reachable": column.TextColumn(
                    "Reached", help="Some alias or caller reaches the provisioned version."
                ),
                "note": column.TextColumn("Note", width="medium"),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(
                shown,
                [
                    *(
                        "function",
                        "place",
                        "pool",
                        "limit",
                        "used_now",
                        "used_max",
                        "headroom",
                        "utilization",
                    ),
                    *("throttles", "provisioned", "reachable", "state", "note"),
                ],
            ),
        )


def _yes_or_no(value: object) -> str | None:
    return None if not numbers.known(value) else "yes" if value else "no"


widgets.toolbar("Concurrency")
widgets.live(page)
