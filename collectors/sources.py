"""EventBridge rules and schedules that resource policies name: state, schedule, and what they invoke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from collectors.asking import Asking
from collectors.aws import Aws
from collectors.collector import Ask
from collectors.parse import Answer, function_and_qualifier, part
from core.entities import Trigger
from core.errors import NotFoundError
from core.facts import Gap
from core.triggers import arn_part

TARGETS_A_PAGE = 100
NOT_FOUND = "NOT_FOUND"
"""The state of a rule or schedule that is gone, while the grant for it is still there."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an EventBridge rule or a schedule says of itself."""

    state: str | None = None
    schedule: str | None = None
    targets: frozenset[str] | None = None


class Sources:
    """EventBridge rules and schedules that policies name, each read once."""

    def __init__(self, aws: Aws, ask: Ask) -> None:
        self.aws = aws
        self.rules = Asking(ask, "EventBridge rules")
        self.targets = Asking(ask, "targets of EventBridge rules")
        self.schedules = Asking(ask, "EventBridge schedules")
        self._read: dict[str, Source | None] = {}

    def gaps(self) -> list[Gap]:
        return [*self.rules.gaps, *self.targets.gaps, *self.schedules.gaps]

    def told(self, trigger: Trigger, known: Trigger | None) -> Trigger:
        """The trigger with what its source says; with what was known of it where that cannot be read."""
        source = self._of(trigger.source_arn or "")
        if source is None:
            return trigger
        before = known if known and known.source_arn == trigger.source_arn else trigger
        targeted = before.targets_function
        if source.targets is not None:
            targeted = f"{trigger.function}:{trigger.qualifier or ''}" in source.targets
        if source.state is None:
            return replace(trigger, state=before.state, schedule=before.schedule, targets_function=targeted)
        return replace(trigger, state=source.state, schedule=source.schedule, targets_function=targeted)

    def _of(self, arn: str) -> Source | None:
        """None: not an EventBridge rule or schedule of this target."""
        here = (arn_part(arn, 3), arn_part(arn, 4)) == (self.aws.target.region, self.aws.target.account)
        fetch = {"events": self._rule, "scheduler": self._schedule}.get(arn_part(arn, 2))
        parts = arn_part(arn, 5).split("/")
        if not here or fetch is None or len(parts) < 2 or "*" in arn or "?" in arn:
            return None
        if arn not in self._read:
            self._read[arn] = fetch(parts)
        return self._read[arn]

    def _rule(self, parts: Sequence[str]) -> Source | None:
        """`rule/name`, or `rule/bus/name` on a bus of its own."""
        bus = {"EventBusName": parts[1]} if len(parts) > 2 else {}
        name, events = parts[-1], self.aws.client("events")
        try:
            said = self.rules.read(f"rule {name}", lambda: events.describe_rule(Name=name, **bus)) or {}
            targets = self.targets.read(f"rule {name}", lambda: self._targets(name, bus))
        except NotFoundError:
            return Source(NOT_FOUND, targets=frozenset())
        return Source(part(said, "State"), part(said, "ScheduleExpression"), targets)

    def _targets(self, rule: str, bus: Mapping[str, str]) -> frozenset[str]:
        pages = self.aws.pages("events", "list_targets_by_rule", Rule=rule, PageSize=TARGETS_A_PAGE, **bus)
        return frozenset(_target(answer) for page in pages for answer in page.get("Targets", ()))

    def _schedule(self, parts: Sequence[str]) -> Source | None:
        """`schedule/group/name`."""
        group = {"GroupName": parts[1]} if len(parts) > 2 else {}
        name, scheduler = parts[-1], self.aws.client("scheduler")
        try:
            said: Any = self.schedules.read(
                f"schedule {name}", lambda: scheduler.get_schedule(Name=name, **group)
            )
        except NotFoundError:
            return Source(NOT_FOUND, targets=frozenset())
        if said is None:
            return Source()
        targets = frozenset({_target(said.get("Target") or {})})
        return Source(part(said, "State"), part(said, "ScheduleExpression"), targets)


def _target(answer: Answer) -> str:
    """`function:qualifier` that a rule's target invokes, "" for anything but a function."""
    arn = part(answer, "Arn") or ""
    function, qualifier = function_and_qualifier(arn) if arn_part(arn, 2) == "lambda" else ("", None)
    return f"{function}:{'' if qualifier in {None, '$LATEST'} else qualifier}" if function else ""
