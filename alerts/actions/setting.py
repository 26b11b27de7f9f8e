"""Actions that set a value in AWS: it is read before, leased if asked, compared, and put back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from alerts.actions.base import Action, Applied, Aws, Occasion, Plan
from alerts.actions.calling import call, request_id
from core.errors import ActionError, NothingToDoError
from core.people import Role
from core.settings import Duration

Value = Any
"""A value as JSON keeps it; None is none set."""


@dataclass(frozen=True, slots=True)
class Write:
    """The one call that sets a value."""

    operation: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Consequences:
    """What changes beside the value, in words."""

    effect: str
    touches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is about to change; `subject` is the function, `thing` what has the value."""

    subject: str
    thing: str
    before: Value
    after: Value
    facts: Mapping[str, Any] = field(default_factory=dict)


class Setting(Action):
    """A value of a function. `what` names it: `reserved concurrency`."""

    what: ClassVar[str]
    needs: ClassVar[Role] = "operator"

    function: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="whose value; left out: the function that the incident is about",
    )
    lease: Duration | None = Field(
        default=None, description="then the value before is restored; left out: it stays"
    )

    @model_validator(mode="after")
    def _lease_makes_sense(self) -> Self:
        if self.lease is not None and not timedelta(minutes=1) <= self.lease <= timedelta(days=30):
            raise ValueError("lease: must be from 1m to 30d")
        if self.lease is not None and self.verify is not None and self.verify.within >= self.lease:
            raise ValueError("verify.within: must be shorter than the lease")
        return self

    def function_of(self, occasion: Occasion) -> str | None:
        return self.function or (occasion.subject if occasion.subject_kind == "function" else None)

    def thing(self, function: str, aws: Aws) -> str:
        """What has the value: the function itself, an alias of it, a mapping."""
        return function

    @abstractmethod
    def read(self, thing: str, aws: Aws) -> Value:
        """The value in AWS now. Raises ActionError."""

    @abstractmethod
    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        """The value to set, where `before` is set now."""

    @abstractmethod
    def writing(self, thing: str, value: Value) -> Write: ...

    @abstractmethod
    def said(self, value: Value) -> str:
        """A value in words: `20`, `none`."""

    @abstractmethod
    def consequences(self, change: Change, aws: Aws) -> Consequences:
        """Raises ActionError for what AWS would refuse."""

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        subject = self.function_of(occasion)
        if subject is None:
            raise ActionError(f"{self.name}: {occasion.subject} is no function: name one with `function`")
        thing = self.thing(subject, aws)
        before = self.read(thing, aws)
        change = Change(subject, thing, before, self.wanted(before, thing, aws))
        if change.before == change.after:
            raise NothingToDoError(f"{self.what} of {thing} is {self.said(before)} already")
        then = self.consequences(change, aws)
        return Plan(
            action=self.name,
            sentence=f"{self._title(change)} in {aws.target.region} of {aws.target.account}{self._for()}",
            target=aws.target,
            request={
                change_name(self.writing(thing, change.after)): self.writing(thing, change.after).params
            },
            undo=self._undo(before),
            warnings=then.warnings,
            what=self.what,
            thing=thing,
            subject=subject,
            before=before,
            after=change.after,
            touches=then.touches,
            cost=then.cost,
            effect=then.effect,
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        assert plan.thing is not None
        return self.write(plan.thing, plan.after, aws)

    def write(self, thing: str, value: Value, aws: Aws) -> Applied:
        """Set the value; safe to repeat. Raises ActionError."""
        write = self.writing(thing, value)
        answer = call(aws, "lambda", write.operation, f"set {self.what} of {thing}", **write.params)
        return Applied(f"{self.what} of {thing} is {self.said(value)}", request_id(answer))

    def _title(self, change: Change) -> str:
        moved = f"from {self.said(change.before)} to {self.said(change.after)}"
        return f"Change {self.what} of {change.thing} {moved}"

    def _for(self) -> str:
        return f" for {minutes(self.lease)}" if self.lease else ""

    def _undo(self, before: Value) -> str:
        when = f"after {minutes(self.lease)}, or at any time before" if self.lease else "by a person"
        return f"{self.said(before)} is restored {when}"


def change_name(write: Write) -> str:
    """`put_function_concurrency` as AWS writes it."""
    return "".join(part.capitalize() for part in write.operation.split("_"))


def minutes(length: timedelta) -> str:
    total = round(length.total_seconds() / 60)
    hours, rest = divmod(total, 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"
