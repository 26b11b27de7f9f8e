"""Remediation in your own hands: invoke a Lambda function with an event that says what is wrong.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Action, Applied, Aws, Occasion, Plan
from alerts.actions.calling import call, request_id
from alerts.actions.event import remediation_event, sized
from core.errors import ActionError
from core.facts import Target
from core.signatures import keepable

MAX_ANSWER_CHARACTERS = 1000
READ_BYTES = 65_536


class InvokeFunction(Action):
    """Invoke `function` (a name in the incident's own account and region, or an ARN anywhere we watch)."""

    permissions: ClassVar[tuple[str, ...]] = ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction")

    do: Literal["invoke-function"] = "invoke-function"
    function: str = Field(min_length=1, max_length=170, pattern=r"^(arn:[a-z-]+:lambda:)?[A-Za-z0-9:_$-]+$")
    wait: bool = Field(default=False, description="for the answer; else the event is queued by Lambda")
    input: dict[str, Any] = Field(default_factory=dict, description="passed on in the event, as it is")

    def place(self, occasion: Occasion) -> Target:
        parts = self.function.split(":")
        return Target(parts[4], parts[3]) if parts[0] == "arn" and len(parts) > 6 else occasion.target

    def touches(self, occasion: Occasion) -> bool:
        same_place = self.place(occasion) == occasion.target
        return same_place and occasion.subject_kind == "function" and occasion.subject == _bare(self.function)

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        state = state_of(self.function, aws)
        event = sized(self.function, remediation_event(occasion, self.input, now=now))
        about = f"about {occasion.title or occasion.subject}"
        return Plan(
            action=self.name,
            sentence=f"Invoke {self.function} in {aws.target.region} of {aws.target.account} {about}",
            target=aws.target,
            request={"FunctionName": self.function, "InvocationType": self._type(), "Payload": event},
            warnings=() if state in {None, "Active"} else (f"{self.function} is {state}",),
            touches=(f"whatever {self.function} does",),
            cost="one invocation",
            effect="your function takes over" + (", and its answer is kept" if self.wait else ""),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        request = dict(plan.request)
        payload = json.dumps(request.pop("Payload")).encode()
        doing = f"invoke {self.function}"
        answer = call(aws, "lambda", "invoke", doing, **request, Payload=payload)
        said = _said(answer.get("Payload")) if self.wait else ""
        if fault := answer.get("FunctionError"):
            raise ActionError(
                f"{self.function} was invoked and failed ({fault}), request {request_id(answer)}"
                + (f": {said}" if said else "")
            )
        words = f"Lambda answered {answer['StatusCode']}"
        return Applied(f"{words}: {said}" if said else words, request_id(answer))

    def _type(self) -> str:
        return "RequestResponse" if self.wait else "Event"


def _said(payload: Any) -> str:
    """The beginning of an answer, with what looks like a secret masked."""
    if payload is None:
        return ""
    read = payload.read(READ_BYTES) if hasattr(payload, "read") else payload
    text = read.decode("utf-8", "replace") if isinstance(read, bytes) else str(read)
    return keepable(text, MAX_ANSWER_CHARACTERS)


def state_of(function: str, aws: Aws) -> str | None:
    """`Active`, `Pending` ...; nothing else of the configuration is kept, it holds environment variables."""
    doing = f"plan to invoke {function}"
    answer = call(aws, "lambda", "get_function_configuration", doing, FunctionName=function)
    state = answer.get("State")
    return None if state is None else str(state)


def _bare(function: str) -> str:
    """The function's name without ARN, alias and version."""
    parts = function.split(":")
    return parts[6] if parts[0] == "arn" and len(parts) > 6 else parts[0]
