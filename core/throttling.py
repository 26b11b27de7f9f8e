"""Bursts of throttles: when, and which limit was met.

CloudWatch counts throttles and does not say which limit refused: it is concluded from what was full.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.exhaustion import SCALES_BY, SCALES_EVERY
from core.throttled_work import Work

STOPPED, RESERVED, PROVISIONED, ACCOUNT, SCALING, EVENT_SOURCE, UNKNOWN = (
    "stopped by a reservation of 0",
    "its own reservation",
    "its provisioned concurrency",
    "the account's concurrency",
    "how fast a function may scale",
    "its event source's maximum concurrency",
    "cannot tell",
)
CAUSES = (STOPPED, RESERVED, PROVISIONED, ACCOUNT, SCALING, EVENT_SOURCE, UNKNOWN)

FULL = 0.98
"""A pool this full was full: concurrency is a maximum of samples, which may miss the last few."""
GROWING = 0.5
"""Growth by half of what a function may at most add in a step tells of scaling, not of a level."""
APART = 5
"""Minutes without a throttle that end a burst."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One step of one function."""

    ts: datetime
    throttles: float
    concurrent: float | None = None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch with throttles; `end` is the end of its last step."""

    start: datetime
    end: datetime
    throttles: float


@dataclass(frozen=True, slots=True)
class Pool:
    """What a function draws from, as it was during a burst.

    `reserved` is its reservation (None: it has none, or `is_read` is false: nobody looked), `limit` the
    account's and `claimed_max` the most that was claimed of it (None: not known). `provisioned` is all that
    its aliases and versions hold ready, `spilled` how many invocations found that used up, `event_source_max`
    how many its event source mappings may run at once (None: one of them may run any number).
    """

    reserved: int | None = None
    limit: int | None = None
    claimed_max: float | None = None
    is_read: bool = True
    provisioned: int = 0
    spilled: float = 0.0
    event_source_max: int | None = None


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
    found = _of_reservation(used, pool) if pool.reserved is not None else _of_account(pool, used)
    return found or _of_growth(minutes, used, step) or _of_event_source(used, pool) or _unknown(used, pool)


def _of_reservation(used: float | None, pool: Pool) -> Cause | None:
    """What a function with a reservation met; the account's limit is none of its limits."""
    reserved = pool.reserved or 0
    if reserved == 0:
        return Cause(STOPPED, "its reserved concurrency is 0: nothing of it may run", used, 0)
    if pool.provisioned >= reserved:
        says = f"all its {reserved:,} reserved are provisioned: what these do not serve is refused"
        return Cause(PROVISIONED, says, used, reserved)
    if used is None or used < FULL * reserved:
        return None
    says = f"{used:,.0f} of its {reserved:,} reserved were in use"
    return Cause(RESERVED, says + _spilled(pool), used, reserved)


def _of_account(pool: Pool, used: float | None) -> Cause | None:
    claimed = pool.claimed_max
    if claimed is None or not pool.limit or claimed < FULL * pool.limit:
        return None
    says = f"{claimed:,.0f} of the account's {pool.limit:,} were claimed"
    unread = "" if pool.is_read else "; whether it has a reservation of its own was not read"
    return Cause(ACCOUNT, says + _spilled(pool) + unread, claimed, pool.limit)


def _spilled(pool: Pool) -> str:
    if not pool.spilled:
        return ""
    return f", after {pool.spilled:,.0f} invocations found its {pool.provisioned:,} provisioned used up"


def _of_growth(minutes: Sequence[Minute], used: float | None, step: timedelta) -> Cause | None:
    told = [m.concurrent for m in sorted(minutes, key=lambda m: m.ts) if m.concurrent is not None]
    grown = max((b - a for a, b in pairwise(told)), default=None)
    if grown is None or grown < GROWING * SCALES_BY:
        return None
    says = (
        f"it grew by {grown:,.0f} within {_minutes(step)}; Lambda adds at most {SCALES_BY:,} per"
        f" {SCALES_EVERY.seconds} s to a function, and no pool was full"
    )
    return Cause(SCALING, says, used, None)


def _of_event_source(used: float | None, pool: Pool) -> Cause | None:
    most = pool.event_source_max
    if most is None or used is None or used < FULL * most:
        return None
    says = f"its event sources may run {most:,} at once and did; no pool was full"
    return Cause(EVENT_SOURCE, says, used, most)


def _unknown(used: float | None, pool: Pool) -> Cause:
    limit = pool.reserved if pool.reserved is not None else pool.limit
    return Cause(UNKNOWN, _why_unknown(used, pool), used, limit)


def _why_unknown(used: float | None, pool: Pool) -> str:
    if not pool.is_read:
        return "whether it has a reservation of its own was not read"
    if pool.reserved is not None:
        if used is None:
            return f"its concurrency was not collected, so how much of its {pool.reserved:,} reserved it used"
        return f"at most {used:,.0f} of its {pool.reserved:,} reserved were seen in use"
    if pool.claimed_max is None:
        return "the account's concurrency was not collected for that time"
    if pool.limit is None:
        return "the account's limit is not known"
    return (
        f"at most {pool.claimed_max:,.0f} of the account's {pool.limit:,} were seen claimed: a peak between"
        " two samples, a limit on requests per second, or a caller's own"
    )


def _minutes(step: timedelta) -> str:
    minutes = step // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes > 1 else "a minute"
