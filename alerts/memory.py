"""What judging keeps of a store, to not read it again: nothing new in the store, nothing to read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from store import schema
from store.store import Store

Made = TypeVar("Made")


class Memory:
    """The newest thing that was made under each name. Safe to share by threads."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Hashable, datetime, Any]] = {}
        self._lock = threading.Lock()

    def keep(
        self,
        name: Hashable,
        of: Hashable,
        make: Callable[[], Made],
        *,
        now: datetime,
        at_most: timedelta = timedelta(minutes=10),
    ) -> Made:
        """What was made under `name` of the same (`of`), unless that is older than `at_most`."""
        with self._lock:
            known = self._made.get(name)
        if known is not None and known[0] == of and timedelta(0) <= now - known[1] <= at_most:
            found: Made = known[2]
            return found
        made = make()
        with self._lock:
            self._made[name] = (of, now, made)
        return made

    def forget(self, *, now: datetime, older: timedelta) -> None:
        """What was made so long ago is not needed any more: a rule is gone, an hour is over."""
        with self._lock:
            self._made = {name: item for name, item in self._made.items() if now - item[1] <= older}


_MEMORIES: WeakKeyDictionary[Store, Memory] = WeakKeyDictionary()
_LOCK = threading.Lock()


def memory_of(store: Store) -> Memory:
    with _LOCK:
        return _MEMORIES.setdefault(store, Memory())


def newest_commit(store: Store) -> int:
    """A number that grows with every run that is kept."""
    with store.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.max(schema.run.c.id))).scalar() or 0)
