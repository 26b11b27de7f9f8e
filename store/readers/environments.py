"""Execution environments by what they were started for: a request, ahead of one, or none at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from core.environments import use
from core.windows import Window, subtract
from store.asking import reader
from store.readers.cold_groups import Names
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.records import COLD, INIT_BILLED_MS
from store.readers.things import EVERYTHING, Place, Things, sql_where
from store.store import Filter, Snapshot, Store

AROUND = timedelta(hours=2)
"""How far before and after the window an environment's other lines are looked for: longer than one that idles
is kept. Before it, they tell that a start is another attempt of an environment that was there already."""

ON_DEMAND = "on-demand"
LATEST = "$LATEST"
COLUMNS = ["account", "region", "function", "architecture", "use", "init_ms", "init_gb_s"]


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments that began on demand in a window. `frame`: account, region, function, architecture, use
    (`core.environments.Use`), init_ms and init_gb_s (billed) of the first report (NaN: there is none, or it
    does not say).

    `prepared` environments are left out: provisioned ones, restored ones and those of Managed Instances are
    there before a request by intention, and logs in text do not tell which those of a published version with
    provisioned concurrency or SnapStart are. `startless` are cold starts on demand of environments whose
    first line was not read; no environment of an aggregated log has one.
    """

    frame: pd.DataFrame
    prepared: int
    startless: int

    @property
    def is_known(self) -> bool:
        """Whether any first line of an environment was read; where none was, unused ones are not known."""
        return bool(len(self.frame) or self.prepared)


@reader
def environments(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> Environments:
    """What became of each environment that began in the window, by its log stream: one stream is one
    environment, however often it tries to initialize."""
    wide = Window(window.start - AROUND, max(window.end, min(now, window.end + AROUND)))
    with store.snapshot(wide, ("environment_starts", "invocations")) as snapshot:
        things = Things.read(snapshot, "function", "version", "provisioned", where=where)
        begun = _begun(snapshot, window, where)
        startless = _startless(snapshot, window, where)
        coverage = Coverage.read(snapshot, wide, now=now, only="logs")
    architecture, ahead, read = Names(things).of("architecture"), _ahead(things), _Read(coverage)
    found: list[list[Any]] = []
    for row in rows(begun):
        place = (row.account, row.region, row.function)
        version = row.version or ""
        if _is_on_demand(row.init_type, (*place, version), ahead):
            judged = use(
                until_first=_span(row.tried_ms, row.first_ms),
                init_ms=None if pd.isna(row.init_ms) else row.init_ms,
                read_for=read.after(place, row.began_ms) - _between(row.began_ms, row.tried_ms),
            )
            found.append([*place, architecture(*place, version), str(judged), row.init_ms, row.init_gb_s])
    frame = pd.DataFrame(found, columns=pd.Index(COLUMNS))
    frame[["init_ms", "init_gb_s"]] = frame[["init_ms", "init_gb_s"]].astype(float)
    return Environments(frame, len(begun) - len(frame), startless)


_STREAM = 'account, region, "function", stream'
_FIRST = f"""{{ts: ts, init_ms: init_ms, first_ms: epoch_ms(ts) - duration_ms,
    init_gb_s: {INIT_BILLED_MS} * memory_mb / 1024000}}"""


def _begun(snapshot: Snapshot, window: Window, where: Filter) -> pd.DataFrame:
    """Per environment: when it began, when it last tried to before its first report, what that report says.
    A start after a report is not the stream's first."""
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""WITH begun AS (SELECT {_STREAM}, ts, version, coalesce(init_type, '') AS init_type
            FROM environment_starts WHERE stream <> '' AND {wanted}),
        used AS (SELECT {_STREAM}, arg_min({_FIRST}, ts) AS first
            FROM invocations SEMI JOIN begun USING ({_STREAM}) GROUP BY ALL)
        SELECT account, region, "function", max(version) AS version,
            epoch_ms(min(ts)) AS began_ms, epoch_ms(max(ts)) AS tried_ms,
            arg_max(init_type, ts) AS init_type, first.first_ms, first.init_ms, first.init_gb_s
        FROM begun LEFT JOIN used USING ({_STREAM})
        WHERE first IS NULL OR begun.ts <= first.ts
        GROUP BY {_STREAM}, first HAVING min(ts) >= $start AND min(ts) < $end ORDER BY ALL""",
        {**params, "start": window.start, "end": window.end},
    )


def _startless(snapshot: Snapshot, window: Window, where: Filter) -> int:
    wanted, params = sql_where(where)
    found = snapshot.frame(
        f"""WITH begun AS (SELECT DISTINCT {_STREAM} FROM environment_starts)
        SELECT count(*) AS records FROM invocations ANTI JOIN begun USING ({_STREAM})
        WHERE {COLD} AND restore_ms IS NULL AND ts >= $start AND ts < $end AND {wanted}""",
        {**params, "start": window.start, "end": window.end},
    )
    return int(found["records"].iloc[0])


def _span(start_ms: int, end_ms: float) -> timedelta | None:
    return None if pd.isna(end_ms) else _between(start_ms, end_ms)


def _between(start_ms: float, end_ms: float) -> timedelta:
    return max(timedelta(), timedelta(milliseconds=end_ms - start_ms))


# --- which are on demand ------------------------------------------------------------------------------------


def _ahead(things: Things) -> set[Place]:
    """Functions of which published versions have, or had, provisioned concurrency or SnapStart."""
    snapped = (t for kind in ("function", "version") for t in things.of(kind, gone=True))
    found = {t.place for t in snapped if t.body.get("snap_start") == "PublishedVersions"}
    return found | {t.place for t in things.of("provisioned", gone=True)}


def _is_on_demand(told: str, of: tuple[str, str, str, str], ahead: set[Place]) -> bool:
    *_, version = of
    return told == ON_DEMAND or (not told and (version == LATEST or of[:3] not in ahead))


# --- how long a log was read --------------------------------------------------------------------------------


class _Read:
    """How long after a time a function's log was read, record by record and without a gap."""

    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage
        self._parts: dict[Place, Sequence[Window]] = {}

    def after(self, place: Place, since_ms: int) -> timedelta:
        if place not in self._parts:
            self._parts[place] = list(self._of(place))
        since = datetime.fromtimestamp(since_ms / 1000, UTC)
        return next((part.end - since for part in self._parts[place] if since in part), timedelta())

    def _of(self, place: Place) -> Iterator[Window]:
        sums = self._coverage.aggregated(*place)
        for part in self._coverage.covered("logs", *place):
            yield from subtract(part, sums)
