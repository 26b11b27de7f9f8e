"""Start a Step Functions execution with the incident as its input.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
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


class StartExecution(Action):
    """Start `state_machine` with the remediation event. The execution has the action's id as its name, so a
    standard state machine starts once, however often it is asked."""

    permissions: ClassVar[tuple[str, ...]] = ("states:StartExecution",)

    do: Literal["start-execution"] = "start-execution"
    state_machine: str = Field(pattern=r"^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[^\s]{1,140}$")
    input: dict[str, Any] = Field(default_factory=dict, description="passed on in the event, as it is")

    def place(self, occasion: Occasion) -> Target:
        return Target(arn_part(self.state_machine, 4), arn_part(self.state_machine, 3))

    def plan(self, occasion: Occasion, aws: Aws, *, now: datetime) -> Plan:
        event = sized(self.state_machine, remediation_event(occasion, self.input, now=now))
        machine = self.state_machine.rsplit(":stateMachine:", 1)[-1]
        params = {"stateMachineArn": self.state_machine, "name": occasion.id, "input": event}
        return Plan(
            action=self.name,
            sentence=f"Start {machine} in {aws.target.region} of {aws.target.account} "
            f"about {occasion.title or occasion.subject}",
            target=aws.target,
            request={"StartExecution": params},
            touches=(f"whatever the steps of {machine} do",),
            cost="its state transitions ($0.025 a thousand in a standard workflow), however many they are",
            effect="the state machine takes over",
            warnings=("it cannot be called back here: stop the execution in Step Functions",),
        )

    def apply(self, plan: Plan, aws: Aws) -> Applied:
        params = dict(plan.request["StartExecution"])
        params["input"] = json.dumps(params["input"])
        answer = call(aws, "stepfunctions", "start_execution", f"start {self.state_machine}", **params)
        return Applied(f"Step Functions started {answer.get('executionArn', '?')}", request_id(answer))
