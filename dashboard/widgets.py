"""Controls and sentences that pages share: toolbar, cards, badges, the four states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from core.windows import FRESH_ENOUGH, LATENESS, Window
from dashboard import exact, links, needs, numbers, queries, shell, toasts
from dashboard.answer_first import put_off
from dashboard.reading import reading
from dashboard.time_range import time_range

Colour = Literal["red", "orange", "green", "blue", "violet", "gray"]

STATES: dict[str, tuple[str, Colour, str]] = {
    "critical": ("error", "red", "Critical"),
    "warning": ("warning", "orange", "Warning"),
    "info": ("info", "blue", "Info"),
    "healthy": ("check_circle", "green", "Healthy"),
    "silent": ("bedtime", "gray", "Silent"),
    "not collected": ("help", "gray", "Not collected"),
    "provisional": ("schedule", "gray", "Provisional"),
    "late": ("schedule", "orange", "Late"),
}
PROVISIONAL = (
    f"Provisional: the last {LATENESS // timedelta(minutes=1)} minutes may still change, because Lambda "
    "counts an invocation in the minute it started."
)


LIVE, LIVE_EVERY_S = "_live", 30


def zone() -> tzinfo:
    """The reader's time zone; UTC where the browser does not say."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def badge(state: str, text: str | None = None) -> str:
    """A state as Markdown: icon and word, colour beside. `text` replaces the word (and must be ours)."""
    icon, colour, word = STATES.get(state, STATES["info"])
    return f":{colour}-badge[:material/{icon}: {text or word}]"


# --- toolbar ------------------------------------------------------------------------------------------------


def window() -> Window:
    """The window that the address asks for, as of now."""
    now = queries.now()
    return links.read_window(dict(st.query_params), now=now, fresh=queries.freshness())


def toolbar(title: str, chooser: Callable[[], None] | None = None) -> Window:
    """Draw the one toolbar: title (and an entity's chooser), freshness, range, Live. Returns the window."""
    bar = st.container(key="toolbar", horizontal=True, vertical_alignment="center")
    bar.title(title, anchor=False, width="content")

    def rest() -> None:
        with bar:
            if chooser:
                chooser()
            _range_and_live()

    put_off(rest)
    needs.note(title)
    return window()


def _range_and_live() -> None:
    now = queries.now()
    st.space("stretch")
    with st.container(width="content", key="freshness"):
        st.fragment(_freshness, run_every=_every_s())()
    time_range(window(), queries.freshness(), zone=zone(), now=now)
    _live_toggle()


def live(draw: Callable[[Window], None]) -> None:
    """Draw what moves: `draw` runs now and, while Live is on, every 30 seconds with the newest window."""

    @st.fragment(run_every=_every_s(), key=draw.__qualname__)
    def again() -> None:
        toasts.say()
        shown = window()
        with reading(draw.__code__.co_filename, shown):
            draw(shown)

    again()


def _every_s() -> int | None:
    """How often what moves is drawn again: not where nobody looks, and not where nothing moves."""
    moves = st.session_state.get(LIVE, True) and not _is_past() and not shell.is_hidden()
    return LIVE_EVERY_S if moves else None


def _is_past() -> bool:
    return links.is_fixed(dict(st.query_params)) and exact.is_past(window(), now=queries.now())


def _live_toggle() -> None:
    """The choice outlives the page; a window of the past pauses it."""
    past = _is_past()
    st.session_state["live"] = bool(st.session_state.get(LIVE, True)) and not past

    def changed() -> None:
        st.session_state[LIVE] = st.session_state["live"]

    help = "Paused: this window is past." if past else f"Read the store again every {LIVE_EVERY_S} seconds."
    st.toggle("Live", key="live", on_change=changed, disabled=past, help=f"{help} Key: L")


def _freshness() -> None:
    now = queries.now()
    fresh = queries.freshness()
    if fresh is None:
        st.badge("no data yet", icon=":material/hourglass_empty:", color="gray")
        return
    local = fresh.astimezone(zone())
    late = now - fresh > FRESH_ENOUGH
    st.badge(
        f"data to {numbers.clock(fresh, zone(), now=now)} {local.tzname()}",
        icon=":material/schedule:" if late else ":material/check:",
        color="orange" if late else "green",
        help=f"Every target is complete up to here, {numbers.age(now - fresh)} ago. See Collection health.",
    )


# --- cards --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One number: its text (a dash if unknown), what moved, a sparkline; `help` says the formula or why."""

    label: str
    value: str
    help: str
    delta: str | None = None
    colour: Colour = "gray"
    arrow: Literal["auto", "up", "down", "off"] = "auto"
    points: Sequence[float] | None = None
    kind: Literal["line", "bar", "area"] = "line"
    provisional: bool = False
    partial: bool = False


def cards(row: Sequence[Card], key: str = "cards", *, compared: Window | None = None) -> None:
    """At most six numbers in a row; `compared` is the window that their movements are against."""
    told = over()
    with st.container(key=key), st.grid(6, min_column_width=150, gap="xsmall"):
        for card in row:
            st.metric(
                card.label + _mark(card),
                card.value,
                card.delta,
                delta_color=card.colour,
                delta_arrow=card.arrow if card.delta else "off",
                chart_data=sparkline(card.points),
                chart_type=card.kind,
                border=True,
                height="stretch",
                help="\n\n".join([card.help, *([PROVISIONAL] if card.provisional else []), told]),
            )
    if compared and any(card.delta is None for card in row):
        st.caption(_not_compared(compared))


def over() -> str:
    """The page's window and the age of its data, for the help of any number."""
    return f"*Time range: {exact.both_clocks(window(), zone(), now=queries.now())}; {aged()}.*"


def aged() -> str:
    """Up to when the page's data is complete, and how old that is."""
    now, fresh = queries.now(), queries.freshness()
    if fresh is None:
        return "no data yet"
    return f"data to {numbers.clock(fresh, zone(), now=now)}, {numbers.age(now - fresh)} old"


def formulas(said: Sequence[str]) -> None:
    """Below a chart how old its data is, and one click away how its numbers are computed."""
    age = aged()
    st.caption(f"{age[0].upper()}{age[1:]}.", help="\n\n".join([*said, over()]))


def _not_compared(window: Window) -> str:
    """Why numbers come without a movement, once for all of them."""
    start = numbers.clock(window.start, zone(), now=queries.now())
    end = numbers.clock(window.end, zone(), now=window.start)
    return f"Without a comparison: {start} to {end} or this window was not collected in full."


def _mark(card: Card) -> str:
    """What to know before believing the number; the card's help says more."""
    if card.partial:
        return " :orange[:material/visibility_off:]"
    return " :gray[:material/schedule:]" if card.provisional else ""


def sparkline(points: Sequence[float] | None) -> list[float] | None:
    """Points as Streamlit draws them: unknown ones left out; None when fewer than two are known."""
    left = [float(p) for p in points or () if numbers.known(p)]
    return left if len(left) > 1 else None


# --- the states ---------------------------------------------------------------------------------------------


def no_data(sentence: str, *, collector: str | None = None) -> None:
    """Say that there is nothing to show, and what `collector` last said when it is the reason."""
    why = _why(collector) if collector else None
    st.info(f"{sentence} {why}" if why else sentence, icon=":material/inbox:")


def _why(collector: str) -> str | None:
    runs = queries.collectors(queries.now())
    mine = runs[runs["collector"] == collector] if not runs.empty else runs
    if mine.empty:
        return f"The {collector} collector has not run yet."
    last = mine.iloc[0]
    if last["outcome"] == "ok":
        return f"The {collector} collector last ran {_ago(last['last_run'])}."
    reason = numbers.plain(last["error"] or last["outcome"])
    return f"The {collector} collector last ran {_ago(last['last_run'])}: {reason}"


def _ago(ts: datetime | None) -> str:
    return f"{numbers.age(queries.now() - ts)} ago" if ts is not None and not pd.isna(ts) else "never"
