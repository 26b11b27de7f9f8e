"""Amazon SNS: what a topic's subscribers (mail, queues, functions, chat) get.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field

from alerts.channels.base import Channel, Edge, Rate, Receipt, Ref
from alerts.channels.text import one_line, plain
from alerts.notice import Notice
from core.errors import AccessDeniedError, AwsError, CredentialsError, DeliveryError, NotFoundError
from core.facts import Target

MAX_MESSAGE_BYTES, MAX_SUBJECT, MAX_DEDUPLICATION_ID = 262_144, 100, 128
TEXT = 30_000
ARN = r"^arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]+):(\d{12}):[A-Za-z0-9_-]{1,256}(\.fifo)?$"


class Sns(Channel):
    """Publishes with the role of the topic's account and region, which must be one that is watched. A FIFO
    topic drops what it has by its id (for five minutes), a standard topic does not."""

    rate: ClassVar[Rate] = Rate(60, 60)
    permissions: ClassVar[tuple[str, ...]] = ("sns:Publish",)

    kind: Literal["sns"]
    topic: str = Field(pattern=ARN, description="its ARN")

    @property
    def target(self) -> Target:
        _, _, _, region, account, _ = self.topic.split(":")
        return Target(account, region)

    def payload(self, notice: Notice) -> dict[str, Any]:
        said: dict[str, Any] = {
            "TopicArn": self.topic,
            "Subject": subject(notice.title),
            "Message": plain(notice, TEXT),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in _attributes(notice).items()
                if value
            },
        }
        if self.topic.endswith(".fifo"):
            said |= {"MessageGroupId": _id(notice.incident), "MessageDeduplicationId": _id(notice.id)}
        return said

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        if edge.aws_for is None:
            raise DeliveryError("there is no way to AWS from here", retryable=True)
        try:
            answer = edge.aws_for(self.target).client("sns").publish(**self.payload(notice))
        except (NotFoundError, AccessDeniedError, CredentialsError) as error:
            target: Literal["gone", "refuses"] = "gone" if isinstance(error, NotFoundError) else "refuses"
            raise DeliveryError(str(error), retryable=False, target=target) from None
        except AwsError as error:
            retryable = error.retryable or not error.code
            raise DeliveryError(str(error), retryable=retryable) from None
        return Receipt(200, f"message {answer['MessageId']}")


def subject(title: str) -> str:
    """ASCII, one line, beginning with a letter, number or punctuation mark, at most 100 characters."""
    ascii_only = re.sub(r"[^\x20-\x7e]+", "?", one_line(title)).strip()
    return ascii_only[:MAX_SUBJECT].strip() or "Quarterdeck"


def _attributes(notice: Notice) -> dict[str, str]:
    """What subscriptions filter by."""
    names = ("id", "incident", "reason", "severity", "rule", "account", "region")
    return {name: one_line(str(getattr(notice, name)))[:500] for name in names}


def _id(text: str) -> str:
    return re.sub(r"[^\x21-\x7e]", "-", text)[:MAX_DEDUPLICATION_ID]
