"""This service's part of the work: beats, what it holds, and a store that refuses what it has lost."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from core.facts import Target
from quarterdeck.lock import Neighbours
from quarterdeck.troubles import Troubles
from store import journal, leases
from store.journal import Entry
from store.leases import BEAT_S, DUTY, TRUST_BEATS, Member, Pulse, Turn
from store.store import Store


def new_holder() -> str:
    """A name for this process that no other has or will have."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class Sharing:
    """What this service may do now, as its last beat told. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        *,
        holder: str | None = None,
        neighbours: Neighbours | None = None,
        beat_s: float = BEAT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holder, self.host = holder or new_holder(), socket.gethostname()
        self.troubles = Troubles(self.holder, self.host)
        self._store, self._neighbours, self._monotonic = store, neighbours, monotonic
        self._pulse, self._trust_s = Pulse(beat_s), TRUST_BEATS * beat_s
        self._reach: frozenset[Target] = frozenset()
        self._turn, self._until_s = Turn(frozenset()), monotonic()
        self._readers, self._lock = Counter[Target](), threading.Lock()

    def add(self, targets: Collection[Target]) -> None:
        """These can be watched from here too."""
        self._reach |= frozenset(targets)

    def is_mine(self, target: Target) -> bool:
        """Whether this service believes to have the lease."""
        return target in self._turn.mine and self._monotonic() < self._until_s

    def may_read(self, target: Target) -> bool:
        """Whether a read of a target may begin, or go on, here."""
        return self.is_mine(target) and target not in self._turn.leaving

    @contextmanager
    def reading(self, target: Target) -> Iterator[bool]:
        """Within, the target is not given back; yields False when it must not be read."""
        with self._lock:
            mine = self.may_read(target)
            self._readers[target] += mine
        try:
            yield mine
        finally:
            with self._lock:
                self._readers[target] -= mine

    def fenced(self, target: Target) -> Store:
        """The store for work on a target (or DUTY): it refuses to write once the lease is lost."""
        return self._store.fenced(lambda connection: leases.require(connection, target, self.holder))

    def beat(self, *, now: datetime) -> Turn:
        """Tell the others that this service lives, and learn what is its part. Raises StoreError."""
        began_s, me = self._monotonic(), Member(self.holder, self.host, self._reach)
        gone = self._neighbours.dead() if self._neighbours else frozenset[str]()
        with self._lock:
            done = [target for target in self._turn.leaving if not self._readers[target]]
        with self._store.transaction() as connection:
            turn = leases.beat(connection, me, self._pulse, now=now, at_s=began_s, gone=gone, done=done)
            self._write_down(connection, turn, now=now)
        if self._neighbours and gone:
            self._neighbours.forget(gone)
        with self._lock:
            self._turn, self._until_s = turn, began_s + self._trust_s
        self.tell()
        return turn

    def tell(self) -> None:
        """Keep what goes wrong, and what does no more. Raises StoreError."""
        if untold := self.troubles.untold():
            with self._store.transaction() as connection:
                journal.write(connection, untold)
            self.troubles.told(untold)

    def leave(self) -> None:
        """Give everything back. Raises StoreError."""
        with self._lock:
            self._turn = Turn(frozenset())
        with self._store.transaction() as connection:
            leases.leave(connection, self.holder)

    def _takeovers(self, turn: Turn, now: datetime) -> list[Entry]:
        return [
            Entry(
                holder=self.holder,
                host=self.host,
                what=f"takeover of {dead.holder}",
                text=takeover(dead, count, self.host),
                since=now,
                until=now,
            )
            for dead, count in turn.dead.items()
        ]

    def _write_down(self, connection: sa.Connection, turn: Turn, *, now: datetime) -> None:
        for dead in turn.dead:
            journal.close(connection, dead.holder, now=now)
        if turn.dead:
            journal.write(connection, self._takeovers(turn, now))


def takeover(dead: Member, count: int, host: str) -> str:
    """What happened, for a person; `count` leases were its."""
    part = f"its {count} leases are shared by the others" if count else "it had no lease"
    return f"the service {dead.holder} gives no sign of life, as {host} saw; {part}"


__all__ = ["DUTY", "Sharing", "new_holder", "takeover"]
