"""What actions on the messages of a queue share: which queue, where it is, and what SQS says of it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from alerts.actions.base import Action, Aws, Occasion
from alerts.actions.calling import arn_part, call
from core.errors import ActionError, NothingToDoError
from core.facts import Target


class QueueAction(Action):
    """On `queue`, by name or ARN; left out: the queue that the incident is about."""

    queue: str | None = Field(default=None, pattern=r"^(arn:[a-z-]+:sqs:[a-z0-9:-]+:)?[A-Za-z0-9_.-]{1,80}$")

    def place(self, occasion: Occasion) -> Target:
        name = self.queue or occasion.subject
        account, region = arn_part(name, 4), arn_part(name, 3)
        return Target(account, region) if account and region else occasion.target

    def found(self, occasion: Occasion, aws: Aws) -> tuple[str, str]:
        """Its name and URL. Raises ActionError when there is none."""
        if self.queue is None and occasion.subject_kind != "queue":
            raise ActionError(f"{self.name}: {occasion.subject} is no queue: name one with `queue`")
        name = (self.queue or occasion.subject).rsplit(":", 1)[-1]
        return name, call(aws, "sqs", "get_queue_url", f"find queue {name}", QueueName=name)["QueueUrl"]


def attributes(aws: Aws, name: str, url: str, also: str) -> dict[str, str]:
    """About how many messages wait, and attribute `also`, by the names that SQS has for them."""
    wanted = ["ApproximateNumberOfMessages", also]
    found: dict[str, str] = call(
        aws, "sqs", "get_queue_attributes", f"read queue {name}", QueueUrl=url, AttributeNames=wanted
    )["Attributes"]
    return found


def waiting(known: Mapping[str, str], name: str) -> int:
    """About how many messages `attributes` told of. Raises NothingToDoError when there is none."""
    found = int(known.get("ApproximateNumberOfMessages", 0))
    if not found:
        raise NothingToDoError(f"{name} is empty")
    return found


def sources(aws: Aws, name: str, url: str) -> list[str]:
    """The queues that redrive into it: SQS itself moves its messages back to these."""
    doing = f"find the source queues of {name}"
    answer = call(aws, "sqs", "list_dead_letter_source_queues", doing, QueueUrl=url)
    return [source.rsplit("/", 1)[-1] for source in answer.get("queueUrls", [])]
