"""Publish the incident to an SNS topic: whatever is subscribed there takes over.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Action, Applied, Aws, Occasion, Plan
from alerts.actions.calling import arn_part, call, request_id
from alerts.actions.event import remediation_event, sized
from core.facts import Target

MAX_SUBJECT = 100


class PublishSns(Action):
    """Publish the remediation event to `topic`."""

    permissions: ClassVar[tuple[str, ...]] = ("sns:Publish",)

    do: Literal["publish-sns"] = "publish-sns"
    topic: str = Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}$")
    input: dict[str, Any] = Field(default_factory=dict, description="passed on in the event, as it is")

    def place(self, occasion: Occasion) -> Target:
        return Target(arn_part(self.topic, 4), arn_part(self.topic, 3))

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        message = sized(self.topic, remediation_event(occasion, self.input, now=now))
        params = {"TopicArn": self.topic, "Subject": _subject(occasion), "Message": message}
        topic = self.topic.rsplit(":", 1)[-1]
        if topic.endswith(".fifo"):
            params |= {"MessageGroupId": occasion.subject[:128], "MessageDeduplicationId": occasion.id}
        return Plan(
            action=self.name,
            sentence=f"Publish to {topic} in {aws.target.region} of {aws.target.account} "
            f"about {occasion.title or occasion.subject}",
            target=aws.target,
            request={"Publish": params},
            touches=(f"everything that is subscribed to {topic}",),
            cost="$0.50 a million messages (64 KB each), beside what deliveries and subscribers cost",
            effect="subscribers get the event; what they do with it is theirs",
            warnings=("it cannot be called back",),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        params = dict(plan.request["Publish"])
        params["Message"] = json.dumps(params["Message"])
        answer = call(aws, "sns", "publish", f"publish to {self.topic}", **params)
        return Applied(f"SNS took it as message {answer.get('MessageId', '?')}", request_id(answer))


def _subject(occasion: Occasion) -> str:
    """ASCII, one line, at most 100 characters, as SNS wants it."""
    text = f"Quarterdeck: {occasion.title or occasion.subject}"
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:MAX_SUBJECT]
