"""Usage per function, version, size and step, counted from records, sums of reports and metrics."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from core.metering import COUNTS
from core.prices import FREE_EPHEMERAL_MB
from store.readers import beside, held
from store.readers.billing import ESTIMATED, PLACE_SQL, RECORDS, sizes_of, usage_read
from store.readers.billing import KINDS as OF_BILLS
from store.readers.frames import STEP_SQL
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Coverage
from store.readers.sums import metric_sums, recorded_places
from store.readers.things import PLACE, Place, Things
from store.readers.unmeasured import REASONS, Traits, flagged, flags, reasons
from store.readers.usage import Question, Sizes, used
from store.store import Snapshot

__all__ = ["KEY", "KINDS", "QUANTITIES", "READS", "measured"]

KINDS = tuple(dict.fromkeys((*OF_BILLS, *held.KINDS, *beside.KINDS)))
"""Entities that usage is counted from."""

READS = ("metrics", "invocations", "invocation_summaries", "queue_samples", "mapping_samples", "traces")
"""Telemetry that usage is counted from."""

QUANTITIES = ("invocations", *COUNTS)
KEY = [*PLACE, "version", "architecture", "memory_mb", "step"]

LATEST = "$LATEST"


def measured(snapshot: Snapshot, things: Things, coverage: Coverage, question: Question) -> pd.DataFrame:
    """A row per function, version ("": $LATEST or not known), architecture, memory_mb and `step` (epoch
    milliseconds; 0 without steps): `QUANTITIES`, basis and unknown as `core.facts.Metered` has them.

    `things` holds at least `KINDS`; `coverage` is that of the question's window. What metrics count and no
    record tells the version of is of version "".
    """
    metrics = metric_sums(snapshot, question.window, question.where)
    recorded = recorded_places(snapshot, question.window, question.where)
    read, sizes = usage_read(snapshot, coverage, question, metrics, recorded), sizes_of(things, coverage)
    traits = Traits.of(things)
    compute = _computed(used(snapshot, question, read, sizes, by=PLACE_SQL, is_fine=True), traits)
    counted = _counted(_volumes(snapshot, question, traits), compute, sizes)
    others = [beside.queue_requests(snapshot, things, question), beside.traces(snapshot, things, question)]
    parts = [
        _moved(compute, traits),
        _moved(flagged(counted, flags(snapshot, things, coverage)), traits),
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
    found = grouped[list(QUANTITIES)].sum().join(grouped[said].any()).reset_index()
    found[list(QUANTITIES)] = found[list(QUANTITIES)].astype(float).round(3)
    found["basis"] = np.where(found["estimated"], ESTIMATED, RECORDS)
    found["unknown"] = reasons(found)
    return found[[*columns, "basis", "unknown"]]


def _of_latest(counts: pd.DataFrame, sizes: Sizes) -> pd.DataFrame:
    """What is counted of a function, not of a version."""
    places = list(zip(*(counts[name] for name in PLACE), strict=True))
    return counts.assign(
        version="",
        architecture=[sizes.architecture(place, "") for place in places],
        memory_mb=[_number(sizes.memory_mb(place, "")) for place in places],
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
    keys = zip(*(rows[name] for name in PLACE), strict=True)
    return pd.Series([key in places for key in keys], index=rows.index, dtype=bool)


# --- from records, or what stands in for them ---------------------------------------------------------------


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


def _volumes(snapshot: Snapshot, question: Question, traits: Traits) -> pd.DataFrame:
    """Per function and step: what CloudWatch counts however the log is read. `no_volume`: invoked, while no
    volume of its log is known in the whole window."""
    whole_hours = question.step is None or question.params["step_ms"] % 3_600_000 == 0
    points = "metrics_by_hour" if whole_hours else "metrics"
    found = snapshot.frame(
        f"""WITH told AS (SELECT account, region, "function", {STEP_SQL} AS step,
                sum(invocations) AS requests, sum(log_bytes) AS log_bytes,
                sum(durable_operations) AS durable_operations,
                sum(durable_written_bytes) AS durable_written_bytes
            FROM {points} WHERE {FUNCTION_POINTS} AND {question.inside} GROUP BY ALL)
        SELECT *, count(log_bytes) OVER (PARTITION BY account, region, "function") = 0
            AND coalesce(requests, 0) > 0 AS no_volume FROM told""",
        question.params,
    )
    is_infrequent, written = _among(found, traits.infrequent), found.pop("log_bytes")
    return found.assign(
        log_ingest_bytes=written.where(~is_infrequent), log_ingest_ia_bytes=written.where(is_infrequent)
    )


def _counted(volumes: pd.DataFrame, compute: pd.DataFrame, sizes: Sizes) -> pd.DataFrame:
    """What metrics count, of version "". Requests are what records have not told the version of; where they
    tell of more, metrics count."""
    places = list(zip(*(volumes[name] for name in PLACE), strict=True))
    is_counted = pd.Series([place in sizes.counted for place in places], index=volumes.index, dtype=bool)
    requests = volumes["requests"].fillna(0.0).astype(float).where(is_counted, 0.0)
    at = [*PLACE, "step"]
    told = compute.groupby(at)["requests"].sum().rename("told").reset_index()
    left = requests - volumes[at].merge(told, on=at, how="left")["told"].fillna(0.0).where(is_counted, 0.0)
    _drop_told(compute, volumes[at][is_counted & (left < 0)], _unsaid(compute, volumes, sizes.counted))
    rest = left.where(left >= 0, requests)
    return _of_latest(volumes.assign(requests=rest, invocations=rest), sizes)


def _unsaid(compute: pd.DataFrame, volumes: pd.DataFrame, counted: Collection[Any]) -> pd.DataFrame:
    """Functions and steps that metrics counted nothing of although they were read, and records did."""
    at = [*PLACE, "step"]
    keys = compute[at].drop_duplicates()
    mine = pd.Series([key in counted for key in zip(*(keys[n] for n in PLACE), strict=True)], dtype=bool)
    there = keys.merge(volumes[at], on=at, how="left", indicator=True)["_merge"] == "both"
    return keys[mine.to_numpy(dtype=bool) & ~there.to_numpy(dtype=bool)]


def _drop_told(compute: pd.DataFrame, *keys: pd.DataFrame) -> None:
    """Count no requests of records there."""
    at = [*PLACE, "step"]
    gone = pd.concat(keys, ignore_index=True)
    if len(gone):
        is_gone = compute[at].merge(gone, on=at, how="left", indicator=True)["_merge"] == "both"
        compute.loc[is_gone.to_numpy(dtype=bool), ["requests", "invocations"]] = 0.0


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
