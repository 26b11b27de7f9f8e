"""Event source mappings: their names, and what their pollers counted."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np

from quarterdeck.demo.metrics import OfDay, Samples, joined, of_invocations
from quarterdeck.demo.model import MINUTE_MS, Day, Flags, Floats, Ints, all_hand_back
from quarterdeck.demo.specs import Spec

AGAIN_MS = 180_000
"""When an item that was handed back is taken again: with a later batch, which then succeeds."""

_BYTES_AN_EVENT = 640


def mapping_id(spec: Spec, *, retired: bool = False) -> str:
    """The UUID of a function's mapping, or of the one that it had before."""
    text = f"mapping/{spec.arn}{'/retired' if retired else ''}"
    return str(uuid.UUID(hashlib.sha256(text.encode()).hexdigest()[:32]))


# --- events ------------------------------------------------------------------------------------------------


def _batches(day: Day) -> Floats:
    return day.batch_size.astype(np.float64)


def _at(ts_ms: Ints, value: Floats) -> Samples:
    return of_invocations(ts_ms, value, ts_ms)


def _again(day: Day) -> Samples:
    """The items that come again after they were handed back."""
    back = all_hand_back(day)
    return _at(day.end_ms[back] + AGAIN_MS, np.ones(int(back.sum())))


def _left_out(day: Day) -> Floats:
    """How many events the filter removed while a batch was gathered."""
    share = 4 if day.spec.filters else 1
    return np.asarray(day.ids[:, 1] % share, dtype=np.float64)


def _invoked(day: Day) -> Samples:
    return joined([_at(day.start_ms, _batches(day)), _again(day)])


def _polled(day: Day) -> Samples:
    return joined([_at(day.start_ms, _batches(day) + _left_out(day)), _again(day)])


def _filtered_out(day: Day) -> Samples:
    return _at(day.start_ms, _left_out(day))


def _failed_invoke(day: Day) -> Samples:
    failed = np.where(day.failed, _batches(day), all_hand_back(day))
    return _at(day.end_ms, np.asarray(failed, dtype=np.float64))


def _done(day: Day) -> Samples:
    """Events that are over: deleted from the queue, or committed."""
    done = np.where(day.failed, 0.0, _batches(day) - all_hand_back(day))
    return joined([_at(day.end_ms, np.asarray(done, dtype=np.float64)), _again(day)])


def _nothing(day: Day) -> Samples:
    return _at(day.start_ms, np.zeros(len(day)))


# --- Kafka -------------------------------------------------------------------------------------------------

_PARTITIONS = 3


def _lag(day: Day) -> Samples:
    """The lag of the partition that is furthest behind, in offsets: some batches, more after a failure."""
    behind = day.ids[:, 1] % 40 + np.where(day.failed, 250, 0).astype(np.uint64)
    return _at(day.start_ms, np.asarray(behind, dtype=np.float64))


def _lag_of_all(day: Day) -> Samples:
    most = _lag(day)
    return Samples(most.minute, most.value * (_PARTITIONS - 1), most.visible_ms)


def _rare(one_in: int) -> OfDay:
    def errors(day: Day) -> Samples:
        ts = day.start_ms[_is_rare(day, one_in)]
        return _at(ts, np.ones(len(ts)))

    return errors


def _is_rare(day: Day, one_in: int) -> Flags:
    return np.asarray(day.ids[:, 0] % one_in == 0, dtype=np.bool_)


def _invoke_errors(day: Day) -> Samples:
    ts = day.start_ms[day.failed]
    return _at(ts, np.ones(len(ts)))


def poller_units(day: Day) -> Samples:
    """One per minute with traffic, and a second when a minute is busy."""
    minute, batches = np.unique(day.start_ms // MINUTE_MS, return_counts=True)
    return _at(minute * MINUTE_MS, np.where(batches > 6, 2.0, 1.0))


def _throughput(day: Day) -> Samples:
    return _at(day.start_ms, (_batches(day) + _left_out(day)) * _BYTES_AN_EVENT)


_EVENTS: dict[str, OfDay] = {
    "PolledEventCount": _polled,
    "FilteredOutEventCount": _filtered_out,
    "InvokedEventCount": _invoked,
    "FailedInvokeEventCount": _failed_invoke,
    "DroppedEventCount": _nothing,
}
_ERRORS: dict[str, OfDay] = {
    "PollingErrorCount": _rare(900),
    "InvokeErrorCount": _invoke_errors,
    "SchemaRegistryErrorCount": _rare(4000),
    "CommitErrorCount": _rare(2500),
}
_PROVISIONED: dict[str, OfDay] = {
    "ProvisionedPollers": poller_units,
    "EventPollerUnit": poller_units,
    "EventPollerThroughputInBytes": _throughput,
}


def mapping_metrics(spec: Spec) -> dict[str, OfDay]:
    """What is measured of a function's mapping: what it asked for, and what its kind of source has."""
    found: dict[str, OfDay] = {}
    if "EventCount" in spec.mapping_metrics:
        found |= _EVENTS
        found["CommittedEventCount" if spec.trigger == "kafka" else "DeletedEventCount"] = _done
    if "ErrorCount" in spec.mapping_metrics:
        found |= _ERRORS
    if "KafkaMetrics" in spec.mapping_metrics:
        found |= {"MaxOffsetLag": _lag, "SumOffsetLag": _lag_of_all}
    return {**found, **(_PROVISIONED if spec.pollers else {})}


OF_KAFKA: dict[str, OfDay] = {"OffsetLag": _lag}
"""Measured of the function, not of its mapping."""
