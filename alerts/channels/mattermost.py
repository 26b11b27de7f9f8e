"""Mattermost's incoming webhooks: one Markdown text.

Source: https://developers.mattermost.com/integrate/webhooks/incoming/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from alerts.channels.base import Rate
from alerts.channels.posting import WebhookChannel
from alerts.channels.text import cut_escaped, facts_of, length, links_of, markdown_escaped, one_line
from alerts.notice import Notice

MAX_TEXT = 4000
"""What older servers take; newer ones take 16,383."""

SIGNS = {"critical": ":red_circle:", "warning": ":large_yellow_circle:", "info": ":large_blue_circle:"}
STATES = {
    "resolved": ":large_green_circle:",
    "acknowledged": ":eyes:",
    "test": ":wrench:",
    "approval": ":raised_hand:",
}


class Mattermost(WebhookChannel):
    """A webhook's answer names no message, so none can be edited or answered; nor is one recognised."""

    rate: ClassVar[Rate] = Rate(1, 1)

    kind: Literal["mattermost"]

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        return {"text": _text(notice)}


def _text(notice: Notice) -> str:
    sign = STATES.get(notice.reason, SIGNS[notice.severity])
    lines = [f"#### {sign} {_said(notice.title, 300)}", _said(notice.text, 1600, lines=True)]
    links = " · ".join(
        f"[{_said(link.label, 40)}]({link.url.replace(')', '%29').replace(' ', '%20')})"
        for link in links_of(notice, 4, 200)
    )
    room = MAX_TEXT - length("\n".join(lines)) - length(links) - 10
    for label, value in facts_of(notice, 20):
        line = f"- **{_said(label, 60)}:** {_said(value, 300)}"
        room -= length(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join([*lines, "", links]).strip()


def _said(text: str, most: int, *, lines: bool = False) -> str:
    return cut_escaped(markdown_escaped(text if lines else one_line(text)), most) or "-"
