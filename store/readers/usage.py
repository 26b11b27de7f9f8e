"""What AWS bills functions for: requests, billed time, log volume and provisioned capacity, before any price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.prices import FREE_EPHEMERAL_MB
from core.windows import Window
from store import schema
from store.readers.frames import STEP_SQL, milliseconds, rows
from store.readers.records import COLD, FUNCTION_POINTS, INIT_BILLED_MS
from store.readers.things import Place, Thing, Things, sql_where
from store.store import Filter, Snapshot

ROUNDING_MS = 0.5
"""Every invocation is billed to the next whole millisecond: half of one on average."""

WHOLE_MS = 10**15
"""Longer than any window: with this step everything falls into step 0."""

Intervals = Mapping[Place, Sequence[Window]]
"""What of the window each function's log was read for: there usage comes from records, elsewhere from metrics."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which stretch: usage per step (all in step 0 without one), of the functions of `where`."""

    window: Window
    where: Filter
    now: datetime
    step: timedelta | None = None

    @property
    def inside(self) -> str:
        return f"ts >= $start AND ts < $end AND {sql_where(self.where)[0]}"

    @property
    def params(self) -> dict[str, Any]:
        step_ms = WHOLE_MS if self.step is None else milliseconds(self.step)
        window = {"start": self.window.start, "end": self.window.end, "step_ms": step_ms}
        return {**window, **sql_where(self.where)[1]}


def compute_sql(question: Question, read: Intervals) -> tuple[str, dict[str, Any]]:
    """Requests and billed time, and its parameters: account, region, function, step, version, memory_mb, init_type,
    cold, requests, billed_ms, init_ms (the part of billed_ms that is initialization), unbilled (records without a
    Billed Duration). What the log was not read for is estimated from metrics, without version and memory."""
    records = f"""
        SELECT account, region, "function", {STEP_SQL} AS step, version, memory_mb, init_type, {COLD} AS cold,
            count(*)::DOUBLE AS requests, sum(billed_ms) AS billed_ms, sum({INIT_BILLED_MS}) AS init_ms,
            count(*) FILTER (billed_ms IS NULL) AS unbilled
        FROM ({_within(question, "invocations", read, "SEMI")}) GROUP BY ALL"""
    metrics = f"""
        SELECT account, region, "function", {STEP_SQL} AS step, NULL::VARCHAR AS version,
            NULL::DOUBLE AS memory_mb, NULL::VARCHAR AS init_type, false AS cold, sum(invocations) AS requests,
            sum(duration_sum_ms) + {ROUNDING_MS} * sum(invocations) AS billed_ms, 0.0 AS init_ms, 0 AS unbilled
        FROM ({_within(question, f"(FROM metrics WHERE {FUNCTION_POINTS} AND invocations > 0)", read, "ANTI")})
        GROUP BY ALL"""
    return f"{records} UNION ALL {metrics}", {**question.params, **_intervals(read)}


def _within(question: Question, facts: str, read: Intervals, join: str) -> str:
    """Facts of the window inside (SEMI) or outside (ANTI) what was read of each function's log.

    Logs that were read at all are mostly read in full: then all records are inside, and names decide for metrics.
    """
    is_whole = all(list(parts) == [question.window] for parts in read.values())
    if is_whole and join == "SEMI":
        return f"SELECT * FROM {facts} AS facts WHERE {question.inside}"
    times = "" if is_whole else "AND facts.ts >= read_from AND facts.ts < read_to"
    return f"""
        SELECT facts.* FROM (SELECT * FROM {facts} AS facts WHERE {question.inside}) AS facts
        {join} JOIN (SELECT unnest($accounts)::VARCHAR AS account, unnest($regions)::VARCHAR AS region,
            unnest($functions)::VARCHAR AS "function", unnest($starts)::TIMESTAMPTZ AS read_from,
            unnest($ends)::TIMESTAMPTZ AS read_to) AS read
        ON read."function" = facts."function" AND read.account = facts.account AND read.region = facts.region {times}"""


def _intervals(read: Intervals) -> dict[str, list[Any]]:
    spans = [(*place, part.start, part.end) for place, parts in read.items() for part in parts]
    names = ("accounts", "regions", "functions", "starts", "ends")
    return {name: [span[i] for span in spans] for i, name in enumerate(names)}


def volume_sql(question: Question) -> str:
    """account, region, function, step, invocations, log_bytes (null where no volume is known)."""
    return f"""
        SELECT account, region, "function", {STEP_SQL} AS step, coalesce(sum(invocations), 0) AS invocations,
            sum(log_bytes) AS log_bytes
        FROM metrics WHERE {FUNCTION_POINTS} AND {question.inside} GROUP BY ALL"""


# --- what a function is ------------------------------------------------------------------------------------------


class Sizes:
    """Architecture, memory and storage of functions and their versions, as tables that SQL can join.

    `labels` names the group of a function; `counted` are functions whose metrics were read in full.
    """

    def __init__(self, things: Things, labels: Mapping[Place, str], counted: Mapping[Place, bool]) -> None:
        self._functions = list(things.of("function", gone=True))
        self._versions = {(t.place, str(t.body["version"])): t.body for t in things.of("version", gone=True)}
        self._bodies = {t.place: t.body for t in self._functions}
        self._labels, self._counted = labels, counted
        self._provisioned = provisioned_versions(things)

    def architecture(self, place: Place, version: str) -> str:
        own = self._versions.get((place, version), {}).get("architecture")
        return str(own or self._bodies.get(place, {}).get("architecture") or "")

    def memory_mb(self, place: Place, version: str) -> float | None:
        own = self._versions.get((place, version), {}).get("memory_mb")
        return own or self._bodies.get(place, {}).get("memory_mb")

    @property
    def params(self) -> dict[str, list[Any]]:
        """The parameters of `SIZES`."""
        places = [(t.place, t.body) for t in self._functions]
        versions = sorted(self._versions.keys() | {(p, v) for p, of in self._provisioned.items() for v in of})
        return {
            "f_account": [place[0] for place, _ in places],
            "f_region": [place[1] for place, _ in places],
            "f_function": [place[2] for place, _ in places],
            "f_label": [self._labels.get(place, "") for place, _ in places],
            "f_counted": [self._counted.get(place, False) for place, _ in places],
            "f_architecture": [str(body.get("architecture") or "") for _, body in places],
            "f_memory_mb": [body.get("memory_mb") for _, body in places],
            "f_ephemeral_mb": [body.get("ephemeral_mb") or FREE_EPHEMERAL_MB for _, body in places],
            "v_account": [place[0] for place, _ in versions],
            "v_region": [place[1] for place, _ in versions],
            "v_function": [place[2] for place, _ in versions],
            "v_version": [version for _, version in versions],
            "v_architecture": [self._versions.get(key, {}).get("architecture") for key in versions],
            "v_provisioned": [version in self._provisioned.get(place, ()) for place, version in versions],
        }


SIZES = """
    size AS (SELECT unnest($f_account)::VARCHAR AS account, unnest($f_region)::VARCHAR AS region,
        unnest($f_function)::VARCHAR AS "function", unnest($f_label)::VARCHAR AS label,
        unnest($f_counted)::BOOLEAN AS counted, unnest($f_architecture)::VARCHAR AS own_architecture,
        unnest($f_memory_mb)::DOUBLE AS own_memory_mb, unnest($f_ephemeral_mb)::DOUBLE AS ephemeral_mb),
    version_size AS (SELECT unnest($v_account)::VARCHAR AS account, unnest($v_region)::VARCHAR AS region,
        unnest($v_function)::VARCHAR AS "function", unnest($v_version)::VARCHAR AS version,
        unnest($v_architecture)::VARCHAR AS architecture, unnest($v_provisioned)::BOOLEAN AS has_provisioned)"""


def used(snapshot: Snapshot, question: Question, read: Intervals, sizes: Sizes, *, by: str) -> pd.DataFrame:
    """Compute usage summed `by` (SQL columns: the function's, or its `label`), region, step, architecture,
    memory_mb, ephemeral_mb and provisioned: requests (of functions that metrics do not count), billed_ms, init_ms,
    unbilled.

    A record is provisioned if it says so, or if its version has provisioned concurrency and it was no cold start.
    """
    sql, params = compute_sql(question, read)
    return snapshot.frame(
        f"""WITH {SIZES}, used AS ({sql})
        SELECT {by}, region, step, coalesce(architecture, own_architecture, '') AS architecture,
            coalesce(memory_mb, own_memory_mb) AS memory_mb, coalesce(ephemeral_mb, {FREE_EPHEMERAL_MB}) AS ephemeral_mb,
            coalesce(init_type = 'provisioned-concurrency', false) OR (coalesce(has_provisioned, false) AND NOT cold)
                AS provisioned,
            sum(CASE WHEN counted THEN 0 ELSE requests END) AS requests, sum(billed_ms) AS billed_ms,
            sum(init_ms) AS init_ms, sum(unbilled) AS unbilled
        FROM used LEFT JOIN size USING (account, region, "function")
            LEFT JOIN version_size USING (account, region, "function", version)
        GROUP BY ALL""",
        {**params, **sizes.params},
    )


def volume(snapshot: Snapshot, question: Question, sizes: Sizes, *, by: str) -> pd.DataFrame:
    """Summed `by`, region and step: requests (of functions that metrics count), log_bytes, unlogged (functions that
    were invoked without a known log volume)."""
    return snapshot.frame(
        f"""WITH {SIZES}, volume AS ({volume_sql(question)})
        SELECT {by}, region, step, sum(CASE WHEN counted THEN invocations ELSE 0 END) AS requests,
            coalesce(sum(log_bytes), 0) AS log_bytes,
            count(*) FILTER (log_bytes IS NULL AND invocations > 0) AS unlogged
        FROM volume LEFT JOIN size USING (account, region, "function") GROUP BY ALL""",
        {**question.params, **sizes.params},
    )


# --- provisioned concurrency -------------------------------------------------------------------------------------


def provisioned_versions(things: Things) -> dict[Place, set[str]]:
    """Per function: the versions that have provisioned concurrency, directly or through an alias."""
    targets = _alias_targets(things)
    found: dict[Place, set[str]] = {}
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        found.setdefault(thing.place, set()).update(targets.get((thing.place, qualifier), {qualifier}))
    return found


def _alias_targets(things: Things) -> dict[tuple[Place, str], set[str]]:
    return {
        (t.place, str(t.body["alias"])): {str(t.body["version"]), *(t.body.get("weights") or {})}
        for t in things.of("alias", gone=True)
    }


@dataclass(frozen=True, slots=True)
class Capacity:
    """Provisioned capacity of one version over one step, in environment-milliseconds."""

    place: Place
    version: str
    step: int
    milliseconds: float


def capacity(snapshot: Snapshot, things: Things, question: Question) -> Iterator[Capacity]:
    """What was asked for, from the time it was configured, used or not: that is what AWS bills."""
    window, step = question.window, question.step
    until = Window(window.start, max(window.start, min(window.end, question.now)))
    targets, past = _alias_targets(things), _past_requests(snapshot)
    for thing in things.of("provisioned", gone=True):
        qualifier = str(thing.body["qualifier"])
        version = min(targets.get((thing.place, qualifier), {qualifier}))
        for span, count in _spans(thing, past.get((thing.account, thing.region, thing.name), [])):
            for part in _cut(span.overlap(until), step):
                start = _step_of(part, step)
                yield Capacity(thing.place, version, start, count * float(milliseconds(part.duration)))


def _cut(span: Window | None, step: timedelta | None) -> Iterator[Window]:
    if span is not None:
        yield from [span] if step is None else span.chunks(step)


def _step_of(part: Window, step: timedelta | None) -> int:
    start = round(part.start.timestamp() * 1000)
    return 0 if step is None else start - start % milliseconds(step)


def _past_requests(snapshot: Snapshot) -> dict[Place, list[tuple[datetime, int]]]:
    """Per configuration (account, region, name): when its size changed, and what it was before; oldest first."""
    change = schema.change
    query = sa.select(change).where(change.c.kind == "provisioned", change.c.field == "requested")
    found: dict[Place, list[tuple[datetime, int]]] = {}
    for row in rows(snapshot.state(query.order_by(change.c.ts))):
        name = (row.account, row.region, row.name)
        found.setdefault(name, []).append((row.ts.to_pydatetime(), int(row.old)))
    return found


def _spans(thing: Thing, past: Sequence[tuple[datetime, int]]) -> Iterator[tuple[Window, int]]:
    """When how many environments were asked for, as far back as we know of it."""
    modified, since = thing.body.get("last_modified"), thing.first_seen
    if modified is not None and not past:
        since = min(since, datetime.fromisoformat(str(modified)))
    for ts, count in past:
        if ts > since:
            yield Window(since, ts), count
            since = ts
    end = thing.gone_at or datetime.max.replace(tzinfo=since.tzinfo)
    if end > since:
        yield Window(since, end), int(thing.body["requested"])
