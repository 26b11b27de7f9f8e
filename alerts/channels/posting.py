"""One HTTP request to a target that may answer anything, at any length, for any time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator

from alerts.channels.base import Channel, Edge, Receipt, Ref
from alerts.notice import Notice
from core.errors import DeliveryError

MAX_ANSWER_BYTES = 16_384
RETRYABLE = frozenset({408, 425, 429})
"""Beside these, every 5xx may pass by itself; any other answer will be the same next time."""

GONE, REFUSED = frozenset({404, 410}), frozenset({401, 403})
"""Answers that speak of the target, not of the message."""

JSON = {"Content-Type": "application/json"}
_WEB: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


def web_address(value: SecretStr) -> SecretStr:
    """`value` if it is a URL; the error does not repeat it."""
    text = value.get_secret_value().strip()
    try:
        _WEB.validate_python(text)
    except ValidationError:  # its text holds the URL
        raise ValueError("must be a http:// or https:// URL") from None
    return SecretStr(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its status, headers, and the beginning of its body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Mapping[str, Any]:
        """The body as an object; empty when it is none, or was cut."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class HttpChannel(Channel):
    """A channel that is reached by HTTP."""

    def call(
        self,
        method: str,
        url: str,
        body: bytes,
        edge: Edge,
        *,
        headers: Mapping[str, str] = JSON,
    ) -> Answer:
        """Ask once. Raises DeliveryError unless the answer is 2xx; a redirect is a failure, not followed."""
        try:
            with edge.http.stream(
                method,
                url,
                content=body,
                headers=dict(headers),
                timeout=self.timeout_s,
                follow_redirects=False,
            ) as answer:
                said, status = beginning(answer, self.timeout_s), answer.status_code
                asked, won = retry_after_s(answer.headers, now=edge.now), answer.is_success
                kept = dict(answer.headers)
        except httpx.HTTPError as error:  # `from None`: the chained error may hold the URL
            raise DeliveryError(f"no answer: {type(error).__name__}", retryable=True) from None
        if won:
            return Answer(status, kept, said)
        line = self.without_secrets(one_line_of(said))[:200]
        raise DeliveryError(
            f"answered {status}{': ' if line else ''}{line}",
            retryable=status in RETRYABLE or status >= 500,
            retry_after_s=asked,
            target="gone" if status in GONE else "refuses" if status in REFUSED else None,
        )

    def receipt(self, answer: Answer, *, ref: Ref | None = None, rest_s: float | None = None) -> Receipt:
        line = self.without_secrets(one_line_of(answer.text))[:200]
        return Receipt(answer.status, line, ref, rest_s)


class WebhookChannel(HttpChannel):
    """A place that takes notices by one POST to a URL that is a password."""

    url: SecretStr

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        return web_address(value)

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        """The body of the request that tells `notice`."""
        raise NotImplementedError

    def request(self, notice: Notice) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of the one request that tells `notice`."""
        return as_json(self.payload(notice)), JSON

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        body, headers = self.request(notice)
        return self.receipt(self.call("POST", self.url.get_secret_value(), body, edge, headers=headers))


def as_json(payload: Any) -> bytes:
    """In UTF-8; half a character (a lone surrogate), which that cannot say, is a question mark."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def with_query(url: str, **more: str) -> str:
    return str(httpx.URL(url).copy_merge_params(more))


def beginning(answer: httpx.Response, patience_s: float) -> str:
    """The first bytes of the answer; a target may send any amount of anything, for any time."""
    read, until = b"", time.monotonic() + patience_s
    if answer.is_stream_consumed:
        read = answer.content
    with suppress(httpx.HTTPError):  # the status is known, and that decides
        for chunk in () if answer.is_stream_consumed else answer.iter_raw():
            read += chunk
            if len(read) >= MAX_ANSWER_BYTES or time.monotonic() > until:
                break
    return read[:MAX_ANSWER_BYTES].decode("utf-8", "replace")


def one_line_of(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """`Retry-After` in seconds, from a number or a date; None when absent or not understood."""
    text = headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
