"""Read messages of a dead-letter queue and say by which errors they got there; no message is kept or deleted.

Lambda puts ErrorCode and ErrorMessage beside an asynchronous event that it gives up, and a record of the
failure with `responsePayload` into an on-failure destination; what SQS itself moves aside carries no error.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Applied, Aws, Occasion, Plan
from alerts.actions.calling import call, request_id
from alerts.actions.queue import QueueAction, attributes, waiting
from core.signatures import keepable, signature

AT_ONCE, HIDDEN_S, EMPTY_TURNS = 10, 30, 3
"""Messages of one request; how long SQS hides them from others; a queue that gives none so often is read."""

NAMED, LONGEST = 8, 160
"""Errors that the answer names, and the most characters of one."""

NO_ERROR = "no error is told: SQS moves a message as it was sent"
Message = Mapping[str, Any]


class ReadMessages(QueueAction):
    """Read up to `most` messages of `queue` (left out: the incident's), and count them by error."""

    permissions: ClassVar[tuple[str, ...]] = (
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    )

    do: Literal["read-messages"] = "read-messages"
    most: int = Field(default=50, ge=1, le=500)

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        name, url = self.found(occasion, aws)
        known = attributes(aws, name, url, "RedrivePolicy")
        about = waiting(known, name)
        many = min(about, self.most)
        return Plan(
            action=self.name,
            sentence=f"Read {many} of about {about} messages of {name} and count them by error",
            target=aws.target,
            request={"ReceiveMessage": {"QueueUrl": url, "VisibilityTimeout": HIDDEN_S}, "most": many},
            warnings=_warnings(name, known),
            touches=(name,),
            cost=_cost(many),
            effect=(
                f"each message that is read is hidden from other readers for {HIDDEN_S} s and counts one more"
                " receive; none is deleted, and no more of them than the names of their errors is kept"
            ),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        name, found, answer = plan.touches[0], list[Message](), dict[str, Any]()
        for answer in received(plan, aws, most=plan.request["most"]):
            found += answer["Messages"]
        if not found:
            return Applied(f"{name} gave no message: others may be reading it", request_id(answer))
        return Applied(said(found), request_id(answer))


def said(messages: Iterable[Message]) -> str:
    """How many messages of each error, the commonest first."""
    counts = Counter(error_of(message) for message in messages)
    named = [f"{n} × {error}" for error, n in counts.most_common(NAMED)]
    rest = len(counts) - len(named)
    more = [f"{rest} more kinds"] if rest > 0 else []
    return f"{counts.total()} messages read: {'; '.join([*named, *more])}"


def error_of(message: Message) -> str:
    """The error that a message came with, without what differs by chance and without secrets."""
    beside = {name: each.get("StringValue") for name, each in message.get("MessageAttributes", {}).items()}
    told = beside.get("ErrorMessage") or _of_record(str(message.get("Body", "")))
    return (keepable(signature(told), LONGEST) if told else "") or NO_ERROR


def _of_record(body: str) -> str | None:
    """What a record of a failed invocation says in an on-failure destination; None for any other body."""
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("requestContext"), dict):
        return None
    payload, condition = record.get("responsePayload"), record["requestContext"].get("condition")
    parts = [payload.get(name) for name in ("errorType", "errorMessage")] if isinstance(payload, dict) else []
    return ": ".join(part for part in parts if isinstance(part, str)) or (str(condition or "") or None)


def received(plan: Plan, aws: Aws, *, most: int | None = None) -> Iterator[dict[str, Any]]:
    """SQS's answers, each with the messages that did not come before and what Lambda put beside them: until
    there are `most`, or the queue gives nothing new."""
    seen, empty = set[str](), 0
    while empty < EMPTY_TURNS and (most is None or len(seen) < most):
        answer = call(
            aws, "sqs", "receive_message", f"read messages of {plan.touches[0]}",
            **plan.request["ReceiveMessage"], WaitTimeSeconds=1,
            MaxNumberOfMessages=AT_ONCE if most is None else min(AT_ONCE, most - len(seen)),
            MessageAttributeNames=["ErrorCode", "ErrorMessage"],
        )  # fmt: skip
        told = {each["MessageId"]: each for each in answer.get("Messages", ())}
        new = {id: each for id, each in told.items() if id not in seen}
        seen |= new.keys()
        empty = 0 if new else empty + 1
        yield answer | {"Messages": list(new.values())}


def _cost(many: int) -> str:
    """https://aws.amazon.com/sqs/pricing/: a request per 64 KB that it carries."""
    least, most = -(-many // AT_ONCE), many + EMPTY_TURNS
    return f"{least} to {most} SQS requests at $0.40 a million, more where messages are longer than 64 KB"


def _warnings(name: str, known: Mapping[str, str]) -> tuple[str, ...]:
    found = []
    if "RedrivePolicy" in known:
        found.append("its own redrive policy moves a message on that was received too often: reading counts")
    if name.endswith(".fifo"):
        found.append("messages of the same group wait while one of theirs is hidden")
    return tuple(found)
