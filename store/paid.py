"""What reading and writing the telemetry files costs, on the month's bill."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.facts import Target, Usage
from store import commit
from store.shelf import Shelf

if TYPE_CHECKING:
    from store.packing import Begin

WHO = "store"
"""The collector that requests are counted under: they are of no target."""

NOBODY = Target("", "")
EVERY_S = 60.0
"""How often a process that only reads bills its requests: one that is killed loses as many."""


class Paid:
    """Requests of this process that are not on the bill yet. Safe to share by threads."""

    def __init__(self, shelf: Shelf, begin: Begin, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf, self._begin, self._clock = shelf, begin, clock
        self._lock = threading.Lock()
        self._owed: list[Usage] = []
        self._last = clock()

    def bill(self, *, now: datetime) -> None:
        """Add them to the bill of the hour. Raises StoreError; then they stay owed."""
        with self._lock:
            self._last = self._clock()
            self._owed += self._shelf.take_usage()
            if self._owed:
                with self._begin() as connection:
                    commit.count(connection, NOBODY, WHO, self._owed, now=now)
                self._owed = []

    def bill_if_due(self) -> None:
        """The same for those who only read, where it must fail nobody."""
        if self._clock() - self._last >= EVERY_S:
            with suppress(StoreError):
                self.bill(now=datetime.now(UTC))
