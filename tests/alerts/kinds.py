"""Every kind of channel, set up to talk to one web server, and what its target says when all is well."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import TypeAdapter

from alerts.channels import KINDS, Channel, Edge
from alerts.channels.posting import HttpChannel

SECRET = "verysecretpart"
HOOK = f"https://hooks.example.com/services/T0/B0/{SECRET}"
NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)

EVERY = [kind.model_fields["kind"].annotation.__args__[0] for kind in KINDS]
BY_HTTP = [k.model_fields["kind"].annotation.__args__[0] for k in KINDS if issubclass(k, HttpChannel)]

OWN: dict[str, dict[str, Any]] = {
    "slack-bot": {"token": f"xoxb-{SECRET}", "channel": "C0123ABC"},
    "pagerduty": {"routing_key": f"{SECRET}{'0' * 18}"},
    "opsgenie": {"api_key": f"{SECRET}-0123456789"},
    "sns": {"topic": "arn:aws:sns:eu-west-1:111122223333:alerts"},
    "email": {
        "host": "127.0.0.1", "username": "deck", "password": SECRET, "security": "none",
        "sender": "deck@example.com", "to": ["on-call@example.com", "boss@example.com"],
    },
    "webhook": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "alertmanager": {"token": f"{SECRET}-token"},
}  # fmt: skip
API = {"slack-bot": "api_url", "opsgenie": "api_url", "pagerduty": "url"}
"""Where a kind has an address that is no secret."""

WELL: dict[str, bytes] = {
    "slack-bot": b'{"ok": true, "channel": "C0123ABC", "ts": "1763458200.000100"}',
    "discord": b'{"id": "112233445566"}',
    "pagerduty": b'{"status": "success", "message": "Event processed", "dedup_key": "i1"}',
}


PATIENT_S, IMPATIENT_S = 20.0, 0.5
"""How long a channel waits for its target: for one that answers, and for one that never will."""

ENDLESS_DRIPS = 300
"""Of an answer that drips; ten a second."""


def given(kind: str, url: str = HOOK, *, timeout_s: float = PATIENT_S) -> dict[str, Any]:
    """The settings of a channel of `kind` at `url`."""
    own: dict[str, Any] = {"kind": kind, "timeout_s": timeout_s} | OWN.get(kind, {})
    if kind in API:
        return own | {API[kind]: str(httpx.URL(url).copy_with(path="/"))}
    return own | ({"url": url} if kind in BY_HTTP else {})


def takes_duplicates(kind: str) -> bool:
    return next(k for k in KINDS if k.model_fields["kind"].annotation.__args__[0] == kind).takes_duplicates


def secret_of(kind: str) -> str:
    """What nobody may read: a token, a key, or the end of the URL."""
    own = OWN.get(kind, {})
    return next(
        (str(own[name]) for name in ("token", "routing_key", "api_key", "password") if name in own), SECRET
    )


def channel_of(kind: str, url: str = HOOK, *, timeout_s: float = PATIENT_S) -> Any:
    return TypeAdapter(Channel).validate_python(given(kind, url, timeout_s=timeout_s))


def well(kind: str) -> bytes:
    return WELL.get(kind, b"ok")


def edge_of(http: httpx.Client) -> Edge:
    return Edge(http, NOW)


def answering(
    status: int, body: bytes = b"", requests: list[httpx.Request] | None = None, **headers: str
) -> Edge:
    """A web server that gives one answer, and keeps what it was asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, content=body, headers=headers)

    return edge_of(httpx.Client(transport=httpx.MockTransport(answer)))


def posted(kind: str, notice: Any, thread: Any = None) -> list[httpx.Request]:
    """What a channel of `kind` asks its target when it tells `notice`."""
    requests = list[httpx.Request]()
    channel_of(kind).send(notice, answering(200, well(kind), requests), thread)
    return requests


def body_of(request: httpx.Request) -> Any:
    return json.loads(request.content)
