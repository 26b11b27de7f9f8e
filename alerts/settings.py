"""The `alerts` section of the settings: which rules, where notices go, what actions may do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from alerts.actions.settings import ActionSettings
from alerts.channels import Channel
from alerts.delivery import DeliverySettings
from alerts.maintenance import Maintenance
from alerts.routes import Route, lead_somewhere
from core.settings import Duration, Section


class AlertSettings(Section):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rules: list[Path] = Field(default_factory=list, description="rule files, or folders of them")
    starter: bool = Field(
        default=True, description="the shipped rules; one of yours with the same name replaces it"
    )
    channels: dict[str, Channel] = Field(default_factory=dict)
    routes: list[Route] = Field(default_factory=list, description="who is told; the first that matches")
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

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        lead_somewhere(self.routes, self.channels)
        return self
