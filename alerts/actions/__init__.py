"""A file per change we can make in AWS: plan reads, apply writes; the runner decides, caps and audits."""

from __future__ import annotations

from alerts.actions.base import Aws, Occasion, Plan, Verify
from alerts.actions.invoke import InvokeFunction
from alerts.actions.registry import ACTIONS, Action

__all__ = ["ACTIONS", "Action", "Aws", "InvokeFunction", "Occasion", "Plan", "Verify"]
