"""What every action has: a mode, limits, a plan that only reads, and one write that is safe to repeat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import Field, model_validator

from core.facts import Target, Usage
from core.people import Role
from core.settings import Duration, Section

Mode = Literal["off", "dry-run", "ask", "automatic"]
"""`off` does nothing, `dry-run` plans and audits, `ask` waits for a person, `automatic` carries it out."""


class Aws(Protocol):
    """One account and region, entered. `collectors.aws.Aws` is one."""

    @property
    def target(self) -> Target: ...

    def client(self, service: str, /) -> Any: ...

    def take_usage(self) -> Sequence[Usage]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why an action is considered: an incident, or a person who names a function (`incident` is None then).

    `id` names the one action on the one occasion, so the receiver can tell a repetition. `turn` counts from 0
    how often the action ran on the incident before.
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
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would do: a sentence, where, the request, and how it is undone (None: it cannot be).

    Of a setting: `what` is changed of which `thing` of the function `subject`, from `before` to `after`.
    `touches` is the blast radius, a sentence each; `cost` and `effect` are in words.
    """

    action: str
    sentence: str
    target: Target
    request: Mapping[str, Any]
    undo: str | None = None
    warnings: tuple[str, ...] = ()
    what: str | None = None
    thing: str | None = None
    subject: str | None = None
    before: Any = None
    after: Any = None
    touches: tuple[str, ...] = ()
    cost: str | None = None
    effect: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    answer: str
    request_id: str | None = None


class Verify(Section):
    """What must be so `within` a time: by default that the rule itself clears, or that its signal is at least
    half the way back to the threshold; else that `signal` is not `above` (or `below`) a value."""

    within: Duration = timedelta(minutes=10)
    signal: str | None = None
    lines: str | None = None
    above: float | str | None = None
    below: float | str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not timedelta(minutes=2) <= self.within <= timedelta(hours=6):
            raise ValueError("within: must be from 2m to 6h")
        if self.signal is None:
            if self.above is not None or self.below is not None:
                raise ValueError("signal: is needed beside `above` or `below`")
            return self
        from alerts.rule import Rule  # a rule holds actions, so its module imports this one

        Rule.model_validate(self.condition())
        return self

    def condition(self) -> dict[str, Any]:
        """As a rule is written: what must not be."""
        return {"rule": "verify", **self.model_dump(exclude={"within"}, exclude_none=True)}


class Action(Section, ABC):
    """Something that a rule may do about an incident. Nothing is changed unless the settings say so, too."""

    permissions: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Role] = "admin"
    """Who may approve it: what cannot be undone takes an admin."""

    do: str
    mode: Mode = "dry-run"
    cooldown: Duration = Field(default=timedelta(minutes=30), description="between two on the same subject")
    max_per_hour: int = Field(default=4, ge=1, description="of this action, over all subjects of its rule")
    again: bool = Field(
        default=False, description="more than once on an incident, and on what our own change may have caused"
    )
    verify: Verify | None = None

    @model_validator(mode="before")
    @classmethod
    def _mode(cls, data: Any) -> Any:
        """`mode: off` is false in YAML; rules of version 1 said `enabled`."""
        if not isinstance(data, Mapping):
            return data
        given = dict(data)
        if given.get("mode") is False:
            given["mode"] = "off"
        if "enabled" in given:
            if "mode" in given:
                raise ValueError("mode: says more than `enabled`: leave `enabled` out")
            given["mode"] = "automatic" if given.pop("enabled") is True else "dry-run"
        return given

    @property
    def name(self) -> str:
        return self.do

    def place(self, occasion: Occasion) -> Target:
        """The account and region that the change is made in."""
        return occasion.target

    def touches(self, occasion: Occasion) -> bool:
        """Whether the subject is what the action itself runs on: it never acts on that."""
        return False

    def function_of(self, occasion: Occasion) -> str | None:
        """The function that it changes, for the loop guard and the cap per function; None: none."""
        return None

    @abstractmethod
    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        """Look, and say what would be done. Raises ActionError when it cannot be, NothingToDoError when it is
        so already."""

    @abstractmethod
    def apply(self, plan: Plan, aws: Aws) -> Applied:
        """Do what `plan` says. Raises ActionError."""
