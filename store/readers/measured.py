"""Usage per function, version, size and step, counted from records, sums of reports and metrics."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from core.metering import COUNTS
from core.prices import FREE_EPHEMERAL_MB
from store.readers.billing import (
    ESTIMATED,
    KINDS,
    PLACE_SQL,
    RECORDS,
    sizes_of,
    usage_read,
)
from store.readers.frames import STEP_SQL
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Coverage
from store.readers.sums import metric_sums, recorded_places
from store.readers.things import PLACE, Things, matches
from store.readers.usage import Question, Sizes, capacity, used
from store.store import Snapshot

__all__ = ["KEY", "KINDS", "QUANTITIES", "READS", "measured"]

READS = ("metrics", "invocations", "invocation_summaries")
"""Telemetry that usage is counted from."""

QUANTITIES = ("invocations", *COUNTS)
KEY = [*PLACE, "version", "architecture", "memory_mb", "step"]

LATEST = "$LATEST"

NO_BILLED = "the records lack memory or Billed Duration"
NO_MEMORY = "the memory of its version is not known"
NO_VOLUME = "the volume of its log group is not known, or shared"


def measured(snapshot: Snapshot, things: Things, coverage: Coverage, question: Question) -> pd.DataFrame:
    """A row per function, version ("": $LATEST or not known), architecture, memory_mb and `step` (epoch
    milliseconds; 0 without steps): `QUANTITIES`, basis and unknown as `core.facts.Metered` has them.

    `things` holds at least `KINDS`; `coverage` is that of the question's window. What metrics count and no
    record tells the version of is of version "".
    """
    metrics = metric_sums(snapshot, question.window, question.where)
    recorded = recorded_places(snapshot, question.window, question.where)
    read, sizes = usage_read(snapshot, coverage, question, metrics, recorded), sizes_of(things, coverage)
    compute = _computed(used(snapshot, question, read, sizes, by=PLACE_SQL, is_fine=True))
    counted = _counted(_volumes(snapshot, question), compute, sizes)
    parts = [compute, counted, _held(snapshot, things, question, sizes)]
    return _joined([part for part in parts if len(part)])


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = [*KEY, *QUANTITIES]
    if not parts:
        return pd.DataFrame(columns=pd.Index([*columns, "basis", "unknown"]))
    rows = pd.concat(parts, ignore_index=True)
    for name in ("estimated", "no_billed", "no_memory", "no_volume"):
        rows[name] = rows[name].astype(object).fillna(False).astype(bool) if name in rows else False
    rows = rows.reindex(columns=[*columns, "estimated", "no_billed", "no_memory", "no_volume"])
    grouped = rows.groupby(KEY, dropna=False, sort=False)
    found = grouped[list(QUANTITIES)].sum()
    flags = grouped[["estimated", "no_billed", "no_memory", "no_volume"]].any()
    found = found.join(flags).reset_index()
    found[list(QUANTITIES)] = found[list(QUANTITIES)].astype(float).round(3)
    found["basis"] = np.where(found["estimated"], ESTIMATED, RECORDS)
    found["unknown"] = _reasons(found)
    return found[[*columns, "basis", "unknown"]]


# --- from records, or what stands in for them ---------------------------------------------------------------


def _computed(found: pd.DataFrame) -> pd.DataFrame:
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
        estimated=found["estimated"].astype(bool),
        no_billed=(found["unbilled"].astype(float) > 0) | unsized,
    )


# --- from metrics -------------------------------------------------------------------------------------------


def _volumes(snapshot: Snapshot, question: Question) -> pd.DataFrame:
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
    return found.rename(columns={"log_bytes": "log_ingest_bytes"})


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
    return volumes.assign(
        version="",
        architecture=[sizes.architecture(place, "") for place in places],
        memory_mb=[_number(sizes.memory_mb(place, "")) for place in places],
        requests=rest,
        invocations=rest,
    )


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


# --- from configuration -------------------------------------------------------------------------------------


def _held(snapshot: Snapshot, things: Things, question: Question, sizes: Sizes) -> pd.DataFrame:
    """Provisioned capacity."""
    lines = [
        {
            **dict(zip(PLACE, one.place, strict=True)),
            "version": "" if one.version == LATEST else one.version,
            "architecture": sizes.architecture(one.place, one.version),
            "memory_mb": _number(memory_mb),
            "step": one.step,
            "provisioned_capacity_mb_ms": one.milliseconds * (memory_mb or 0.0),
            "no_memory": memory_mb is None,
        }
        for one in capacity(snapshot, things, question)
        if matches(question.where, *one.place)
        for memory_mb in [sizes.memory_mb(one.place, one.version)]
    ]
    return pd.DataFrame(lines)


# --- what is not known --------------------------------------------------------------------------------------


def _reasons(rows: pd.DataFrame) -> pd.Series[Any]:
    said = pd.Series("", index=rows.index, dtype=object)
    for flag, words in (
        ("no_billed", "; ".join(f"{part}: {NO_BILLED}" for part in ("duration", "init", "ephemeral"))),
        ("no_memory", f"provisioned: {NO_MEMORY}"),
        ("no_volume", f"logs: {NO_VOLUME}"),
    ):
        said = said.where(~rows[flag], said + "; " + words)
    return said.str.removeprefix("; ").replace("", None)
