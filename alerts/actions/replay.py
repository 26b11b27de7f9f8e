"""Give a function again the asynchronous events that it failed on, out of the queue that caught them.

SQS moves back only what SQS itself moved aside: what Lambda puts into a dead-letter queue or an on-failure
destination it refuses (StartMessageMoveTask). A dead-letter queue holds the event as it was, a destination a
record with the event as `requestPayload`.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html,
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import Field

from alerts.actions import editing
from alerts.actions.base import Applied, Aws, Occasion, Plan
from alerts.actions.calling import call, request_id
from alerts.actions.editing import Edits, Scalar
from alerts.actions.invoke import state_of
from alerts.actions.letters import EMPTY_TURNS, HIDDEN_S, Message, error_of, received
from alerts.actions.queue import QueueAction, attributes, sources, waiting
from core.errors import ActionError


class ReplayMessages(QueueAction):
    """Invoke `function` with each message of `queue`, as an event, and delete those that Lambda took. `only`:
    those whose error has this text. `edit`: values that are set in each event first, by JSON pointer."""

    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        "sqs:ReceiveMessage",
    )

    do: Literal["replay-messages"] = "replay-messages"
    function: str = Field(min_length=1, max_length=140, pattern=r"^[A-Za-z0-9:_$-]+$")
    only: str | None = Field(default=None, min_length=3, max_length=160, description="part of an error")
    edit: Edits = Field(default_factory=dict)
    most: int = Field(default=20, ge=1, le=100)
    per_second: int = Field(default=5, ge=1, le=50)

    def function_of(self, occasion: Occasion) -> str | None:
        return self._bare

    @property
    def _bare(self) -> str:
        return self.function.partition(":")[0]

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        name, url = self.found(occasion, aws)
        if moved_by_sqs := sources(aws, name, url):
            raise ActionError(f"{name} is redriven into by {', '.join(moved_by_sqs)}: use redrive-queue")
        about = waiting(attributes(aws, name, url, "QueueArn"), name)
        state = state_of(self.function, aws)
        many = min(about, self.most)
        which = f" whose error has “{self.only}”" if self.only else ""
        changed = f"of each event, {editing.said(self.edit)}; " if self.edit else ""
        return Plan(
            action=self.name,
            sentence=f"Invoke {self.function} with up to {many} of about {about} messages of {name}{which}",
            target=aws.target,
            request={"ReceiveMessage": {"QueueUrl": url, "VisibilityTimeout": HIDDEN_S}, "most": many},
            warnings=(
                "what failed before may fail again: mend the cause first",
                "an event may be worked on twice, if we are stopped before its message is deleted",
                *(() if state in {None, "Active"} else (f"{self.function} is {state}",)),
            ),
            touches=(name, f"{self.function}, and whatever it does"),
            before={"messages": about},
            cost=f"up to {many} invocations and {about + many + EMPTY_TURNS} SQS requests at $0.40 a million",
            effect=(
                f"{changed}{self.per_second} events a second; a message is deleted once Lambda took its event"
            ),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        name, url = plan.touches[0], plan.request["ReceiveMessage"]["QueueUrl"]
        done, answer = 0, dict[str, Any]()
        try:
            for one in self._chosen(plan, aws):
                doing = f"invoke {self.function} with a message of {name}"
                answer = call(
                    aws, "lambda", "invoke", doing,
                    FunctionName=self.function, InvocationType="Event", Payload=one.payload,
                )  # fmt: skip
                call(
                    aws, "sqs", "delete_message", f"delete a message of {name}",
                    QueueUrl=url, ReceiptHandle=one.receipt,
                )  # fmt: skip
                done += 1
                time.sleep(1 / self.per_second)
        except ActionError as error:
            if not done:
                raise
            return Applied(f"{done} messages replayed, then: {error}", request_id(answer))
        if not done:
            return Applied(f"{name} gave no message that fits", None)
        return Applied(f"{done} messages replayed into {self.function}", request_id(answer))

    def _chosen(self, plan: Plan, aws: Aws) -> Iterator[_Event]:
        """Events to give again. Messages that do not fit stay, hidden for a while."""
        messages = (message for answer in received(plan, aws) for message in answer["Messages"])
        events = (event for message in messages if (event := self._event(message)) is not None)
        return islice(events, plan.request["most"])

    def _event(self, message: Message) -> _Event | None:
        if self.only is not None and self.only.lower() not in error_of(message).lower():
            return None
        payload = payload_of(str(message.get("Body", "")), self._bare, self.edit)
        return None if payload is None else _Event(payload, message["ReceiptHandle"])


@dataclass(frozen=True, slots=True)
class _Event:
    """What a function is given again, and how its message is deleted."""

    payload: bytes
    receipt: str


def payload_of(body: str, function: str, edit: Mapping[str, Scalar]) -> bytes | None:
    """The event that a message holds, edited: its body, or of a destination's record what was asked of
    `function`. None for a record of another function, for what is no JSON, which Lambda would refuse, and for
    an event that has no place for an edit."""
    try:
        held = json.loads(body)
    except (ValueError, RecursionError):
        return None
    context = held.get("requestContext") if isinstance(held, dict) else None
    if not isinstance(context, dict) or "requestPayload" not in held or "functionArn" not in context:
        return _edited(held, edit) if edit else body.encode()
    parts = str(context["functionArn"]).split(":")
    is_own = len(parts) > 6 and parts[6] == function
    return _edited(held["requestPayload"], edit) if is_own else None


def _edited(event: Any, edit: Mapping[str, Scalar]) -> bytes | None:
    try:
        return json.dumps(editing.edited(event, edit)).encode()
    except LookupError:
        return None
