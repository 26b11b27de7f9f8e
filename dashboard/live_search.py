"""Asking the logs in AWS themselves: what would be scanned and its price first, then the answer as it grows.

A page never calls AWS: the question goes into the store, and the service that reaches the account answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pandas as pd
import streamlit as st

from core.facts import Target
from core.live import EVENTS, MOST_FUNCTIONS, MOST_LINES, QUERY, TAIL, Question, scan_usd, time_limit
from core.windows import Window
from dashboard import figures_logs, numbers, queries, queries_logs, tables, widgets
from store import live
from store.live import Answer
from store.readers.things import Place

WAYS = {EVENTS: "Read the events", QUERY: "Logs Insights", TAIL: "Follow new lines"}
ABOUT = {
    EVENTS: "FilterLogEvents, newest first: AWS does not charge for it, and slows it down instead.",
    QUERY: "Logs Insights: fast over much, charged by the bytes it scans.",
    TAIL: "FilterLogEvents every few seconds, ten minutes at most and while this page is open: no charge.",
}
DAY, PATIENCE = timedelta(days=1), timedelta(seconds=30)
LONGEST_SHOWN = 400
"""Characters of a line in the table; the file has all."""

NOBODY = "no service has answered. Is `quarterdeck service` up, and does it reach this account?"
ASKED = "live-asked"
"""Where the session remembers which questions it looks at."""


def panel(places: Sequence[Place], text: str, window: Window) -> None:
    """The form, or what was asked and is being answered."""
    with st.container(border=True, key="live-search"):
        st.markdown(
            "Only error lines are kept here. The logs in AWS hold everything: this reads them on demand, and "
            "keeps nothing."
        )
        if st.session_state.get(ASKED):
            _answers()
            return
        if not places:
            st.info("Choose functions above to read their logs in AWS.", icon=":material/function:")
            return
        _form(places, text, window)


def _form(places: Sequence[Place], text: str, window: Window) -> None:
    asked = places[:MOST_FUNCTIONS]
    how = st.segmented_control(
        "How", list(WAYS), key="live-how", default=EVENTS, format_func=WAYS.__getitem__, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    how = how or EVENTS
    st.caption(ABOUT[how])
    scan = scanned(asked, window, _volumes(asked))
    usd = scan_usd(how, None if scan["bytes"].isna().any() else float(scan["bytes"].sum()))
    st.markdown(f"**{_what(asked, text, how, window)}** {_price(how, scan, usd)}")
    if len(places) > len(asked):
        st.caption(f"Only the first {MOST_FUNCTIONS} of {len(places)} functions: choose fewer.")
    with st.container(horizontal=True, vertical_alignment="center", key="live-buttons"):
        label = f"{'Start' if how == TAIL else 'Search in AWS'} · {figures_logs.price_words(usd)}"
        if st.button(label, icon=":material/cloud_download:", key="live-go"):
            st.session_state[ASKED] = [
                live.ask(queries.store(), question, now=queries_logs.instant())
                for question in questions(asked, text, window, how, now=queries_logs.instant())
            ]
            st.rerun()
        with st.popover("What will be scanned", icon=":material/calculate:", type="tertiary"):
            _scan_table(scan)


def _volumes(places: Sequence[Place]) -> dict[Place, float]:
    now = queries.now()
    targets = {Target(account, region) for account, region, _ in places}
    a_day = {target: queries_logs.volumes(target, now) for target in targets}
    known = {place: a_day[Target(place[0], place[1])].get(place[2]) for place in places}
    return {place: size for place, size in known.items() if size is not None}


def scanned(places: Sequence[Place], window: Window, a_day: dict[Place, float]) -> pd.DataFrame:
    """function, bytes: what the window of each log holds, from what it wrote a day lately; NaN if unknown."""
    days = window.duration / DAY
    sizes = [a_day[place] * days if place in a_day else None for place in places]
    return pd.DataFrame(
        {"function": [place[2] for place in places], "bytes": pd.Series(sizes, dtype="float64")}
    )


def questions(
    places: Sequence[Place], text: str, window: Window, how: str, *, now: datetime
) -> list[Question]:
    """One question per account and region; a tail begins now."""
    by_target: dict[Target, list[str]] = {}
    for account, region, name in places:
        by_target.setdefault(Target(account, region), []).append(name)
    asked = Window(now, now) if how == TAIL else window
    return [
        Question(target=target, functions=tuple(names), text=text, window=asked, how=how)
        for target, names in by_target.items()
    ]


def _what(places: Sequence[Place], text: str, how: str, window: Window) -> str:
    names = numbers.plain(places[0][2]) if len(places) == 1 else f"{len(places)} functions"
    lines = f"Lines with “{numbers.plain(text)}”" if text else "All lines"
    if how == TAIL:
        return f"{lines} of {names}, as they come in."
    zone, now = widgets.zone(), queries.now()
    span = f"{numbers.clock(window.start, zone, now=now)} to {numbers.clock(window.end, zone, now=now)}"
    return f"{lines} of {names}, {span}."


def _price(how: str, scan: pd.DataFrame, usd: Decimal | None) -> str:
    limit = f"At most {MOST_LINES} lines and {numbers.age(time_limit(how))}."
    if how != QUERY:
        return f"{limit} **No charge.**"
    if usd is None:
        unknown = int(scan["bytes"].isna().sum())
        return f"{limit} The price is not known: the volume of {unknown} of these logs is not."
    size, price = numbers.size(scan["bytes"].sum()), figures_logs.price_words(usd)
    return f"{limit} Scans about {size}: **{price}**, at $0.005 a GB."


def _scan_table(scan: pd.DataFrame) -> None:
    tables.table(
        scan.assign(size=[numbers.size(size) for size in scan["bytes"]]),
        key="live-scan",
        hide_index=True,
        alt="Bytes of each log in the window",
        column_order=["function", "size"],
        column_config={"function": "Function", "size": "In this window, about"},
    )
    st.caption("From CloudWatch's IncomingBytes of the last day. Unknown: the log group is shared, or new.")


def _answers() -> None:
    """What has come in so far; looked at every two seconds until it ends."""
    ids = st.session_state[ASKED]
    now = queries_logs.instant()
    found = [answer for id in ids if (answer := live.look(queries.store(), id, now=now))]
    open_ones = [answer for answer in found if answer.is_open and not _is_lost(answer, now)]
    with st.container(horizontal=True, vertical_alignment="center", key="live-bar"):
        for answer in found:
            st.markdown(_standing(answer, now))
        st.space("stretch")
        if open_ones and st.button("Stop", icon=":material/stop_circle:", key="live-stop"):
            for answer in open_ones:
                live.cancel(queries.store(), answer.id)
            st.rerun()
        if st.button("New search", icon=":material/restart_alt:", key="live-new", type="tertiary"):
            for answer in open_ones:
                live.cancel(queries.store(), answer.id)
            st.session_state.pop(ASKED)
            st.rerun()
    if not found:
        st.caption("The answer is forgotten: answers are kept for an hour.")
    _lines(found)


def _is_lost(answer: Answer, now: datetime) -> bool:
    """Nobody took it, or who took it is gone."""
    if answer.state == live.ASKED:
        return now - answer.asked_at > PATIENCE
    return (
        answer.state == live.RUNNING
        and now - answer.asked_at > time_limit(answer.question.how) + 2 * PATIENCE
    )


def _standing(answer: Answer, now: datetime) -> str:
    """How one question stands: state, what it took, how far back it read."""
    where = tables.places().get((answer.question.target.account, answer.question.target.region), "")
    cost = "cost not known" if answer.cost_usd is None else numbers.usd(answer.cost_usd)
    lines = numbers.many(len(answer.lines), "line", "lines")
    took = f"{lines} · {numbers.many(answer.calls, 'call', 'calls')} · {cost}"
    back = (
        answer.read_from and answer.question.how != TAIL and answer.read_from > answer.question.window.start
    )
    reach = f" · read back to {numbers.clock(answer.read_from, widgets.zone(), now=now)}" if back else ""
    said = f" · {numbers.plain(answer.said)}" if answer.said else ""
    if _is_lost(answer, now):
        return f"{widgets.badge('warning', 'Not answered')} {numbers.plain(where)}: {NOBODY}"
    badge = {
        live.ASKED: widgets.badge("provisional", "Waiting"),
        live.RUNNING: widgets.badge("info", "Following" if answer.question.how == TAIL else "Reading"),
        live.DONE: widgets.badge("healthy", "Complete" if not back else "Ended"),
        live.CANCELLED: widgets.badge("silent", "Stopped"),
        live.FAILED: widgets.badge("critical", "Failed"),
    }[answer.state]
    return f"{badge} {numbers.plain(where)} :small[:gray[{took}{reach}{said}]]"


def _lines(found: Sequence[Answer]) -> None:
    lines = sorted(
        (line for answer in found for line in answer.lines), key=lambda line: line.ts, reverse=True
    )
    if not lines:
        if found and not any(answer.is_open for answer in found):
            st.info("No line was found.", icon=":material/inbox:")
        return
    zone = widgets.zone()
    frame = pd.DataFrame(
        {
            "ts": [x.ts for x in lines],
            "function": [x.function for x in lines],
            "message": [x.message for x in lines],
        }
    )
    shown = frame.assign(message=[" ".join(text.split())[:LONGEST_SHOWN] for text in frame["message"]])
    with st.container(key="guarded-live"):
        tables.table(
            shown,
            key="live-lines",
            export=frame,
            hide_index=True,
            alt="Lines found in AWS, newest first",
            row_height=tables.ROW_PX,
            height=tables.height_px(len(shown), most=14),
            column_order=tables.spoken(shown, ["ts", "function", "message"]),
            column_config={
                "ts": st.column_config.DatetimeColumn(
                    "Time", format="D MMM, HH:mm:ss.SSS", timezone=str(zone)
                ),
                "function": st.column_config.TextColumn("Function"),
                "message": st.column_config.TextColumn("Message", width="large"),
            },
        )
    st.caption("Masked as kept lines are, and cut here: the file has whole lines.")


def is_open() -> bool:
    """Whether something may still come in."""
    now = queries_logs.instant()
    found = [live.look(queries.store(), id, now=now) for id in st.session_state.get(ASKED, ())]
    return any(answer is not None and answer.is_open and not _is_lost(answer, now) for answer in found)
