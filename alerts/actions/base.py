"""What every action has: limits, a plan that only reads, and one write that is safe to repeat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from pydantic import Field

from core.facts import Target, Usage
from core.settings import Duration, Section


class Aws(Protocol):
    """One account and region, entered. `collectors.aws.Aws` is one."""

    @property
    def target(self) -> Target: ...

    def client(self, service: str, /) -> Any: ...

    def take_usage(self) -> Sequence[Usage]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why an action is considered: an incident, or a person who names a function (`incident` is None then).

    `id` names the one action on the one occasion, so the receiver can tell a repetition.
    """

    id: str
    target: Target
    subject_kind: str
    subject: str
    who: str
    incident: str | None = None
    rule: str | None = None
    signal: str | None = None
    severity: str | None = None
    title: str | None = None
    opened_at: datetime | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str | None = None
    runbook: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    alert_url: str | None = None
    account_alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would do: a sentence, where, the request, and how it is undone (None: it cannot be)."""

    action: str
    sentence: str
    target: Target
    request: Mapping[str, Any]
    undo: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    answer: str
    request_id: str | None = None


class Action(Section, ABC):
    """A change that a rule may make. It is a dry run unless its rule and the settings both enable it."""

    permissions: ClassVar[tuple[str, ...]] = ()

    enabled: bool = False
    cooldown: Duration = Field(default=timedelta(minutes=30), description="between two on the same subject")
    max_per_hour: int = Field(default=4, ge=1, description="of this action, over all subjects of its rule")

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def place(self, occasion: Occasion) -> Target:
        """The account and region that the change is made in."""

    @abstractmethod
    def touches(self, occasion: Occasion) -> bool:
        """Whether the subject is what the action itself runs on: it never acts on that."""

    @abstractmethod
    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        """Look, and say what would be done. Raises ActionError when it cannot be."""

    @abstractmethod
    def apply(self, plan: Plan, aws: Aws) -> Applied:
        """Do what `plan` says. Raises ActionError."""
