"""What goes wrong in the service's jobs, from its first failure until it goes well again."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from store.journal import Entry


@dataclass(slots=True)
class Troubles:
    """Jobs that fail now, and what the store has not been told yet: it may be what fails."""

    holder: str
    host: str
    _failing: dict[str, Entry] = field(default_factory=dict)
    _untold: dict[tuple[str, datetime], Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self, what: str, text: str, *, now: datetime) -> bool:
        """True when that is news."""
        with self._lock:
            before = self._failing.get(what)
            if before is not None and before.text == text:
                return False
            new = Entry(holder=self.holder, host=self.host, what=what, text=text, since=now)
            self._keep(new if before is None else replace(before, text=text))
            return True

    def went_well(self, what: str, *, now: datetime) -> bool:
        """True when it had failed before."""
        with self._lock:
            if what not in self._failing:
                return False
            self._keep(replace(self._failing[what], until=now))
            return True

    def untold(self) -> list[Entry]:
        with self._lock:
            return list(self._untold.values())

    def told(self, entries: Collection[Entry]) -> None:
        """The store has these now."""
        with self._lock:
            for entry in entries:
                if self._untold.get((entry.what, entry.since)) == entry:
                    del self._untold[entry.what, entry.since]

    def _keep(self, entry: Entry) -> None:
        self._untold[entry.what, entry.since] = entry
        if entry.until is None:
            self._failing[entry.what] = entry
        else:
            self._failing.pop(entry.what, None)
