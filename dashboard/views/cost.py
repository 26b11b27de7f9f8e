"""What do we spend, what moved, where does it go?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import figures_cost, links, numbers, queries, queries_cost, tables, widgets
from dashboard.answers import cost_answer
from dashboard.charts.cost import SHORT_WORDS, cost_by_component, cost_over_time
from dashboard.compare import earlier
from dashboard.figures_cost import DAY
from store.readers.cost import cost_step

DIMENSIONS = {"function": "Function", "account": "Account", "region": "Region", "runtime": "Runtime"}
PRICES = (
    "List prices of each region, exact decimals, before the free tier, savings plans and credits. **Basis**: "
    "`records` reads billed times from REPORT lines; `metrics, estimated` knows only CloudWatch's durations."
)


def page(window: Window) -> None:
    now, where, by = queries.now(), queries.scope(), dimension()
    groups = queries_cost.costs(window, where, now, by)
    if groups.empty:
        widgets.no_data("Nothing that costs money is known in this window.", collector="metrics")
        return
    groups = figures_cost.named(groups, by)
    parts = figures_cost.by_component(groups)
    before = figures_cost.named(queries_cost.costs(earlier(window), where, now, by), by)
    tables.say(cost_answer(groups, parts, days=window.duration / DAY, what=word(by).lower()))
    widgets.cards(figures_cost.cards(groups, before, window=window), compared=earlier(window))
    charts(parts, window, by)
    table(groups, window, by)


def dimensions() -> list[str]:
    return [*DIMENSIONS, *(f"tag:{name}" for name in queries_cost.tag_names()[:4])]


def dimension() -> str:
    """What the address groups by."""
    by = st.query_params.get("by")
    return by if by in dimensions() else "function"


def choose_dimension() -> None:
    def draw(key: str, changed: Callable[[], None]) -> None:
        st.segmented_control(
            "Group by", dimensions(), format_func=word, key=key, on_change=changed, required=True,
            label_visibility="collapsed",
        )  # fmt: skip

    links.choose("by", dimensions(), "function", draw)


def word(by: str) -> str:
    tag = by.removeprefix("tag:")
    return DIMENSIONS.get(by) or numbers.plain(tag[:1].upper() + tag[1:])


def charts(parts: figures_cost.Money, window: Window, by: str) -> None:
    step = cost_step(window)
    left, right = st.columns([2, 1], gap="small")
    with left, st.container(border=True, key="cost-series", height="stretch"):
        st.header(f"Per {words(step)}", anchor=False)
        series = queries_cost.cost_series(window, queries.scope(), queries.now(), by)
        if series.empty:
            widgets.no_data(f"No whole {words(step)} has passed in this window.")
        else:
            names = [str(group) if group else figures_cost.UNTAGGED for group in series["group"]]
            narrow = tables.board_columns() == 1
            chart = cost_over_time(series.assign(group=names), step=step, narrow=narrow)
            st.altair_chart(chart, key="cost-chart", alt=f"Cost per {words(step)} by {word(by).lower()}")
    with right, st.container(border=True, key="cost-parts", height="stretch"):
        st.header("Where it goes", anchor=False)
        st.altair_chart(cost_by_component(figures_cost.bars(parts)), key="parts", alt="Cost per component")
        with st.popover("How this is computed", icon=":material/function:"):
            st.markdown("\n".join(f"- **{part}**: {text}" for part, text in figures_cost.FORMULAS.items()))
            st.markdown(PRICES)


def words(step: timedelta) -> str:
    return {DAY: "day, UTC", timedelta(hours=1): "hour"}.get(step) or numbers.age(step)


def table(groups: pd.DataFrame, window: Window, by: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="cost-bar"):
        st.header(f"By {word(by).lower()}, dearest first", anchor=False, width="stretch")
        choose_dimension()
    shown = figures_cost.table(groups, window=window)
    column = st.column_config
    parts = {
        f"{name}_usd": tables.usd_column(part, shown[f"{name}_usd"]) for name, part in SHORT_WORDS.items()
    }
    with st.container(key="cost-table"):
        tables.table(
            shown,
            key="cost-groups",
            export=figures_cost.export(groups, by, window=window),
            hide_index=True,
            placeholder=numbers.UNKNOWN,
            alt=f"Cost by {word(by).lower()} and component, dearest first",
            column_config={
                "name": column.TextColumn(word(by)),
                "cost_usd": tables.usd_column("Cost", shown["cost_usd"], "At list price, in this window."),
                "share": column.ProgressColumn("Share", format="percent", min_value=0, max_value=1),
                "per_day_usd": column.NumberColumn("Per day", format="$%,.2f"),
                **parts,
                "invocations": tables.count_column("Invocations"),
                "per_million_usd": column.NumberColumn("Per million", format="$%,.2f", help="Invocations."),
                "basis": column.TextColumn(
                    "Basis", help="records: billed times; metrics, estimated: durations."
                ),
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=tables.spoken(shown, list(shown.columns)),
        )


widgets.toolbar("Cost")
widgets.live(page)
