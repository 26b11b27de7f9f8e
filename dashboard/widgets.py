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
from dashboard import links, needs, numbers, queries

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
    return links.read_window(dict(st.query_params), now=now, fresh=queries.freshness(now))


def toolbar(title: str, chooser: Callable[[], None] | None = None) -> Window:
    """Draw the one toolbar: title (and an entity's chooser), freshness, range, Live. Returns the window."""
    with st.container(key="toolbar", horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        if chooser:
            chooser()
        st.space("stretch")
        with st.container(width="content", key="freshness"):
            _freshness()
        _time_range()
        st.toggle("Live", value=True, key="live", help="Read the store again every 30 seconds.")
    needs.note(title)
    return window()


def live(draw: Callable[[Window], None]) -> None:
    """Draw what moves: `draw` runs now and, while Live is on, every 30 seconds with the newest window."""

    @st.fragment(run_every=30 if st.session_state.get("live", True) else None, key=draw.__qualname__)
    def again() -> None:
        draw(window())

    again()


def _time_range() -> None:
    fixed = "from" in st.query_params and "to" in st.query_params

    def draw(key: str, changed: Callable[[], None]) -> None:
        def picked() -> None:
            for name in ("from", "to"):
                st.query_params.pop(name, None)
            changed()

        if fixed:
            st.session_state[key] = None
        st.segmented_control(
            "Time range",
            links.RANGES,
            key=key,
            on_change=picked,
            label_visibility="collapsed",
            required=not fixed,
        )

    if fixed:
        shown = window()
        now = queries.now()
        text = f"{numbers.clock(shown.start, zone(), now=now)} to {numbers.clock(shown.end, zone(), now=now)}"
        st.badge(text, icon=":material/date_range:", color="blue")
    links.choose("range", links.RANGES, links.DEFAULT_RANGE, draw)


@st.fragment(run_every=30)
def _freshness() -> None:
    now = queries.now()
    fresh = queries.freshness(now)
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
                help=f"{card.help} {PROVISIONAL}" if card.provisional else card.help,
            )
    if compared and any(card.delta is None for card in row):
        st.caption(_not_compared(compared))


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
