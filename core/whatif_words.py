"""What a prediction supposes, and what to know before believing it: in sentences, as plain text."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from core.cpu_model import DAYS_DIFFER, fits
from core.rightsizing import words
from core.whatif import ARM_DIFFERS, WhatIf

LATEST = "$LATEST"
FAR_OFF = 0.5
"""A replay that misses so much of the recorded cold starts does not tell the same story."""


class About(Protocol):
    """What a reader tells of the records behind a prediction."""

    @property
    def found(self) -> WhatIf | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def is_cut(self) -> bool: ...
    @property
    def has_lead(self) -> bool: ...
    @property
    def versions(self) -> tuple[str, ...]: ...
    @property
    def has_snap_start(self) -> bool: ...
    @property
    def idle_units(self) -> int: ...


def assumptions(found: WhatIf) -> list[str]:
    """What the numbers suppose."""
    to, was = found.then.setup, found.now.setup
    said = [
        f"{found.records:,} recorded invocations of {words(found.length)} are replayed; a month is 30 days "
        "at their rate and list price, before free tier and savings plans; logs are left out",
        f"environments are kept {_length(found.habits.idle)} without work{_life(found)}, which comes nearest "
        f"to the {found.recorded_cold:,} recorded cold starts: {found.now.middle.cold_starts:,} replayed",
    ]
    if to.memory_mb != was.memory_mb:
        said.append(_memory(found))
    if to.architecture != was.architecture:
        said.append(f"the other architecture takes the same time, give or take {ARM_DIFFERS:.0%}: supposed")
    if to.units:
        said.append(
            "units stand ready all the time, follow deploys and serve every version; what initializing the "
            "units themselves is billed is left out"
        )
    return said


def _memory(found: WhatIf) -> str:
    now_mb = found.now.setup.memory_mb
    fitted = fits(found.sizes)
    if not fitted:
        return (
            "how much of its time is processor time is not known (no other size was seen): from none of it "
            "(same durations) to all of it (durations in proportion to memory)"
        )
    shares = ", ".join(f"{fit.share(now_mb):.0%}" for fit in fitted)
    sizes = ", ".join(f"{mb:,.0f}" for mb in fitted[0].sizes)
    return (
        f"{shares} of its time is processor time, fitted to typical durations at {sizes} MB, with a 95 % "
        f"band in which days may differ by {DAYS_DIFFER:.0%}"
    )


def _length(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _life(found: WhatIf) -> str:
    life = found.habits.life
    return f" and {_length(life)} in all" if life else ""


def cautions(about: About) -> list[str]:
    """What speaks against the numbers."""
    said, found = list[str](), about.found
    if about.state and about.state.startswith("not"):
        said.append(f"its log was not read in full ({about.state}): what is missing is missing here too")
    if about.is_cut:
        said.append("only the newest of its records are replayed: there are too many")
    if not about.has_lead:
        said.append("the hour before was not read: the first use of each environment counts as cold")
    if about.idle_units:
        said.append(f"its {about.idle_units:,} units that serve nobody are left out: see its savings")
    if found is None:
        return said
    if found.replay_error > FAR_OFF:
        replayed, recorded = found.now.middle.cold_starts, found.recorded_cold
        said.append(f"cold starts are rough: {replayed:,} replayed, {recorded:,} recorded")
    if found.then.setup.units and about.versions == (LATEST,):
        said.append(f"callers use {LATEST}, which cannot have units: publish a version and an alias first")
    if found.then.setup.units and about.has_snap_start:
        said.append("it has SnapStart, which does not go together with units: it would have to be off")
    if found.then.high.ended:
        said.append(f"up to {found.then.high.ended:,} of the invocations would reach the timeout")
    return said
