"""One rule: what it saw this week, what another threshold would have told, outages that people know of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from alerts.backtest import Backtest
from alerts.retold import lost_parts
from alerts.rule import Rule
from alerts.trying import Tried, changed, worst_by_step
from alerts.units import IN_PERCENT, say
from core.errors import QuarterdeckError
from core.windows import Window, chart_step
from dashboard import figures_alerts, figures_rules, links, numbers, queries, queries_rules, tables, widgets
from dashboard.charts.alerts import alert_board
from dashboard.charts.rules import tried_board
from dashboard.identity import lacks
from dashboard.numbers import plain

LENGTHS = {"15 min": 15, "30 min": 30, "1 h": 60, "2 h": 120, "6 h": 360}


def one(rule: Rule) -> None:
    """The rule in words, what it saw, and what would have fired."""
    said = [f"severity {rule.severity}", figures_rules.where_words(rule)]
    said += [rule.summary] if rule.summary else []
    st.markdown(f"**{plain(figures_rules.sentence(rule))}** :small[:gray[{plain(' · '.join(said))}]]")
    held = queries_rules.held(rule.rule, queries_rules.week(), queries.now())
    if held is None:
        return
    draft = rule if held.why_fixed or held.grid is None else thresholds(rule, held)
    shown = queries_rules.tried(draft, queries_rules.week(), queries.now()) if draft is not rule else held
    if shown is None:
        return
    found = shown.found
    tables.say(figures_rules.verdict_on(found), key="verdict")
    widgets.cards(figures_rules.cards(found, held.found), key="tried-cards")
    if held.why_fixed:
        st.caption(f"Its threshold cannot be moved here: {plain(held.why_fixed)}.")
        example(rule, found)
    else:
        chart(shown)
    firings(found)
    if draft is not rule:
        st.caption("The rule as it is tried, for your rule file; this page changes no file.")
        st.code(figures_rules.as_yaml(draft, rule), language=None)


# --- moving the threshold -----------------------------------------------------------------------------------


def thresholds(rule: Rule, held: Tried) -> Rule:
    """A slider for the threshold, numbers for m of n; all of it in the address."""
    times, unit = (100.0, " %") if rule.spec.unit in IN_PERCENT else (1.0, _unit(rule))
    seen = [value for value in held.worst.tolist() if value == value and abs(value) != float("inf")]
    top = max([rule.threshold * 2, *(value * 1.1 for value in seen), 1e-6]) * times
    top = min(top, 100.0) if rule.spec.unit == "share" else top
    step = figures_rules.nice_step(top)
    with st.container(horizontal=True, vertical_alignment="bottom", key="thresholds"):
        side = "Above" if rule.upward else "Below"
        limit = _number(
            "try", rule.threshold * times, step, top,
            lambda key, changed: st.slider(
                f"{side}{f', {unit.strip()}' if unit.strip() else ''}", 0.0, _ceil(top, step), step=step,
                key=key, on_change=changed, width=420, format="%g",
                help=f"As it is: {say(rule.threshold, rule.spec.unit)}. Everything below follows at once.",
            ),
        )  # fmt: skip
        hits = _count("hits", rule.for_.hits, "Bad minutes")
        of = _count("of", rule.for_.minutes, "of the newest")
        st.button("As it is", key="reset", icon=":material/undo:", type="tertiary", on_click=reset)
    asked = (limit / times, hits, of)
    if asked == (rule.threshold, rule.for_.hits, rule.for_.minutes):
        return rule
    try:
        return changed(rule, threshold=asked[0], hits=min(hits, of), minutes=of)
    except ValueError as error:
        st.warning(plain(str(error).splitlines()[-1]), icon=":material/rule:")
        return rule


def _unit(rule: Rule) -> str:
    return {"ms": " ms", "s": " s", "minutes": " min", "bytes": " bytes", "usd": " $ an hour"}.get(
        rule.spec.unit, ""
    )


def _ceil(top: float, step: float) -> float:
    return float(f"{-(-top // step) * step:.6g}")


def reset() -> None:
    for name in ("try", "hits", "of"):
        st.query_params.pop(name, None)


def _number(name: str, default: float, step: float, top: float, draw: Callable[..., object]) -> float:
    """A number tied to the address, on the slider's steps."""
    value = min(max(_read(name, default), 0.0), top)
    box = f"_{name}"
    st.session_state[box] = float(f"{round(value / step) * step:.6g}")

    def moved() -> None:
        st.query_params[name] = f"{st.session_state[box]:g}"

    draw(box, moved)
    return value


def _count(name: str, default: int, label: str) -> int:
    box = f"_{name}"
    st.session_state[box] = int(min(max(_read(name, default), 1), 240))

    def moved() -> None:
        st.query_params[name] = str(st.session_state[box])

    st.number_input(label, 1, 240, key=box, on_change=moved, width=110)
    return int(st.session_state[box])


def _read(name: str, default: float) -> float:
    try:
        found = float(st.query_params.get(name, default))
    except ValueError:
        return default
    return found if found == found and abs(found) != float("inf") else default


# --- what is seen -------------------------------------------------------------------------------------------


def chart(held: Tried) -> None:
    found, draft = held.found, held.found.rule
    points = worst_by_step(held, chart_step(found.window), found.window.start)
    known = [ts for ts, value in points if value == value]
    if not known:
        st.caption("Nothing that it covers had a value this week that any threshold could be set against.")
        return
    window = Window(max(known[0] - timedelta(hours=1), found.window.start), found.window.end)
    values = pd.DataFrame(worst_by_step(held, chart_step(window), window.start), columns=["ts", "value"])
    fired = [Window(f.opened_at, f.resolved_at or window.end) for f in found.replay.firings]
    drawn = tried_board(
        values,
        title=draft.spec.title,
        unit=draft.spec.unit,
        threshold=draft.threshold,
        label=say(draft.threshold, draft.spec.unit),
        fired=[each for each in fired if each.end > each.start][-200:],
        window=window,
        zone=widgets.zone(),
    )
    st.echarts_chart(
        drawn.option,
        key="tried",
        height=drawn.height_px,
        alt=f"{draft.spec.title}: the worst value of each step this week, with the threshold",
    )


def example(rule: Rule, found: Backtest) -> None:
    """What it saw of one thing: of the one that it would have told last, else of the first it covers."""
    shown = figures_rules.example(found)
    if shown is None or rule.spec.is_now:
        return
    subject, window = shown
    seen = [one for one in queries_rules.seen(rule, subject.key, window, queries.now()) if one.is_known]
    about = f"**{plain(subject.short)}**, {figures_rules.why_example(found)}"
    if rule.parts:
        lost = lost_parts(rule, queries_rules.rules())
        st.caption(f"{about}. {figures_alerts.made_of(rule, seen, lost)}")
    elif not seen:
        st.caption(f"{about}: nothing is kept of those minutes.")
    else:
        st.caption(f"{about}{figures_rules.band_words(rule)}.")
    if seen:
        drawn = alert_board(seen, fired=None, window=window, zone=widgets.zone())
        alt = "; ".join(figures_alerts.drawn(one) for one in seen)
        st.echarts_chart(drawn.option, key="example", height=drawn.height_px, alt=alt)


def firings(found: Backtest) -> None:
    shown = figures_rules.firing_rows(found, tables.places())
    if shown.empty:
        return
    column = st.column_config
    tables.table(
        shown,
        key="firings",
        alt="When the rule would have fired, the newest first",
        height=tables.height_px(len(shown), most=8),
        column_order=tables.spoken(shown, list(shown.columns)),
        column_config={
            "opened_at": column.DatetimeColumn(
                "Fired", format="ddd D MMM HH:mm", timezone=str(widgets.zone())
            ),
            "subject": column.TextColumn("What", pinned=True),
            "place": column.TextColumn("Where"),
            "lasted": column.TextColumn("Lasted", alignment="right"),
            "worst": column.TextColumn("Worst", alignment="right", help="The worst value while it fired."),
            "flap": column.TextColumn("Flap", help="It fired again within 30 min after it had resolved."),
        },
    )


# --- outages that people know of ----------------------------------------------------------------------------


def outages() -> None:
    """What firings are compared with: marked outages and judged incidents of the week."""
    known = queries_rules.known(queries_rules.week())
    st.header("Known outages", anchor=False)
    st.caption(
        "Firings are compared with these: mark what people noticed; say on an incident whether it was real."
    )
    for each in known[-20:]:
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"known-{each.rule or 'mark'}-{each.id}"
        ):
            lasted = numbers.age(each.end - each.start) if each.end else "goes on"
            when = numbers.clock(each.start, widgets.zone(), now=queries.now())
            kind = "noise" if not each.is_real else "marked" if each.rule is None else "real"
            said = f"{when}, {lasted} · {plain(each.text)}" + (f" · {plain(each.who)}" if each.who else "")
            st.markdown(f"**{plain(each.subject)}** {kind} :small[:gray[{said}]]", width="stretch")
            if each.rule is None:
                why = lacks("operator", "to take a mark back")
                st.button(
                    "Take back", key=f"unmark-{each.id}", type="tertiary", disabled=why is not None, help=why,
                    on_click=queries_rules.unmark, args=(int(each.id),),
                )  # fmt: skip
    why = lacks("operator", "to mark an outage")
    if st.button("Mark an outage", key="mark", icon=":material/flag:", disabled=why is not None, help=why):
        st.query_params["mark"] = "outage"
        st.rerun()


def marking() -> None:
    """The box that the address asks for, beside what is live: there a callback must not draw it."""
    if st.query_params.get("mark") and lacks("operator", "to mark an outage") is None:
        mark()


def _close() -> None:
    st.query_params.pop("mark", None)


@st.dialog("Mark an outage", on_dismiss=_close)
def mark() -> None:
    """What was in trouble, when, and what it was."""
    window, now = queries_rules.week(), queries.now()
    names = queries.function_names(window, queries.scope())
    places = {
        links.function_id(row["account"], row["region"], row["function"]): row["function"]
        for row in names.to_dict("records")
    }
    zone, local = widgets.zone(), now.astimezone(widgets.zone())
    chosen = st.selectbox("Function", list(places), format_func=places.__getitem__, index=None, key="mark-fn")
    with st.container(horizontal=True):
        day = st.date_input("Day", local.date(), key="mark-day")
        clock = st.time_input("Began", time(local.hour, 0), key="mark-time", step=300)
        length = st.selectbox("Lasted", list(LENGTHS), index=1, key="mark-length")
    text = st.text_input("What it was", key="mark-text", max_chars=200)
    if st.button("Mark", key="mark-save", disabled=not (chosen and text.strip())) and chosen:
        start = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        save(chosen, Window(start, start + timedelta(minutes=LENGTHS[str(length)])), text)


def save(chosen: str, window: Window, text: str) -> None:
    read: Any = links.read_function_id(chosen)
    target, name = read
    try:
        queries_rules.mark(target.account, target.region, name, window, text)
    except QuarterdeckError as error:
        st.error(plain(error))
        return
    _close()
    st.rerun()
