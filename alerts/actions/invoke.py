"""Remediation in your own hands: invoke a Lambda function with an event that says what is wrong.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
The event is documented in docs/alerts.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from alerts.actions.base import Action, Applied, Aws, Occasion, Plan
from core.errors import ActionError
from core.facts import Target

EVENT_SCHEMA = "quarterdeck.remediation/1"
MAX_EVENT_BYTES = 200_000
"""Below the 256 KB that every region takes for an asynchronous invocation."""


class InvokeFunction(Action):
    """Invoke `function` (a name in the incident's own account and region, or an ARN anywhere we watch)."""

    permissions: ClassVar[tuple[str, ...]] = ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction")

    do: Literal["invoke-function"] = "invoke-function"
    function: str = Field(min_length=1, max_length=170, pattern=r"^(arn:[a-z-]+:lambda:)?[A-Za-z0-9:_$-]+$")
    wait: bool = Field(default=False, description="for the answer; else the event is queued by Lambda")
    input: dict[str, Any] = Field(default_factory=dict, description="passed on in the event, as it is")

    @property
    def name(self) -> str:
        return self.do

    def place(self, occasion: Occasion) -> Target:
        parts = self.function.split(":")
        return Target(parts[4], parts[3]) if parts[0] == "arn" and len(parts) > 6 else occasion.target

    def touches(self, occasion: Occasion) -> bool:
        same_place = self.place(occasion) == occasion.target
        return same_place and occasion.subject_kind == "function" and occasion.subject == _bare(self.function)

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        state = _state(self.function, aws)
        event = remediation_event(occasion, self.input, now=now)
        if len(json.dumps(event)) > MAX_EVENT_BYTES:
            raise ActionError(
                f"cannot invoke {self.function}: its event is larger than {MAX_EVENT_BYTES} bytes"
            )
        about = f"about {occasion.title or occasion.subject}"
        return Plan(
            action=self.name,
            sentence=f"Invoke {self.function} in {aws.target.region} of {aws.target.account} {about}",
            target=aws.target,
            request={"FunctionName": self.function, "InvocationType": self._type(), "Payload": event},
            undo=None,
            warnings=() if state in {None, "Active"} else (f"{self.function} is {state}",),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        request = dict(plan.request)
        payload = json.dumps(request.pop("Payload")).encode()
        try:
            answer = aws.client("lambda").invoke(**request, Payload=payload)
        except (ClientError, BotoCoreError) as error:
            raise ActionError(f"cannot invoke {self.function}: {_why(error)}") from error
        request_id = answer["ResponseMetadata"].get("RequestId")
        if fault := answer.get("FunctionError"):
            raise ActionError(f"{self.function} was invoked and failed ({fault}), request {request_id}")
        return Applied(f"Lambda answered {answer['StatusCode']}", request_id)

    def _type(self) -> str:
        return "RequestResponse" if self.wait else "Event"


def remediation_event(occasion: Occasion, extra: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The event, schema 1: keys are only ever added within a schema; what is not known is null."""
    target = occasion.target
    return {
        "schema": EVENT_SCHEMA,
        "id": occasion.id,
        "sent_at": _iso(now),
        "requested_by": occasion.who,
        "incident": {
            "id": occasion.incident,
            "title": occasion.title,
            "severity": occasion.severity,
            "opened_at": _iso(occasion.opened_at),
        },
        "account": {"id": target.account, "alias": occasion.account_alias},
        "region": target.region,
        "subject": {"kind": occasion.subject_kind, "name": occasion.subject},
        "function": occasion.subject if occasion.subject_kind == "function" else None,
        "rule": {"name": occasion.rule, "signal": occasion.signal, "labels": dict(occasion.labels)},
        "values": {"value": occasion.value, "threshold": occasion.threshold, "unit": occasion.unit},
        "links": {"alert": occasion.alert_url, "runbook": occasion.runbook},
        "input": dict(extra),
    }


def _state(function: str, aws: Aws) -> str | None:
    """`Active`, `Pending` ...; nothing else of the configuration is kept, it holds environment variables."""
    try:
        answer = aws.client("lambda").get_function_configuration(FunctionName=function)
    except (ClientError, BotoCoreError) as error:
        raise ActionError(f"cannot plan to invoke {function}: {_why(error)}") from error
    state = answer.get("State")
    return None if state is None else str(state)


def _why(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return f"{error.response['Error'].get('Code', '')}: {error.response['Error'].get('Message', '')}"
    return str(error)


def _bare(function: str) -> str:
    """The function's name without ARN, alias and version."""
    parts = function.split(":")
    return parts[6] if parts[0] == "arn" and len(parts) > 6 else parts[0]


def _iso(ts: datetime | None) -> str | None:
    return None if ts is None else ts.astimezone(UTC).isoformat().replace("+00:00", "Z")
