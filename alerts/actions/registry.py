"""Which actions there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from alerts.actions import base
from alerts.actions.alias import MoveAlias
from alerts.actions.configuration import UpdateConfiguration
from alerts.actions.invoke import InvokeFunction
from alerts.actions.letters import ReadMessages
from alerts.actions.mapping import SetMapping
from alerts.actions.provisioned import SetProvisionedConcurrency
from alerts.actions.publish import PublishSns
from alerts.actions.redrive import RedriveQueue
from alerts.actions.replay import ReplayMessages
from alerts.actions.reserved import ClearReservedConcurrency, SetReservedConcurrency
from alerts.actions.start import StartExecution

Action = Annotated[
    InvokeFunction
    | SetReservedConcurrency
    | ClearReservedConcurrency
    | SetProvisionedConcurrency
    | SetMapping
    | MoveAlias
    | UpdateConfiguration
    | ReadMessages
    | RedriveQueue
    | ReplayMessages
    | PublishSns
    | StartExecution,
    Field(discriminator="do"),
]
"""The registry: a new action is a file and one more name in this union, told apart by `do`."""

ACTIONS: tuple[type[base.Action], ...] = (
    InvokeFunction,
    SetReservedConcurrency,
    ClearReservedConcurrency,
    SetProvisionedConcurrency,
    SetMapping,
    MoveAlias,
    UpdateConfiguration,
    ReadMessages,
    RedriveQueue,
    ReplayMessages,
    PublishSns,
    StartExecution,
)
NAMES: Mapping[str, type[base.Action]] = {str(each.model_fields["do"].default): each for each in ACTIONS}

_ADAPTER: TypeAdapter[base.Action] = TypeAdapter(Action)


def read_action(data: Any) -> base.Action:
    """An action as it was kept, or as a person asks for it. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(data)


def keep_action(action: base.Action) -> dict[str, Any]:
    """An action as JSON, which `read_action` reads."""
    kept: dict[str, Any] = _written(action.model_dump(exclude_defaults=True))
    return kept | {"do": action.name}


def _written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{round(value.total_seconds())}s"
    return {name: _written(each) for name, each in value.items()} if isinstance(value, dict) else value
