"""Memory or timeout of a function; waits until Lambda has carried it out.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from botocore.exceptions import WaiterError
from pydantic import Field, model_validator

from alerts.actions.base import Applied, Aws
from alerts.actions.calling import call
from alerts.actions.setting import Change, Consequences, Setting, Value, Write
from core.errors import ActionError

FIELDS = {"memory_mb": "MemorySize", "timeout_s": "Timeout"}
UNITS = {"memory_mb": "MB", "timeout_s": "s timeout"}
WAIT = {"Delay": 1, "MaxAttempts": 60}


class UpdateConfiguration(Setting):
    """Set `memory_mb` (processor time grows with it), `timeout_s`, or both, of $LATEST."""

    what: ClassVar[str] = "configuration"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConfiguration",
        "lambda:UpdateFunctionConfiguration",
    )

    do: Literal["update-configuration"] = "update-configuration"
    memory_mb: int | None = Field(default=None, ge=128, le=10_240)
    timeout_s: int | None = Field(default=None, ge=1, le=900)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.memory_mb is None and self.timeout_s is None:
            raise ValueError("memory_mb: give `memory_mb`, `timeout_s` or both")
        return self

    def read(self, thing: str, aws: Aws) -> Value:
        known = _configuration(thing, aws)
        return {name: known[theirs] for name, theirs in FIELDS.items() if getattr(self, name) is not None}

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        return {name: getattr(self, name) for name in before}

    def writing(self, thing: str, value: Value) -> Write:
        return Write(
            "update_function_configuration",
            {"FunctionName": thing, **{FIELDS[name]: number for name, number in value.items()}},
        )

    def said(self, value: Value) -> str:
        return " and ".join(f"{number} {UNITS[name]}" for name, number in value.items())

    def write(self, thing: str, value: Value, aws: Aws) -> Applied:
        done = super().write(thing, value, aws)
        waiter = aws.client("lambda").get_waiter("function_updated")
        try:
            waiter.wait(FunctionName=thing, WaiterConfig=WAIT)
        except WaiterError as error:
            raise ActionError(f"{done.answer}, but Lambda did not finish the update: {error}") from error
        return done

    def consequences(self, change: Change, aws: Aws) -> Consequences:
        known = _configuration(change.thing, aws)
        if (status := known.get("LastUpdateStatus", "Successful")) != "Successful":
            raise ActionError(f"{change.thing} is being changed already (last update: {status})")
        memory = change.after.get("memory_mb"), change.before.get("memory_mb")
        warnings = ["all environments are replaced: the next requests start cold"]
        warnings.append("versions that are published already, and aliases to them, do not change")
        if memory[0] and memory[1] and memory[0] < memory[1]:
            warnings.append("with less memory it is slower, and may run out of it")
        return Consequences(
            effect=f"{change.thing} runs with {self.said(change.after)}",
            touches=(f"{change.thing}: whoever calls it without a version, or an alias to $LATEST",),
            warnings=tuple(warnings),
            cost=f"{memory[0] / memory[1]:.2g} times the price of each millisecond"
            if memory[0] and memory[1]
            else "nothing, unless requests run longer",
        )


def _configuration(function: str, aws: Aws) -> dict[str, Any]:
    """Without the environment's variables, which may be secrets."""
    doing = f"read the configuration of {function}"
    answer = call(aws, "lambda", "get_function_configuration", doing, FunctionName=function)
    names = (*FIELDS.values(), "State", "LastUpdateStatus")
    return {name: answer[name] for name in names if name in answer}
