"""The service's part of bills: what the setting `cost.bills` names is imported when it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import BillError
from quarterdeck.billing import import_bills, import_sentence
from store.bill_files import bill_paths
from store.store import Store

log = logging.getLogger("quarterdeck.bills")

AT_REST = timedelta(minutes=1)
"""How old a file's last change must be: a younger one may still be written."""

Look = frozenset[tuple[Path, int, int]]
"""Files as they are: size in bytes, time of the last change in ns."""


class BillImport:
    """Looks at the files, and imports all of them when one has changed: a payer's month is replaced as a
    whole, and its parts may lie in several files. What failed is told until a file changes."""

    def __init__(self, store: Store, named: Sequence[Path], clock: Callable[[], datetime]) -> None:
        self._store, self._named, self._clock = store, tuple(named), clock
        self._seen: Look = frozenset()
        self._failure: BillError | None = None

    def run(self) -> None:
        """Raises BillError with file and line of every mistake; then nothing was imported."""
        now = self._clock()
        seen = look(self._named)
        if seen == self._seen:
            if self._failure is not None:
                raise self._failure
            return
        if not all(is_at_rest(changed_ns, now) for _, _, changed_ns in seen):
            return
        try:
            self._import(now)
            self._failure = None
        except BillError as error:
            self._failure = error
            raise
        finally:
            self._seen = seen

    def _import(self, now: datetime) -> None:
        for done in import_bills(self._store, self._named, now=now):
            log.info("%s", import_sentence(done))


def look(named: Sequence[Path]) -> Look:
    """Raises BillError for what is not there."""
    found = set()
    for path in bill_paths(named):
        try:
            stat = path.stat()
        except OSError as error:
            raise BillError(f"{path}: cannot be read: {error.strerror or error}") from error
        found.add((path, stat.st_size, stat.st_mtime_ns))
    return frozenset(found)


def is_at_rest(changed_ns: int, now: datetime) -> bool:
    return now.timestamp() - changed_ns / 1e9 >= AT_REST.total_seconds()
