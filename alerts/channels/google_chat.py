"""Google Chat's webhooks: a card, in one thread per incident.

Source: https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create (threads,
`requestId`, 32,000 bytes) and https://developers.google.com/workspace/chat/limits (1 message a second)
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import WebhookChannel, as_json, with_query
from alerts.channels.text import cut_bytes, facts_of, links_of, one_line, unlinked, unmentioned, visible
from alerts.notice import Notice

MAX_MESSAGE_BYTES, MAX_TEXT = 32_000, 4096
TITLE_BYTES, TEXT_BYTES, LABEL_BYTES, VALUE_BYTES, FACTS, LINKS, LINK_BYTES = 500, 6000, 100, 700, 16, 6, 1000
SIGNS = {"critical": "🔴", "warning": "🟡", "info": "🔵"}
STATES = {"resolved": "🟢", "acknowledged": "👀", "test": "🔧", "approval": "✋"}


class GoogleChat(WebhookChannel):
    """The rate is the space's: webhooks of one space share it. A repeated `requestId` posts nothing new."""

    rate: ClassVar[Rate] = Rate(1, 1)
    takes_duplicates: ClassVar[bool] = False

    kind: Literal["google-chat"]

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        sign = STATES.get(notice.reason, SIGNS[notice.severity])
        title = cut_bytes(_harmless(one_line(notice.title)), TITLE_BYTES)
        return {
            "text": f"{sign} {title}",
            "cardsV2": [{"cardId": "notice", "card": {"sections": [{"widgets": _widgets(notice)}]}}],
            "thread": {"threadKey": notice.incident},
        }

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        url = with_query(
            self.url.get_secret_value(),
            messageReplyOption="REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
            requestId=notice.id,
        )
        self.call("POST", url, as_json(self.payload(notice)), edge)
        return Receipt(200, "")  # its answer repeats our message


def _widgets(notice: Notice) -> list[dict[str, Any]]:
    text = html.escape(cut_bytes(_harmless(visible(notice.text)), TEXT_BYTES))
    widgets: list[dict[str, Any]] = [{"textParagraph": {"text": text or "-"}}]
    for label, value in facts_of(notice, FACTS):
        top = cut_bytes(_harmless(one_line(label)), LABEL_BYTES)
        said = cut_bytes(_harmless(one_line(value)), VALUE_BYTES)
        widgets.append({"decoratedText": {"topLabel": top, "text": html.escape(said), "wrapText": True}})
    buttons = [
        {"text": cut_bytes(one_line(link.label), LABEL_BYTES), "onClick": {"openLink": {"url": link.url}}}
        for link in links_of(notice, LINKS, LINK_BYTES)
    ]
    return [*widgets, {"buttonList": {"buttons": buttons}}] if buttons else widgets


def _harmless(text: str) -> str:
    """`<users/all>` and `<url|text>` are read in text: no angle bracket is left, nor what becomes one."""
    return (
        unlinked(unmentioned(text)).replace("<", "‹").replace(">", "›").replace("&", "＆").replace('"', "”")
    )
