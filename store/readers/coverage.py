"""What was read of a window, and why not the rest: coverage as the states of docs/architecture.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.entities import Cadence
from core.facts import ACCOUNT
from core.windows import LATENESS, Window, chart_step, merge, settled_until, subtract
from store import schema
from store.losses import Loss
from store.readers.frames import rows
from store.readers.lost import as_gaps, without
from store.readers.states import NOT_YET, TOO_OLD, Seen, minutes
from store.readers.things import Place, Things
from store.store import Snapshot

COLLECTORS = (
    "inventory",
    "details",
    "triggers",
    "metrics",
    "logs",
    "queues",
    "traces",
    "changes",
    "alarms",
    "prices",
    "optimizer",
    "charges",
)
WINDOWED = ("metrics", "logs", "queues", "traces", "changes")
"""Those that read stretches of time; the others read how things are."""
HEALTHY = frozenset({"ok", "partial"})

Why = tuple[str, str | None]
"""A reason, and the permission that is missing."""

SUMS_S = 300
"""The period at which a log that is aggregated counts as read; one that is read by record has none."""

Key = tuple[str, str, str, str]
"""Collector, account, region, scope."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a function is read, when that is seldom."""

    every: timedelta

    @property
    def why(self) -> str:
        return f"polled every {minutes(self.every)} min to stay within the budget"


Row = tuple[int, int, bool]
"""Start and end of a row of coverage in milliseconds since the epoch, and whether it is settled."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What rows say of a window."""

    read: tuple[Window, ...] = ()
    settled: tuple[Window, ...] = ()


class Coverage:
    """What was read of one window, asked per collector, target and scope.

    A fleet has thousands of scopes, most of them read together: what is worked out for one is used for all
    that have the same rows.
    """

    def __init__(
        self,
        window: Window,
        now: datetime,
        coverage: pd.DataFrame,
        gaps: pd.DataFrame,
        newest: pd.DataFrame,
        paces: Mapping[Place, Pace] | None = None,
    ) -> None:
        self.window, self.now = window, now
        self._rows: dict[Key, list[Row]] = defaultdict(list)
        self._gaps: dict[Key, list[tuple[Window, Why]]] = defaultdict(list)
        self._logged: dict[tuple[str, str, str, bool], list[tuple[int, int]]] = defaultdict(list)
        self._period_s: dict[str, int] = defaultdict(int)
        columns = [
            coverage[name].tolist() for name in ("collector", "account", "region", "scope", "period_s")
        ]
        times = [_epoch_ms(coverage[name]) for name in ("start", "end")]
        for collector, account, region, scopes, period_s, start, end, settled in zip(
            *columns, *times, coverage["settled"].tolist(), strict=True
        ):
            row, span = (start, end, bool(settled)), (start, end)
            for scope in scopes.split(_BETWEEN):
                self._rows[collector, account, region, scope].append(row)
                if collector == "logs":
                    self._logged[account, region, scope, period_s >= SUMS_S].append(span)
            self._period_s[collector] = max(self._period_s[collector], period_s)
        for key, part, row in _gap_rows(gaps, window):
            self._gaps[key].append((part, (row.why, _text(row.permission))))
        self._newest = {(r.collector, r.account, r.region): r for r in rows(newest)}
        self._paces = paces or {}
        self._parts: dict[tuple[Row, ...], Parts] = {}
        self._covered: dict[Any, list[Window]] = {}
        self._seen: dict[Any, Seen] = {}
        self._seen_of: dict[Key, Seen] = {}

    @classmethod
    def read(
        cls,
        snapshot: Snapshot,
        window: Window,
        *,
        now: datetime,
        finest_s: int | None = None,
        only: str | None = None,
        lost: Sequence[Loss] = (),
    ) -> Coverage:
        """`finest_s`: only what was read at periods up to this long counts; `only`: one collector's. What the
        snapshot goes without, and `lost` beside it, counts as not read."""
        coverage = snapshot.state(_coverage(window, only))
        gaps = snapshot.state(_overlapping(schema.gap, window, only))
        if finest_s is not None:
            coverage = coverage[coverage["period_s"] <= finest_s]
        if gone := [*snapshot.lost, *lost]:
            coverage = without(coverage, gone)
            gaps = pd.concat([as_gaps(gone, list(gaps.columns)), gaps], ignore_index=True)
        paces = read_paces(snapshot) if only in (None, "metrics") else {}
        newest = newest_runs(snapshot, COLLECTORS if only is None else (only,))
        return cls(window, now, coverage, gaps, newest, paces)

    def covered(self, collector: str, account: str, region: str, scope: str = "") -> list[Window]:
        """What was read, merged: the scope's own windows; except for logs, the target's less its gaps too."""
        gaps = self._gaps.get((collector, account, region, scope)) if scope else None
        rows = self._all_rows(collector, account, region, scope)
        if gaps is None:
            if rows not in self._covered:
                self._covered[rows] = merge(w for own in rows for w in self._clipped(own).read)
            return self._covered[rows]
        own, whole = self._clipped(rows[0]).read, merge(w for r in rows[1:] for w in self._clipped(r).read)
        holes = [gap for gap, _ in gaps]
        return merge([*own, *(left for part in whole for left in subtract(part, holes))])

    def aggregated(self, account: str, region: str, function: str) -> list[Window]:
        """What of a function's log was read as sums only: it has no records there."""
        sums = self._logged.get((account, region, function, True))
        if not sums:
            return []
        records = [_of_ms(*span) for span in self._logged.get((account, region, function, False), ())]
        parts = (_of_ms(*span).overlap(self.window) for span in sums)
        return merge(left for part in parts if part for left in subtract(part, records))

    def unsettled(self, collector: str, account: str, region: str, scope: str = "") -> list[Window]:
        """What was read and may still change."""
        all_rows = self._all_rows(collector, account, region, scope)
        settled = [w for rows in all_rows for w in self._clipped(rows).settled]
        read = self.covered(collector, account, region, scope)
        return [left for part in read for left in subtract(part, settled)]

    def alike(self, collector: str, account: str, region: str, scope: str = "") -> Hashable:
        """Equal for scopes of which the same was read."""
        key = collector, account, region, scope
        return key if scope and key in self._gaps else self._all_rows(*key)

    def _all_rows(self, collector: str, account: str, region: str, scope: str) -> tuple[tuple[Row, ...], ...]:
        """The rows that count for a scope: its own, then the whole target's. ACCOUNT's count for the target
        itself only."""
        own = tuple(self._rows.get((collector, account, region, scope), ()))
        if collector == "logs":
            return (own,)
        beside = ACCOUNT if scope == "" else ""
        return own, tuple(self._rows.get((collector, account, region, beside), ()))

    def _clipped(self, rows: tuple[Row, ...]) -> Parts:
        if rows not in self._parts:
            parts = [(part, row[2]) for row in rows if (part := _window(row).overlap(self.window))]
            settled = tuple(merge(part for part, is_settled in parts if is_settled))
            self._parts[rows] = Parts(tuple(merge(part for part, _ in parts)), settled)
        return self._parts[rows]

    def seen(self, collector: str, account: str, region: str, scope: str = "") -> Seen:
        """How well the window was read. A tail too young to settle, behind a healthy collector, is
        provisional."""
        key, target = (collector, account, region, scope), (collector, account, region)
        if key not in self._seen_of:
            self._seen_of[key] = self._seen_like(key, target)
        return self._seen_of[key]

    def _seen_like(self, key: Key, target: tuple[str, str, str]) -> Seen:
        """The same judgement for all scopes that were read alike."""
        pace = self._pace(*key)
        same = key if key in self._gaps else (target, pace, self._all_rows(*key))
        if same not in self._seen:
            self._seen[same] = self._judge(*key, pace)
        return self._seen[same]

    def _pace(self, collector: str, account: str, region: str, scope: str) -> Pace | None:
        """How often the scope's metrics are read, if that is seldom."""
        if collector != "metrics" or not self._paces:
            return None
        return self._paces.get((account, region, scope.partition(":")[0]))

    def _judge(self, collector: str, account: str, region: str, scope: str, pace: Pace | None) -> Seen:
        read = self.covered(collector, account, region, scope)
        missing = subtract(self.window, read)
        provisional = bool(self.unsettled(collector, account, region, scope))
        why, permission = self._why(collector, account, region, scope, missing)
        if missing and why == NOT_YET:
            run = self.newest(collector, account, region)
            if pace is not None and run is not None and self._is_not_due(missing[-1], pace, run.finished_at):
                why = pace.why
            elif read and self._is_young_tail(missing[-1]):
                provisional, missing = True, missing[:-1]
            if read and missing and missing[0].start == self.window.start and why == NOT_YET:
                why = TOO_OLD
        return Seen(self.window, tuple(missing), provisional, why, permission)

    def _is_not_due(self, part: Window, pace: Pace, last_run: datetime) -> bool:
        """Whether the end of the window is left for the scope's next turn: the collector runs, without it."""
        longest = pace.every + LATENESS
        is_tail = part.end == self.window.end and self.now - part.start <= longest
        return is_tail and self.now - last_run <= longest

    def step(self, collector: str) -> timedelta:
        """The step of a chart over the window: `chart_step`, or the period of the coarsest history read in
        it."""
        return max(chart_step(self.window), self.coarsest(collector))

    def coarsest(self, collector: str) -> timedelta:
        """The longest period at which some of the window was read."""
        return timedelta(seconds=self._period_s[collector])

    def targets(self, collector: str) -> set[tuple[str, str]]:
        """Accounts and regions of which any of the window was read."""
        return {(key[1], key[2]) for key in self._rows if key[0] == collector}

    def scopes(self, collector: str) -> set[tuple[str, str, str]]:
        """Accounts, regions and scopes of which any of the window was read; not what is kept beside a scope
        (`orders as written`): names of AWS's things hold no space."""
        return {key[1:] for key in self._rows if key[0] == collector and " " not in key[3]}

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


def _of_ms(start: int, end: int) -> Window:
    return Window(datetime.fromtimestamp(start / 1000, UTC), datetime.fromtimestamp(end / 1000, UTC))


def _gap_rows(frame: pd.DataFrame, window: Window) -> Iterator[tuple[Key, Window, Any]]:
    for row in rows(frame):
        part = Window(row.start.to_pydatetime(), row.end.to_pydatetime()).overlap(window)
        if part:
            yield (row.collector, row.account, row.region, row.scope), part, row


def _epoch_ms(times: pd.Series[Any]) -> list[int]:
    """Times, or milliseconds since the epoch as the state database keeps them, as the latter."""
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.as_unit("ms").astype("int64")
    return [int(ms) for ms in times.tolist()]


def _window(row: Row) -> Window:
    return Window(*(_EPOCH + timedelta(milliseconds=ms) for ms in row[:2]))


_EPOCH = datetime.fromtimestamp(0, UTC)
_BETWEEN = "\n"
"""Between scopes: no name of AWS's holds it."""

_SAME = (
    *(schema.coverage.c[name] for name in ("collector", "account", "region", "period_s", "settled")),
    *(sa.type_coerce(schema.coverage.c[name], sa.BigInteger).label(name) for name in ("start", "end")),
)


def _coverage(window: Window, only: str | None) -> sa.Select[Any]:
    """A row per stretch with all the scopes it was read for: of a fleet's thousands, most were read
    together."""
    scopes = sa.func.aggregate_strings(schema.coverage.c.scope, _BETWEEN).label("scope")
    return _overlapping(schema.coverage, window, only, *_SAME, scopes).group_by(*_SAME)


def _overlapping(
    table: sa.Table, window: Window, only: str | None, *columns: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    overlaps = table.c.start < window.end, table.c.end > window.start
    query = sa.select(*(columns or [table])).where(*overlaps)
    if "seen_at" in table.c:
        query = query.order_by(table.c.seen_at.desc())
    return query if only is None else query.where(table.c.collector == only)


def read_paces(snapshot: Snapshot) -> dict[Place, Pace]:
    """Functions whose metrics are read so seldom that their newest minutes are often missing."""
    seldom = LATENESS.total_seconds()
    return {
        thing.place: Pace(timedelta(seconds=thing.body["every_s"]))
        for thing in Things.read(snapshot, Cadence.KIND).of(Cadence.KIND)
        if thing.body["every_s"] > seldom
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def newest_runs(snapshot: Snapshot, of: Sequence[str] = COLLECTORS, *, healthy: bool = False) -> pd.DataFrame:
    """The newest run of each of these collectors and every target (of those that went well, if `healthy`):
    collector, account, region, outcome, finished_at, error, permission."""
    run, target = schema.run, schema.target
    names = (sa.select(sa.literal(name).label("collector")) for name in of)
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
    told = (run.c[name] for name in _OF_A_RUN)
    return snapshot.state(sa.select(*told).where(run.c.id.in_(ids)))


_OF_A_RUN = ("collector", "account", "region", "outcome", "finished_at", "error", "permission")
