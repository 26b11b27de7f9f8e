"""Reservations that may have been forgotten: stops, caps of past actions, too small, too large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

STOPPED, LEFT, TIGHT, IDLE = "stopped", "left by an action", "too small", "too large"
VERDICTS = (STOPPED, LEFT, TIGHT, IDLE)
"""The worst first."""

FULL = 0.98
"""A reservation this full was full."""

IDLE_BELOW, WORTH = 0.2, 10
"""A reservation is too large when less of it was used at most, and at least so much could go back."""


@dataclass(frozen=True, slots=True)
class Made:
    """An action of ours that set a reservation, and what it set."""

    ts: datetime
    who: str
    reserved: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """One function's reservation over a window. `used_max` and `throttles` are None where they are not
    known, `made` is the newest of our actions that set a reservation of the function (None: there is none),
    `limit` the account's (None: not known)."""

    reserved: int
    used_max: float | None = None
    throttles: float | None = None
    made: Made | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: str
    says: str
    do: str


def verdict(reservation: Reservation) -> Verdict | None:
    """What is wrong with a reservation, the worst thing first; None when nothing is, as far as is known."""
    checks: tuple[Callable[[Reservation], Verdict | None], ...] = (_stopped, _left, _tight, _idle)
    return next((found for check in checks if (found := check(reservation))), None)


def _stopped(one: Reservation) -> Verdict | None:
    if one.reserved != 0:
        return None
    refused = f": {one.throttles:,.0f} invocations were refused" if one.throttles else ""
    return Verdict(
        STOPPED, f"nothing of it may run{refused}{_by(one)}", "remove it if nobody stopped it on purpose"
    )


def _left(one: Reservation) -> Verdict | None:
    if one.made is None or one.made.reserved != one.reserved:
        return None
    return Verdict(
        LEFT, f"the cap of {one.reserved:,} was never undone{_by(one)}", "undo it if its cause is over"
    )


def _by(one: Reservation) -> str:
    if one.made is None or one.made.reserved != one.reserved:
        return ""
    return f"; {one.made.who} set it on {one.made.ts:%-d %b %Y at %H:%M} UTC"


def _tight(one: Reservation) -> Verdict | None:
    if not one.throttles or one.used_max is None or one.used_max < FULL * one.reserved:
        return None
    says = f"all {one.reserved:,} were in use and {one.throttles:,.0f} invocations were refused"
    return Verdict(TIGHT, says, "raise it, or remove it to share the account's")


def _idle(one: Reservation) -> Verdict | None:
    used = one.used_max
    if used is None or one.throttles or used >= IDLE_BELOW * one.reserved or one.reserved - used < WORTH:
        return None
    of = f" of the account's {one.limit:,}" if one.limit else ""
    says = f"it keeps {one.reserved:,}{of} from all others and used {used:,.0f} at most"
    return Verdict(IDLE, says, "lower it to what it needs")
