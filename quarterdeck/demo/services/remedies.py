"""What remediation calls beside Lambda: SQS message moves, SNS Publish, Step Functions executions.

Messages and inputs are in the call log; nothing else happens.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from quarterdeck.demo.account import Demo, Handler
from quarterdeck.demo.specs import QueueSpec
from quarterdeck.demo.stories import to_ms
from quarterdeck.demo.wire import ApiError, Call

TOPICS = ("order-events", "invoice-ready", "ops-remediation")
STATE_MACHINES = ("remediate",)
MOVES_FOR_MS = 30_000
"""How long a move of messages goes on."""


# --- SQS ---------------------------------------------------------------------------------------------------


def start_move(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """As AWS does, only for queues that other queues redrive into."""
    queue = _queue(demo, account, call)
    here = demo.world.company.queues_of(account, call.region)
    if not any(other.redrive == queue.name for other in here):
        raise ApiError(
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue.",
            query_code="InvalidParameterValue",
        )
    if _is_running(demo, queue):
        raise ApiError(
            "UnsupportedOperation", "There is already a task running. Only one active task is allowed."
        )
    demo.kept.put(account, call.region, "move", queue.name, value=demo.world.now_ms())
    return {"TaskHandle": hashlib.sha256(queue.arn.encode()).hexdigest()}


def list_moves(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    queue = _queue(demo, account, call)
    started = demo.kept.get(account, call.region, "move", queue.name)
    if started is None:
        return {"Results": []}
    status = "RUNNING" if _is_running(demo, queue) else "COMPLETED"
    return {"Results": [{"Status": status, "SourceArn": queue.arn, "StartedTimestamp": started}]}


def _is_running(demo: Demo, queue: QueueSpec) -> bool:
    started = demo.kept.get(queue.account, queue.region, "move", queue.name)
    return started is not None and demo.world.now_ms() - started < MOVES_FOR_MS


def _queue(demo: Demo, account: str, call: Call) -> QueueSpec:
    for queue in demo.world.company.queues_of(account, call.region):
        if queue.arn == call.params["SourceArn"]:
            return queue
    raise ApiError("ResourceNotFoundException", "The resource that you specified does not exist.", status=404)


# --- SNS, Step Functions -----------------------------------------------------------------------------------


def publish(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    name = call.params.get("TopicArn", "").rsplit(":", 1)[-1]
    if name not in TOPICS:
        raise ApiError("NotFound", "Topic does not exist", status=404)
    return {"MessageId": _id(demo, call.params.get("Message", ""))}


def start_execution(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """The same name with the same input starts nothing anew, as with a standard state machine."""
    arn = call.params["stateMachineArn"]
    if arn.rsplit(":", 1)[-1] not in STATE_MACHINES:
        raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    name = call.params.get("name") or _id(demo, arn)
    key = (account, call.region, "execution", name)
    if (before := demo.kept.get(*key)) is not None and before[0] != call.params.get("input"):
        raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{name}'")
    started = before[1] if before else to_ms(demo.world.now()) / 1000
    demo.kept.put(*key, value=(call.params.get("input"), started))
    return {
        "executionArn": f"{arn.replace(':stateMachine:', ':execution:')}:{name}",
        "startDate": started,
    }


def _id(demo: Demo, text: str) -> str:
    made = hashlib.sha256(f"{demo.world.now_ms()}{text}".encode()).hexdigest()
    return str(uuid.UUID(made[:32]))


SQS_HANDLERS: dict[str, Handler] = {"StartMessageMoveTask": start_move, "ListMessageMoveTasks": list_moves}
SNS_HANDLERS: dict[str, Handler] = {"Publish": publish}
STATES_HANDLERS: dict[str, Handler] = {"StartExecution": start_execution}
