"""The tab of cost: what each component costs, with its formula, and what cold starts add."""

from __future__ import annotations

import streamlit as st

from core.facts import Target
from core.windows import Window
from dashboard import figures_parts, links, queries, queries_function, tables, widgets

PRICES = (
    "List prices of the region, exact decimals, before the free tier, savings plans and credits; from "
    "invocation records where there are any, else from CloudWatch's durations."
)


def cost(target: Target, name: str, window: Window) -> None:
    costs = queries_function.cost_parts(target, name, window, queries.now())
    if costs.empty:
        widgets.no_data("Nothing that costs money is known in this window.", collector="metrics")
        return
    st.markdown(figures_parts.answer(costs, window))
    shown, column = figures_parts.parts(costs, window), st.column_config
    with st.container(key="its-cost"):
        tables.table(
            shown,
            key="its-cost-table",
            hide_index=True,
            placeholder="not known",
            alt="Cost of the function per component, with the formula of each",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=8),
            column_config={
                "component": column.TextColumn("Component"),
                "cost_usd": tables.usd_column("In this window", shown["cost_usd"]),
                "per_day_usd": tables.usd_column("Per day", shown["per_day_usd"], "At this window's pace."),
                "share": column.ProgressColumn("Share", format="percent", min_value=0, max_value=1),
                "formula": column.TextColumn("Formula", width=560),
                "state": column.TextColumn("Data", help="Whether the row's number is complete and final."),
            },
        )
    st.caption(f"{PRICES} Basis here: {', '.join(sorted(set(costs['basis'])))}.")
    st.page_link(
        links.FUNCTION_COST,
        label="What drives it, what bought nothing, what would cost less",
        icon=":material/functions:",
        query_params=links.to_function(target.account, target.region, name),
    )
    st.page_link(
        links.COST, label="Cost of the fleet", icon=":material/payments:", query_params=links.carry()
    )
