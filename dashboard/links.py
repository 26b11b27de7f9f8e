"""The address bar is the only memory of what is shown: what links carry, and how a page reads it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.facts import Target
from core.windows import MINUTE, Window, ceil, chart_step, floor, newest_end, parse_duration

OVERVIEW, ALERTS, FUNCTION = "views/overview.py", "views/alerts.py", "views/function.py"
COLD, CONCURRENCY, QUEUES = "views/cold.py", "views/concurrency.py", "views/queues.py"
FUNCTION_COST, CHARGEBACK = "views/function_cost.py", "views/chargeback.py"
COST, COLLECTION = "views/cost.py", "views/collection.py"
LOGS, TRACES = "views/logs.py", "views/traces.py"
SILENT = "views/silent.py"
ACTIONS = "views/actions.py"
RULES = "views/rules.py"
CHANNELS = "views/channels.py"
SAVINGS = "views/savings.py"
RECONCILIATION = "views/reconciliation.py"

RANGES = ("1h", "3h", "6h", "24h", "7d", "30d")
DEFAULT_RANGE = "3h"
CARRIED = ("account", "region", "range", "from", "to")


def carry(**changes: str | None) -> dict[str, str]:
    """The query of a link from this page: account, region and range go along; None drops a name."""
    kept = {name: st.query_params[name] for name in CARRIED if name in st.query_params}
    return {name: value for name, value in (kept | changes).items() if value}


def function_id(account: str, region: str, name: str) -> str:
    """How the address bar names a function (`fn`). None of the parts may hold a dot, so it reads back."""
    return f"{account}.{region}.{name}"


def function_ids(frame: pd.DataFrame) -> list[str]:
    """Those of a frame with account, region and function."""
    columns = (frame[name].to_numpy() for name in ("account", "region", "function"))
    return [function_id(*key) for key in zip(*columns, strict=True)]


def read_function_id(text: str) -> tuple[Target, str] | None:
    parts = text.split(".", 2)
    return (Target(parts[0], parts[1]), parts[2]) if len(parts) == 3 and all(parts) else None


def trace_link(account: str, region: str, trace_id: str) -> str:
    """How the address bar names a trace (`trace`); `read_function_id` reads it back."""
    return f"{account}.{region}.{trace_id}"


def around(ts: datetime, *, minutes: int = 15) -> dict[str, str]:
    """`from` and `to` of a window around a moment."""
    half = minutes * MINUTE
    return {"from": floor(ts - half, MINUTE).isoformat(), "to": ceil(ts + half, MINUTE).isoformat()}


def to_function(account: str, region: str, name: str) -> dict[str, str]:
    """The query of a link to a function's page; the reader's account filter stays as it is."""
    return carry(fn=function_id(account, region, name))


def path(page: str, query: Mapping[str, str]) -> str:
    """A link as text, for chat and copies: `/function?fn=...`."""
    name = page.removeprefix("views/").removesuffix(".py")
    return ("/" if page == OVERVIEW else f"/{name}") + (f"?{urlencode(query)}" if query else "")


def read_window(query: Mapping[str, str], *, now: datetime, fresh: datetime | None) -> Window:
    """The window an address asks for, on whole chart steps so that viewers share answers.

    `from` and `to` (ISO 8601) win over `range`. A range ends where the data does if that is less than
    `core.windows.FRESH_ENOUGH` ago, else now. What cannot be read is the default range.
    """
    fixed = _fixed(query, now=now)
    if fixed:
        return fixed
    length = parse_duration(query["range"] if query.get("range") in RANGES else DEFAULT_RANGE)
    end = newest_end(fresh, now=now)
    return Window.last(length, now=end, step=chart_step(Window(end - length, end)))


def _fixed(query: Mapping[str, str], *, now: datetime) -> Window | None:
    try:
        start, end = (_time(query[name]) for name in ("from", "to"))
    except (KeyError, ValueError):
        return None
    end = min(end, now)
    if end - start < MINUTE:
        return None
    step = chart_step(Window(start, end))
    return Window(floor(start, step), max(floor(end, step), ceil(start, step) + step))


def is_fixed(query: Mapping[str, str]) -> bool:
    """Whether the address asks for an exact window, readable or not."""
    return "from" in query or "to" in query


def unread(query: Mapping[str, str], *, now: datetime) -> str | None:
    """Why the exact window of an address is not the one that is shown; None when it is, or none is asked."""
    if not is_fixed(query) or _fixed(query, now=now):
        return None
    length = query["range"] if query.get("range") in RANGES else DEFAULT_RANGE
    return f"The times in the address are no window that can be shown: these are the last {length}."


def hold(window: Window) -> None:
    """Show an exact window: the address names it, in UTC."""
    for name, ts in (("from", window.start), ("to", window.end)):
        st.query_params[name] = ts.astimezone(UTC).isoformat().replace("+00:00", "Z")


def let_go() -> None:
    """Follow the present again."""
    for name in ("from", "to"):
        st.query_params.pop(name, None)


def _time(text: str) -> datetime:
    ts = datetime.fromisoformat(text)
    return ts.replace(tzinfo=UTC) if ts.tzinfo is None else ts.astimezone(UTC)


def choose(
    name: str, options: Sequence[str], default: str | None, draw: Callable[[str, Callable[[], None]], object]
) -> str | None:
    """Tie a widget to the address bar: the address holds the value, the widget shows it and writes it back.

    `draw` gets the widget's key and its `on_change`. Returns the chosen option or `default`.
    """
    value: str | None = st.query_params.get(name)
    if value not in options:
        value = default
    box = "_" + name

    def changed() -> None:
        chosen = st.session_state[box]
        if chosen is None or chosen == default:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = chosen

    st.session_state[box] = value
    draw(box, changed)
    return value


def write(name: str, draw: Callable[[str, Callable[[], None]], object]) -> str:
    """Tie a text box to the address bar, as `choose` does; what is empty is not in the address."""
    value = st.query_params.get(name, "")
    box = "_" + name

    def changed() -> None:
        typed = str(st.session_state[box] or "").strip()
        if typed:
            st.query_params[name] = typed
        else:
            st.query_params.pop(name, None)

    st.session_state[box] = value
    draw(box, changed)
    return value


def choose_many(
    name: str, options: Sequence[str], draw: Callable[[str, Callable[[], None]], object]
) -> list[str]:
    """Tie a widget with several values to the address bar, where they are joined by commas."""
    asked = [value for value in st.query_params.get(name, "").split(",") if value in options]
    box = "_" + name

    def changed() -> None:
        if chosen := st.session_state[box]:
            st.query_params[name] = ",".join(chosen)
        else:
            st.query_params.pop(name, None)

    st.session_state[box] = asked
    draw(box, changed)
    return asked
