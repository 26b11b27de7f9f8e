"""What a function's page says: its state, its configuration, six numbers, what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal

import pandas as pd

from core.windows import Window
from dashboard import figures_nature, numbers
from dashboard.compare import changed
from dashboard.figures import PROVISIONAL, reason, spark
from dashboard.numbers import plain
from dashboard.widgets import Card, Colour
from store.readers.nature import Nature

Row = Mapping[Any, Any]
"""A row of the fleet table."""

DAY = timedelta(days=1)
USUAL = Nature()
EVENTS = 6


def state(row: Row, *, now: datetime) -> tuple[str, str]:
    """State and sentence of a function on which nothing fires."""
    invocations = row["invocations"]
    if not numbers.known(invocations):
        why = reason(row["states"].get("invocations")) or "not yet"
        return "not collected", f"**Not collected**: {plain(why)}"
    if invocations > 0:
        return "healthy", "**Nothing is firing** on this function"
    last = row["last_invocation"]
    if not numbers.known(last):
        return "silent", "**Silent**: no invocation in what is stored"
    return "silent", f"**Silent**: no invocation in this window; the last was {numbers.age(now - last)} ago"


def configuration(
    row: Row, place: str, deploy: Row | None, *, zone: tzinfo, now: datetime, nature: Nature = USUAL
) -> str:
    """The configuration in one line of Markdown; what AWS does not say is left out."""
    memory, timeout, reserved = row["memory_mb"], row["timeout_s"], row["reserved"]
    said = [
        row["runtime"],
        row["architecture"],
        numbers.megabytes(memory) if numbers.known(memory) else None,
        f"timeout {timeout:,.0f} s" if numbers.known(timeout) else None,
        f"reserved {reserved:,.0f}" if numbers.known(reserved) else None,
        *figures_nature.words(nature),
        place,
        *(f"{name} {row['tags'][name]}" for name in ("team", "env") if row["tags"].get(name)),
        f"version {deploy['version']}, deployed {numbers.clock(deploy['ts'], zone, now=now)}"
        if deploy
        else None,
    ]
    return " · ".join(plain(part) for part in said if numbers.known(part) and part)


def cards(
    row: Row, before: Row | None, series: pd.DataFrame, window: Window, nature: Nature = USUAL
) -> list[Card]:
    was: Row = before or {}
    replays = f" {figures_nature.REPLAYS}" if nature.durable_timeout_s is not None else ""
    return [
        _error_rate(row, was, series, replays),
        _invocations(row, was, series, window, replays),
        _p95(row, was, series),
        _cold(row, series) if nature.provider is None else _never_cold(),
        _throttles(row, series),
        _cost(row, was, series, window),
    ]


def _error_rate(row: Row, was: Row, series: pd.DataFrame, replays: str) -> Card:
    rate = row["error_rate"]
    return Card(
        label="Error rate",
        value=numbers.percent(rate),
        points=spark(series["error_rate"], "max"),
        help=_help(f"Errors / invocations of the window.{replays}", row, "error_rate"),
        **_marks(row, "error_rate"),
        **_red(_moved(row, was, "error_rate", kind="rate")),
    )


def _invocations(row: Row, was: Row, series: pd.DataFrame, window: Window, replays: str) -> Card:
    count, minutes = row["invocations"], window.duration / timedelta(minutes=1)
    moved = _moved(row, was, "invocations")
    formula = f"Invocations that started in the window, divided by its minutes.{replays}"
    return Card(
        label="Invocations / min",
        value=numbers.count(count / minutes if numbers.known(count) else None),
        points=spark(series["invocations"], "sum"),
        help=_help(formula, row, "invocations"),
        **_marks(row, "invocations"),
        **(moved | ({"colour": "gray"} if moved else {})),
    )


def _p95(row: Row, was: Row, series: pd.DataFrame) -> Card:
    return Card(
        label="p95 duration",
        value=numbers.ms(row["duration_p95_ms"]),
        points=spark(series["duration_p95_ms"], "max"),
        help=_help("95 of 100 invocations were faster; from invocation records.", row, "duration_p95_ms"),
        **_marks(row, "duration_p95_ms"),
        **_moved(row, was, "duration_p95_ms"),
    )


def _cold(row: Row, series: pd.DataFrame) -> Card:
    init = row["init_p95_ms"]
    return Card(
        label="Cold starts",
        value=numbers.percent(row["cold_start_rate"]),
        delta=f"init p95 {numbers.ms(init)}" if numbers.known(init) else None,
        colour="violet" if numbers.known(init) else "gray",
        arrow="off",
        points=spark(series["cold_start_rate"], "max"),
        help=_help("Cold starts / invocation records of the window.", row, "cold_start_rate"),
        **_marks(row, "cold_start_rate"),
    )


def _never_cold() -> Card:
    return Card(label="Cold starts", value="none", help=figures_nature.NO_COLD_STARTS)


def _throttles(row: Row, series: pd.DataFrame) -> Card:
    throttles, reserved, used = row["throttles"], row["reserved"], row["max_concurrency"]
    pool = None
    if numbers.known(used):
        pool = (
            f"{used:,.0f} of {reserved:,.0f} reserved" if numbers.known(reserved) else f"{used:,.0f} at once"
        )
    return Card(
        label="Throttles",
        value=numbers.count(throttles),
        delta=pool,
        colour="orange" if throttles and numbers.known(throttles) else "gray",
        arrow="off",
        points=spark(series["throttles"], "sum"),
        kind="bar",
        help=_help("Invocations turned away for want of concurrency; the most at once.", row, "throttles"),
        **_marks(row, "throttles"),
    )


def _cost(row: Row, was: Row, series: pd.DataFrame, window: Window) -> Card:
    cost = row["cost_usd"]
    return Card(
        label="Cost / day",
        value=numbers.usd(float(cost) / (window.duration / DAY) if numbers.known(cost) else None),
        points=spark(series["invocations"], "sum"),
        help=_help("List price of the window, projected to a day; the line is traffic.", row, "cost_usd"),
        **_marks(row, "cost_usd"),
        **_moved(row, was, "cost_usd"),
    )


def _moved(row: Row, was: Row, name: str, *, kind: Literal["amount", "rate"] = "amount") -> dict[str, Any]:
    """How a number moved; nothing when one of the two windows was not collected in full."""
    if not was or reason(row["states"].get(name)) or reason(was["states"].get(name)):
        return {}
    return changed(row[name], was[name], kind=kind)


def _red(move: dict[str, Any]) -> dict[str, Any]:
    """A rise of errors in red; a fall is no good news while there are any."""
    return move | {"colour": "red" if move["colour"] == "orange" else "gray"} if move else {}


def _marks(row: Row, name: str) -> dict[str, Any]:
    said = row["states"].get(name)
    return {"provisional": said == PROVISIONAL, "partial": reason(said) is not None}


def _help(formula: str, row: Row, name: str) -> str:
    """The formula, and why the number is missing or what it lacks."""
    said = row["states"].get(name)
    if said == "silent":
        return f"{formula} Silent: nothing was invoked."
    return f"{formula} {plain(said[0].upper() + said[1:])}." if reason(said) else formula


# --- what changed ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: an icon and colour, words, and when."""

    ts: datetime
    icon: str
    colour: Colour
    what: str
    detail: str = ""
    is_change: bool = False


ICONS: dict[str, tuple[str, Colour]] = {
    "deploy": ("rocket_launch", "blue"),
    "alias": ("label", "blue"),
    "runtime": ("system_update_alt", "blue"),
    "configuration": ("tune", "gray"),
    "concurrency": ("speed", "gray"),
    "mapping": ("input", "gray"),
    "appeared": ("add_circle", "green"),
    "gone": ("cancel", "red"),
}


def events(changes: pd.DataFrame, incidents: pd.DataFrame) -> list[Event]:
    """Changes and alerts of one function, newest first."""
    found = []
    for row in changes.to_dict("records"):
        icon, colour = ICONS.get(row["kind"], ("change_circle", "gray"))
        found.append(Event(row["ts"], icon, colour, row["what"], _by(row), is_change=True))
    for row in incidents.to_dict("records"):
        if numbers.known(row["resolved_at"]):
            length = numbers.age(row["resolved_at"] - row["opened_at"])
            found.append(
                Event(row["resolved_at"], "check_circle", "green", "Alert resolved", f"after {length}")
            )
        found.append(Event(row["opened_at"], "notifications_active", "red", "Alert fired", row["title"]))
    return sorted(found, key=lambda event: event.ts, reverse=True)


def called_for(change: Row) -> str:
    """Who called for a change and through what: `by ci-deployer, through Terraform`; empty if not known."""
    who, via = (str(change[name]) if isinstance(change.get(name), str) else "" for name in ("who", "via"))
    return ", ".join(part for part in (f"by {who}" if who else "", f"through {via}" if via else "") if part)


def _by(change: Row) -> str:
    """The half of `called_for` that a narrow list has room for; the diff says both."""
    return called_for(change).split(", through ")[0]


def firing_windows(incidents: pd.DataFrame, window: Window) -> list[Window]:
    """When rules fired on the function, within the window."""
    spans = []
    for row in incidents.to_dict("records"):
        end = row["resolved_at"].to_pydatetime() if numbers.known(row["resolved_at"]) else window.end
        start = row["opened_at"].to_pydatetime()
        span = Window(start, max(start, end)).overlap(window)
        spans += [span] if span else []
    return spans
