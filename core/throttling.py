"""Bursts of throttles: when, which limit was met, and what became of the work.

CloudWatch counts throttles and does not say which limit refused: it is concluded from what was full.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.exhaustion import SCALES_BY, SCALES_EVERY

STOPPED, RESERVED, ACCOUNT, SCALING, UNKNOWN = (
    "stopped by a reservation of 0",
    "its own reservation",
    "the account's concurrency",
    "how fast a function may scale",
    "not told",
)
CAUSES = (STOPPED, RESERVED, ACCOUNT, SCALING, UNKNOWN)

FULL = 0.98
"""A pool this full was full: concurrency is a maximum of samples, which may miss the last few."""
GROWING = 0.5
"""Growth by half of what a function may at most add in a step tells of scaling, not of a level."""
APART = 5
"""Minutes without a throttle that end a burst."""


@dataclass(frozen=True, slots=True)
class Work:
    """What became of the events of one step; None: not told."""

    received: float | None = None
    dropped: float | None = None
    async_age_ms: float | None = None
    iterator_age_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Minute:
    """One step of one function."""

    ts: datetime
    throttles: float
    concurrent: float | None = None
    work: Work = Work()


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch with throttles; `end` is the end of its last step."""

    start: datetime
    end: datetime
    throttles: float


@dataclass(frozen=True, slots=True)
class Pool:
    """What a function draws from: its reservation (None: it has none), the account's limit and the most that
    was claimed of it during the burst (None: not known)."""

    reserved: int | None = None
    limit: int | None = None
    claimed_max: float | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    kind: str
    says: str
    used: float | None = None
    limit: float | None = None


def bursts(minutes: Iterable[Minute], *, step: timedelta) -> list[Burst]:
    """Stretches of throttles, oldest first; those less than `APART` minutes (or a step) apart are one."""
    apart = max(timedelta(minutes=APART), step)
    found: list[Burst] = []
    for minute in sorted((m for m in minutes if m.throttles > 0), key=lambda m: m.ts):
        end = minute.ts + step
        if found and minute.ts - found[-1].end < apart:
            found[-1] = Burst(found[-1].start, end, found[-1].throttles + minute.throttles)
        else:
            found.append(Burst(minute.ts, end, minute.throttles))
    return found


def cause(burst: Burst, minutes: Sequence[Minute], pool: Pool, *, step: timedelta) -> Cause:
    """Which limit refused. `minutes` are the function's, from a little before the burst to its end."""
    used = max(
        (m.concurrent for m in minutes if m.ts >= burst.start and m.concurrent is not None), default=None
    )
    if pool.reserved == 0:
        return Cause(STOPPED, "its reserved concurrency is 0: nothing of it may run", used, 0)
    if pool.reserved is not None and used is not None and used >= FULL * pool.reserved:
        says = f"{used:,.0f} of its {pool.reserved:,} reserved were in use"
        return Cause(RESERVED, says, used, pool.reserved)
    claimed = pool.claimed_max if pool.reserved is None else None
    if claimed is not None and pool.limit and claimed >= FULL * pool.limit:
        says = f"{claimed:,.0f} of the account's {pool.limit:,} were claimed"
        return Cause(ACCOUNT, says, claimed, pool.limit)
    grown = _growth(minutes)
    if grown is not None and grown >= GROWING * SCALES_BY:
        says = (
            f"it grew by {grown:,.0f} within {_minutes(step)}; Lambda adds at most {SCALES_BY:,} per"
            f" {SCALES_EVERY.seconds} s to a function, and no pool was full"
        )
        return Cause(SCALING, says, used, None)
    return Cause(
        UNKNOWN, _unknown(used, pool), used, pool.reserved if pool.reserved is not None else pool.limit
    )


def _growth(minutes: Sequence[Minute]) -> float | None:
    """The largest growth of its concurrency from one step to the next."""
    told = [m.concurrent for m in sorted(minutes, key=lambda m: m.ts) if m.concurrent is not None]
    return max((b - a for a, b in pairwise(told)), default=None)


def _unknown(used: float | None, pool: Pool) -> str:
    if pool.reserved is not None:
        return f"at most {used or 0:,.0f} of its {pool.reserved:,} reserved were seen in use"
    if pool.limit is None or pool.claimed_max is None:
        return "the account's limit or its claimed concurrency is not known for that time"
    return (
        f"at most {pool.claimed_max:,.0f} of the account's {pool.limit:,} were seen claimed: a peak between"
        " two samples, a limit on requests per second, or a caller's own"
    )


def _minutes(step: timedelta) -> str:
    minutes = step // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes > 1 else "a minute"


QUEUES = frozenset({"sqs"})
STREAMS = frozenset({"kinesis", "dynamodb", "documentdb", "msk", "self-managed-kafka"})


def consequence(work: Sequence[Work], fed_by: Collection[str]) -> str:
    """What became of the throttled work, in words: lost, delayed, given back, or refused to its callers."""
    said = []
    dropped = sum(w.dropped or 0 for w in work)
    if dropped:
        said.append(f"{dropped:,.0f} asynchronous events were dropped")
    elif any(w.received for w in work):
        age = max((w.async_age_ms or 0 for w in work), default=0)
        said.append(
            f"asynchronous events waited up to {age / 1000:,.0f} s" if age else "asynchronous events waited"
        )
    if STREAMS & set(fed_by):
        age = max((w.iterator_age_ms or 0 for w in work), default=0)
        said.append(f"its stream was up to {age / 1000:,.0f} s behind" if age else "its stream waited")
    if QUEUES & set(fed_by):
        said.append("messages went back to their queue, each with one receive more")
    return "; ".join(said) or "callers got an error (429), unless they tried again"
