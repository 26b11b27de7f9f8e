"""From minutes that fire or clear to outages that open and close, in the data's own time.

The machine runs over the same recent minutes again and again, as they fill up; what it told before stands.
So late data, repeated evaluation and restarts lead to the incidents that a straight run would have told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch in which a rule fired. `id` is the incident that tells it, None when it is not told yet."""

    opened_at: datetime
    closed_at: datetime | None = None
    id: str | None = None

    def covers(self, ts: datetime) -> bool:
        return self.opened_at <= ts and (self.closed_at is None or ts < self.closed_at)


def outages(minutes: Iterable[tuple[datetime, bool, bool]], told: Sequence[Outage]) -> list[Outage]:
    """Run the machine over `minutes` (end, fires, clears; oldest first).

    Returns the outages that are new, or told and closed or begun earlier by these minutes, oldest first.
    `told` are those of this rule and subject that are open or touch the minutes.
    """
    told = sorted(told, key=lambda outage: outage.opened_at)
    found, moved, current = list[Outage](), dict[str | None, Outage](), None
    for end, fires, clears in minutes:
        known = next((outage for outage in told if outage.covers(end)), None)
        if known is not None and not _closed(known, found):
            if current is not None and current.id is None:
                told = _begun(told, known, current.opened_at)  # minutes that came late say when it began
                known = replace(known, opened_at=current.opened_at)
                moved[known.id] = known
            current = known  # what was opened by fewer data and is told now continues as this one
        elif current is not None and current.id is not None and current.closed_at is not None:
            current = None  # it was closed at this minute, whatever the data say
        if current is None:
            current = Outage(end) if fires else None
        elif clears and current.closed_at is None:
            found.append(Outage(current.opened_at, end, current.id))
            current = None
    if current is not None and current.id is None:
        found.append(current)
    found += [one for one in moved.values() if not _closed(one, found)]
    return sorted(found, key=lambda outage: outage.opened_at)


def _begun(told: Sequence[Outage], known: Outage, at: datetime) -> list[Outage]:
    return [replace(one, opened_at=at) if one is known else one for one in told]


def _closed(outage: Outage, found: Sequence[Outage]) -> bool:
    return any(done.id == outage.id for done in found)
