"""A thread per channel: a target that is slow, or never answers, delays no other and no pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime

import sqlalchemy as sa

from alerts import health
from alerts.http import quiet_http_logs
from alerts.outbox import Outcome, Ways, deliver_on, say_again
from store.schema import outbox

PATIENCE_S = 2.0
"""How long a pass waits for its threads. A channel that is not done then is left alone by the next ones."""


class Postman:
    """Delivers what is due, pass by pass. Threads are daemons: one that hangs on a target ends with us, and
    what it was sending is sent again."""

    def __init__(self, ways: Ways, *, patience_s: float = PATIENCE_S) -> None:
        quiet_http_logs()
        self.ways, self._patience_s = ways, patience_s
        self._busy = dict[str, Future[list[Outcome]]]()
        self._knows = False
        self._said_again = dict[str, datetime]()

    def deliver(self) -> list[Outcome]:
        """One pass. Returns what ended in it; raises what a thread raised (StoreError, LeaseLostError)."""
        if not self._knows:
            health.know(self.ways.store, self.ways.settings.channels, now=self.ways.clock())
            self._knows = True
        health.report(self.ways.store, self.ways.settings, now=self.ways.clock())
        for name in self._names():
            if name not in self._busy:
                self._busy[name] = _start(name, lambda name=name: self._turn(name))  # type: ignore[misc]
        wait(self._busy.values(), timeout=self._patience_s)
        done = [name for name, future in self._busy.items() if future.done()]
        ended = [self._busy.pop(name) for name in done]
        return [outcome for future in ended for outcome in future.result()]

    def _names(self) -> list[str]:
        """Channels that something waits for, and those that want to hear again."""
        with self.ways.store.engine.connect() as connection:
            due = sa.and_(outbox.c.state == "queued", outbox.c.next_at <= self.ways.clock())
            waiting = connection.execute(sa.select(outbox.c.channel).where(due).distinct()).scalars().all()
        return sorted({*waiting, *(name for name in self.ways.settings.channels if self._forgets(name))})

    def _turn(self, name: str) -> list[Outcome]:
        outcomes = deliver_on(name, self.ways)
        if self._forgets(name):
            self._said_again[name] = self.ways.clock()
            say_again(name, self.ways.settings.channels[name], self.ways)
        return outcomes

    def _forgets(self, name: str) -> bool:
        channel, last = self.ways.settings.channels.get(name), self._said_again.get(name)
        if channel is None or channel.again_every is None:
            return False
        return last is None or self.ways.clock() >= last + channel.again_every

    def drained(self, within_s: float) -> bool:
        """Wait until no thread works any more."""
        until = time.monotonic() + within_s
        return not wait(self._busy.values(), timeout=max(0.0, until - time.monotonic())).not_done


def _start(name: str, work: Callable[[], list[Outcome]]) -> Future[list[Outcome]]:
    future = Future[list[Outcome]]()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the pass raises it
            future.set_exception(error)

    threading.Thread(target=run, name=f"deliver {name}", daemon=True).start()
    return future
