"""A file per change we can make in AWS: plan reads, apply writes; the runner decides, caps and audits."""

from __future__ import annotations

from alerts.actions.base import Aws, Occasion, Plan
from alerts.actions.invoke import InvokeFunction
from alerts.actions.registry import ACTIONS, Action
from alerts.actions.runner import Planned, act_due, actions_named, apply_action, by_hand, plan_action

__all__ = [
    "ACTIONS",
    "Action",
    "Aws",
    "InvokeFunction",
    "Occasion",
    "Plan",
    "Planned",
    "act_due",
    "actions_named",
    "apply_action",
    "by_hand",
    "plan_action",
]
