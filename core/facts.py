"""What a run says, and of what: facts of `core.telemetry` and `core.entities`, and how much was read.

A fact has no account and no region: the run that learned it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.entities import (
    AccountLimits,
    Alarm,
    Alias,
    Cadence,
    CapacityProvider,
    Entity,
    EventSourceMapping,
    Function,
    InvokeConfig,
    Layer,
    LogGroup,
    LogMode,
    Provisioned,
    Queue,
    Reserved,
    TraceSettings,
    Trigger,
    Version,
)
from core.telemetry import Rows, Telemetry
from core.windows import Window


@dataclass(frozen=True, order=True, slots=True)
class Target:
    """One account and region that we watch."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Every entity of `kind` (below `function`, if given) was listed in this run: the others are gone.

    With `part`, only those that have this `part`: what is listed in several calls of which each may fail.
    """

    kind: str
    function: str | None = None
    part: str | None = None


ACCOUNT = "(account)"
"""The scope of what AWS tells of an account and region as such. No thing of AWS's can have this name."""


@dataclass(frozen=True, slots=True)
class Covered:
    """`window` was read in full for `scope` (a function, a queue, ACCOUNT, or "" for the whole target).

    A run that yields no Covered and no Gap covers its own window with scope "". `settled` False keeps the
    whole window provisional, so that the next run reads it again.
    """

    scope: str
    window: Window
    period_s: int = 0
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """`window` could not be read for `scope`; `why` is a sentence, `permission` the missing action."""

    scope: str
    window: Window
    why: str
    permission: str | None = None


Fact = Telemetry | Rows | Entity | Listed | Covered | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls made and what AWS bills for them. `units` are billed units (metrics requested for GetMetricData,
    else calls); `cost_usd` is text of an exact decimal, None when the price is not known."""

    service: str
    operation: str
    calls: int
    units: int
    cost_usd: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one collector on one target. `outcome` is ok, partial, denied, failed or skipped."""

    collector: str
    target: Target
    window: Window
    period_s: int
    started_at: datetime
    finished_at: datetime
    outcome: str
    error: str | None = None
    permission: str | None = None
    facts: int = 0
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the store knows of one target: handed to collectors that ask about known things."""

    functions: tuple[Function, ...] = ()
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    mappings: tuple[EventSourceMapping, ...] = ()
    reserved: tuple[Reserved, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    invoke_configs: tuple[InvokeConfig, ...] = ()
    queues: tuple[Queue, ...] = ()
    limits: AccountLimits | None = None
    log_groups: tuple[LogGroup, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    layers: tuple[Layer, ...] = ()
    capacity_providers: tuple[CapacityProvider, ...] = ()
    log_modes: tuple[LogMode, ...] = ()
    cadences: tuple[Cadence, ...] = ()
    trace_settings: TraceSettings | None = None
    alarms: tuple[Alarm, ...] = ()
    async_settings_of: frozenset[str] = frozenset()
    """Functions whose asynchronous settings were read: what is not among `invoke_configs` does not exist."""
