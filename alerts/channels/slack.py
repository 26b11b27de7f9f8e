"""Slack's incoming webhooks, and whatever takes their format.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from typing import Any, Literal

from alerts.channels.base import WebhookChannel
from alerts.notice import Link, Notice

MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_FIELDS = 150, 3000, 2000, 10
MAX_FALLBACK, MAX_BUTTON, MAX_BUTTON_URL, MAX_BUTTONS = 4000, 75, 3000, 5
SIGNS = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
RESOLVED = ":large_green_circle:"


class Slack(WebhookChannel):
    """One message per notice. A Slack webhook cannot recognise a message that it already has: a notice whose
    answer was lost on the way is posted again."""

    kind: Literal["slack"]

    def payload(self, notice: Notice) -> dict[str, Any]:
        return {"text": _fallback(notice), "blocks": _blocks(notice), "parse": "none", "unfurl_links": False}


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    title = {"type": "plain_text", "text": cut(visible(notice.title), MAX_HEADER)}
    text = _text(f"{_sign(notice)} {escape(notice.text)}", MAX_SECTION)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": title}, {"type": "section", "text": text}]
    fields = [
        _text(f"*{escape(label)}*\n{escape(value)}", MAX_FIELD) for label, value in notice.facts if value
    ]
    for at in range(0, min(len(fields), 2 * MAX_FIELDS), MAX_FIELDS):
        blocks.append({"type": "section", "fields": fields[at : at + MAX_FIELDS]})
    if buttons := [_button(at, link) for at, link in enumerate(_usable(notice.links))]:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _text(escaped: str, length: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "verbatim": True, "text": cut_escaped(escaped, length)}


def _button(at: int, link: Link) -> dict[str, Any]:
    text = {"type": "plain_text", "text": cut(link.label, MAX_BUTTON)}
    return {"type": "button", "action_id": f"link-{at}", "text": text, "url": link.url}


def _usable(links: tuple[Link, ...]) -> list[Link]:
    web = [link for link in links if link.url.startswith(("http://", "https://"))]
    return [link for link in web if len(link.url) <= MAX_BUTTON_URL][:MAX_BUTTONS]


def _fallback(notice: Notice) -> str:
    return cut_escaped(f"{_sign(notice)} {escape(notice.title)}: {escape(notice.text)}", MAX_FALLBACK)


def _sign(notice: Notice) -> str:
    return RESOLVED if notice.reason == "resolved" else SIGNS[notice.severity]


def escape(text: str) -> str:
    """Text in which nobody can write a link or a mention.

    `<!channel>` dies with its `<`; `verbatim` and `parse: none` leave a bare `@channel` alone, and a zero
    width space does where a receiver of Slack's format ignores them.
    """
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"@(?=channel|here|everyone)", "@\u200b", text, flags=re.IGNORECASE)


def visible(text: str) -> str:
    """Without what turns the direction of text or drives a terminal: it shows as �."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def cut_escaped(text: str, length: int) -> str:
    """Cut without leaving half an entity such as `&am` at the end."""
    if len(text) <= length:
        return text
    short = text[: length - 1]
    at = short.rfind("&", max(0, len(short) - 5))
    return (short[:at] if at >= 0 and ";" not in short[at:] else short) + "…"
