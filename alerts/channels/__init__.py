"""A file per chat or incident tool: a notice is sent once, within its limits; it never waits or retries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alerts.channels import base
from alerts.channels.alertmanager import Alertmanager
from alerts.channels.base import Edge, Receipt
from alerts.channels.discord import Discord
from alerts.channels.google_chat import GoogleChat
from alerts.channels.mail import Email
from alerts.channels.mattermost import Mattermost
from alerts.channels.opsgenie import Opsgenie
from alerts.channels.pagerduty import PagerDuty
from alerts.channels.slack import Slack
from alerts.channels.slack_bot import SlackBot
from alerts.channels.sns import Sns
from alerts.channels.teams import Teams
from alerts.channels.webhook import Webhook

KINDS: tuple[type[base.Channel], ...] = (
    Slack, SlackBot, Teams, Discord, GoogleChat, Mattermost, PagerDuty, Opsgenie, Sns, Email, Webhook,
    Alertmanager,
)  # fmt: skip

Channel = Annotated[
    Slack
    | SlackBot
    | Teams
    | Discord
    | GoogleChat
    | Mattermost
    | PagerDuty
    | Opsgenie
    | Sns
    | Email
    | Webhook
    | Alertmanager,
    Field(discriminator="kind"),
]
"""The registry: a new channel is a file and one name here."""

__all__ = ["KINDS", "Channel", "Edge", "Receipt"]
