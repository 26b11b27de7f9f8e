"""What AWS bills functions for: requests, billed time, log volume and provisioned capacity, before any
price."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.prices import FREE_EPHEMERAL_MB
from core.windows import Window
from store.readers.capacity import provisioned_versions
from store.readers.frames import STEP_SQL, milliseconds
from store.readers.records import COLD, FUNCTION_POINTS, INIT_BILLED_MS
from store.readers.things import Place, Things, matches, once, sql_where
from store.store import Filter, Snapshot

ROUNDING_MS = 0.5
"""Every invocation is billed to the next whole millisecond: half of one on average."""

WHOLE_MS = 10**15
"""Longer than any window: with this step everything falls into step 0."""


@dataclass(frozen=True, slots=True)
class Read:
    """What of the window each function's log was read for: there usage comes from records, where it was
    `summed` from sums of reports, elsewhere from metrics.

    `all_records`: no record lies elsewhere; `all_used`: nothing was used elsewhere. Both are so as a rule,
    and spare a join.
    """

    windows: Mapping[Place, Sequence[Window]]
    all_records: bool
    all_used: bool
    summed: Mapping[Place, Sequence[Window]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which stretch: usage per step (all in step 0 without one), of the functions of
    `where`, or those of them that have one of the names `functions`."""

    window: Window
    where: Filter
    now: datetime
    step: timedelta | None = None
    functions: Sequence[str] | None = None

    @property
    def inside(self) -> str:
        """`functions` are names, whatever their target."""
        named = "" if self.functions is None else ' AND "function" IN (SELECT unnest($functions))'
        return f"ts >= $start AND ts < $end AND {sql_where(self.where)[0]}{named}"

    def wants(self, place: Place) -> bool:
        """Whether a function is asked about."""
        is_named = self.functions is None or place[2] in self.functions
        return is_named and matches(self.where, *place)

    @property
    def params(self) -> dict[str, Any]:
        step_ms = WHOLE_MS if self.step is None else milliseconds(self.step)
        window = {"start": self.window.start, "end": self.window.end, "step_ms": step_ms}
        named = {} if self.functions is None else {"functions": list(self.functions)}
        return {**window, **sql_where(self.where)[1], **named}


def compute_sql(question: Question, read: Read) -> tuple[str, dict[str, Any]]:
    """Rows of requests and billed time, not all added up, and their parameters: account, region, function,
    step, version, memory_mb, init_type, cold, restored, estimated (not from records), requests, billed_ms,
    init_ms (the part of billed_ms that is initialization), unbilled (records without a Billed Duration). What
    the log was not read for is estimated from metrics, without version and memory, which sums of reports do
    not tell either."""
    semi = f"(SELECT facts.* FROM invocations AS facts SEMI JOIN {_among('read')})"
    records = "invocations" if read.all_records else semi
    sql = f"""
        SELECT account, region, "function", {STEP_SQL} AS step, version, memory_mb, init_type, {COLD} AS cold,
            restore_ms IS NOT NULL AS restored, false AS estimated, 1.0 AS requests, billed_ms,
            {INIT_BILLED_MS} AS init_ms, (billed_ms IS NULL)::INTEGER AS unbilled
        FROM {records} WHERE {question.inside}"""
    if read.summed:
        sql += _summed_sql(question)
    if not read.all_used:
        unsummed = f"ANTI JOIN {_among('summed')}" if read.summed else ""
        sql += f""" UNION ALL
        SELECT account, region, "function", {STEP_SQL} AS step, NULL::VARCHAR AS version,
            NULL::DOUBLE AS memory_mb, NULL::VARCHAR AS init_type, false AS cold,
            false AS restored, true AS estimated, sum(invocations) AS requests,
            sum(duration_sum_ms) + {ROUNDING_MS} * sum(invocations) AS billed_ms,
            0.0 AS init_ms, 0 AS unbilled
        FROM (SELECT facts.* FROM metrics AS facts ANTI JOIN {_among("read")} {unsummed})
        WHERE {FUNCTION_POINTS} AND invocations > 0 AND {question.inside} GROUP BY ALL"""
    is_joined = not (read.all_records and read.all_used)
    params = question.params | (_intervals("read", read.windows) if is_joined else {})
    return sql, params | (_intervals("summed", read.summed) if read.summed else {})


def _summed_sql(question: Question) -> str:
    """Initialization is what was billed beyond the durations."""
    return f""" UNION ALL
        SELECT account, region, "function", {STEP_SQL} AS step, NULL::VARCHAR AS version,
            NULL::DOUBLE AS memory_mb, NULL::VARCHAR AS init_type, false AS cold,
            false AS restored, true AS estimated, sum(reports) AS requests, sum(billed_sum_ms) AS billed_ms,
            coalesce(sum(greatest(billed_sum_ms - duration_sum_ms - {ROUNDING_MS} * reports, 0))
                FILTER (cold_starts > 0), 0) AS init_ms,
            0 AS unbilled
        FROM (SELECT facts.* FROM invocation_summaries AS facts SEMI JOIN {_among("summed")})
        WHERE reports > 0 AND {question.inside} GROUP BY ALL"""


def _among(name: str) -> str:
    """Facts of functions within their windows, to join with."""
    return f"""(SELECT unnest(${name}_accounts)::VARCHAR AS account,
        unnest(${name}_regions)::VARCHAR AS region,
        unnest(${name}_functions)::VARCHAR AS "function", unnest(${name}_starts)::TIMESTAMPTZ AS since,
        unnest(${name}_ends)::TIMESTAMPTZ AS until) AS {name}
    ON {name}."function" = facts."function" AND {name}.account = facts.account
    AND {name}.region = facts.region AND facts.ts >= {name}.since AND facts.ts < {name}.until"""


def _intervals(name: str, windows: Mapping[Place, Sequence[Window]]) -> dict[str, list[Any]]:
    spans = [(*place, part.start, part.end) for place, parts in windows.items() for part in parts]
    fields = ("accounts", "regions", "functions", "starts", "ends")
    return {f"{name}_{about}": [span[i] for span in spans] for i, about in enumerate(fields)}


# --- what a function is -------------------------------------------------------------------------------------


class Sizes:
    """Architecture, memory and storage of functions and their versions, as tables that SQL can join.

    `labels` names the group of a function; `counted` are functions whose metrics were read in full.
    """

    def __init__(self, things: Things, labels: Mapping[Place, str], counted: Collection[Place]) -> None:
        self._bodies, self._versions = _bodies(things), _versions(things)
        self._labels, self.counted = labels, counted
        self._provisioned = provisioned_versions(things)
        self._other = _other_architectures(things)
        self._mixed = {place for (place, _), own in self._other.items() if own}

    def architecture(self, place: Place, version: str) -> str:
        own = self._versions.get((place, version), {}).get("architecture")
        return str(own or self._bodies.get(place, {}).get("architecture") or "")

    def ephemeral_mb(self, place: Place) -> float:
        return float(self._bodies.get(place, {}).get("ephemeral_mb") or FREE_EPHEMERAL_MB)

    def memory_mb(self, place: Place, version: str) -> float | None:
        own = self._versions.get((place, version), {}).get("memory_mb")
        return own or self._bodies.get(place, {}).get("memory_mb")

    def is_plain(self, place: Place) -> bool:
        """Whether all versions of the function are billed alike: as it is itself, none provisioned."""
        return place in self._bodies and place not in self._provisioned and place not in self._mixed

    def are_alike(self, places: Iterable[Place]) -> bool:
        """Whether metrics count all of these functions, in one group without a name."""
        return all(place in self.counted and not self._labels.get(place, "") for place in places)

    def params(self, *, is_apart: bool) -> dict[str, list[Any]]:
        """The parameters of `SIZES`: functions of the same kind are told together, or all apart."""
        kinds: dict[tuple[Any, ...], int] = {}
        of = [kinds.setdefault(self._kind(place, is_apart=is_apart), len(kinds)) for place in self._bodies]
        versions = sorted(self._other.keys() | {(p, v) for p, of in self._provisioned.items() for v in of})
        return {
            **dict(zip(("f_account", "f_region", "f_function"), _columns(self._bodies, 3), strict=True)),
            "f_kind": of,
            **dict(zip(_KIND, _columns(kinds, len(_KIND)), strict=True)),
            "v_account": [place[0] for place, _ in versions],
            "v_region": [place[1] for place, _ in versions],
            "v_function": [place[2] for place, _ in versions],
            "v_version": [version for _, version in versions],
            "v_architecture": [self._other.get(key) for key in versions],
            "v_provisioned": [version in self._provisioned.get(place, ()) for place, version in versions],
        }

    def _kind(self, place: Place, *, is_apart: bool) -> tuple[Any, ...]:
        """What tells a function's usage from that of others: the values of `_KIND`."""
        body = self._bodies[place]
        return (
            *((place[0], place[1], place[2]) if is_apart else ("", place[1], "")),
            self._labels.get(place, ""),
            place in self.counted,
            str(body.get("architecture") or ""),
            body.get("memory_mb"),
            body.get("ephemeral_mb") or FREE_EPHEMERAL_MB,
        )


_KIND = (
    *("k_account", "k_region", "k_function", "k_label", "k_counted", "k_architecture"),
    *("k_memory_mb", "k_ephemeral_mb"),
)


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


SIZES = """
    size AS (SELECT unnest($f_account)::VARCHAR AS account, unnest($f_region)::VARCHAR AS region,
        unnest($f_function)::VARCHAR AS "function", unnest($f_kind)::INTEGER AS kind),
    kinds AS (SELECT unnest(range(len($k_region))) AS kind, unnest($k_account)::VARCHAR AS account,
        unnest($k_region)::VARCHAR AS region, unnest($k_function)::VARCHAR AS "function",
        unnest($k_label)::VARCHAR AS label, unnest($k_counted)::BOOLEAN AS counted,
        unnest($k_architecture)::VARCHAR AS own_architecture, unnest($k_memory_mb)::DOUBLE AS own_memory_mb,
        unnest($k_ephemeral_mb)::DOUBLE AS ephemeral_mb),
    version_size AS (SELECT unnest($v_account)::VARCHAR AS account, unnest($v_region)::VARCHAR AS region,
        unnest($v_function)::VARCHAR AS "function", unnest($v_version)::VARCHAR AS version,
        unnest($v_architecture)::VARCHAR AS architecture,
        unnest($v_provisioned)::BOOLEAN AS has_provisioned)"""
"""Functions and the kind of each; what a kind is; versions that are unlike their function."""

_PLACE = ("account", "region", "function")
_UNLISTED = ", ".join(f'CASE WHEN kind IS NULL THEN "{name}" END AS {name}_unlisted' for name in _PLACE)
_LISTED = ", ".join(f'coalesce(kinds."{name}", {name}_unlisted) AS "{name}"' for name in _PLACE)
"""A function that is not listed has no kind, and its own name."""


_FINE = (
    "coalesce(version, '') AS version, estimated, coalesce(has_provisioned, false) AS has_provisioned,",
    "count(*) FILTER (cold) AS started, count(*) FILTER (restored) AS restored,",
    "sum(requests) AS records, sum(started) AS started, sum(restored) AS restored,",
)
"""Columns by which, and of which, the finer answer tells."""


def used(
    snapshot: Snapshot, question: Question, read: Read, sizes: Sizes, *, by: str, is_fine: bool = False
) -> pd.DataFrame:
    """Compute usage summed `by` (SQL columns: the function's, or its `label`), region, step, architecture,
    memory_mb, ephemeral_mb and provisioned: requests (of functions that metrics do not count), billed_ms,
    init_ms, unbilled. The finer answer is by version, estimated and has_provisioned too, with records (all
    requests), started and restored (environments).

    A record is provisioned if it says so, or if its version has provisioned concurrency and it was no cold
    start. Records are added up by the kind of their function, a number: names are long to compare.
    """
    sql, params = compute_sql(question, read)
    kept, more, sums = _FINE if is_fine else ("", "", "")
    return snapshot.frame(
        f"""WITH {SIZES}, used AS ({sql}),
        told AS (SELECT kind, {_UNLISTED}, step, architecture, memory_mb, {kept}
                coalesce(init_type = 'provisioned-concurrency', false)
                    OR (coalesce(has_provisioned, false) AND NOT cold) AS provisioned,
                sum(requests) AS requests, sum(billed_ms) AS billed_ms, sum(init_ms) AS init_ms,
                {more} sum(unbilled) AS unbilled
            FROM used LEFT JOIN size USING (account, region, "function")
                LEFT JOIN version_size USING (account, region, "function", version)
            GROUP BY ALL),
        named AS (SELECT {_LISTED}, label, counted, own_architecture, own_memory_mb, ephemeral_mb, step,
                architecture, memory_mb, {kept} {"started, restored," if is_fine else ""}
                provisioned, requests, billed_ms, init_ms, unbilled
            FROM told LEFT JOIN kinds USING (kind))
        SELECT {by}, region, step, {kept} {sums} coalesce(architecture, own_architecture, '') AS architecture,
            coalesce(memory_mb, own_memory_mb) AS memory_mb,
            coalesce(ephemeral_mb, {FREE_EPHEMERAL_MB}) AS ephemeral_mb, provisioned,
            coalesce(sum(requests) FILTER (counted IS NOT TRUE), 0) AS requests, sum(billed_ms) AS billed_ms,
            sum(init_ms) AS init_ms, sum(unbilled) AS unbilled
        FROM named GROUP BY ALL""",
        {**params, **sizes.params(is_apart=by != "label")},
    )


def volume(
    snapshot: Snapshot, question: Question, sizes: Sizes, places: Collection[Place], *, points: str
) -> pd.DataFrame:
    """Summed by label, region and step: requests (of functions that metrics count), log_bytes. `places` are
    all functions that metrics tell of, `points` the view to ask."""
    if sizes.are_alike(places):
        return _volume_of_all(snapshot, question, points)
    return snapshot.frame(
        f"""WITH {SIZES}, volume AS (
            SELECT kind, CASE WHEN kind IS NULL THEN region END AS region_unlisted, {STEP_SQL} AS step,
                sum(invocations) AS invocations, sum(log_bytes) AS log_bytes
            FROM {points} LEFT JOIN size USING (account, region, "function")
            WHERE {FUNCTION_POINTS} AND {question.inside} GROUP BY ALL)
        SELECT coalesce(label, '') AS label, coalesce(region, region_unlisted) AS region, step,
            coalesce(sum(invocations) FILTER (counted), 0) AS requests,
            coalesce(sum(log_bytes), 0) AS log_bytes
        FROM volume LEFT JOIN kinds USING (kind) GROUP BY ALL""",
        {**question.params, **sizes.params(is_apart=False)},
    )


def _volume_of_all(snapshot: Snapshot, question: Question, points: str) -> pd.DataFrame:
    return snapshot.frame(
        f"""SELECT '' AS label, region, {STEP_SQL} AS step, coalesce(sum(invocations), 0) AS requests,
            coalesce(sum(log_bytes), 0) AS log_bytes
        FROM {points} WHERE {FUNCTION_POINTS} AND {question.inside} GROUP BY ALL""",
        question.params,
    )


@once
def _bodies(things: Things) -> dict[Place, Mapping[str, Any]]:
    return {t.place: t.body for t in things.of("function", gone=True)}


@once
def _versions(things: Things) -> dict[tuple[Place, str], Mapping[str, Any]]:
    return {(t.place, str(t.body["version"])): t.body for t in things.of("version", gone=True)}


@once
def _other_architectures(things: Things) -> dict[tuple[Place, str], Any]:
    """Versions of another architecture than their function has now."""
    bodies = _bodies(things)
    return {
        (place, version): own
        for (place, version), body in _versions(things).items()
        if (own := body.get("architecture")) is not None and own != bodies.get(place, {}).get("architecture")
    }
