"""Discord's webhooks: one embed per incident that is edited to how it stands, and a message for what is new.

Source: https://discord.com/developers/docs/resources/webhook and
https://discord.com/developers/docs/resources/message#embed-object-embed-limits
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Literal

import httpx

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import JSON, Answer, WebhookChannel, as_json, with_query
from alerts.channels.text import cut_escaped, facts_of, iso, length, links_of, markdown_escaped
from alerts.notice import Notice, Reason
from core.errors import DeliveryError

MAX_TITLE, MAX_DESCRIPTION, MAX_FIELDS, MAX_NAME, MAX_VALUE, MAX_EMBED = 256, 4096, 25, 256, 1024, 6000
MAX_LINK = 500
COLOURS = {"critical": 0xD92D20, "warning": 0xF79009, "info": 0x2E90FA}
STATES = {"resolved": 0x12B76A, "acknowledged": 0x2E90FA, "test": 0x98A2B3}
SHORT = 1000
"""How much of a text is said where facts have to fit too."""


class Discord(WebhookChannel):
    """Discord's `X-RateLimit` headers are obeyed. It recognises no message that it has."""

    rate: ClassVar[Rate] = Rate(30, 60)
    also: ClassVar[frozenset[Reason]] = frozenset({"acknowledged"})

    kind: Literal["discord"]

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        return {"embeds": [_embed(notice)], "allowed_mentions": {"parse": []}}

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        if thread is not None and notice.reason != "approval":  # that one leaves what stands as it is
            try:  # first what may be repeated without harm
                edited = self._edit(notice, str(thread["id"]), edge)
                if notice.reason == "acknowledged":
                    return edited
            except DeliveryError as error:  # a 404 is about the message: somebody deleted it
                if error.retryable or error.target == "refuses":
                    raise
                if notice.reason == "acknowledged":
                    raise DeliveryError(f"could not edit: {error}", retryable=False) from None
            short = notice.model_copy(update={"facts": (), "text": notice.text[:SHORT]})
            return self._post(short, edge)
        return self._post(notice, edge)

    def _post(self, notice: Notice, edge: Edge) -> Receipt:
        url = with_query(self.url.get_secret_value(), wait="true")
        answer = self.call("POST", url, as_json(self.payload(notice)), edge, headers=JSON)
        id = answer.json().get("id")
        ref = {"id": id} if isinstance(id, str) and id.isdecimal() else None
        return self.receipt(answer, ref=ref, rest_s=_rest_s(answer))

    def _edit(self, notice: Notice, id: str, edge: Edge) -> Receipt:
        url = httpx.URL(self.url.get_secret_value())
        place = str(url.copy_with(path=f"{url.path.rstrip('/')}/messages/{id}"))
        answer = self.call("PATCH", place, as_json(self.payload(notice)), edge)
        return self.receipt(answer, rest_s=_rest_s(answer))

    def receipt(self, answer: Answer, *, ref: Ref | None = None, rest_s: float | None = None) -> Receipt:
        return Receipt(answer.status, "", ref, rest_s)  # its answer repeats our message


def _rest_s(answer: Answer) -> float | None:
    """How long nothing more is taken, when the bucket is empty."""
    if answer.headers.get("x-ratelimit-remaining") != "0":
        return None
    with suppress(ValueError):
        return max(0.0, float(answer.headers.get("x-ratelimit-reset-after", "")))
    return None


def _embed(notice: Notice) -> dict[str, Any]:
    title, text = _said(notice.title, MAX_TITLE), _said(notice.text, MAX_DESCRIPTION // 2)
    links = links_of(notice, 6, MAX_LINK)
    told = "\n".join([text, *(f"[{_said(link.label, 60)}](<{_closed(link.url)}>)" for link in links[1:])])
    embed: dict[str, Any] = {
        "title": title,
        "description": told[:MAX_DESCRIPTION],
        "color": STATES.get(notice.reason, COLOURS[notice.severity]),
        "timestamp": iso(notice.resolved_at or notice.opened_at),
        "fields": _fields(notice, MAX_EMBED - 200 - length(title) - length(told)),
    }
    if links:
        embed["url"] = links[0].url
    return embed


def _fields(notice: Notice, room: int) -> list[dict[str, Any]]:
    fields = list[dict[str, Any]]()
    for label, value in facts_of(notice, MAX_FIELDS):
        field = {"name": _said(label, 100), "value": _said(value, 500), "inline": length(value) < 40}
        room -= length(str(field["name"])) + length(str(field["value"]))
        if room < 0:
            break
        fields.append(field)
    return fields


def _said(text: str, most: int) -> str:
    return cut_escaped(markdown_escaped(text).strip(), most) or "-"


def _closed(url: str) -> str:
    """Without what would end a Markdown link early."""
    return url.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E").replace(")", "%29")
