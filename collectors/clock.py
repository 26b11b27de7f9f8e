"""How far this machine's clock is ahead of AWS's, as the dates of answers tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

AGREED = timedelta(seconds=30)
"""An answer that took so long is no sign of a wrong clock."""

FARTHEST = timedelta(minutes=15)
"""AWS refuses requests that are farther off: a larger difference is an endpoint that keeps no time."""


class Clock:
    """Listens to the `Date` headers of answers. A clock that is behind is left alone: it settles late, which
    is safe, where one that is ahead would take for settled what may still change."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def hear(self, date: str | None, *, at: datetime | None = None) -> None:
        """`date` is a header that came at `at` (now) by our clock; one that cannot be read says nothing."""
        try:
            said = parsedate_to_datetime(date or "")
        except ValueError:
            return
        ahead = (at or datetime.now(UTC)) - said
        self.ahead = min(ahead, FARTHEST) if ahead > AGREED else timedelta()
