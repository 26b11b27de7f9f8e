"""Whether silence can be believed: that nothing fires means something only if somebody looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LATE = timedelta(minutes=5)
"""The service evaluates every few seconds; later than this, it does not run or does not get through."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """What to say where nothing fires; `state`: healthy, not collected (nobody looked) or warning (late)."""

    state: str
    text: str


def quiet(judged_at: datetime | None, *, now: datetime) -> Quiet:
    """`judged_at` is when rules were last evaluated, None if they never were."""
    if judged_at is None:
        return Quiet("not collected", "No rule has been evaluated yet: `quarterdeck service` does that")
    late = now - judged_at
    if late <= LATE:
        return Quiet("healthy", "Nothing is firing")
    minutes = late // timedelta(minutes=1)
    ago = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return Quiet(
        "warning", f"Nothing fired when rules were last evaluated, {ago} ago: is the service running?"
    )
