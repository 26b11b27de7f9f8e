"""Move the messages of a dead-letter queue back to the queue that they came from, or to another.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
SQS refuses dead-letter queues that Lambda (asynchronous events) or SNS fill: they have no source queue.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Applied, Aws, Occasion, Plan
from alerts.actions.calling import call, request_id
from alerts.actions.queue import QueueAction, attributes, sources, waiting
from core.errors import ActionError

RUNNING = "RUNNING"


class RedriveQueue(QueueAction):
    """Start moving what lies in `queue` (left out: the queue that the incident is about)."""

    permissions: ClassVar[tuple[str, ...]] = (
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        "sqs:ListMessageMoveTasks",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:StartMessageMoveTask",
    )

    do: Literal["redrive-queue"] = "redrive-queue"
    to: str | None = Field(default=None, pattern=r"^arn:[a-z-]+:sqs:", description="left out: to its source")
    per_second: int | None = Field(default=None, ge=1, le=500)

    def plan(self, occasion: Occasion, aws: Aws, *, now: object) -> Plan:
        name, url = self.found(occasion, aws)
        known = attributes(aws, name, url, "QueueArn")
        moved_from = [] if self.to else sources(aws, name, url)
        if not self.to and not moved_from:
            raise ActionError(
                f"cannot redrive {name}: no queue redrives into it, so Lambda or SNS fills it, and SQS"
                " refuses to move its messages; invoke a function that reads and replays them instead"
            )
        about = waiting(known, name)
        arn = known["QueueArn"]
        return Plan(
            action=self.name,
            sentence=f"Move about {about} messages of {name} back to {self.to or ', '.join(moved_from)}",
            target=aws.target,
            request={"StartMessageMoveTask": self._params(arn)},
            warnings=("what failed before may fail again: mend the cause first",),
            touches=(f"{name}", *(f"{source} and the function that works on it" for source in moved_from)),
            before={"messages": about},
            after={"messages": 0},
            cost=f"about {3 * about} SQS requests, and an invocation per batch",
            effect="the messages are worked on again; those that fail come back after their receives",
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        params = plan.request["StartMessageMoveTask"]
        doing = f"move the messages of {params['SourceArn'].rsplit(':', 1)[-1]}"
        tasks = call(aws, "sqs", "list_message_move_tasks", doing, SourceArn=params["SourceArn"])
        if any(task.get("Status") == RUNNING for task in tasks.get("Results", [])):
            raise ActionError(f"cannot {doing}: a move is running already")
        answer = call(aws, "sqs", "start_message_move_task", doing, **params)
        return Applied("SQS began to move the messages", request_id(answer))

    def _params(self, arn: str) -> dict[str, object]:
        found: dict[str, object] = {"SourceArn": arn}
        if self.to:
            found["DestinationArn"] = self.to
        if self.per_second:
            found["MaxNumberOfMessagesPerSecond"] = self.per_second
        return found
