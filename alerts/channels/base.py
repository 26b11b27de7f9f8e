"""What every webhook channel does alike: one POST, and an error that says whether to try again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator

from alerts.notice import Notice
from core.errors import DeliveryError
from core.settings import Section

MAX_ANSWER_BYTES = 2048
RETRYABLE = frozenset({408, 425, 429})
"""Beside these, every 5xx may pass by itself; any other answer will be the same next time."""

_WEB: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target accepted the notice; `answer` is the beginning of what it said."""

    status: int
    answer: str


class WebhookChannel(Section, ABC):
    """A place that takes notices by POST. The URL is a password: it is in no message, log, repr or store."""

    takes_duplicates: ClassVar[bool] = True
    """Whether a notice sent twice is shown twice: True unless the receiver drops what it has by its id."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    timeout_s: float = Field(10, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        try:
            _WEB.validate_python(text)
        except ValidationError:  # its text holds the URL
            raise ValueError("must be a http:// or https:// URL") from None
        return SecretStr(text)

    @abstractmethod
    def payload(self, notice: Notice) -> Mapping[str, Any]: ...

    def request(self, notice: Notice) -> tuple[bytes, Mapping[str, str]]:
        """The body and the headers of the one request that tells `notice`."""
        body = httpx.Request("POST", "http://x", json=self.payload(notice)).content
        return body, {"Content-Type": "application/json"}

    def send(self, notice: Notice, http: httpx.Client) -> Receipt:
        """Post once. Raises DeliveryError unless the answer is 2xx; a redirect is a failure, not followed."""
        body, headers = self.request(notice)
        url = self.url.get_secret_value()
        try:
            with http.stream(
                "POST", url, content=body, headers=headers, timeout=self.timeout_s, follow_redirects=False
            ) as answer:
                if answer.is_success:
                    return Receipt(answer.status_code, "")
                status, asked = answer.status_code, retry_after_s(answer.headers)
                said = self._without_secret(_beginning(answer, self.timeout_s))
        except httpx.HTTPError as error:  # `from None`: the chained error may hold the URL
            raise DeliveryError(f"no answer: {type(error).__name__}", retryable=True) from None
        retryable = status in RETRYABLE or status >= 500
        raise DeliveryError(
            f"answered {status}{': ' if said else ''}{said}", retryable=retryable, retry_after_s=asked
        )

    def _without_secret(self, text: str) -> str:
        url = httpx.URL(self.url.get_secret_value())
        for part in (str(url), url.raw_path.decode(), url.path):
            if len(part) > 1:
                text = text.replace(part, "***")
        return text[:200]


def _beginning(answer: httpx.Response, patience_s: float) -> str:
    """The first bytes of the answer as one line; a target may send any amount of anything, for any time."""
    read, until = b"", time.monotonic() + patience_s
    if answer.is_stream_consumed:
        read = answer.content
    with suppress(httpx.HTTPError):  # the status is known, and that decides
        for chunk in () if answer.is_stream_consumed else answer.iter_raw():
            read += chunk
            if len(read) >= MAX_ANSWER_BYTES or time.monotonic() > until:
                break
    text = read[:MAX_ANSWER_BYTES].decode("utf-8", "replace")
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
