"""Microsoft Teams by a workflow ("When a Teams webhook request is received"): an Adaptive Card.

Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
and https://adaptivecards.io/explorer/ (a TextRun is not read as Markdown, a TextBlock is)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import httpx
from pydantic import SecretStr, field_validator

from alerts.channels.base import Rate
from alerts.channels.posting import WebhookChannel
from alerts.channels.text import cut_bytes, facts_of, links_of, one_line, unlinked, unmentioned, visible
from alerts.notice import Link, Notice

MAX_MESSAGE_BYTES = 28_000
TITLE_BYTES, TEXT_BYTES, LABEL_BYTES, VALUE_BYTES, FACTS = 500, 4000, 80, 500, 14
LINKS, LINK_BYTES = 5, 1000
COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}
STATES = {"resolved": "Good", "acknowledged": "Accent", "test": "Accent"}


class Teams(WebhookChannel):
    """A workflow cannot edit or answer its message: each notice is one of its own, titled with its state."""

    rate: ClassVar[Rate] = Rate(4, 1)

    kind: Literal["teams"]

    @field_validator("url")
    @classmethod
    def _is_a_workflow(cls, value: SecretStr) -> SecretStr:
        host = httpx.URL(value.get_secret_value()).host
        if host == "webhook.office.com" or host.endswith((".webhook.office.com", "outlook.office.com")):
            raise ValueError(
                "is an Office 365 connector, which Microsoft retired; create a workflow with the trigger "
                '"When a Teams webhook request is received" and use its URL'
            )
        return value

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "fallbackText": _plain(notice.title, TITLE_BYTES),
            "body": _body(notice),
            "actions": [_action(link) for link in links_of(notice, LINKS, LINK_BYTES)],
        }
        content = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card,
        }
        return {"type": "message", "attachments": [content]}


def _body(notice: Notice) -> list[dict[str, Any]]:
    colour = STATES.get(notice.reason, COLOURS[notice.severity])
    title = _run(_plain(notice.title, TITLE_BYTES), weight="Bolder", size="Large", color=colour)
    text = _run(cut_bytes(unlinked(unmentioned(visible(notice.text))), TEXT_BYTES) or " ")
    facts = [
        _line(_run(f"{_plain(label, LABEL_BYTES)}: ", weight="Bolder"), _run(_plain(value, VALUE_BYTES)))
        for label, value in facts_of(notice, FACTS)
    ]
    return [_line(title), _line(text), *facts]


def _line(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": list(runs)}


def _run(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}


def _action(link: Link) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": _plain(link.label, LABEL_BYTES), "url": link.url}


def _plain(text: str, most: int) -> str:
    return cut_bytes(unlinked(unmentioned(one_line(text))), most) or "-"
