"""Why a number is missing or may still change: coverage turned into the states of docs/architecture.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import MINUTE, Window, chart_step, merge, settled_until, subtract, total
from store import schema
from store.readers.frames import rows
from store.store import Snapshot

SILENT = "silent"
PROVISIONAL = "provisional"
NOT_COLLECTED = "not collected"
NOT_YET = "not yet"
TOO_OLD = "history was not read that far back"

COLLECTORS = ("inventory", "details", "triggers", "metrics", "logs", "queues", "traces", "changes")
WINDOWED = ("metrics", "logs", "queues", "traces", "changes")
"""Those that read stretches of time; the others read how things are."""
HEALTHY = frozenset({"ok", "partial"})

FEEDS = {
    "invocations": "metrics",
    "errors": "metrics",
    "error_rate": "metrics",
    "throttles": "metrics",
    "duration_max_ms": "metrics",
    "max_concurrency": "metrics",
    "last_invocation": "metrics",
    "duration_p50_ms": "logs",
    "duration_p95_ms": "logs",
    "duration_p99_ms": "logs",
    "cold_starts": "logs",
    "cold_start_rate": "logs",
    "init_p50_ms": "logs",
    "init_p95_ms": "logs",
    "max_memory_used_mb": "logs",
    "timeouts": "logs",
    "out_of_memory": "logs",
    "dead_letters": "queues",
    "cost_usd": "cost",
}
"""The collector behind each column of the fleet table; `cost` is logs where they were read, else metrics."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How well one window was read for one thing. `why` is the reason for what is `missing`, `permission` the
    action that is not allowed, if that is why."""

    window: Window
    missing: tuple[Window, ...] = ()
    provisional: bool = False
    why: str = NOT_YET
    permission: str | None = None

    @property
    def complete(self) -> bool:
        return not self.missing

    def state(self, *, silent: bool = False) -> str | None:
        """The state beside a value: None for a settled number; `silent` when there is nothing to show."""
        if self.missing:
            return not_collected(self.missing, self.window, self.why)
        if silent:
            return SILENT
        return PROVISIONAL if self.provisional else None


def not_collected(missing: Iterable[Window], window: Window, why: str) -> str:
    minutes, whole = _minutes(total(missing)), _minutes(window.duration)
    if minutes >= whole:
        return f"{NOT_COLLECTED}: {why}"
    return f"{NOT_COLLECTED}: {minutes} of {whole} minutes: {why}"


def _minutes(length: timedelta) -> int:
    return -(-length // MINUTE)


def known(value: Any, seen: Seen) -> Any:
    """`value`, but None for a zero that may be wrong."""
    return None if value == 0 and not seen.complete else value


Why = tuple[str, str | None]
"""A reason, and the permission that is missing."""

Key = tuple[str, str, str, str]
"""Collector, account, region, scope."""


class Coverage:
    """What was read of one window, asked per collector, target and scope."""

    def __init__(
        self, window: Window, now: datetime, coverage: pd.DataFrame, gaps: pd.DataFrame, newest: pd.DataFrame
    ) -> None:
        self.window, self.now = window, now
        self._read: dict[Key, list[Window]] = defaultdict(list)
        self._settled: dict[Key, list[Window]] = defaultdict(list)
        self._gaps: dict[Key, list[tuple[Window, Why]]] = defaultdict(list)
        self._period_s: dict[str, int] = defaultdict(int)
        for key, part, row in _rows(coverage, window):
            self._read[key].append(part)
            self._period_s[row.collector] = max(self._period_s[row.collector], row.period_s)
            if row.settled:
                self._settled[key].append(part)
        for key, part, row in _rows(gaps, window):
            self._gaps[key].append((part, (row.why, _text(row.permission))))
        self._seen: dict[Key, Seen] = {}
        self._newest = {(r.collector, r.account, r.region): r for r in rows(newest)}

    @classmethod
    def read(
        cls,
        snapshot: Snapshot,
        window: Window,
        *,
        now: datetime,
        finest_s: int | None = None,
        only: str | None = None,
    ) -> Coverage:
        """`finest_s`: only what was read at periods up to this long counts; `only`: one collector's."""
        coverage = snapshot.state(_overlapping(schema.coverage, window, only))
        gaps = snapshot.state(_overlapping(schema.gap, window, only))
        if finest_s is not None:
            coverage = coverage[coverage["period_s"] <= finest_s]
        return cls(window, now, coverage, gaps, newest_runs(snapshot))

    def covered(self, collector: str, account: str, region: str, scope: str = "") -> list[Window]:
        """What was read, merged: the scope's own windows; except for logs, the target's less its gaps too."""
        own = self._read.get((collector, account, region, scope), [])
        if collector == "logs" or scope == "":
            return merge(own)
        whole = merge(self._read.get((collector, account, region, ""), []))
        gaps = [gap for gap, _ in self._gaps.get((collector, account, region, scope), [])]
        return merge([*own, *(left for part in whole for left in subtract(part, gaps))])

    def unsettled(self, collector: str, account: str, region: str, scope: str = "") -> list[Window]:
        """What was read and may still change."""
        scopes = {scope} if collector == "logs" else {scope, ""}
        settled = [w for s in scopes for w in self._settled.get((collector, account, region, s), [])]
        read = self.covered(collector, account, region, scope)
        return [left for part in read for left in subtract(part, settled)]

    def seen(self, collector: str, account: str, region: str, scope: str = "") -> Seen:
        """How well the window was read. A tail too young to settle, behind a healthy collector, is
        provisional."""
        key = self._key(collector, account, region, scope)
        if key not in self._seen:
            self._seen[key] = self._judge(*key)
        return self._seen[key]

    def _key(self, collector: str, account: str, region: str, scope: str) -> Key:
        """The scope, or the whole target's when nothing was said about the scope alone."""
        own = collector, account, region, scope
        said = collector == "logs" or own in self._read or own in self._gaps
        return own if said else (collector, account, region, "")

    def _judge(self, collector: str, account: str, region: str, scope: str) -> Seen:
        read = self.covered(collector, account, region, scope)
        missing = subtract(self.window, read)
        provisional = bool(self.unsettled(collector, account, region, scope))
        why, permission = self._why(collector, account, region, scope, missing)
        if read and missing and why == NOT_YET:
            if self._is_young_tail(missing[-1]):
                provisional, missing = True, missing[:-1]
            if missing and missing[0].start == self.window.start:
                why = TOO_OLD
        return Seen(self.window, tuple(missing), provisional, why, permission)

    def step(self, collector: str) -> timedelta:
        """The step of a chart over the window: `chart_step`, or the period of the coarsest history read in
        it."""
        return max(chart_step(self.window), self.coarsest(collector))

    def coarsest(self, collector: str) -> timedelta:
        """The longest period at which some of the window was read."""
        return timedelta(seconds=self._period_s[collector])

    def targets(self, collector: str) -> set[tuple[str, str]]:
        """Accounts and regions of which any of the window was read."""
        return {(key[1], key[2]) for key in self._read if key[0] == collector}

    def scopes(self, collector: str) -> set[tuple[str, str, str]]:
        """Accounts, regions and scopes of which any of the window was read."""
        return {key[1:] for key in self._read if key[0] == collector}

    def gap_keys(self) -> list[Key]:
        """Collector, account, region and scope of every gap that was met."""
        return list(self._gaps)

    def newest(self, collector: str, account: str, region: str) -> Any:
        """The newest run's row, None before the first."""
        return self._newest.get((collector, account, region))

    def _is_young_tail(self, part: Window) -> bool:
        return settled_until(self.now) <= part.start and part.end == self.window.end

    def _why(self, collector: str, account: str, region: str, scope: str, missing: list[Window]) -> Why:
        gaps = [g for s in {scope, ""} for g in self._gaps.get((collector, account, region, s), [])]
        for gap, why in gaps:  # newest first
            if any(gap.overlap(part) for part in missing):
                return why
        run = self.newest(collector, account, region)
        return self.why_not(collector, account, region), _text(run.permission) if run is not None else None

    def is_healthy(self, collector: str, account: str, region: str) -> bool:
        """Whether the newest run went well; no run is no health."""
        run = self.newest(collector, account, region)
        return run is not None and run.outcome in HEALTHY

    def why_not(self, collector: str, account: str, region: str) -> str:
        """Why the newest run brought nothing; `not yet` when nothing speaks against the next one."""
        run = self.newest(collector, account, region)
        return NOT_YET if run is None or run.outcome in HEALTHY else str(run.error or run.outcome)


def _rows(frame: pd.DataFrame, window: Window) -> Iterator[tuple[Key, Window, Any]]:
    for row in rows(frame):
        part = Window(row.start.to_pydatetime(), row.end.to_pydatetime()).overlap(window)
        if part:
            yield (row.collector, row.account, row.region, row.scope), part, row


def _overlapping(table: sa.Table, window: Window, only: str | None) -> sa.Select[Any]:
    newest = table.c.seen_at if "seen_at" in table.c else table.c.id
    overlaps = table.c.start < window.end, table.c.end > window.start
    query = sa.select(table).where(*overlaps).order_by(newest.desc())
    return query if only is None else query.where(table.c.collector == only)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def newest_runs(snapshot: Snapshot, *, healthy: bool = False) -> pd.DataFrame:
    """The newest run of every collector and target (of those that went well, if `healthy`): columns of
    `run`."""
    run, target = schema.run, schema.target
    names = (sa.select(sa.literal(name).label("collector")) for name in COLLECTORS)
    collectors = sa.union_all(*names).subquery()
    mine = sa.select(run.c.id).where(
        run.c.collector == collectors.c.collector,
        run.c.account == target.c.account,
        run.c.region == target.c.region,
    )
    if healthy:
        mine = mine.where(run.c.outcome.in_(HEALTHY))
    newest = mine.order_by(run.c.finished_at.desc(), run.c.id.desc()).limit(1).scalar_subquery()
    ids = sa.select(newest).select_from(target.join(collectors, sa.true()))
    return snapshot.state(sa.select(run).where(run.c.id.in_(ids)))
