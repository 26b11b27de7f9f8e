"""What would help against the cold starts of one function, and why: the first rule that fits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

SHARE_OF_NOTE = 0.005
WAIT_OF_NOTE_MS = 500.0
"""Cold starts that are rarer than the one and shorter than the other are left alone."""

SNAP_START_MS = 800.0
LARGE_PACKAGE_MB = 50.0
RARE_PER_HOUR = 8.0
"""Callers that come less often, and apart, find environments gone: they are kept for some minutes only."""

FREE_EPHEMERAL_MB = 512

_SNAP_START_FROM = {"java": (11, 0), "python": (3, 12), "dotnet": (8, 0)}
"""The first version of each managed runtime that SnapStart knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """How one function starts. Unknown is None; `cold_starts` are those that a caller waited for, `waited_ms`
    is of one of them on average, `crashes` are invocations that ended their environment (timeouts, memory,
    exits), `units` provisioned now and `orphan` why nothing reaches them."""

    records: float | None
    cold_starts: float | None
    waited_ms: float | None
    hours: float
    crashes: float = 0.0
    runtime: str | None = None
    package_type: str | None = None
    package_mb: float | None = None
    ephemeral_mb: float | None = None
    has_file_system: bool = False
    snap_start: bool = False
    units: int = 0
    orphan: str | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """`what` in a word or three, `why` in a sentence."""

    what: str
    why: str


NOTHING = "Leave as it is"
UNKNOWN = Remedy("Not known", "no invocation records of this window")


def remedy(starts: Starts) -> Remedy:
    """Every rule gives None where it does not fit; the last one always does."""
    if starts.records is None or starts.cold_starts is None or starts.records == 0:
        return UNKNOWN
    if starts.cold_starts == 0:
        return Remedy(NOTHING, "nobody waited")
    rules = (_orphan, _crashes, _negligible, _units_too_few, _snap_start, _package, _rare, _provisioned)
    return next((found for rule in rules if (found := rule(starts))), _plain(starts))


def _orphan(one: Starts) -> Remedy | None:
    if not one.units or one.orphan is None:
        return None
    return Remedy("Move its units", f"it pays for {_units(one.units)} that serve nobody: {one.orphan}")


def _crashes(one: Starts) -> Remedy | None:
    if not one.crashes or one.crashes < _cold(one) / 2:
        return None
    told = f"{one.crashes:,.0f} timeouts, memory kills and exits"
    return Remedy("Stop the crashes", f"{told}: after each, the next caller waits")


def _negligible(one: Starts) -> Remedy | None:
    if _share(one) >= SHARE_OF_NOTE or _wait(one) >= WAIT_OF_NOTE_MS:
        return None
    return Remedy(NOTHING, f"{_share(one):.2%} of callers waited {_wait(one):,.0f} ms")


def _units_too_few(one: Starts) -> Remedy | None:
    if not one.units:
        return None
    told = f"callers waited {_cold(one):,.0f} times beside its {_units(one.units)}"
    return Remedy("Look at its units", f"{told}: too few, or not where they call")


def _snap_start(one: Starts) -> Remedy | None:
    if one.snap_start or _wait(one) < SNAP_START_MS or not can_snap_start(one):
        return None
    return Remedy(
        "SnapStart", f"{one.runtime} takes {_wait(one):,.0f} ms to initialize; a snapshot skips that"
    )


def can_snap_start(one: Starts) -> bool:
    """Whether AWS offers it SnapStart: some managed runtimes, no image, no file system, no larger /tmp."""
    match = re.fullmatch(r"([a-z]+)(\d+)(?:\.(\d+))?", one.runtime or "")
    if match is None or match[1] not in _SNAP_START_FROM or one.package_type == "Image":
        return False
    is_plain = not one.has_file_system and (one.ephemeral_mb or FREE_EPHEMERAL_MB) <= FREE_EPHEMERAL_MB
    return is_plain and (int(match[2]), int(match[3] or 0)) >= _SNAP_START_FROM[match[1]]


def _package(one: Starts) -> Remedy | None:
    if one.package_mb is None or one.package_mb < LARGE_PACKAGE_MB or _wait(one) < WAIT_OF_NOTE_MS:
        return None
    return Remedy(
        "Smaller package", f"{one.package_mb:,.0f} MB are fetched and loaded in {_wait(one):,.0f} ms"
    )


def _rare(one: Starts) -> Remedy | None:
    per_hour = (one.records or 0.0) / one.hours if one.hours else math.inf
    if per_hour > RARE_PER_HOUR:
        return None
    told = f"{per_hour:,.1f} invocations an hour find its environments gone"
    return Remedy("One unit, or let them wait", f"{told}, and {_share(one):.0%} start cold")


def _provisioned(one: Starts) -> Remedy | None:
    if one.snap_start or _wait(one) < WAIT_OF_NOTE_MS:
        return None
    told = f"{_share(one):.1%} of callers waited {_wait(one):,.0f} ms"
    return Remedy("Provisioned concurrency", f"{told}; {_no_snap_start(one)}")


def _no_snap_start(one: Starts) -> str:
    if can_snap_start(one):
        return "too quick for SnapStart to matter"
    return f"no SnapStart for {'images' if one.package_type == 'Image' else one.runtime or 'it'}"


def _plain(one: Starts) -> Remedy:
    how = "restore" if one.snap_start else "initialize"
    return Remedy(NOTHING, f"{_share(one):.1%} of callers waited {_wait(one):,.0f} ms for it to {how}")


def _cold(one: Starts) -> float:
    return one.cold_starts or 0.0


def _wait(one: Starts) -> float:
    return one.waited_ms or 0.0


def _share(one: Starts) -> float:
    return _cold(one) / one.records if one.records else 0.0


def _units(count: int) -> str:
    return f"{count:,} unit{'' if count == 1 else 's'}"
