"""The time range of a page: presets beside each other, exact times in a popover, both in the address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import streamlit as st

from core.windows import LATENESS, MINUTE, Window, chart_step
from dashboard import exact, links, numbers

FROM, TO, IN_UTC, REFUSED = "_exact_from", "_exact_to", "_exact_utc", "_exact_refused"


def time_range(shown: Window, fresh: datetime | None, *, zone: tzinfo, now: datetime) -> None:
    """`shown` is the page's window; `fresh` is how far the data is complete."""
    fixed = links.is_fixed(dict(st.query_params))
    _presets(fixed)
    label = f":blue[**{exact.between(shown, zone, now=now)}**]" if fixed else "Exact times"
    with st.popover(label, icon=":material/date_range:", key="exact"):
        _told(shown, fresh, zone=zone, now=now)
        _steps(shown, fixed=fixed, now=now)
        _form(shown, zone=zone, now=now)
    wrong = links.unread(dict(st.query_params), now=now)
    if wrong:
        st.caption(f":orange[:material/warning:] {numbers.plain(wrong)}")


def _presets(fixed: bool) -> None:
    def draw(key: str, changed: Callable[[], None]) -> None:
        def picked() -> None:
            links.let_go()
            changed()

        if fixed:
            st.session_state[key] = None
        st.segmented_control(
            "Time range", links.RANGES, key=key, on_change=picked, label_visibility="collapsed",
            required=not fixed,
        )  # fmt: skip

    links.choose("range", links.RANGES, links.DEFAULT_RANGE, draw)


def _told(shown: Window, fresh: datetime | None, *, zone: tzinfo, now: datetime) -> None:
    step = numbers.age(chart_step(shown))
    st.markdown(f"**{exact.both_clocks(shown, zone, now=now)}**")
    st.caption(f"{numbers.age(shown.duration)}; charts in steps of {step}. {_age(shown, fresh, zone, now)}")


def _age(shown: Window, fresh: datetime | None, zone: tzinfo, now: datetime) -> str:
    if fresh is None:
        return "Nothing has been collected yet."
    if exact.is_past(shown, now=now):
        return "It is past: its numbers no longer change, and Live is paused."
    said = f"Data to {numbers.clock(fresh, zone, now=now)}, {numbers.age(now - fresh)} old;"
    return f"{said} the newest {LATENESS // MINUTE} minutes may still change."


def _steps(shown: Window, *, fixed: bool, now: datetime) -> None:
    """The windows beside the one that is shown."""
    at_the_end = not fixed or now - shown.end < chart_step(shown)

    def button(label: str, icon: str, to: Window | None, *, disabled: bool = False) -> None:
        go = links.let_go if to is None else lambda: links.hold(to)
        st.button(
            label, icon=f":material/{icon}:", key=f"exact-{label}", on_click=go, disabled=disabled,
            type="tertiary",
        )  # fmt: skip

    with st.container(horizontal=True, key="exact-steps", gap="small"):
        button("Earlier", "chevron_left", exact.shifted(shown, -1, now=now))
        button("Later", "chevron_right", exact.shifted(shown, 1, now=now), disabled=at_the_end)
        button("Wider", "zoom_out", exact.widened(shown, now=now))
        button("Up to now", "last_page", None, disabled=not fixed)


def _form(shown: Window, *, zone: tzinfo, now: datetime) -> None:
    zone = _zone_of_entry(zone, now)
    name = shown.end.astimezone(zone).tzname()
    wrong, *typed = st.session_state.pop(REFUSED, ("", _wall(shown.start, zone), _wall(shown.end, zone)))
    st.session_state[FROM], st.session_state[TO] = typed
    with st.form("exact-form", border=False):
        left, right = st.columns(2)
        for column, key, word in ((left, FROM, "From"), (right, TO, "To")):
            column.datetime_input(f"{word} ({name})", value=None, key=key, step=60, format="YYYY-MM-DD")
        st.form_submit_button("Show this window", on_click=lambda: _submit(zone, now), width="stretch")
    if wrong:
        st.error(wrong, icon=":material/error:")


def _zone_of_entry(zone: tzinfo, now: datetime) -> tzinfo:
    """Times are typed as the reader's clock shows them, or in UTC, as AWS's consoles print them."""
    if now.astimezone(zone).utcoffset() == timedelta(0):
        return UTC
    return UTC if st.checkbox("Type in UTC", key=IN_UTC) else zone


def _submit(zone: tzinfo, now: datetime) -> None:
    typed = st.session_state[FROM], st.session_state[TO]
    start, end = (ts and ts.replace(tzinfo=zone).astimezone(UTC) for ts in typed)
    wrong = exact.problem(start, end, now=now)
    if wrong:
        st.session_state[REFUSED] = (wrong, *typed)
    else:
        links.hold(Window(start, min(end, now)))


def _wall(ts: datetime, zone: tzinfo) -> datetime:
    """The time that a clock in the zone shows."""
    return ts.astimezone(zone).replace(tzinfo=None)
