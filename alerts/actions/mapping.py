"""An event source mapping: switch it on or off, or limit how much of it runs at once.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from alerts.actions.base import Applied, Aws
from alerts.actions.calling import call, pages
from alerts.actions.setting import Change, Consequences, Setting, Value, Write
from core.errors import ActionError

ON = {"Enabled", "Enabling", "Creating", "Updating"}
UNLIMITED: dict[str, Any] = {}


class SetMapping(Setting):
    """Set `on`, or a queue's `maximum_concurrency`, of the function's mapping (or that with `uuid`)."""

    what: ClassVar[str] = "event source mapping"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetEventSourceMapping",
        "lambda:ListEventSourceMappings",
        "lambda:UpdateEventSourceMapping",
    )

    do: Literal["set-mapping"] = "set-mapping"
    uuid: str | None = Field(default=None, pattern=r"^[0-9a-f-]{36}$")
    on: bool | None = None
    maximum_concurrency: int | None = Field(default=None, ge=2, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _on(cls, data: Any) -> Any:
        """`on:` is the key `true` in YAML."""
        return {"on" if key is True else key: value for key, value in data.items()} if _is_map(data) else data

    @model_validator(mode="after")
    def _changes_one(self) -> Self:
        if (self.on is None) == (self.maximum_concurrency is None):
            raise ValueError("on: give `on` or `maximum_concurrency`, one of them")
        return self

    def thing(self, function: str, aws: Aws) -> str:
        if self.uuid:
            return self.uuid
        doing = f"list the event source mappings of {function}"
        found = pages(aws, "lambda", "list_event_source_mappings", doing, FunctionName=function)
        known = [each for page in found for each in page["EventSourceMappings"]]
        if len(known) != 1:
            said = ", ".join(f"{each['UUID']} ({each.get('EventSourceArn', '?')})" for each in known)
            raise ActionError(
                f"{function} has {len(known)} event source mappings"
                + (f": name one with `uuid`: {said}" if known else "")
            )
        return str(known[0]["UUID"])

    def read(self, thing: str, aws: Aws) -> Value:
        known = _mapping(thing, aws)
        if self.on is not None:
            return {"on": known.get("State") in ON}
        return {"maximum_concurrency": known.get("ScalingConfig", UNLIMITED).get("MaximumConcurrency")}

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        return {"on": self.on} if self.on is not None else {"maximum_concurrency": self.maximum_concurrency}

    def writing(self, thing: str, value: Value) -> Write:
        if "on" in value:
            return Write("update_event_source_mapping", {"UUID": thing, "Enabled": value["on"]})
        most = value["maximum_concurrency"]
        scaling = UNLIMITED if most is None else {"MaximumConcurrency": most}
        return Write("update_event_source_mapping", {"UUID": thing, "ScalingConfig": scaling})

    def said(self, value: Value) -> str:
        if "on" in value:
            return "on" if value["on"] else "off"
        most = value["maximum_concurrency"]
        return "no maximum concurrency" if most is None else f"maximum concurrency {most}"

    def write(self, thing: str, value: Value, aws: Aws) -> Applied:
        done = super().write(thing, value, aws)
        return Applied(f"{done.answer}; AWS takes some seconds to follow", done.request_id)

    def consequences(self, change: Change, aws: Aws) -> Consequences:
        known = _mapping(change.thing, aws)
        source = str(known.get("EventSourceArn") or "its source")
        if "maximum_concurrency" in change.after and ":sqs:" not in source:
            raise ActionError(f"cannot limit {source}: only mappings of queues have a maximum concurrency")
        touches = (f"{change.subject} (by {known.get('FunctionArn', '?')})", f"what is written to {source}")
        if change.after.get("on") is False:
            kept = "messages wait in the queue until its retention" if ":sqs:" in source else "records wait"
            return Consequences(
                effect=f"{change.subject} gets nothing from {source} any more",
                touches=touches,
                warnings=(f"{kept} ends, then they are lost: watch the age of the oldest",),
                cost="nothing while it is off; what waited is worked on when it is on again",
            )
        if change.after.get("on"):
            effect = f"{change.subject} works on what waits in {source}, as fast as it can"
            return Consequences(effect, touches, cost="the invocations that waited")
        return Consequences(
            effect=f"{self.said(change.after)}: so many of {change.subject} work on {source} at once",
            touches=touches,
            warnings=("the queue grows when that is too few",),
            cost="nothing by itself",
        )


def _mapping(uuid: str, aws: Aws) -> dict[str, Any]:
    return call(aws, "lambda", "get_event_source_mapping", f"read the event source mapping {uuid}", UUID=uuid)


def _is_map(data: Any) -> bool:
    return isinstance(data, dict)
