"""What a function could be set up as to cost less: the words of it. Each proposal stands alone; the rules are
in `rightsizing_memory`, `_settings`, `_logs` and `_units`, the change to make in `rightsizing_changes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from core.cpu_model import AtMemory
from core.prices import Prices
from core.provisioned import MONTH

Verdict = Literal["change", "keep", "unknown"]

KINDS: Mapping[str, str] = {
    "memory": "Memory",
    "architecture": "Architecture",
    "timeout": "Timeout",
    "ephemeral": "Ephemeral storage",
    "log-retention": "Log retention",
    "log-level": "Log level",
    "idle-provisioned": "Idle provisioned concurrency",
    "provisioned": "Provisioned concurrency",
    "old-versions": "Old versions",
}
"""What a proposal is about, in words."""

ENOUGH_RECORDS = 100
ENOUGH_SEEN = timedelta(days=1)
WHOLE_WEEK = timedelta(days=7)
"""Less than the first two says nothing; less than a week may have missed the busy day of it."""

LEAST_USD = Decimal("0.01")
"""A month, below which nothing is proposed."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """USD a month, saved (negative: spent more). `likely` is None where only the ends are known."""

    low: Decimal
    high: Decimal
    likely: Decimal | None = None

    @property
    def middle(self) -> Decimal:
        """What proposals are ranked by."""
        return self.likely if self.likely is not None else (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Change:
    """How to make a change: as AWS's command line, in Terraform, and as an action of ours (its fields; None:
    there is none)."""

    cli: tuple[str, ...]
    terraform: str
    action: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One thing to change, to keep, or not known. `says` is the change in a line; `missing` what would have
    to be known (of `unknown` ones, where `saves` is what is at stake at most, if that is known); `now` and
    `then` the values of a setting."""

    kind: str
    verdict: Verdict
    says: str
    saves: Band | None = None
    risk: str = ""
    evidence: tuple[str, ...] = ()
    missing: str = ""
    now: float | None = None
    then: float | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtSize:
    """Invocation records at one memory size. Sums in ms; percentiles of durations; `used_*` is Max Memory
    Used (None: not told); `provisioned_ms` is the part of `billed_ms` at the provisioned price."""

    memory_mb: float
    records: float
    billed_ms: float
    provisioned_ms: float = 0.0
    p50_ms: float
    p95_ms: float
    p999_ms: float
    max_ms: float
    log_mean: float
    log_sd: float
    used_max_mb: float | None = None
    used_p95_mb: float | None = None
    out_of_memory: float = 0.0
    timeouts: float = 0.0

    @property
    def warm(self) -> AtMemory:
        return AtMemory(self.memory_mb, self.records, self.log_mean, self.log_sd)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupSeen:
    """A function's log group; `bytes_a_day` is what arrived lately (None: not known), `shared_by` how many
    functions write to it. `retention_days` None: it never expires."""

    name: str
    retention_days: int | None
    stored_bytes: float | None
    created: datetime | None = None
    bytes_a_day: float | None = None
    shared_by: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Provisioned concurrency that served nobody; `why` says how that is known."""

    qualifier: str
    held: float
    why: str
    usd_month: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVersion:
    """A published version that no alias, trigger or provisioned concurrency names. `is_cached`: SnapStart
    keeps (and charges for) a snapshot of it. `is_duplicate`: another version holds the same code."""

    version: str
    bytes: float | None
    memory_mb: float | None = None
    is_cached: bool = False
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One function as it is set up and as it ran. `seen` is how much of `window` its log was read for,
    `why_not` why the rest was not; `sizes` by memory; `invocations` as metrics count them (None: not
    known)."""

    account: str
    region: str
    function: str
    window: timedelta
    seen: timedelta
    why_not: str = ""
    runtime: str | None = None
    architecture: str = "x86_64"
    package_type: str | None = None
    layers: int = 0
    is_edge: bool = False
    is_managed: bool = False
    memory_mb: float | None = None
    timeout_s: float | None = None
    ephemeral_mb: float | None = None
    log_format: str = "Text"
    log_level: str | None = None
    invocations: float | None = None
    sizes: tuple[AtSize, ...] = ()
    log_group: LogGroupSeen | None = None
    pools: tuple[Pool, ...] = ()
    old_versions: tuple[OldVersion, ...] = ()
    code_share: float | None = field(default=None)

    @property
    def records(self) -> float:
        return sum(one.records for one in self.sizes)

    @property
    def current(self) -> AtSize | None:
        """Records at the size that it has now."""
        return next((one for one in self.sizes if one.memory_mb == self.memory_mb), None)

    @property
    def a_month(self) -> float:
        """Invocations a month at the rate of what was seen."""
        return self.records * (MONTH / self.seen) if self.seen else 0.0


PriceOf = Callable[[str], Prices]
"""Prices of an architecture where the function is."""


def lacking(one: Observed) -> str | None:
    """What is missing before records say anything of how the function runs now; None: nothing is."""
    if one.memory_mb is None:
        return "its memory size: its configuration was not read (lambda:ListFunctions)"
    if one.invocations == 0 and not one.records:
        return f"any invocation: none in the {words(one.window)} that were looked at"
    if one.seen < ENOUGH_SEEN:
        more = words(ENOUGH_SEEN - one.seen)
        return f"{more} more of its log{f' ({one.why_not})' if one.why_not else ''}"
    at_size = one.current.records if one.current else 0.0
    if at_size < ENOUGH_RECORDS:
        more = f"{ENOUGH_RECORDS - at_size:,.0f} more invocation records at {one.memory_mb:,.0f} MB"
        return f"{more}{f' ({one.why_not})' if one.why_not else ''}"
    return None


def unknown(kind: str, missing: str, *, at_stake: Band | None = None, says: str = "") -> Proposal:
    return Proposal(kind=kind, verdict="unknown", says=says or "Not known", missing=missing, saves=at_stake)


def keep(kind: str, why: str) -> Proposal:
    return Proposal(kind=kind, verdict="keep", says=why)


def seen_in(one: Observed) -> str:
    """The evidence every rule begins with."""
    return f"{one.records:,.0f} invocation records in {words(one.seen)}"


def short_of_a_week(one: Observed) -> str:
    """A risk, when a whole week was not seen."""
    return "" if one.seen >= WHOLE_WEEK else f"only {words(one.seen)} seen: a busier day may be missing"


def joined(*risks: str) -> str:
    return "; ".join(risk for risk in risks if risk)


def words(length: timedelta) -> str:
    """`3 days`, `26 hours`, `40 minutes`."""
    if length >= 2 * DAY:
        return f"{length / DAY:,.3g} days"
    if length >= timedelta(hours=2):
        return f"{length / timedelta(hours=1):,.0f} hours"
    return f"{length / timedelta(minutes=1):,.0f} minutes"
