"""A file per chat or incident tool: a notice becomes one HTTP request; never waits or retries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alerts.channels.base import Receipt, WebhookChannel
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook

Channel = Annotated[Slack | Webhook, Field(discriminator="kind")]
"""The registry: a new channel is a file and one name here."""

__all__ = ["Channel", "Receipt", "Slack", "Webhook", "WebhookChannel"]
