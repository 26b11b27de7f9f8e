"""Slack's incoming webhooks, and whatever takes their format.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from alerts.channels.base import Rate
from alerts.channels.posting import WebhookChannel
from alerts.channels.text import cut, cut_escaped, facts_of, links_of, one_line, unmentioned, visible
from alerts.notice import Link, Notice

MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_FIELDS = 150, 3000, 2000, 10
MAX_FALLBACK, MAX_BUTTON, MAX_BUTTON_URL, MAX_BUTTONS = 4000, 75, 3000, 8
SIGNS = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
STATES = {
    "resolved": ":large_green_circle:",
    "acknowledged": ":eyes:",
    "test": ":wrench:",
    "approval": ":raised_hand:",
}


class Slack(WebhookChannel):
    """One message per notice. A Slack webhook cannot recognise a message that it already has: a notice whose
    answer was lost on the way is posted again."""

    rate: ClassVar[Rate] = Rate(1, 1)

    kind: Literal["slack"]

    def payload(self, notice: Notice) -> dict[str, Any]:
        return message(notice)


def message(notice: Notice) -> dict[str, Any]:
    return {"text": brief(notice)["text"], "blocks": _blocks(notice), "parse": "none", "unfurl_links": False}


def brief(notice: Notice) -> dict[str, Any]:
    """The notice in a line or two, for those who have the whole above."""
    said = cut_escaped(f"{_sign(notice)} {escape(notice.title)}: {escape(notice.text)}", MAX_FALLBACK, "&")
    return {"text": said, "parse": "none", "unfurl_links": False}


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    title = {"type": "plain_text", "text": cut(one_line(notice.title) or "?", MAX_HEADER)}
    text = _text(f"{_sign(notice)} {escape(notice.text)}", MAX_SECTION)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": title}, {"type": "section", "text": text}]
    fields = [
        _text(f"*{escape(label)}*\n{escape(value)}", MAX_FIELD)
        for label, value in facts_of(notice, 2 * MAX_FIELDS)
    ]
    for at in range(0, len(fields), MAX_FIELDS):
        blocks.append({"type": "section", "fields": fields[at : at + MAX_FIELDS]})
    links = links_of(notice, MAX_BUTTONS, MAX_BUTTON_URL)
    if buttons := [_button(at, link) for at, link in enumerate(links)]:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _text(escaped: str, most: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "verbatim": True, "text": cut_escaped(escaped, most, "&")}


def _button(at: int, link: Link) -> dict[str, Any]:
    text = {"type": "plain_text", "text": cut(one_line(link.label) or "Open", MAX_BUTTON)}
    return {"type": "button", "action_id": f"link-{at}", "text": text, "url": link.url}


def _sign(notice: Notice) -> str:
    return STATES.get(notice.reason, SIGNS[notice.severity])


def escape(text: str) -> str:
    """Text in which nobody can write a link or a mention.

    `<!channel>` dies with its `<`; `verbatim` and `parse: none` leave a bare `@channel` alone, and a zero
    width space does where a receiver of Slack's format ignores them.
    """
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return unmentioned(text)
