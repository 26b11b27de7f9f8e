"""What is charged for as long as it is there: provisioned capacity, SnapStart's cache, logs, pollers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.windows import Window
from store.readers.capacity import capacity
from store.readers.frames import STEP_SQL, epoch_ms, milliseconds
from store.readers.things import PLACE, Place, Thing, Things, once
from store.readers.usage import WHOLE_MS, Question, Sizes
from store.store import Snapshot

KINDS = ("mapping", "log_group")
"""Entities that are asked about, beside those of a bill."""

LATEST = "$LATEST"
FOREVER = datetime.max.replace(tzinfo=UTC)
LEAST_CACHED = timedelta(hours=3)
"""A snapshot is charged for three hours at least (https://aws.amazon.com/lambda/pricing/)."""

HOUR_MS = 3_600_000
POLLERS_A_UNIT = 4
"""An event poller unit carries 20 MB/s, a Kafka poller 5 MB/s
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html)."""

GroupKey = tuple[str, str, str]
"""Account, region and name of a log group."""


@dataclass(frozen=True, slots=True)
class Held:
    """So much of a column of usage for each millisecond of a span."""

    place: Place
    version: str
    column: str
    span: Window
    per_ms: float


def held(things: Things, question: Question, sizes: Sizes) -> pd.DataFrame:
    """SnapStart's cache and stored logs: a row per function, version and step."""
    found = [one for one in _held(things) if question.wants(one.place)]
    told = over_steps([one.span for one in found], question)
    amount = told["ms"] * np.array([one.per_ms for one in found])[told["at"]]
    names = np.array([one.column for one in found], dtype=object)[told["at"]]
    rows = _labelled([(one.place, one.version) for one in found], sizes, told["at"])
    amounts = {name: amount.where(names == name, 0.0) for name in dict.fromkeys(names)}
    return rows.assign(step=told["step"], **amounts)


@once
def _held(things: Things) -> list[Held]:
    return [*_snapshots(things), *_stored(things)]


def provisioned(snapshot: Snapshot, things: Things, question: Question, sizes: Sizes) -> pd.DataFrame:
    """Provisioned capacity. `no_memory`: that of its version is not known."""
    told = capacity(snapshot, things, question.window, now=question.now, step=question.step)
    found = [one for one in told if question.wants(one.place)]
    rows = _labelled([(one.place, one.version) for one in found], sizes, np.arange(len(found)))
    milliseconds_held = pd.Series([one.milliseconds for one in found], dtype=float)
    return rows.assign(
        step=[one.step for one in found],
        provisioned_capacity_mb_ms=(milliseconds_held * rows["memory_mb"]).fillna(0.0),
        no_memory=rows["memory_mb"].isna(),
    )


def _labelled(of: Sequence[tuple[Place, str]], sizes: Sizes, at: Any) -> pd.DataFrame:
    """What usage is told apart by, of `of[at]`."""
    lines = [
        (
            *place,
            "" if version == LATEST else version,
            sizes.architecture(place, version),
            sizes.memory_mb(place, version),
        )
        for place, version in of
    ]
    frame = pd.DataFrame(lines, columns=pd.Index([*PLACE, "version", "architecture", "memory_mb"]))
    return frame.astype({"memory_mb": float}).take(at).reset_index(drop=True)


def over_steps(spans: Sequence[Window], question: Question) -> pd.DataFrame:
    """What each step has of each span, as far as it is over: at (the span's number), step and ms."""
    until = min(question.window.end, question.now)
    start = np.array([epoch_ms(max(span.start, question.window.start)) for span in spans], dtype=np.int64)
    end = np.array([epoch_ms(min(span.end, until)) for span in spans], dtype=np.int64)
    step = WHOLE_MS if question.step is None else milliseconds(question.step)
    first, count = start // step, np.where(end > start, (end - 1) // step - start // step + 1, 0)
    at = np.repeat(np.arange(len(spans)), count)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    begins = (first[at] + nth) * step
    ms = np.minimum(end[at], begins + step) - np.maximum(start[at], begins)
    return pd.DataFrame({"at": at, "step": begins, "ms": ms.astype(float)})


# --- SnapStart ----------------------------------------------------------------------------------------------


def is_charged_snapshot(body: Mapping[str, Any]) -> bool:
    """Whether a version has a snapshot that costs: Java's are free."""
    return body.get("snap_start_status") == "On" and not is_java(body)


def is_java(body: Mapping[str, Any]) -> bool:
    return str(body.get("runtime") or "").startswith("java")


def _snapshots(things: Things) -> Iterator[Held]:
    for thing in things.of("version", gone=True):
        memory_mb = thing.body.get("memory_mb")
        if memory_mb and is_charged_snapshot(thing.body):
            since = _time(thing.body.get("published")) or thing.first_seen
            end = max(thing.gone_at, since + LEAST_CACHED) if thing.gone_at else FOREVER
            version = str(thing.body["version"])
            yield Held(thing.place, version, "snapstart_cache_mb_ms", Window(since, end), float(memory_mb))


def _time(told: Any) -> datetime | None:
    return None if told is None else datetime.fromisoformat(str(told))


# --- log groups ---------------------------------------------------------------------------------------------


def group_of(function: Thing) -> GroupKey:
    """The log group that a function writes to."""
    name = str(function.body.get("log_group") or f"/aws/lambda/{function.name}")
    return function.account, function.region, name


@once
def writers(things: Things) -> dict[GroupKey, set[Place]]:
    """Per log group the functions that write to it; one that none writes to any more is of those that did."""
    found: dict[GroupKey, set[Place]] = defaultdict(set)
    past: dict[GroupKey, set[Place]] = defaultdict(set)
    for thing in things.of("function", gone=True):
        (past if thing.gone_at else found)[group_of(thing)].add(thing.place)
    return {**past, **found}


@once
def log_groups(things: Things) -> dict[GroupKey, Thing]:
    return {(t.account, t.region, t.name): t for t in things.of("log_group", gone=True)}


def _stored(things: Things) -> Iterator[Held]:
    known = log_groups(things)
    for key, places in writers(things).items():
        group = known.get(key)
        stored = group.body.get("stored_bytes") if group else None
        if group is not None and stored and len(places) == 1:
            span = Window(_time(group.body.get("created")) or group.first_seen, group.gone_at or FOREVER)
            yield Held(next(iter(places)), "", "log_storage_byte_hours", span, stored / HOUR_MS)


@once
def infrequent(things: Things) -> set[Place]:
    """Functions whose log group is of the class INFREQUENT_ACCESS."""
    groups = {
        k for k, group in log_groups(things).items() if group.body.get("log_class") == "INFREQUENT_ACCESS"
    }
    return {place for key, places in writers(things).items() if key in groups for place in places}


# --- event pollers ------------------------------------------------------------------------------------------


def pollers(snapshot: Snapshot, things: Things, question: Question, sizes: Sizes) -> pd.DataFrame:
    """Poller units of mappings in provisioned mode: what was measured, and the fewest there may be where
    nothing was."""
    of = [t for t in things.of("mapping", gone=True) if _is_provisioned(t) and question.wants(t.place)]
    if not of:
        return pd.DataFrame()
    there = over_steps([_life(thing) for thing in of], question)
    told = _polled(snapshot, question, [thing.name for thing in of])
    lines = there.merge(told, on=["at", "step"], how="outer").fillna(0.0)
    unsaid = (lines["ms"] - lines["told_ms"]).clip(lower=0.0)
    at = lines["at"].to_numpy(dtype=int)
    used = lines["unit_ms"] + unsaid * np.array([_fewest(thing) for thing in of])[at]
    is_sqs = np.array([_is_sqs(thing) for thing in of])[at]
    rows = _labelled([(thing.place, "") for thing in of], sizes, at)
    return rows.assign(
        step=lines["step"].astype(np.int64),
        event_poller_ms=used.where(~is_sqs, 0.0),
        event_poller_sqs_ms=used.where(is_sqs, 0.0),
    )


def _is_provisioned(mapping: Thing) -> bool:
    return mapping.body.get("minimum_pollers") is not None


def _is_sqs(mapping: Thing) -> bool:
    return str(mapping.body.get("source_arn") or "").split(":")[2:3] == ["sqs"]


def _fewest(mapping: Thing) -> float:
    """Units that its fewest pollers need: an SQS poller is one."""
    fewest = int(mapping.body["minimum_pollers"])
    return float(fewest if _is_sqs(mapping) else -(-fewest // POLLERS_A_UNIT))


def _life(mapping: Thing) -> Window:
    """When it polls, as far as we know; since when one that is disabled does not poll is not known."""
    if str(mapping.body.get("state")) in ("Disabled", "Disabling"):
        return Window(mapping.first_seen, mapping.first_seen)
    modified = _time(mapping.body.get("last_modified"))
    since = min(mapping.first_seen, modified or mapping.first_seen)
    return Window(since, max(since, mapping.gone_at or FOREVER))


def _polled(snapshot: Snapshot, question: Question, mappings: Collection[str]) -> pd.DataFrame:
    """Per mapping (its number) and step: unit-milliseconds, and milliseconds that are told of."""
    return snapshot.frame(
        f"""WITH known AS (SELECT unnest($mappings)::VARCHAR AS mapping,
            unnest(range(len($mappings))) AS "at"),
        units AS (SELECT mapping, {STEP_SQL} AS step, period_s::DOUBLE * 1000 AS ms,
                coalesce(poller_units_max, provisioned_pollers_max) AS units
            FROM mapping_samples WHERE ts >= $start AND ts < $end)
        SELECT "at", step, sum(units * ms) AS unit_ms, sum(ms) AS told_ms
        FROM units JOIN known USING (mapping) WHERE units IS NOT NULL GROUP BY ALL""",
        {**{k: question.params[k] for k in ("start", "end", "step_ms")}, "mappings": list(mappings)},
    )
