"""Any receiver of JSON: the notice as it is, signed as Standard Webhooks says when there is a secret.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import SecretStr, field_validator

from alerts.channels.base import Rate
from alerts.channels.posting import WebhookChannel, as_json
from alerts.channels.text import cut_bytes, facts_of, links_of
from alerts.notice import Notice, Reason

MAX_BODY_BYTES = 20_000
"""What the specification recommends as the largest payload."""

TEXT_BYTES, NAME_BYTES, FACTS, LABELS, LINKS, LABEL_BYTES, VALUE_BYTES, LINK_BYTES = (
    3000, 400, 12, 10, 6, 80, 300, 600,
)  # fmt: skip
"""Of a notice whose whole would be larger."""


class Webhook(WebhookChannel):
    """`webhook-id` stays the same when a notice is sent again, so the receiver can drop the second one."""

    rate: ClassVar[Rate] = Rate(10, 1)
    takes_duplicates: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    also: ClassVar[frozenset[Reason]] = frozenset({"acknowledged"})

    kind: Literal["webhook"]
    secret: SecretStr | None = None

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            usable = value is None or len(_key(value)) >= 24
        except binascii.Error:
            usable = False
        if not usable:
            raise ValueError("must be whsec_ and the base64 of at least 24 bytes")
        return value

    def payload(self, notice: Notice) -> dict[str, Any]:
        about = {"test": "channel", "trouble": "channel"}.get(notice.reason, "incident")
        whole = {"type": f"{about}.{notice.reason}", "data": notice.model_dump(mode="json")}
        if len(as_json(whole)) <= MAX_BODY_BYTES:
            return whole
        return whole | {"data": _shortened(notice).model_dump(mode="json")}

    def request(self, notice: Notice) -> tuple[bytes, Mapping[str, str]]:
        body, headers = super().request(notice)
        sent_at = str(int(time.time()))
        named = {**headers, "webhook-id": notice.id, "webhook-timestamp": sent_at}
        if self.secret is not None:
            named["webhook-signature"] = sign(self.secret, notice.id, sent_at, body)
        return body, named


def _shortened(notice: Notice) -> Notice:
    """The notice with its texts cut, and only the first of its facts, links and labels."""
    names = ("title", "rule", "subject", "account_alias")
    kept = {name: cut_bytes(text, NAME_BYTES) for name in names if (text := getattr(notice, name))}
    facts = [
        (cut_bytes(label, LABEL_BYTES), cut_bytes(value, VALUE_BYTES))
        for label, value in facts_of(notice, FACTS)
    ]
    links = [
        link.model_copy(update={"label": cut_bytes(link.label, LABEL_BYTES)})
        for link in links_of(notice, LINKS, LINK_BYTES)
    ]
    labels = {
        cut_bytes(name, LABEL_BYTES): cut_bytes(value, VALUE_BYTES)
        for name, value in islice(notice.labels.items(), LABELS)
    }
    parts = {"text": cut_bytes(notice.text, TEXT_BYTES), "facts": tuple(facts), "links": tuple(links)}
    return notice.model_copy(update={**kept, **parts, "labels": labels})


def sign(secret: SecretStr, id: str, sent_at: str, body: bytes) -> str:
    mac = hmac.new(_key(secret), f"{id}.{sent_at}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _key(secret: SecretStr) -> bytes:
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
