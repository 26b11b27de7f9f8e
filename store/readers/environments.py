"""Execution environments by what they were started for: a request, ahead of one, or none at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from core.environments import Floats, uses
from core.windows import Window, subtract
from store.asking import reader
from store.readers.cold_groups import Names
from store.readers.coverage import Coverage
from store.readers.frames import epoch_ms
from store.readers.proactive import AROUND, STREAM
from store.readers.records import COLD, INIT_BILLED_MS
from store.readers.things import EVERYTHING, PLACE, Place, Things, sql_where
from store.store import Filter, Snapshot, Store

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
    placed = _placed(begun, things, coverage)
    tried, first, read, init_ms = (
        placed[name].to_numpy(float) for name in ("tried_ms", "first_ms", "read_ms", "init_ms")
    )
    placed["use"] = uses(np.maximum(first - tried, 0.0) / 1000, init_ms, (read - tried) / 1000)
    frame = placed[placed["is_on_demand"]][COLUMNS].reset_index(drop=True)
    return Environments(frame, len(placed) - len(frame), startless)


def _placed(begun: pd.DataFrame, things: Things, coverage: Coverage) -> pd.DataFrame:
    """`begun` with what environments of one version share: architecture, is_on_demand, and read_ms, until
    when the log was read from their start on."""
    architecture, ahead = Names(things).of("architecture"), _ahead(things)
    architectures = np.full(len(begun), None, dtype=object)
    prepared = np.zeros(len(begun), dtype=bool)
    read_ms = begun["began_ms"].to_numpy(float)
    indices: Mapping[Any, Any] = begun.groupby([*PLACE, "version"], sort=False).indices
    for (account, region, function, version), at in indices.items():
        place = (account, region, function)
        architectures[at] = architecture(*place, version)
        prepared[at] = version != LATEST and place in ahead
        read_ms[at] = _read_until(_stretches(coverage, place), read_ms[at])
    told = begun["init_type"].to_numpy(object)
    return begun.assign(
        architecture=architectures,
        is_on_demand=(told == ON_DEMAND) | ((told == "") & ~prepared),
        read_ms=read_ms,
    )


_FIRST = f"""{{ts: ts, init_ms: init_ms, first_ms: epoch_ms(ts) - duration_ms,
    init_gb_s: {INIT_BILLED_MS} * memory_mb / 1024000}}"""


def _begun(snapshot: Snapshot, window: Window, where: Filter) -> pd.DataFrame:
    """Per environment: when it began, when it last tried to before its first report, what that report says.
    A start after a report is not the stream's first."""
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""WITH begun AS (SELECT {STREAM}, ts, version, coalesce(init_type, '') AS init_type
            FROM environment_starts WHERE stream <> '' AND {wanted}),
        used AS (SELECT {STREAM}, arg_min({_FIRST}, ts) AS first
            FROM invocations SEMI JOIN begun USING ({STREAM}) GROUP BY ALL)
        SELECT account, region, "function", coalesce(max(version), '') AS version,
            epoch_ms(min(ts)) AS began_ms, epoch_ms(max(ts)) AS tried_ms,
            arg_max(init_type, ts) AS init_type, first.first_ms, first.init_ms, first.init_gb_s
        FROM begun LEFT JOIN used USING ({STREAM})
        WHERE first IS NULL OR begun.ts <= first.ts
        GROUP BY {STREAM}, first HAVING min(ts) >= $start AND min(ts) < $end ORDER BY ALL""",
        {**params, "start": window.start, "end": window.end},
    )


def _startless(snapshot: Snapshot, window: Window, where: Filter) -> int:
    wanted, params = sql_where(where)
    found = snapshot.frame(
        f"""WITH begun AS (SELECT DISTINCT {STREAM} FROM environment_starts)
        SELECT count(*) AS records FROM invocations ANTI JOIN begun USING ({STREAM})
        WHERE {COLD} AND restore_ms IS NULL AND ts >= $start AND ts < $end AND {wanted}""",
        {**params, "start": window.start, "end": window.end},
    )
    return int(found["records"].iloc[0])


# --- which are on demand ------------------------------------------------------------------------------------


def _ahead(things: Things) -> set[Place]:
    """Functions of which published versions have, or had, provisioned concurrency or SnapStart."""
    snapped = (t for kind in ("function", "version") for t in things.of(kind, gone=True))
    found = {t.place for t in snapped if t.body.get("snap_start") == "PublishedVersions"}
    return found | {t.place for t in things.of("provisioned", gone=True)}


# --- how long a log was read --------------------------------------------------------------------------------


def _stretches(coverage: Coverage, place: Place) -> list[Window]:
    """When a function's log was read record by record."""
    sums = coverage.aggregated(*place)
    return [left for part in coverage.covered("logs", *place) for left in subtract(part, sums)]


def _read_until(stretches: Sequence[Window], since_ms: Floats) -> Floats:
    """The end of the stretch that holds each time; the time itself where none does."""
    starts = np.array([epoch_ms(part.start) for part in stretches])
    ends = np.array([-np.inf, *(epoch_ms(part.end) for part in stretches)])
    read: Floats = np.maximum(ends[np.searchsorted(starts, since_ms, side="right")], since_ms)
    return read
