"""Lambda's arithmetic: rates, headroom, arrivals, cold starts, memory kills, billed time; unknown is None."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

INIT_BILLED_SINCE = datetime(2025, 8, 1, tzinfo=UTC)
"""Since then every initialization is billed; before, only those of containers and custom runtimes."""

RESERVED_MINIMUM_UNRESERVED = 100
"""AWS keeps at least this much of the account's concurrency unreserved."""


def rate(part: float | None, whole: float | None) -> float | None:
    """`part / whole` as 0..1; None when nothing happened or one of them is not known."""
    if part is None or whole is None or math.isnan(part) or math.isnan(whole) or whole <= 0:
        return None
    return part / whole


def headroom(limit: float | None, used_max: float | None) -> float | None:
    """Concurrent executions left of `limit` at the busiest moment; negative when it was exceeded."""
    if limit is None or used_max is None or math.isnan(limit) or math.isnan(used_max):
        return None
    return limit - used_max


def reservable(limit: int, reserved: int) -> int:
    """How much more concurrency may be reserved in the account."""
    return max(0, limit - reserved - RESERVED_MINIMUM_UNRESERVED)


def is_cold_start(*, init_ms: float | None, restore_ms: float | None, init_type: str | None) -> bool:
    """Whether an invocation reports that its environment was started, on demand or from a snapshot.

    Provisioned concurrency initializes before it is called: an Init Duration it reports kept nobody waiting.
    Nor did that of a proactive environment, but its report does not tell (`core.environments`).
    """
    if init_type == "provisioned-concurrency":
        return False
    return init_ms is not None or restore_ms is not None


def is_out_of_memory(
    *, error_type: str | None, killed: bool, memory_mb: float | None, max_memory_mb: float | None
) -> bool:
    """Whether Lambda ended the invocation for its memory. Max Memory Used alone is evidence, not proof: it is
    the environment's high-water mark, so it takes a SIGKILL (`killed`) beside it."""
    if error_type == "Runtime.OutOfMemory":
        return True
    return killed and memory_mb is not None and max_memory_mb is not None and max_memory_mb >= memory_mb


def expected_billed_ms(
    duration_ms: float,
    *,
    ts: datetime,
    init_ms: float | None = None,
    billed_restore_ms: float | None = None,
    managed_runtime: bool = True,
) -> int:
    """Billed Duration as AWS should report it, to check or to stand in for a missing one."""
    billed = duration_ms + (billed_restore_ms or 0)
    if init_ms is not None and (ts >= INIT_BILLED_SINCE or not managed_runtime):
        billed += init_ms
    return math.ceil(billed)


def init_billed_ms(duration_ms: float, billed_ms: float, *, cold: bool) -> float:
    """The part of Billed Duration that is initialization or restore: what exceeds the rounded-up duration."""
    return max(0.0, billed_ms - math.ceil(duration_ms)) if cold else 0.0


def arrivals(
    depth: Sequence[float] | Numbers,
    sent: Sequence[float] | Numbers,
    deleted: Sequence[float] | Numbers,
    *,
    newest_is_open: bool = True,
) -> list[float]:
    """Messages that arrived in a queue, per sample in order of time.

    `depth` counts every message in the queue (a maximum of its period), `sent` and `deleted` are the period's
    sums. Arrivals are what was sent, and by how much the depth's growth plus what was deleted is more: a
    redrive by SQS is not in `sent`, a drained queue shows no depth. Depth lags deletions (the maximum of a
    period comes before them), so a later fall that neither deletions nor what was sent explain takes back
    what deletions just before it seemed to add. A fall without deletions is a purge or an expiry. NaN in, NaN
    out; after a NaN the depth before it counts as the last known.

    With `newest_is_open` the newest sample's deletions count for nothing yet, for the fall may still follow.
    """
    held, came, gone = (np.asarray(values, dtype=float) for values in (depth, sent, deleted))
    came, gone = np.nan_to_num(came), np.nan_to_num(gone)
    growth = _growth(held)
    counted = growth + gone - came
    more = counted.copy()
    if newest_is_open and len(more):
        more[-1] -= gone[-1]
    _take_back(more, counted, gone)
    unknown = np.where(np.isnan(np.asarray(sent, dtype=float)), math.nan, came)
    found: list[float] = np.where(np.isnan(growth), unknown, came + np.maximum(more, 0.0)).tolist()
    return found


def _take_back(
    more: npt.NDArray[np.float64], counted: npt.NDArray[np.float64], gone: npt.NDArray[np.float64]
) -> None:
    """Let each fall of `more` take from the sample before it what its deletions had added to `counted`."""
    for fall in np.flatnonzero(more < 0)[::-1]:
        at = int(fall)
        while at > 0 and more[at] < 0 and gone[at - 1] > 0:
            more[at - 1] = counted[at - 1] - min(gone[at - 1], -more[at])
            at -= 1


def _growth(depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Change against the last known depth; NaN where there is none."""
    at = np.where(np.isnan(depth), -1, np.arange(len(depth)))
    last = np.maximum.accumulate(at) if len(depth) else at
    before = np.concatenate([[-1], last[:-1]]).astype(int)[: len(depth)]
    return depth - np.where(before >= 0, depth[before], math.nan)
