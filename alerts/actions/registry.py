"""Which actions there are."""

from __future__ import annotations

from alerts.actions import base
from alerts.actions.invoke import InvokeFunction

Action = InvokeFunction
"""The registry: a new action is a file and one more name in this union, told apart by `do`."""

ACTIONS: tuple[type[base.Action], ...] = (InvokeFunction,)
