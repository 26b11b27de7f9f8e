"""Queries of Logs Insights that were started, and their answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from quarterdeck.demo.insightsfields import Row, shown_time, text
from quarterdeck.demo.insightsquery import Command
from quarterdeck.demo.insightsrun import columns, evaluate, run
from quarterdeck.demo.loglines import Line
from quarterdeck.demo.logsizes import EVENT_OVERHEAD_BYTES
from quarterdeck.demo.wire import ApiError

MOST_AT_ONCE = 100
LOOKS_WHILE_RUNNING = 1
"""How often GetQueryResults says Running before it says Complete."""

_KEPT = 1000


@dataclass
class Query:
    """One query that was started. Its answer is worked out when it is first asked for as complete."""

    id: str
    account: str
    region: str
    text: str
    commands: list[Command]
    groups: list[str]
    limit: int
    created_ms: int
    read: Callable[[str], Iterable[Line]] = field(repr=False)
    looks: int = 0
    stopped: bool = False

    @property
    def status(self) -> str:
        if self.stopped:
            return "Cancelled"
        return "Running" if self.looks <= LOOKS_WHILE_RUNNING else "Complete"

    @cached_property
    def answer(self) -> tuple[list[list[dict[str, str]]], dict[str, float]]:
        """Its rows, and what it scanned."""
        rows, scanned, size = [], 0, 0
        for group in self.groups:
            for line in self.read(group):
                scanned, size = scanned + 1, size + len(line.message.encode()) + EVENT_OVERHEAD_BYTES
                rows.append(self._row(group, line))
        found, matched = run(self.commands, rows, limit=self.limit)
        return [_shown(row) for row in found], statistics(matched, scanned, size)

    def _row(self, group: str, line: Line) -> Row:
        return Row(
            {
                "@ts_ms": line.ts_ms,
                "@timestamp": shown_time(line.ts_ms),
                "@message": line.message,
                "@logStream": line.stream,
                "@log": f"{self.account}:{group}",
                "@ptr": line.event_id,
            }
        )


def _shown(row: Row) -> list[dict[str, str]]:
    """A row without what it does not have; one event's row ends in a pointer to it."""
    values = ((column.name, evaluate(column.node, row)) for column in columns(row))
    found = [{"field": name, "value": text(value)} for name, value in values if value is not None]
    pointer = row.get("@ptr")
    return [*found, {"field": "@ptr", "value": pointer}] if pointer else found


def statistics(matched: int, scanned: int, size: int) -> dict[str, float]:
    return {"recordsMatched": float(matched), "recordsScanned": float(scanned), "bytesScanned": float(size)}


class Queries:
    """The newest queries of one demo. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: OrderedDict[str, Query] = OrderedDict()

    def add(self, query: Query) -> None:
        with self._lock:
            if sum(known.status == "Running" for known in self._known.values()) >= MOST_AT_ONCE:
                raise ApiError("LimitExceededException", "Account maximum query concurrency limit reached.")
            self._known[query.id] = query
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def get(self, identity: str) -> Query:
        with self._lock:
            if identity not in self._known:
                raise ApiError("ResourceNotFoundException", f"Query ID '{identity}' not found.")
            return self._known[identity]

    def of(self, account: str, region: str) -> list[Query]:
        with self._lock:
            found = [q for q in self._known.values() if (q.account, q.region) == (account, region)]
            return found[::-1]
