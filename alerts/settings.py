"""The `alerts` section of the settings: which rules, where notices go, what actions may do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import ConfigDict, Field, field_validator

from alerts.channels import Channel
from alerts.maintenance import Maintenance
from core.settings import Duration, Section


class ActionSettings(Section):
    """An action is carried out when this AND its rule say `enabled: true`; else only planned and audited."""

    enabled: bool = False
    max_per_hour: int = Field(default=10, ge=0, description="over all rules")


class DeliverySettings(Section):
    """How much a channel may be sent; what is above waits, nothing is dropped."""

    burst: int = Field(default=5, ge=1, description="messages per channel in one pass")
    per_hour: int = Field(default=120, ge=1, description="messages per channel in any hour")
    max_attempts: int = Field(default=12, ge=1, description="then the notice is dead, and shown so")


class AlertSettings(Section):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rules: list[Path] = Field(default_factory=list, description="rule files, or folders of them")
    starter: bool = Field(
        default=True, description="the shipped rules; one of yours with the same name replaces it"
    )
    channels: dict[str, Channel] = Field(default_factory=dict)
    actions: ActionSettings = ActionSettings()
    delivery: DeliverySettings = DeliverySettings()
    maintenance: list[Maintenance] = Field(default_factory=list)
    quiet_after_deploy: Duration = Field(
        default=timedelta(0), ge=timedelta(0), le=timedelta(hours=6), description="see docs/incidents.md"
    )
    base_url: str = Field(
        default="http://127.0.0.1:8501", description="where people open the dashboard: links begin so"
    )

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")
