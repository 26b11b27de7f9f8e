"""Usage per function, version, size and step, counted from records, sums of reports and metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.metering import COUNTS
from core.prices import FREE_EPHEMERAL_MB
from store.readers import beside, held
from store.readers.billing import ESTIMATED, PLACE_SQL, RECORDS, sizes_of, usage_read
from store.readers.billing import KINDS as OF_BILLS
from store.readers.counted import AT, Counted, counted
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL
from store.readers.plain import plain_of, plain_used
from store.readers.records import FUNCTION_POINTS
from store.readers.sums import billed_sums, metric_sums, recorded_places
from store.readers.things import PLACE, Place, Things
from store.readers.unmeasured import REASONS, Traits, flagged, flags, reasons
from store.readers.usage import Question, Read, Sizes, used
from store.store import Snapshot

__all__ = ["KEY", "KINDS", "QUANTITIES", "READS", "Told", "measured"]

KINDS = tuple(dict.fromkeys((*OF_BILLS, *held.KINDS, *beside.KINDS)))
"""Entities that usage is counted from."""

READS = ("metrics", "invocations", "invocation_summaries", "queue_samples", "mapping_samples", "traces")
"""Telemetry that usage is counted from."""

QUANTITIES = ("invocations", *COUNTS)
KEY = [*PLACE, "version", "architecture", "memory_mb", "step"]

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Told:
    """Sums of the whole window, of a question without steps: those of metrics (`sums.metric_sums`), and those
    of records with at least what they were billed for (`sums.billed_sums`)."""

    metrics: Mapping[Place, Any]
    records: Mapping[Place, Any]


def measured(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    question: Question,
    *,
    by_version: bool = True,
    told: Told | None = None,
) -> pd.DataFrame:
    """A row per function, version ("": $LATEST or not known), architecture, memory_mb and `step` (epoch
    milliseconds; 0 without steps): `QUANTITIES`, basis and unknown as `core.telemetry.Metered` has them.

    `things` holds at least `KINDS`; `coverage` is that of the question's window. What metrics count and no
    record tells the version of is of version ""; without steps and not `by_version`, so may all be. `told`
    are sums that are known already.
    """
    traits, sizes = Traits.of(things), sizes_of(things, coverage)
    if question.step is None and not by_version:
        told = told or _told(snapshot, question)
        found = _summed(snapshot, coverage, question, told, sizes)
        volumes = _volumes_of(told.metrics)
    else:
        found = _scanned(snapshot, coverage, question, sizes)
        volumes = _volumes(snapshot, question)
    compute = _computed(found, traits)
    by_metrics = counted(coverage, question, sizes.counted, (*_keys(volumes), *_keys(compute)))
    volumes = _counted(_of_classes(volumes, traits), compute, sizes, by_metrics)
    others = [beside.queue_requests(snapshot, things, question), beside.traces(snapshot, things, question)]
    parts = [
        _moved(compute, traits),
        _moved(flagged(volumes, flags(snapshot, things, coverage)), traits),
        *(_of_latest(frame, sizes) for frame in others if len(frame)),
        held.held(things, question, sizes),
        held.provisioned(snapshot, things, question, sizes),
        held.pollers(snapshot, things, question, sizes),
    ]
    return _joined([part for part in parts if len(part)])


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = [*KEY, *QUANTITIES]
    if not parts:
        return pd.DataFrame(columns=pd.Index([*columns, "basis", "unknown"]))
    said = ["estimated", *REASONS]
    rows = pd.concat(parts, ignore_index=True)
    for name in said:
        rows[name] = rows[name].astype(object).fillna(False).astype(bool) if name in rows else False
    grouped = rows.reindex(columns=[*columns, *said]).groupby(KEY, dropna=False, sort=False)
    found = grouped[list(QUANTITIES)].sum()
    found[said] = grouped[said].any().to_numpy()  # of the same groups in the same order
    found = found.reset_index()
    found[list(QUANTITIES)] = found[list(QUANTITIES)].astype(float).round(3)
    found["basis"] = np.where(found["estimated"], ESTIMATED, RECORDS)
    found["unknown"] = reasons(found)
    return found[[*columns, "basis", "unknown"]]


def _of_latest(counts: pd.DataFrame, sizes: Sizes) -> pd.DataFrame:
    """What is counted of a function, not of a version."""
    places = list(_keys(counts))
    of = {p: (sizes.architecture(p, ""), _number(sizes.memory_mb(p, ""))) for p in dict.fromkeys(places)}
    return counts.assign(
        version="",
        architecture=[of[place][0] for place in places],
        memory_mb=[of[place][1] for place in places],
    )


def _moved(rows: pd.DataFrame, traits: Traits) -> pd.DataFrame:
    """Usage of replicas at the edge as what it is there; of Managed Instances no time is charged."""
    if not (traits.replicas or traits.on_instances) or not len(rows):
        return rows
    at_edge, by_hour = _among(rows, traits.replicas), _among(rows, traits.on_instances)
    billed = sum((rows[name] for name in TIMED if name in rows), pd.Series(0.0, index=rows.index))
    moved = rows.assign(
        edge_requests=rows["requests"].where(at_edge, 0.0),
        edge_duration_mb_ms=billed.where(at_edge, 0.0),
        requests=rows["requests"].where(~at_edge, 0.0),
        no_instances=by_hour,
    )
    for name in (*TIMED, "ephemeral_mb_ms", "no_billed"):
        if name in moved:
            moved[name] = moved[name].where(~(at_edge | by_hour), moved[name].dtype.type(0))
    return moved


TIMED = ("duration_mb_ms", "provisioned_spillover_mb_ms", "init_mb_ms")


def _among(rows: pd.DataFrame, places: Collection[Place]) -> pd.Series[bool]:
    if not places:
        return pd.Series(False, index=rows.index, dtype=bool)
    return pd.Series([key in places for key in _keys(rows)], index=rows.index, dtype=bool)


def _keys(rows: pd.DataFrame) -> Iterator[Place]:
    """The function of each row."""
    return zip(*(rows[name].tolist() for name in PLACE), strict=True)


# --- from records, or what stands in for them ---------------------------------------------------------------


def _told(snapshot: Snapshot, question: Question) -> Told:
    metrics = metric_sums(snapshot, question.window, question.where)
    return Told(metrics, billed_sums(snapshot, question.window, question.where))


def _scanned(snapshot: Snapshot, coverage: Coverage, question: Question, sizes: Sizes) -> pd.DataFrame:
    metrics = metric_sums(snapshot, question.window, question.where)
    recorded = recorded_places(snapshot, question.window, question.where)
    read = usage_read(snapshot, coverage, question, metrics, recorded)
    return used(snapshot, question, read, sizes, by=PLACE_SQL, is_fine=True)


def _summed(
    snapshot: Snapshot, coverage: Coverage, question: Question, told: Told, sizes: Sizes
) -> pd.DataFrame:
    """The same of all versions together. Records of most functions have one price: their sums are enough."""
    read = usage_read(snapshot, coverage, question, told.metrics, told.records)
    is_recorded = read.all_records and read.all_used and not read.summed
    plain = plain_of(told.records, sizes) if is_recorded else {}
    if not plain:
        return used(snapshot, question, read, sizes, by=PLACE_SQL, is_fine=True)
    others = _used_of_others(snapshot, question, read, sizes, told.records.keys() - plain.keys())
    return pd.concat([plain_used(plain, sizes), *others], ignore_index=True)


def _used_of_others(
    snapshot: Snapshot, question: Question, read: Read, sizes: Sizes, places: Collection[Place]
) -> list[pd.DataFrame]:
    if not places:
        return []
    named = replace(question, functions=sorted({place[2] for place in places}))
    found = used(snapshot, named, read, sizes, by=PLACE_SQL, is_fine=True)
    return [found[_among(found, places)]]


def _computed(found: pd.DataFrame, traits: Traits) -> pd.DataFrame:
    memory, billed, init = (found[name].astype(float) for name in ("memory_mb", "billed_ms", "init_ms"))
    run, waited = ((billed - init) * memory).fillna(0.0), (init * memory).fillna(0.0)
    served, spilled = found["provisioned"].astype(bool), found["has_provisioned"].astype(bool)
    version = found["version"].where(found["version"] != LATEST, "")
    beyond_mb = found["ephemeral_mb"].astype(float) - FREE_EPHEMERAL_MB
    on_demand = run.where(~served, 0.0)
    unsized = memory.isna() & (billed.fillna(0.0) > 0)
    return found[[*PLACE, "architecture", "memory_mb", "step"]].assign(
        version=version,
        invocations=found["records"].astype(float),
        requests=found["records"].astype(float),
        duration_mb_ms=on_demand.where(~spilled, 0.0),
        provisioned_spillover_mb_ms=on_demand.where(spilled, 0.0),
        provisioned_duration_mb_ms=run.where(served, 0.0),
        init_mb_ms=waited,
        ephemeral_mb_ms=(billed.fillna(0.0) * beyond_mb),
        snapstart_restore_mb=_mb(found, "restored").where(~_among(found, traits.free_snapshots), 0.0),
        tenant_isolation_mb=_mb(found, "started").where(_among(found, traits.tenants), 0.0),
        estimated=found["estimated"].astype(bool),
        no_restores=found["estimated"].astype(bool) & _among(found, traits.snapshots),
        no_tenants=found["estimated"].astype(bool) & _among(found, traits.tenants),
        no_billed=(found["unbilled"].astype(float) > 0) | unsized,
    )


def _mb(found: pd.DataFrame, environments: str) -> pd.Series[float]:
    return (found[environments].astype(float) * found["memory_mb"].astype(float)).fillna(0.0)


# --- from metrics -------------------------------------------------------------------------------------------


def _volumes(snapshot: Snapshot, question: Question) -> pd.DataFrame:
    """Per function and step: what CloudWatch counts however the log is read. `no_volume`: invoked, while no
    volume of its log is known in the whole window."""
    whole_hours = question.step is None or question.params["step_ms"] % 3_600_000 == 0
    points = "metrics_by_hour" if whole_hours else "metrics"
    return snapshot.frame(
        f"""WITH told AS (SELECT account, region, "function", {STEP_SQL} AS step,
                sum(invocations) AS requests, sum(log_bytes) AS log_bytes,
                sum(durable_operations) AS durable_operations,
                sum(durable_written_bytes) AS durable_written_bytes
            FROM {points} WHERE {FUNCTION_POINTS} AND {question.inside} GROUP BY ALL)
        SELECT *, count(log_bytes) OVER (PARTITION BY account, region, "function") = 0
            AND coalesce(requests, 0) > 0 AS no_volume FROM told""",
        question.params,
    )


def _volumes_of(metrics: Mapping[Place, Any]) -> pd.DataFrame:
    """The same from `sums.metric_sums`, of the whole window."""
    names = ("invocations", "log_bytes", "durable_operations", "durable_written_bytes")
    found = pd.DataFrame(list(metrics), columns=pd.Index(PLACE)).assign(
        step=0,
        **{name: pd.Series([getattr(row, name) for row in metrics.values()], dtype=float) for name in names},
    )
    found = found.rename(columns={"invocations": "requests"})
    return found.assign(no_volume=found["log_bytes"].isna() & (found["requests"] > 0))


def _of_classes(volumes: pd.DataFrame, traits: Traits) -> pd.DataFrame:
    """Log volume by the class of its log group."""
    is_infrequent, written = _among(volumes, traits.infrequent), volumes.pop("log_bytes")
    return volumes.assign(
        log_ingest_bytes=written.where(~is_infrequent), log_ingest_ia_bytes=written.where(is_infrequent)
    )


def _counted(volumes: pd.DataFrame, compute: pd.DataFrame, sizes: Sizes, by_metrics: Counted) -> pd.DataFrame:
    """What metrics count, of version "". Requests are what records have not told the version of; where they
    tell of more, metrics count."""
    is_counted = by_metrics.among(volumes)
    requests = volumes["requests"].fillna(0.0).astype(float).where(is_counted, 0.0)
    told = compute.groupby(AT)["requests"].sum().rename("told").reset_index()
    left = requests - volumes[AT].merge(told, on=AT, how="left")["told"].fillna(0.0).where(is_counted, 0.0)
    _drop_told(compute, volumes[AT][is_counted & (left < 0)], _unsaid(compute, volumes, by_metrics))
    rest = left.where(left >= 0, requests)
    return _of_latest(volumes.assign(requests=rest, invocations=rest), sizes)


def _unsaid(compute: pd.DataFrame, volumes: pd.DataFrame, by_metrics: Counted) -> pd.DataFrame:
    """Functions and steps that metrics counted nothing of although they were read, and records did."""
    keys = compute[AT].drop_duplicates()
    there = keys.merge(volumes[AT], on=AT, how="left", indicator=True)["_merge"] == "both"
    return keys[by_metrics.among(keys).to_numpy(dtype=bool) & ~there.to_numpy(dtype=bool)]


def _drop_told(compute: pd.DataFrame, *keys: pd.DataFrame) -> None:
    """Count no requests of records there."""
    gone = pd.concat(keys, ignore_index=True)
    if len(gone):
        is_gone = compute[AT].merge(gone, on=AT, how="left", indicator=True)["_merge"] == "both"
        compute.loc[is_gone.to_numpy(dtype=bool), ["requests", "invocations"]] = 0.0


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
