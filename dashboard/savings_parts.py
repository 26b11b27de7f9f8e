"""One proposal in full: why, what it risks, how to make the change; and what another setup would do."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.cpu_model import fits
from core.rightsizing import KINDS
from core.rightsizing_changes import act_line
from core.rightsizing_memory import SIZES_MB, curve
from core.whatif_words import assumptions, cautions
from core.windows import Window
from dashboard import figures_savings, identity, links, numbers, queries, queries_savings, tables, widgets
from dashboard.charts.savings import price_curve
from dashboard.choosers import option_chooser
from dashboard.numbers import plain
from dashboard.toasts import told
from store.readers.rightsizing import Saving
from store.readers.things import Place
from store.readers.whatif import Asked

UNITS = (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100)
TIMEOUTS_S = (3, 5, 10, 15, 30, 60, 120, 300, 600, 900)


def detail(one: Saving, window: Window) -> None:
    """What the address or the table chose."""
    proposal = one.proposal
    saves = figures_savings.band(proposal.saves).replace("$", "\\$")
    with st.container(border=True, key="saving"):
        st.markdown(
            f"**{plain(one.function)}: {KINDS[proposal.kind].lower()}**  \n{plain(proposal.says)}"
            f" :small[:gray[saves {saves} a month]]"
        )
        if proposal.missing:
            st.markdown(f"{widgets.badge('not collected', 'Missing')} {plain(proposal.missing)}")
        if proposal.risk:
            st.markdown(f"{widgets.badge('warning', 'Risk')} {plain(proposal.risk)}")
        for text in proposal.evidence:
            st.markdown(f"- {plain(text)}")
        if proposal.kind == "memory":
            _optimizer(one, window)
            _curve(one, window)
        _change(one)


def _optimizer(one: Saving, window: Window) -> None:
    found = queries_savings.optimizer(window, queries.scope(), queries.now()).get(one.place)
    if found is not None:
        st.markdown(f"- AWS Compute Optimizer: {plain(figures_savings.optimizer_words(found))}")


def _curve(one: Saving, window: Window) -> None:
    seen = queries_savings.observed(window, one.place, queries.now())
    if seen is None or seen.memory_mb is None:
        return
    prices, today = queries_savings.prices(), queries.now().date()
    sizes = curve(seen, lambda architecture: prices.of(one.region, architecture, on=today))
    if not sizes:
        return
    drawn = price_curve(figures_savings.curve(sizes), now_mb=seen.memory_mb, then_mb=one.proposal.then)
    st.altair_chart(drawn, key="saving-curve", alt="Cost of a month's duration by memory size, as a band")
    fitted = fits([size.warm for size in seen.sizes])
    told = (
        f"The line is fitted to {', '.join(f'{mb:,.0f}' for mb in fitted[0].sizes)} MB; the band holds 95 %."
        if fitted
        else "One size was seen: the band goes from durations that stay the same to durations in proportion."
    )
    st.caption(f"{told} List price, before free tier and savings plans.")


def _change(one: Saving) -> None:
    change = one.proposal.change
    if change is None:
        return
    with st.expander("How to change it", icon=":material/terminal:", expanded=True):
        st.caption("AWS command line")
        st.code("\n".join(change.cli), language=None, wrap_lines=True)
        st.caption("Terraform")
        st.code(change.terraform, language=None, wrap_lines=True)
        if change.action is not None:
            st.caption("Quarterdeck: planned, shown, decided by a person, verified")
            st.code(act_line(one.place, change.action), language=None, wrap_lines=True)
            _ask(one, dict(change.action))
        else:
            st.caption("Quarterdeck has no action for this: it is made by hand or in your code.")


def _ask(one: Saving, action: dict[str, Any]) -> None:
    why = identity.lacks("operator", "to ask for an action")
    with st.container(horizontal=True, vertical_alignment="center", key="saving-ask"):
        st.button(
            "Plan this change", key="saving-plan", icon=":material/build:",
            on_click=_asked, args=(one.place, action), disabled=why is not None,
            help=why or "Nothing is changed yet: the plan waits for a decision on the Actions page.",
        )  # fmt: skip
        st.page_link(links.ACTIONS, label="Actions", icon=":material/task_alt:", query_params=links.carry())


def _asked(place: Place, action: dict[str, Any]) -> None:
    with told("Asked for: the service plans it within seconds; decide on the Actions page."):
        queries_savings.ask(place, action)


# --- what if ------------------------------------------------------------------------------------------------


def what_if(place: Place, window: Window) -> None:
    """Memory, architecture, units and timeout to try, and what replaying says of them."""
    with st.container(border=True, key="what-if"):
        with st.container(horizontal=True, vertical_alignment="center", key="what-if-bar"):
            asked = _asked_setup()
        answer = queries_savings.what_if(window, place, asked, queries.now())
        if answer.found is None:
            widgets.no_data(
                f"Not known for {plain(place[2])}. Missing: {plain(answer.missing)}", collector="logs"
            )
            return
        tables.say(figures_savings.predicted(answer.found), key="what-if-answer")
        _bands(answer.found)
        for text in cautions(answer):
            st.caption(f":orange[:material/warning:] {plain(text)}")
        for past in answer.backtests:
            verdict = "held" if past.held else "did not hold"
            st.caption(
                f"Backtest {verdict}: {past.before_mb:,.0f} to {past.after_mb:,.0f} MB, p95 of "
                f"{numbers.ms(past.low_ms)} to {numbers.ms(past.high_ms)} predicted, "
                f"{numbers.ms(past.came_ms)} came."
            )
        with st.expander("What this supposes", icon=":material/fact_check:"):
            st.markdown("\n".join(f"- {plain(text)}" for text in assumptions(answer.found)))


def _bands(found: Any) -> None:
    column = st.column_config
    tables.table(
        figures_savings.prediction(found),
        key="what-if-table",
        alt="Cost, duration and cold starts as they are and as they would be",
        column_config={
            "about": column.TextColumn("Replayed", pinned=True),
            "now": column.TextColumn(_setup(found.now.setup)),
            "then": column.TextColumn(_setup(found.then.setup)),
        },
    )


def _setup(one: Any) -> str:
    units = f", {one.units:,} units" if one.units else ""
    return f"{one.memory_mb:,.0f} MB, {one.architecture}{units}, {one.timeout_s:,.0f} s"


def _asked_setup() -> Asked:
    memory = option_chooser("memory", _words(SIZES_MB, "MB"), "Memory", "Memory as it is", width=170)
    arch = option_chooser(
        "arch", {"x86_64": "x86_64", "arm64": "arm64"}, "Architecture", "Architecture as it is", width=190
    )
    units = option_chooser("units", _words(UNITS, "units"), "Units", "Units as they are", width=170)
    timeout = option_chooser("timeout", _words(TIMEOUTS_S, "s"), "Timeout", "Timeout as it is", width=170)
    return Asked(
        memory_mb=int(memory) if memory else None,
        architecture=arch,
        units=int(units) if units else None,
        timeout_s=int(timeout) if timeout else None,
    )


def _words(values: tuple[int, ...], unit: str) -> dict[str, str]:
    return {str(value): f"{value:,} {unit}" for value in values}
