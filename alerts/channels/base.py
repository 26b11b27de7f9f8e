"""What every channel is: settings that send one notice once, and an error that says whether to try again."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

import httpx
from pydantic import ConfigDict, Field, SecretStr

from alerts.notice import Notice, Reason
from core.facts import Target
from core.settings import Section

Ref = Mapping[str, Any]
"""What a channel must remember of its first message on an incident, to answer or edit it. No secret."""


class Aws(Protocol):
    """One account and region, entered, metered. `collectors.aws.Aws` is one."""

    def client(self, service: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Edge:
    """How a notice leaves: the HTTP client, the way to AWS (None: there is none here), and the time."""

    http: httpx.Client
    now: datetime
    aws_for: Callable[[Target], Aws] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target accepted the notice; `answer` is the beginning of what it said. `ref` is what to remember
    (None: nothing), `rest_s` how long it asked to be left alone from now on."""

    status: int
    answer: str
    ref: Ref | None = None
    rest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What a target takes, as its documentation says: so many messages in so many seconds."""

    messages: int
    seconds: float

    @property
    def per_minute(self) -> int:
        return max(1, int(self.messages * 60 / self.seconds))

    @property
    def gap_s(self) -> float:
        return self.seconds / self.messages


class Channel(Section, ABC):
    """A place that takes notices. Its URL, token or password is in no message, log, repr or store."""

    rate: ClassVar[Rate] = Rate(1, 1)
    takes_duplicates: ClassVar[bool] = True
    """Whether a notice sent twice is shown twice: True unless the receiver drops what it has by its id."""
    folds: ClassVar[bool] = True
    """Whether a storm is told in one digest: a receiver that groups by itself gets every incident."""
    also: ClassVar[frozenset[Reason]] = frozenset()
    """What it is told beside firing, resolved and repeat."""
    permissions: ClassVar[tuple[str, ...]] = ()
    again_every: ClassVar[timedelta | None] = None
    """How often it wants to hear that an incident still fires; None: it remembers."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str
    timeout_s: float = Field(10, gt=0, le=60)
    per_minute: int | None = Field(None, ge=1, description="messages; the rest waits, or is told in a digest")

    @property
    def most_per_minute(self) -> int:
        return self.per_minute or self.rate.per_minute

    @abstractmethod
    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        """Send once; `thread` is what an earlier receipt of this incident said to remember.

        Raises DeliveryError unless the target said that it has it.
        """

    def test(self, notice: Notice, edge: Edge) -> Receipt:
        """Send one message that is no incident."""
        return self.send(notice, edge)

    def keep_alive(self, notices: list[Notice], edge: Edge) -> None:
        """Say that these still fire; only asked of a channel with `again_every`. Raises DeliveryError."""

    def fingerprint(self) -> str:
        """Changes with the settings. Too short to tell a secret by, or to confirm a guess."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        plain = {k: v.get_secret_value() if isinstance(v, SecretStr) else str(v) for k, v in said.items()}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:6]

    def without_secrets(self, text: str) -> str:
        """What a target says may hold what we sent it."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> set[str]:
        """Every SecretStr of the settings, and of a URL its path, its query and its values."""
        found = set[str]()
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                found |= _pieces(value.get_secret_value())
        return found


def _pieces(secret: str) -> set[str]:
    if not secret.startswith(("http://", "https://")):
        return {secret} if len(secret) > 1 else set()
    url = httpx.URL(secret)
    parts = {secret, str(url), url.raw_path.decode(), url.path, url.query.decode(), url.userinfo.decode()}
    parts |= {part for part in url.path.split("/") if len(part) >= 12} | {
        value for _, value in url.params.multi_items()
    }
    return {part for part in parts if len(part) > 3}
