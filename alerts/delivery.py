"""How much a channel may be sent, and when a storm becomes a digest."""

from __future__ import annotations

from pydantic import Field

from core.settings import Section


class DeliverySettings(Section):
    """What is above waits, or is told in a digest; nothing is dropped."""

    storm: int = Field(
        default=10, ge=1, description="new messages per channel in a minute; more become one digest"
    )
    storm_critical: int = Field(default=3, ge=0, description="critical ones that stay single in a storm")
    per_hour: int = Field(default=120, ge=1, description="messages per channel in any hour")
    max_attempts: int = Field(default=12, ge=1, description="then the notice is dead, and shown so")
