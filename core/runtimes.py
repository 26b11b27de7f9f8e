"""How long AWS supports a runtime: its end, and the days from which it cannot be created or updated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

NOTICE_DAYS = 180
"""AWS tells of an end so long before; from then on it is said."""

State = Literal["supported", "ending", "ended", "create blocked", "update blocked", "unknown"]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Of one runtime on one day. Dates are None where AWS published none that we know of.

    `supported` ends in more than NOTICE_DAYS or on no known day, `ending` sooner. `ended`: no security
    patches; `create blocked`: and no new functions; `update blocked`: and no new code. `unknown`: not in our
    table, or a container image, whose runtime AWS does not know.
    """

    runtime: str | None
    state: State
    deprecated_on: date | None = None
    create_blocked_on: date | None = None
    update_blocked_on: date | None = None
    days_left: int | None = None

    @property
    def said(self) -> str:
        """The state as a sentence."""
        if self.state == "unknown":
            return "The end of support is not known" if self.runtime else "The image brings its own runtime"
        if self.days_left is None:
            return "Supported; no end is announced"
        if self.days_left > 0:
            days = "day" if self.days_left == 1 else "days"
            return f"{self.days_left:,} {days} of support left, until {self.deprecated_on}"
        return f"Support ended on {self.deprecated_on}{self._blocks()}"

    def _blocks(self) -> str:
        if self.state == "update blocked":
            return "; its code can no longer be updated"
        return f"; updates are blocked from {self.update_blocked_on}" if self.update_blocked_on else ""


@cache
def _table() -> dict[str, Any]:
    text = resources.files("core").joinpath("data/runtimes.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def as_of() -> str:
    """The day the dates were looked up, ISO 8601."""
    return str(_table()["as_of"])


def source() -> str:
    return str(_table()["source"])


def known() -> tuple[str, ...]:
    """Every runtime of the table."""
    return tuple(_table()["runtimes"])


def lifecycle(runtime: str | None, today: date) -> Lifecycle:
    """Where `runtime` (as `python3.13`; None for a container image) stands on a day."""
    row = _table()["runtimes"].get(runtime)
    if row is None:
        return Lifecycle(runtime, "unknown")
    ends, create, update = (_day(row[key]) for key in ("deprecated", "create_blocked", "update_blocked"))
    left = None if ends is None else (ends - today).days
    return Lifecycle(runtime, _state(today, left, create, update), ends, create, update, left)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _state(today: date, left: int | None, create: date | None, update: date | None) -> State:
    if update and update <= today:
        return "update blocked"
    if create and create <= today:
        return "create blocked"
    if left is None or left > NOTICE_DAYS:
        return "supported"
    return "ending" if left > 0 else "ended"
